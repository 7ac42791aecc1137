//! What a configuration says about the elements and pulses of one program, resolved: names became
//! indices, numbers became what the hardware holds (F6).

use std::collections::{BTreeMap, HashMap};

use pulsewire_wire::qua_config::qua_config as c;
use pulsewire_wire::qua_config::qua_config::element_dec::{ElementInputsOneOf, OscillatorOneOf};
use pulsewire_wire::qua_config::qua_config::fem_types::FemTypeOneOf;

use super::shapes::{Overrides, Pulse, Wrong, pulse};
use crate::machine::correction::{Matrix, entry_of};

/// Everything that a program touches.
#[derive(Debug, Default)]
pub struct Rig {
    /// Elements, by the index that statements carry.
    pub elements: Vec<Element>,
    /// Pulses, by the index that statements carry.
    pub pulses: Vec<Pulse>,
    /// Oscillators, by the index that elements carry; a shared one stands here once.
    pub oscillators: Vec<Oscillator>,
    /// Analog outputs of all controllers, in order.
    pub outputs: Vec<Output>,
    /// Digital outputs of all controllers, in order.
    pub digital: Vec<DigitalOutput>,
    /// Analog inputs of all controllers, in order.
    pub inputs: Vec<AnalogInput>,
    /// Named oscillators that were met.
    pub(super) shared: HashMap<String, usize>,
}

/// Flags of the compiler: what is not delayed for the sake of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alignment {
    /// `disable-filtered-ports-alignment`
    pub filtered_alone: bool,
    /// `disable-crosstalk-matrix-ports-alignment`
    pub crosstalk_alone: bool,
}

/// A port of a controller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    pub controller: String,
    pub number: u32,
}

/// An analog output.
#[derive(Clone, Debug)]
pub struct Output {
    pub port: Port,
    /// Volts.
    pub offset: f64,
    /// Nanoseconds.
    pub delay: u32,
    pub feedforward: Vec<f64>,
    pub feedback: Vec<f64>,
    /// Which outputs of the same controller leak into this one, and how much.
    pub crosstalk: Vec<(usize, f64)>,
}

/// Nanoseconds that crosstalk takes.
const CROSSTALK_DELAY: u32 = 32;
/// Nanoseconds that a simulation looks behind its end for markers that begin before it.
const WIDEST: u32 = 100_000;
/// Nanoseconds by which a port can be delayed.
const MOST_DELAY: u32 = 16_000;

impl Output {
    /// docs/1.1.7/Guides/output_filter.
    fn filter_delay(&self) -> u32 {
        match (self.feedforward.len(), self.feedback.len()) {
            (0, 0) => 0,
            (_, 0) => 44,
            (_, 1) => 48,
            (_, 2) => 60,
            _ => 72,
        }
    }

    /// docs/1.1.7/Guides/features: up to 16 µs.
    ///
    /// # Errors
    /// More than that.
    fn check_delay(&self) -> Result<(), Wrong> {
        let Port { controller, number } = &self.port;
        match self.delay {
            0..=MOST_DELAY => Ok(()),
            delay => Err(format!(
                "the delay of the output {number} of '{controller}' is {delay} ns; it is at most {MOST_DELAY}"
            )),
        }
    }

    /// Taps that the hardware has.
    ///
    /// # Errors
    /// Too many of them, or beyond their range.
    fn check_filter(&self) -> Result<(), Wrong> {
        let Port { controller, number } = &self.port;
        let place = format!("the filter of the output {number} of '{controller}'");
        let most = match self.feedback.len() {
            0 => 44,
            1 => 37,
            2 => 30,
            3 => 23,
            more => return Err(format!("{place} has {more} feedback taps; there are 3")),
        };
        if self.feedforward.len() > most {
            return Err(format!(
                "{place} has {} feedforward taps; beside {} of feedback there are {most}",
                self.feedforward.len(),
                self.feedback.len()
            ));
        }
        let outside = |taps: &[f64], limit: f64| {
            taps.iter().copied().find(|tap| tap.is_nan() || tap.abs() >= limit)
        };
        if let Some(tap) = outside(&self.feedforward, 2.0) {
            return Err(format!("{place} has the feedforward tap {tap}, outside (-2, 2)"));
        }
        if let Some(tap) = outside(&self.feedback, 1.0) {
            return Err(format!("{place} has the feedback tap {tap}, outside (-1, 1)"));
        }
        Ok(())
    }
}

/// A digital output.
#[derive(Clone, Debug)]
pub struct DigitalOutput {
    pub port: Port,
    pub inverted: bool,
}

/// An analog input.
#[derive(Clone, Debug)]
pub struct AnalogInput {
    pub port: Port,
    /// Volts.
    pub offset: f64,
    pub gain_db: i32,
}

/// Where an element's waveforms go, by index of [`Rig::outputs`].
#[derive(Clone, Debug, PartialEq)]
pub enum Inputs {
    None,
    Single(usize),
    Mixed {
        i: usize,
        q: usize,
    },
    /// One of them at a time, chosen by `play(…, target=…)`.
    Collection(BTreeMap<String, usize>),
    /// All of them at once.
    Multiple(BTreeMap<String, usize>),
}

/// What makes the phase.
#[derive(Clone, Debug)]
pub struct Oscillator {
    /// Hz; the intermediate frequency.
    pub frequency: f64,
    /// The correction of the mixer that belongs to it.
    pub correction: Matrix,
}

/// A digital input of an element, by index of [`Rig::digital`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    pub name: String,
    pub output: usize,
    /// Nanoseconds.
    pub delay: u32,
    /// Nanoseconds.
    pub buffer: u32,
}

/// Keeping the last value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sticky {
    pub analog: bool,
    pub digital: bool,
    /// Of the ramp to zero, in clock cycles.
    pub duration: u32,
}

/// When a time tag is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tagging {
    /// ADC counts.
    pub signal: i32,
    pub signal_above: bool,
    /// ADC counts a nanosecond.
    pub derivative: i32,
    pub derivative_above: bool,
}

/// An element of the program.
#[derive(Clone, Debug)]
pub struct Element {
    pub name: String,
    pub inputs: Inputs,
    /// The index among the oscillators; `None` plays unmodulated.
    pub oscillator: Option<usize>,
    /// Outputs by name, as index of [`Rig::inputs`].
    pub outputs: BTreeMap<String, usize>,
    pub markers: Vec<Marker>,
    /// Nanoseconds.
    pub time_of_flight: u32,
    /// Nanoseconds.
    pub smearing: u32,
    pub sticky: Option<Sticky>,
    pub tagging: Tagging,
}

/// What a program names of a configuration: the recipe of a [`Rig`].
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Elements in the order in which the program names them.
    pub elements: Vec<String>,
    /// Elements (by index) and operations.
    pub pulses: Vec<(u32, String)>,
}

/// All controllers, by name, in order.
pub fn controllers(config: &c::QuaConfigV1) -> Vec<(&str, &c::ControllerDec)> {
    let mut found: BTreeMap<&str, &c::ControllerDec> = BTreeMap::new();
    for (name, device) in &config.control_devices {
        for fem in device.fems.values() {
            if let Some(FemTypeOneOf::Opx(controller)) = fem.fem_type_one_of.as_ref() {
                found.insert(name, controller);
            }
        }
    }
    found.extend(config.controllers.iter().map(|(name, controller)| (name.as_str(), controller)));
    found.into_iter().collect()
}

impl Rig {
    /// Resolves the parts that a program names.
    ///
    /// # Errors
    /// What the configuration lacks or cannot mean.
    pub fn build(
        config: &c::QuaConfigV1,
        parts: &Parts,
        overrides: &Overrides,
    ) -> Result<Self, Wrong> {
        let mut rig = Self::of_ports(config)?;
        for name in &parts.elements {
            rig.add_element(config, name)?;
        }
        for (element, operation) in &parts.pulses {
            let element = &parts.elements[*element as usize];
            rig.pulses.push(pulse(config, element, operation, overrides)?);
        }
        Ok(rig)
    }

    /// All ports, and no elements yet.
    ///
    /// # Errors
    /// A port that cannot be.
    pub fn of_ports(config: &c::QuaConfigV1) -> Result<Self, Wrong> {
        let mut rig = Self::default();
        rig.add_ports(config)?;
        Ok(rig)
    }

    /// Adds an element.
    ///
    /// # Errors
    /// What the configuration lacks or cannot mean.
    pub fn add_element(&mut self, config: &c::QuaConfigV1, name: &str) -> Result<(), Wrong> {
        let element = self.element(config, name)?;
        self.elements.push(element);
        Ok(())
    }

    /// Nanoseconds by which a marker begins before its pulse at most; what is longer is cut off.
    pub fn widest(&self) -> u64 {
        let markers = self.elements.iter().flat_map(|element| &element.markers);
        u64::from(markers.map(|marker| marker.buffer).max().unwrap_or(0).min(WIDEST))
    }

    /// Nanoseconds by which filters and crosstalk delay each output (F5.3).
    ///
    /// docs/1.1.7/Guides/output_filter and features: all ports are delayed alike, by the largest;
    /// flags of the compiler delay those alone that need it.
    pub fn delays(&self, flags: Alignment) -> Vec<u32> {
        let filters = self.outputs.iter().map(Output::filter_delay).collect::<Vec<_>>();
        let largest = filters.iter().copied().max().unwrap_or(0);
        let mixes = self.outputs.iter().any(|output| !output.crosstalk.is_empty());
        let sources: std::collections::HashSet<usize> =
            self.outputs.iter().flat_map(|o| o.crosstalk.iter().map(|(from, _)| *from)).collect();
        let one = |(index, output): (usize, &Output)| {
            let filter = if flags.filtered_alone { filters[index] } else { largest };
            let takes_part = !output.crosstalk.is_empty() || sources.contains(&index);
            let crosstalk =
                if mixes && (takes_part || !flags.crosstalk_alone) { CROSSTALK_DELAY } else { 0 };
            filter.saturating_add(crosstalk)
        };
        self.outputs.iter().enumerate().map(one).collect()
    }

    /// Nanoseconds by which digital outputs and acquisitions are moved along with the analog ones.
    ///
    /// docs/1.1.7/Guides/features: the flags that leave some outputs where they are leave these too.
    pub fn moved(&self, flags: Alignment) -> u32 {
        let filters = self.outputs.iter().map(Output::filter_delay).max().unwrap_or(0);
        let mixes = self.outputs.iter().any(|output| !output.crosstalk.is_empty());
        let filter = if flags.filtered_alone { 0 } else { filters };
        filter + if mixes && !flags.crosstalk_alone { CROSSTALK_DELAY } else { 0 }
    }

    fn add_ports(&mut self, config: &c::QuaConfigV1) -> Result<(), Wrong> {
        for (name, controller) in controllers(config) {
            let first = self.outputs.len();
            let port = |number: &u32| Port { controller: name.to_owned(), number: *number };
            let outputs: BTreeMap<_, _> = controller.analog_outputs.iter().collect();
            let numbers: Vec<u32> = outputs.keys().map(|number| **number).collect();
            for (number, output) in outputs {
                let filter = output.filter.clone().unwrap_or_default();
                let newer = filter.feedforward_v2.map(|taps| taps.value);
                self.outputs.push(Output {
                    port: port(number),
                    offset: held_offset(output.offset.unwrap_or(0.0)),
                    delay: output.delay.unwrap_or(0),
                    feedforward: newer.filter(|t| !t.is_empty()).unwrap_or(filter.feedforward),
                    feedback: filter.feedback,
                    crosstalk: Vec::new(),
                });
            }
            // An output lists what leaks into it (docs/1.1.7/Guides/features).
            for (to, number) in numbers.iter().enumerate() {
                let listed: BTreeMap<_, _> =
                    controller.analog_outputs[number].crosstalk.iter().collect();
                for (from, weight) in listed {
                    let Some(from) = numbers.iter().position(|number| number == from) else {
                        return Err(format!(
                            "the output {number} of '{name}' has crosstalk from {from}, which is not configured"
                        ));
                    };
                    self.outputs[first + to].crosstalk.push((first + from, *weight));
                }
            }
            self.outputs[first..].iter().try_for_each(Output::check_delay)?;
            self.outputs[first..].iter().try_for_each(Output::check_filter)?;
            let digital: BTreeMap<_, _> = controller.digital_outputs.iter().collect();
            self.digital.extend(digital.into_iter().map(|(number, output)| DigitalOutput {
                port: port(number),
                inverted: output.inverted.unwrap_or(false),
            }));
            let inputs: BTreeMap<_, _> = controller.analog_inputs.iter().collect();
            self.inputs.extend(inputs.into_iter().map(|(number, input)| AnalogInput {
                port: port(number),
                offset: input.offset.unwrap_or(0.0),
                gain_db: input.gain_db.unwrap_or(0),
            }));
        }
        Ok(())
    }

    /// The analog output that a reference means.
    fn output(
        &self,
        element: &str,
        reference: Option<&c::DacPortReference>,
    ) -> Result<usize, Wrong> {
        let reference = reference
            .ok_or_else(|| format!("the element '{element}' has an input without a port"))?;
        let found = self.outputs.iter().position(|output| {
            output.port.controller == reference.controller && output.port.number == reference.number
        });
        found.ok_or_else(|| {
            format!(
                "the element '{element}' plays to the analog output {} of '{}', which the configuration does not have",
                reference.number, reference.controller
            )
        })
    }

    fn element(&mut self, config: &c::QuaConfigV1, name: &str) -> Result<Element, Wrong> {
        let element = config
            .elements
            .get(name)
            .ok_or_else(|| format!("the configuration has no element '{name}'"))?;
        let many = |inputs: &HashMap<String, c::DacPortReference>| {
            inputs
                .iter()
                .map(|(input, port)| Ok((input.clone(), self.output(name, Some(port))?)))
                .collect::<Result<BTreeMap<_, _>, Wrong>>()
        };
        let inputs = match element.element_inputs_one_of.as_ref() {
            None => Inputs::None,
            Some(ElementInputsOneOf::SingleInput(single)) => {
                Inputs::Single(self.output(name, single.port.as_ref())?)
            }
            Some(ElementInputsOneOf::MixInputs(mix)) => Inputs::Mixed {
                i: self.output(name, mix.i.as_ref())?,
                q: self.output(name, mix.q.as_ref())?,
            },
            Some(ElementInputsOneOf::SingleInputCollection(all)) => {
                Inputs::Collection(many(&all.inputs)?)
            }
            Some(ElementInputsOneOf::MultipleInputs(all)) => Inputs::Multiple(many(&all.inputs)?),
            Some(ElementInputsOneOf::MicrowaveInput(_)) => {
                return Err(format!(
                    "the element '{name}' has a microwave input, which belongs to the OPX1000"
                ));
            }
        };
        if matches!(
            element.element_outputs_one_of,
            Some(c::element_dec::ElementOutputsOneOf::MicrowaveOutput(_))
        ) {
            return Err(format!(
                "the element '{name}' has a microwave output, which belongs to the OPX1000"
            ));
        }
        let mut outputs = BTreeMap::new();
        for (output, reference) in &element.outputs {
            let found = self.inputs.iter().position(|input| {
                input.port.controller == reference.controller
                    && input.port.number == reference.number
            });
            let found = found.ok_or_else(|| {
                format!(
                    "the element '{name}' reads the analog input {} of '{}', which the configuration does not have",
                    reference.number, reference.controller
                )
            })?;
            outputs.insert(output.clone(), found);
        }
        let mut markers = Vec::new();
        let ordered: BTreeMap<_, _> = element.digital_inputs.iter().collect();
        for (input, reference) in ordered {
            let port = reference.port.clone().unwrap_or_default();
            let found = self.digital.iter().position(|digital| {
                digital.port.controller == port.controller && digital.port.number == port.number
            });
            let output = found.ok_or_else(|| {
                format!(
                    "the digital input '{input}' of the element '{name}' is the digital output {} of '{}', which the configuration does not have",
                    port.number, port.controller
                )
            })?;
            markers.push(Marker {
                name: input.clone(),
                output,
                delay: reference.delay,
                buffer: reference.buffer,
            });
        }
        let sticky = element.sticky.map(|sticky| Sticky {
            analog: sticky.analog,
            digital: sticky.digital,
            duration: u32::try_from(sticky.duration).unwrap_or(0),
        });
        let held = element.hold_offset.map(|hold| Sticky {
            analog: true,
            digital: false,
            duration: u32::try_from(hold.duration).unwrap_or(0),
        });
        Ok(Element {
            name: name.to_owned(),
            inputs,
            oscillator: self.oscillator(config, name, element)?,
            outputs,
            markers,
            time_of_flight: element.time_of_flight.unwrap_or(0),
            smearing: element.smearing.unwrap_or(0),
            sticky: sticky.or(held),
            tagging: tagging(element.output_pulse_parameters.as_ref()),
        })
    }

    fn oscillator(
        &mut self,
        config: &c::QuaConfigV1,
        name: &str,
        element: &c::ElementDec,
    ) -> Result<Option<usize>, Wrong> {
        let named = match element.oscillator_one_of.as_ref() {
            Some(OscillatorOneOf::NamedOscillator(oscillator)) => Some(oscillator),
            _ => None,
        };
        let Some((frequency, mixer, lo)) =
            crate::machine::correction::oscillator_of(config, element)
        else {
            return match named {
                Some(oscillator) => Err(format!(
                    "the element '{name}' uses the oscillator '{oscillator}', which the configuration does not have"
                )),
                None => Ok(None),
            };
        };
        if let Some(known) = named.and_then(|oscillator| self.shared.get(oscillator)) {
            return Ok(Some(*known));
        }
        let correction =
            entry_of(config, name, &mixer, frequency, lo).map_err(|e| e.to_string())?;
        self.oscillators.push(Oscillator { frequency, correction });
        let index = self.oscillators.len() - 1;
        if let Some(oscillator) = named {
            self.shared.insert(oscillator.clone(), index);
        }
        Ok(Some(index))
    }
}

/// An offset as an output holds it: the nearest 2⁻²⁸ V.
fn held_offset(volts: f64) -> f64 {
    const STEPS: f64 = (1u64 << 28) as f64;
    (volts * STEPS).round_ties_even() / STEPS
}

/// docs/1.1.7/Guides/features: what an empty dictionary means.
fn tagging(parameters: Option<&c::OutputPulseParameters>) -> Tagging {
    use c::output_pulse_parameters::Polarity;
    let Some(parameters) = parameters else {
        return Tagging {
            signal: 800,
            signal_above: false,
            derivative: 300,
            derivative_above: false,
        };
    };
    Tagging {
        signal: parameters.signal_threshold,
        signal_above: parameters.signal_polarity() == Polarity::Ascending,
        derivative: parameters.derivative_threshold,
        derivative_above: parameters.derivative_polarity() == Polarity::Ascending,
    }
}
