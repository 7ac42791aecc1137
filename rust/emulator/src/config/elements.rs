//! Elements: where they play, what they read, what makes their phase.

use std::collections::{BTreeMap, HashMap};

use pulsewire_common::correction::Matrix;
use pulsewire_wire::qua_config::qua_config as c;
use pulsewire_wire::qua_config::qua_config::element_dec::{ElementInputsOneOf, OscillatorOneOf};

use super::error::ConfigError;
use super::mixers::entry_of;
use super::oscillators::oscillator_of;
use super::ports::PortTable;

/// Where an element's waveforms go, by index of [`ResolvedConfig::outputs`].
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

/// A digital input of an element, by index of [`ResolvedConfig::digital`].
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
    /// Outputs by name, as index of [`ResolvedConfig::inputs`].
    pub outputs: BTreeMap<String, usize>,
    pub markers: Vec<Marker>,
    /// Nanoseconds.
    pub time_of_flight: u32,
    /// Nanoseconds.
    pub smearing: u32,
    pub sticky: Option<Sticky>,
    pub tagging: Tagging,
}

/// What makes the phase.
#[derive(Clone, Debug)]
pub struct OscillatorConfig {
    /// Hz; the intermediate frequency.
    pub frequency: f64,
    /// The correction of the mixer that belongs to it.
    pub correction: Matrix,
}

/// The elements of a program, as they are read one by one.
#[derive(Debug, Default)]
pub(super) struct OscillatorTable {
    /// By the index that elements carry; a shared one stands here once.
    pub(super) all: Vec<OscillatorConfig>,
    /// Named oscillators that were met.
    shared: HashMap<String, usize>,
}

/// Reads an element.
///
/// # Errors
/// What the configuration lacks or cannot mean.
pub(super) fn read_element(
    config: &c::QuaConfigV1,
    name: &str,
    ports: &PortTable,
    oscillators: &mut OscillatorTable,
) -> Result<Element, ConfigError> {
    let element = config
        .elements
        .get(name)
        .ok_or_else(|| ConfigError(format!("the configuration has no element '{name}'")))?;
    let inputs = inputs_of(name, element, ports)?;
    if matches!(
        element.element_outputs_one_of,
        Some(c::element_dec::ElementOutputsOneOf::MicrowaveOutput(_))
    ) {
        return Err(ConfigError(format!(
            "the element '{name}' has a microwave output, which belongs to the OPX1000"
        )));
    }
    Ok(Element {
        name: name.to_owned(),
        inputs,
        oscillator: oscillators.index_of(config, name, element)?,
        outputs: outputs_of(name, element, ports)?,
        markers: markers_of(name, element, ports)?,
        time_of_flight: element.time_of_flight.unwrap_or(0),
        smearing: element.smearing.unwrap_or(0),
        sticky: sticky_of(element),
        tagging: tagging(element.output_pulse_parameters.as_ref()),
    })
}

/// The analog output that a reference means.
fn output_of(
    element: &str,
    reference: Option<&c::DacPortReference>,
    ports: &PortTable,
) -> Result<usize, ConfigError> {
    let reference = reference.ok_or_else(|| {
        ConfigError(format!("the element '{element}' has an input without a port"))
    })?;
    let found = ports.outputs.iter().position(|output| {
        output.port.controller == reference.controller && output.port.number == reference.number
    });
    found.ok_or_else(|| {
        ConfigError(format!(
            "the element '{element}' plays to the analog output {} of '{}', which the configuration does not have",
            reference.number, reference.controller
        ))
    })
}

fn inputs_of(
    name: &str,
    element: &c::ElementDec,
    ports: &PortTable,
) -> Result<Inputs, ConfigError> {
    let one = |reference: Option<&c::DacPortReference>| output_of(name, reference, ports);
    let many = |inputs: &HashMap<String, c::DacPortReference>| {
        let each = inputs.iter().map(|(input, port)| Ok((input.clone(), one(Some(port))?)));
        each.collect::<Result<BTreeMap<_, _>, ConfigError>>()
    };
    Ok(match element.element_inputs_one_of.as_ref() {
        None => Inputs::None,
        Some(ElementInputsOneOf::SingleInput(single)) => Inputs::Single(one(single.port.as_ref())?),
        Some(ElementInputsOneOf::MixInputs(mix)) => {
            Inputs::Mixed { i: one(mix.i.as_ref())?, q: one(mix.q.as_ref())? }
        }
        Some(ElementInputsOneOf::SingleInputCollection(all)) => {
            Inputs::Collection(many(&all.inputs)?)
        }
        Some(ElementInputsOneOf::MultipleInputs(all)) => Inputs::Multiple(many(&all.inputs)?),
        Some(ElementInputsOneOf::MicrowaveInput(_)) => {
            return Err(ConfigError(format!(
                "the element '{name}' has a microwave input, which belongs to the OPX1000"
            )));
        }
    })
}

fn outputs_of(
    name: &str,
    element: &c::ElementDec,
    ports: &PortTable,
) -> Result<BTreeMap<String, usize>, ConfigError> {
    let mut outputs = BTreeMap::new();
    for (output, reference) in &element.outputs {
        let found = ports.inputs.iter().position(|input| {
            input.port.controller == reference.controller && input.port.number == reference.number
        });
        let found = found.ok_or_else(|| {
            ConfigError(format!(
                "the element '{name}' reads the analog input {} of '{}', which the configuration does not have",
                reference.number, reference.controller
            ))
        })?;
        outputs.insert(output.clone(), found);
    }
    Ok(outputs)
}

fn markers_of(
    name: &str,
    element: &c::ElementDec,
    ports: &PortTable,
) -> Result<Vec<Marker>, ConfigError> {
    let ordered: BTreeMap<_, _> = element.digital_inputs.iter().collect();
    let marker = |(input, reference): (&String, &c::DigitalInputPortReference)| {
        let port = reference.port.clone().unwrap_or_default();
        let found = ports.digital.iter().position(|digital| {
            digital.port.controller == port.controller && digital.port.number == port.number
        });
        let output = found.ok_or_else(|| {
            ConfigError(format!(
                "the digital input '{input}' of the element '{name}' is the digital output {} of '{}', which the configuration does not have",
                port.number, port.controller
            ))
        })?;
        let (delay, buffer) = (reference.delay, reference.buffer);
        Ok(Marker { name: input.clone(), output, delay, buffer })
    };
    ordered.into_iter().map(marker).collect()
}

fn sticky_of(element: &c::ElementDec) -> Option<Sticky> {
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
    sticky.or(held)
}

impl OscillatorTable {
    /// The index of an element's oscillator; `None` for one that is not modulated.
    fn index_of(
        &mut self,
        config: &c::QuaConfigV1,
        name: &str,
        element: &c::ElementDec,
    ) -> Result<Option<usize>, ConfigError> {
        let named = match element.oscillator_one_of.as_ref() {
            Some(OscillatorOneOf::NamedOscillator(oscillator)) => Some(oscillator),
            _ => None,
        };
        let Some((frequency, mixer, lo)) = oscillator_of(config, element) else {
            return match named {
                Some(oscillator) => Err(ConfigError(format!(
                    "the element '{name}' uses the oscillator '{oscillator}', which the configuration does not have"
                ))),
                None => Ok(None),
            };
        };
        if let Some(known) = named.and_then(|oscillator| self.shared.get(oscillator)) {
            return Ok(Some(*known));
        }
        let correction = entry_of(config, name, &mixer, frequency, lo)
            .map_err(|error| ConfigError(error.to_string()))?;
        self.all.push(OscillatorConfig { frequency, correction });
        let index = self.all.len() - 1;
        if let Some(oscillator) = named {
            self.shared.insert(oscillator.clone(), index);
        }
        Ok(Some(index))
    }
}

/// When tags are taken; what an empty dictionary means is documented.
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
