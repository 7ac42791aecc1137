//! The readout model as the source of what inputs see.

use super::description::{ModelError, Models};
use super::model::{Model, Read, ReadoutAnswer};
use super::trace::Trace;
use crate::config::Configuration;
use crate::config::pulses::Weights;
use crate::config::resolved::ResolvedConfig;
use crate::signal::inputs::{Computed, Drive, InputSource, Measurement, PlannedInput, Silent};
use crate::signal::phase::Phase;

/// A readout model behind the ports; where nothing answers, inputs see zero volts.
#[derive(Debug)]
pub(crate) struct Modelled {
    model: Model,
    /// What the measurement that runs read.
    read: Option<Read>,
    /// What inputs hear during the measurement that runs.
    traces: Vec<Trace>,
}

impl Modelled {
    /// The models of one run.
    ///
    /// # Errors
    /// A name that the configuration does not have, or models that contradict each other.
    pub(crate) fn new(
        models: &Models,
        config: &Configuration,
        resolved: &ResolvedConfig,
    ) -> Result<Self, ModelError> {
        let model = Model::start(models, config, resolved)?;
        Ok(Self { model, read: None, traces: Vec::new() })
    }
}

impl InputSource for Modelled {
    fn follows(&self, element: u32) -> bool {
        self.model.turns(element)
    }

    fn drive(&mut self, config: &ResolvedConfig, element: u32, pulse: u32, drive: Drive) {
        self.model.drive(element, pulse, config, drive);
    }

    /// Notes what comes back, and makes samples of it where something needs them: also of what another
    /// element's measurement, further up in the program, answers on the same inputs.
    fn begin(&mut self, config: &ResolvedConfig, measurement: &Measurement) {
        let Measurement { element, pulse, at, start, .. } = *measurement;
        let factor = self.model.factor(config, pulse, measurement.amplitude);
        let frequency = measurement.frequency.unwrap_or(0.0);
        self.read = self.model.read(element, at, frequency, factor);
        let owner = &config.elements[element as usize];
        let pulse = &config.pulses[pulse as usize];
        let length = u64::from(pulse.length);
        if let Some(read) = self.read {
            let (phase, speed, frame) = measurement.carrier.unwrap_or_default();
            let phase = phase + frame;
            self.model.note(ReadoutAnswer { element, read, start, length, phase, speed });
        }
        if !measurement.needs_samples && self.read.is_some() {
            return;
        }
        let smearing = i64::from(owner.smearing);
        let longest = pulse.weights.values().map(Weights::length).max().unwrap_or(0);
        let from = start as i64 - smearing;
        let to = (start + longest.max(measurement.window).max(length)) as i64 + smearing;
        for input in owner.outputs.values() {
            if self.read.is_some() || self.model.is_heard(config, *input, from, to) {
                self.traces.push(self.model.listen(config, *input, from, to));
            }
        }
    }

    fn values<'c>(
        &mut self,
        config: &'c ResolvedConfig,
        measurement: &Measurement,
        inputs: &dyn Fn() -> Vec<Vec<PlannedInput<'c>>>,
        halted: &dyn Fn() -> bool,
        out: &mut Vec<f64>,
    ) -> Computed {
        let Some(read) = self.read else { return Computed::FromSamples };
        let still = match measurement.frequency {
            None => Some(Phase::default()),
            Some(0.0) => measurement.carrier.map(|(phase, _, frame)| phase + frame),
            Some(_) => None,
        };
        match self.model.full(config, measurement, (read, still), inputs, halted, out) {
            Some(()) => Computed::Values,
            None => Computed::Halted,
        }
    }

    fn photons(&mut self, element: u32, window: u64, dead: u64, most: usize) -> Option<Vec<f64>> {
        let read = self.read?;
        Some(self.model.photons(element, read, window, dead, most))
    }

    fn counts(&mut self, config: &ResolvedConfig, input: usize, from: i64, len: usize) -> Vec<f64> {
        let model = &self.model;
        match self.traces.iter_mut().find(|trace| trace.input == input) {
            Some(trace) => {
                let noise = trace.noise;
                trace.counts(from, len, |from, len, seed| {
                    model.counts(config, input, from, len, noise, seed)
                })
            }
            None => Silent.counts(config, input, from, len),
        }
    }

    fn is_still(&self, input: usize) -> bool {
        !self.traces.iter().any(|trace| trace.input == input)
    }

    fn end(&mut self) {
        self.traces.clear();
        self.read = None;
    }
}
