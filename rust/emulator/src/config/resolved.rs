//! What a configuration says about the elements and pulses of one program, resolved: names became
//! indices, numbers became what the hardware holds.

use pulsewire_wire::qua_config::qua_config as c;

use super::elements::{Element, OscillatorConfig, OscillatorTable, read_element};
use super::error::ConfigError;
use super::ports::{
    AnalogInput, DigitalOutput, Output, PortTable, common_delay, output_delays, read_ports,
};
use super::pulses::{Overrides, Pulse, resolve_pulse};
use crate::qua::ir::{Alignment, ProgramRefs};

/// Nanoseconds that a simulation looks behind its end for markers that begin before it.
const WIDEST: u32 = 100_000;

/// Everything that a program touches.
#[derive(Debug, Default)]
pub struct ResolvedConfig {
    /// Elements, by the index that statements carry.
    pub elements: Vec<Element>,
    /// Pulses, by the index that statements carry.
    pub pulses: Vec<Pulse>,
    ports: PortTable,
    oscillators: OscillatorTable,
}

impl ResolvedConfig {
    /// Resolves what a program names.
    ///
    /// # Errors
    /// What the configuration lacks or cannot mean.
    pub(super) fn build(
        config: &c::QuaConfigV1,
        refs: &ProgramRefs,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let mut resolved = Self::of_ports(config)?;
        for name in &refs.elements {
            resolved.add_element(config, name)?;
        }
        for (element, operation) in &refs.pulses {
            let element = &refs.elements[*element as usize];
            resolved.pulses.push(resolve_pulse(config, element, operation, overrides)?);
        }
        Ok(resolved)
    }

    /// All ports, and no elements yet.
    ///
    /// # Errors
    /// A port that cannot be.
    pub fn of_ports(config: &c::QuaConfigV1) -> Result<Self, ConfigError> {
        Ok(Self { ports: read_ports(config)?, ..Self::default() })
    }

    /// Adds an element.
    ///
    /// # Errors
    /// What the configuration lacks or cannot mean.
    pub fn add_element(&mut self, config: &c::QuaConfigV1, name: &str) -> Result<(), ConfigError> {
        self.elements.push(read_element(config, name, &self.ports, &mut self.oscillators)?);
        Ok(())
    }

    /// Analog outputs of all controllers, in order.
    pub fn outputs(&self) -> &[Output] {
        &self.ports.outputs
    }

    /// Digital outputs of all controllers, in order.
    pub fn digital(&self) -> &[DigitalOutput] {
        &self.ports.digital
    }

    /// Analog inputs of all controllers, in order.
    pub fn inputs(&self) -> &[AnalogInput] {
        &self.ports.inputs
    }

    /// Oscillators, by the index that elements carry; a shared one stands here once.
    pub fn oscillators(&self) -> &[OscillatorConfig] {
        &self.oscillators.all
    }

    /// Nanoseconds by which a marker begins before its pulse at most; what is longer is cut off.
    pub fn widest(&self) -> u64 {
        let markers = self.elements.iter().flat_map(|element| &element.markers);
        u64::from(markers.map(|marker| marker.buffer).max().unwrap_or(0).min(WIDEST))
    }

    /// Nanoseconds by which filters and crosstalk delay each output.
    pub fn delays(&self, flags: Alignment) -> Vec<u32> {
        output_delays(&self.ports.outputs, flags)
    }

    /// Nanoseconds by which digital outputs and acquisitions are moved along with the analog ones.
    pub fn moved(&self, flags: Alignment) -> u32 {
        common_delay(&self.ports.outputs, flags)
    }

    /// With these analog inputs, and nothing else.
    #[cfg(test)]
    pub fn of_inputs(inputs: Vec<AnalogInput>) -> Self {
        Self { ports: PortTable { inputs, ..PortTable::default() }, ..Self::default() }
    }
}
