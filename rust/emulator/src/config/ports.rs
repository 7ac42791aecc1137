//! Ports of controllers: what they are set to, and by how much they delay.

use std::collections::{BTreeMap, HashSet};

use pulsewire_wire::qua_config::qua_config as c;
use pulsewire_wire::qua_config::qua_config::fem_types::FemTypeOneOf;

use super::error::ConfigError;
use crate::qua::ir::Alignment;

/// All controllers, by name, in order.
pub(super) fn controllers(config: &c::QuaConfigV1) -> Vec<(&str, &c::ControllerDec)> {
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
/// Nanoseconds by which a port can be delayed.
const MOST_DELAY: u32 = 16_000;

impl Output {
    /// Nanoseconds that its filter takes.
    fn filter_delay(&self) -> u32 {
        match (self.feedforward.len(), self.feedback.len()) {
            (0, 0) => 0,
            (_, 0) => 44,
            (_, 1) => 48,
            (_, 2) => 60,
            _ => 72,
        }
    }

    /// Up to 16 µs.
    ///
    /// # Errors
    /// More than that.
    fn check_delay(&self) -> Result<(), ConfigError> {
        let Port { controller, number } = &self.port;
        match self.delay {
            0..=MOST_DELAY => Ok(()),
            delay => Err(ConfigError(format!(
                "the delay of the output {number} of '{controller}' is {delay} ns; it is at most {MOST_DELAY}"
            ))),
        }
    }

    /// Taps that the hardware has.
    ///
    /// # Errors
    /// Too many of them, or beyond their range.
    fn check_filter(&self) -> Result<(), ConfigError> {
        let Port { controller, number } = &self.port;
        let place = format!("the filter of the output {number} of '{controller}'");
        let most = match self.feedback.len() {
            0 => 44,
            1 => 37,
            2 => 30,
            3 => 23,
            more => {
                return Err(ConfigError(format!("{place} has {more} feedback taps; there are 3")));
            }
        };
        if self.feedforward.len() > most {
            return Err(ConfigError(format!(
                "{place} has {} feedforward taps; beside {} of feedback there are {most}",
                self.feedforward.len(),
                self.feedback.len()
            )));
        }
        let outside = |taps: &[f64], limit: f64| {
            taps.iter().copied().find(|tap| tap.is_nan() || tap.abs() >= limit)
        };
        if let Some(tap) = outside(&self.feedforward, 2.0) {
            return Err(ConfigError(format!(
                "{place} has the feedforward tap {tap}, outside (-2, 2)"
            )));
        }
        if let Some(tap) = outside(&self.feedback, 1.0) {
            return Err(ConfigError(format!(
                "{place} has the feedback tap {tap}, outside (-1, 1)"
            )));
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

/// An offset as an output holds it: the nearest 2⁻²⁸ V.
fn held_offset(volts: f64) -> f64 {
    const STEPS: f64 = (1u64 << 28) as f64;
    (volts * STEPS).round_ties_even() / STEPS
}

/// All ports of a configuration.
#[derive(Debug, Default)]
pub(super) struct PortTable {
    pub(super) outputs: Vec<Output>,
    pub(super) digital: Vec<DigitalOutput>,
    pub(super) inputs: Vec<AnalogInput>,
}

/// The ports of all controllers.
///
/// # Errors
/// A port that cannot be.
pub(super) fn read_ports(config: &c::QuaConfigV1) -> Result<PortTable, ConfigError> {
    let mut table = PortTable::default();
    for (name, controller) in controllers(config) {
        let first = table.outputs.len();
        let port = |number: &u32| Port { controller: name.to_owned(), number: *number };
        let outputs: BTreeMap<_, _> = controller.analog_outputs.iter().collect();
        let numbers: Vec<u32> = outputs.keys().map(|number| **number).collect();
        for (number, output) in outputs {
            let filter = output.filter.clone().unwrap_or_default();
            let newer = filter.feedforward_v2.map(|taps| taps.value);
            table.outputs.push(Output {
                port: port(number),
                offset: held_offset(output.offset.unwrap_or(0.0)),
                delay: output.delay.unwrap_or(0),
                feedforward: newer.filter(|t| !t.is_empty()).unwrap_or(filter.feedforward),
                feedback: filter.feedback,
                crosstalk: Vec::new(),
            });
        }
        let added = &mut table.outputs[first..];
        add_crosstalk(controller, name, &numbers, first, added)?;
        added.iter().try_for_each(Output::check_delay)?;
        added.iter().try_for_each(Output::check_filter)?;
        let digital: BTreeMap<_, _> = controller.digital_outputs.iter().collect();
        table.digital.extend(digital.into_iter().map(|(number, output)| DigitalOutput {
            port: port(number),
            inverted: output.inverted.unwrap_or(false),
        }));
        let inputs: BTreeMap<_, _> = controller.analog_inputs.iter().collect();
        table.inputs.extend(inputs.into_iter().map(|(number, input)| AnalogInput {
            port: port(number),
            offset: input.offset.unwrap_or(0.0),
            gain_db: input.gain_db.unwrap_or(0),
        }));
    }
    Ok(table)
}

/// An output lists what leaks into it.
fn add_crosstalk(
    controller: &c::ControllerDec,
    name: &str,
    numbers: &[u32],
    first: usize,
    outputs: &mut [Output],
) -> Result<(), ConfigError> {
    for (output, number) in outputs.iter_mut().zip(numbers) {
        let listed: BTreeMap<_, _> = controller.analog_outputs[number].crosstalk.iter().collect();
        for (from, weight) in listed {
            let Some(from) = numbers.iter().position(|number| number == from) else {
                return Err(ConfigError(format!(
                    "the output {number} of '{name}' has crosstalk from {from}, which is not configured"
                )));
            };
            output.crosstalk.push((first + from, *weight));
        }
    }
    Ok(())
}

/// Nanoseconds by which filters and crosstalk delay each output: all are delayed alike, by the largest; flags of
/// the compiler delay those alone that need it (docs/protocol.md, "Filters and crosstalk").
pub(super) fn output_delays(outputs: &[Output], flags: Alignment) -> Vec<u32> {
    let filters = outputs.iter().map(Output::filter_delay).collect::<Vec<_>>();
    let largest = filters.iter().copied().max().unwrap_or(0);
    let mixes = outputs.iter().any(|output| !output.crosstalk.is_empty());
    let sources: HashSet<usize> =
        outputs.iter().flat_map(|o| o.crosstalk.iter().map(|(from, _)| *from)).collect();
    let one = |(index, output): (usize, &Output)| {
        let filter = if flags.filtered_alone { filters[index] } else { largest };
        let takes_part = !output.crosstalk.is_empty() || sources.contains(&index);
        let crosstalk =
            if mixes && (takes_part || !flags.crosstalk_alone) { CROSSTALK_DELAY } else { 0 };
        filter.saturating_add(crosstalk)
    };
    outputs.iter().enumerate().map(one).collect()
}

/// Nanoseconds by which digital outputs and acquisitions are moved along with the analog ones: the flags that
/// leave some outputs where they are leave these too.
pub(super) fn common_delay(outputs: &[Output], flags: Alignment) -> u32 {
    let filters = outputs.iter().map(Output::filter_delay).max().unwrap_or(0);
    let mixes = outputs.iter().any(|output| !output.crosstalk.is_empty());
    let filter = if flags.filtered_alone { 0 } else { filters };
    filter + if mixes && !flags.crosstalk_alone { CROSSTALK_DELAY } else { 0 }
}
