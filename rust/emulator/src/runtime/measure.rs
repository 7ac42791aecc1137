//! Measurements: what an element's inputs saw, and what is computed of it.

use std::sync::Arc;

use super::context::CYCLE_NS;
use super::control::Halted;
use super::runner::{Runner, Step};
use crate::config::pulses::WEIGHT_NS;
use crate::config::resolved::ResolvedConfig;
use crate::qua::effects::cells_of;
use crate::qua::pulses::{
    Division, PlayStmt, Playable, Process, TagKind, Tagged, Target, Trace, WeightedInput,
};
use crate::signal::demodulation::{DEMOD_LAG, Reference, Tagger, chunks, to_fixed, weigh};
use crate::signal::engine::markers::highs;
use crate::signal::inputs::{Computed, Measurement, PlannedInput};
use crate::signal::readout::PIECE;
use crate::signal::timeline::Acquisition;

/// Photons that are counted at most.
const MOST_COUNTED: usize = i32::MAX as usize >> 8;
/// Nanoseconds in which photons are counted together.
const COUNTED_NS: u64 = 1 << 20;

impl Runner<'_> {
    #[inline(never)]
    pub(super) fn measure(
        &mut self,
        play: &PlayStmt,
        processes: &[Process],
        trace: Option<Trace>,
    ) -> Step {
        let Playable::Pulse(pulse) = play.what else { return Ok(()) };
        let (at, amplitude) = self.play(play, true)?;
        self.acquisitions = 0;
        let resolved = Arc::clone(self.engine.resolved());
        let element = play.element;
        let start = at + u64::from(resolved.elements[element as usize].time_of_flight);
        let measurement = Measurement {
            element,
            pulse,
            place: play.site,
            at,
            start,
            amplitude,
            frequency: self.engine.frequency(element),
            carrier: self.engine.carrier(element, start.saturating_sub(DEMOD_LAG)),
            needs_samples: trace.is_some() || processes.iter().any(Process::needs_samples),
            window: processes.iter().map(Process::window).max().unwrap_or(0),
        };
        self.inputs.begin(&resolved, &measurement);
        let measured = self.processes(&resolved, &measurement, processes);
        let recorded = measured.and_then(|()| match trace {
            Some(trace) => self.record(&resolved, trace, &measurement),
            None => Ok(()),
        });
        self.inputs.end();
        recorded
    }

    /// All processes of a measurement, in their order.
    fn processes(
        &mut self,
        resolved: &ResolvedConfig,
        measurement: &Measurement,
        processes: &[Process],
    ) -> Step {
        let computed = self.compute(resolved, measurement, processes)?;
        let mut value = 0;
        for process in processes {
            let window = match process {
                Process::Weighted { target, site, .. } if computed => {
                    let total = self.computed.get(value).copied().unwrap_or(0.0);
                    value += 1;
                    self.store(target, total, &[], *site);
                    self.acquire_weighted(process, measurement)
                }
                _ => self.process(resolved, process, measurement)?,
            };
            self.note_known(process, measurement.start + window);
        }
        Ok(())
    }

    /// Notes when the values of a process are known, in nanoseconds; nothing where no statement asks for it.
    fn note_known(&mut self, process: &Process, at: u64) {
        if self.ready.is_empty() {
            return;
        }
        let known = at.div_ceil(CYCLE_NS);
        for cell in cells_of(process) {
            // Another cell of an array may be known later.
            let ready = &mut self.ready[cell as usize];
            *ready = if process.fills_one() { known } else { known.max(*ready) };
        }
    }

    /// What an input saw. Whoever wants much asks for a piece at a time.
    fn counts(&mut self, input: usize, from: i64, len: usize) -> Result<Vec<f64>, Halted> {
        self.alive()?;
        Ok(self.inputs.counts(self.engine.resolved(), input, from, len))
    }

    /// Whether an input sees nothing but zero volts.
    fn is_silent(&self, input: usize) -> bool {
        self.inputs.is_still(input) && self.engine.resolved().inputs()[input].offset == 0.0
    }

    /// The values of all full processes of a statement without samples, where the inputs can tell them; whether they
    /// can.
    fn compute(
        &mut self,
        resolved: &ResolvedConfig,
        measurement: &Measurement,
        processes: &[Process],
    ) -> Result<bool, Halted> {
        if measurement.needs_samples {
            return Ok(false);
        }
        let pulse = &resolved.pulses[measurement.pulse as usize];
        let inputs = || {
            let owner = &resolved.elements[measurement.element as usize];
            let second = owner.outputs.values().nth(1).copied();
            let weighted = processes.iter().filter_map(|process| match process {
                Process::Weighted { demodulates, sides, .. } => Some((*demodulates, sides)),
                _ => None,
            });
            let inputs = weighted.map(|(demodulates, sides)| {
                let one = |side: &WeightedInput| {
                    let weights = pulse.weights.get(&side.weights)?;
                    let second = second == Some(side.input);
                    Some(PlannedInput { weights, demodulates, input: side.input, second })
                };
                sides.iter().filter_map(one).collect()
            });
            inputs.collect()
        };
        let control = self.context.control;
        let halted = || control.is_halted();
        let computed = &mut self.computed;
        match self.inputs.values(resolved, measurement, &inputs, &halted, computed) {
            Computed::FromSamples => Ok(false),
            Computed::Values => Ok(true),
            Computed::Halted => Err(Halted),
        }
    }

    /// One process; gives how long it looks.
    fn process(
        &mut self,
        resolved: &ResolvedConfig,
        process: &Process,
        measurement: &Measurement,
    ) -> Result<u64, Halted> {
        match process {
            Process::Weighted { demodulates, sides, target, window, site } => {
                self.acquire_weighted(process, measurement);
                let reference = measurement.carrier.filter(|_| *demodulates);
                let reference = reference
                    .map(|(phase, speed, frame)| Reference { phase: phase + frame, speed });
                let sums = self.sums(resolved, sides, measurement, reference, *window)?;
                let total = sums.iter().sum();
                self.store(target, total, &sums, *site);
                Ok(*window)
            }
            Process::Tags { side, target, count, most_ns, kind } => {
                let window = u64::from(*most_ns);
                let most = target.len as usize;
                let (times, last) = self.tagged(side, *kind, measurement, window, most)?;
                let cells = &mut self.memory[target.cells()];
                let found = times.len().min(cells.len());
                cells.iter_mut().zip(&times).for_each(|(cell, time)| *cell = *time);
                if let Some(count) = count {
                    self.memory[*count as usize] = found as i32;
                }
                // It ends with the time or with a full array.
                Ok(if found == most { last.min(window) } else { window })
            }
            Process::Counts { target, most_ns } => {
                let window = u64::from(*most_ns);
                self.memory[*target as usize] = self.counted(measurement, window)? as i32;
                Ok(window)
            }
        }
    }

    /// Edges of digital inputs: they see nothing, unless the source tells of photons.
    fn counted(&mut self, measurement: &Measurement, window: u64) -> Result<usize, Halted> {
        let (mut count, mut looked) = (0, 0);
        while looked < window && count < MOST_COUNTED {
            self.alive()?;
            let part = COUNTED_NS.min(window - looked);
            let most = MOST_COUNTED - count;
            let Some(photons) = self.inputs.photons(measurement.element, part, 0, most) else {
                break;
            };
            count += photons.len();
            looked += part;
        }
        Ok(count)
    }

    /// Time tags, and the nanosecond behind the last of them.
    fn tagged(
        &mut self,
        side: &Tagged,
        kind: TagKind,
        measurement: &Measurement,
        window: u64,
        most: usize,
    ) -> Result<(Vec<i32>, u64), Halted> {
        let (name, dead, scale) = match kind {
            TagKind::Raw => ("RawTimeTagging", 2, 1.0),
            TagKind::HighResolution => ("HighResTimeTagging", 84, 1000.0),
        };
        if let Tagged::Analog(input) = side {
            self.acquire(measurement, [Some(*input), None], window, name);
        }
        let photons = self.inputs.photons(measurement.element, window, dead, most);
        let times: Vec<f64> = match (photons, side) {
            (Some(photons), _) => photons,
            (None, Tagged::Digital) => Vec::new(),
            (None, Tagged::Analog(input)) => {
                let heard = self.heard_window(*input, measurement.start, window);
                let found = self.edges(*input, measurement, heard, dead, most)?;
                let time = |(whole, fine): &(u64, f64)| match kind {
                    TagKind::Raw => *whole as f64,
                    TagKind::HighResolution => *fine,
                };
                found.iter().map(time).collect()
            }
        };
        let last = times.last().map_or(0, |at| at.max(0.0) as u64 + 1);
        Ok((times.iter().map(|at| (at * scale) as i32).collect(), last))
    }

    /// How much of a window has to be looked at.
    fn heard_window(&self, input: usize, start: u64, window: u64) -> u64 {
        if self.inputs.is_still(input) {
            // Nothing changes: only the first sample can be an edge.
            window.min(1)
        } else if self.engine.records() {
            // Behind the horizon nothing is heard any more.
            window.min(self.engine.horizon().saturating_sub(start))
        } else {
            window
        }
    }

    /// The edges that an input sees within a window.
    fn edges(
        &mut self,
        input: usize,
        measurement: &Measurement,
        window: u64,
        dead: u64,
        most: usize,
    ) -> Result<Vec<(u64, f64)>, Halted> {
        let start = measurement.start;
        let tagging = self.engine.resolved().elements[measurement.element as usize].tagging;
        // One sample more, for the first derivative; of one alone there is none.
        let ahead = if window > 1 { -1 } else { 0 };
        let before = self.counts(input, start as i64 + ahead, 1)?;
        let mut tagger = Tagger::new(tagging, dead, most, before.first().copied().unwrap_or(0.0));
        let mut looked = 0;
        while looked < window && !tagger.is_full() {
            let len = (PIECE as u64).min(window - looked) as usize;
            let counts = self.counts(input, (start + looked) as i64, len)?;
            tagger.look(&counts);
            looked += len as u64;
        }
        Ok(tagger.tags)
    }

    /// Notes what a weighted process looks at; gives for how long.
    fn acquire_weighted(&mut self, process: &Process, measurement: &Measurement) -> u64 {
        let Process::Weighted { demodulates, sides, window, .. } = process else { return 0 };
        if self.engine.records() {
            let name = match (demodulates, sides.len()) {
                (true, 1) => "DemodIntegration",
                (true, _) => "DualDemodIntegration",
                (false, 1) => "BareIntegration",
                (false, _) => "DualBareIntegration",
            };
            let mut inputs = [None; 2];
            inputs.iter_mut().zip(sides).for_each(|(input, side)| *input = Some(side.input));
            self.acquire(measurement, inputs, *window, name);
        }
        *window
    }

    /// The sums of each 4 ns of what some inputs saw, weighted; none when they saw nothing.
    fn sums(
        &mut self,
        resolved: &ResolvedConfig,
        sides: &[WeightedInput],
        measurement: &Measurement,
        reference: Option<Reference>,
        window: u64,
    ) -> Result<Vec<f64>, Halted> {
        if sides.iter().all(|side| self.is_silent(side.input)) {
            return Ok(Vec::new());
        }
        let pulse = &resolved.pulses[measurement.pulse as usize];
        let mut sums = vec![0.0; (window / u64::from(WEIGHT_NS)) as usize];
        for side in sides {
            let Some(weights) = pulse.weights.get(&side.weights) else { continue };
            let length = weights.length() as usize;
            for first in (0..length).step_by(PIECE) {
                let len = PIECE.min(length - first);
                let from = measurement.start as i64 + first as i64;
                let counts = self.counts(side.input, from, len)?;
                weigh(&counts, first / WEIGHT_NS as usize, weights, reference, &mut sums);
            }
        }
        Ok(sums)
    }

    /// A result as the hardware holds it.
    fn result(&mut self, value: f64, site: u32) -> i32 {
        let (held, wrapped) = to_fixed(value);
        if wrapped {
            self.fault(site, || format!("{value} is outside [-8, 8)"));
        }
        held
    }

    #[inline]
    fn store(&mut self, target: &Target, total: f64, sums: &[f64], overflow: u32) {
        match target {
            Target::Scalar(slot) => self.memory[*slot as usize] = self.result(total, overflow),
            _ => self.store_in_array(target, total, sums, overflow),
        }
    }

    fn store_in_array(&mut self, target: &Target, total: f64, sums: &[f64], overflow: u32) {
        match target {
            // Above.
            Target::Scalar(_) => {}
            Target::Cell { array, index, site } => {
                let index = self.eval(index);
                if let Some(cell) = self.locate(*array, index, *site) {
                    self.memory[cell] = self.result(total, overflow);
                }
            }
            Target::Vector { array, division } => {
                let count = array.len as usize;
                let parts: Vec<f64> = match division {
                    Division::Sliced { chunk } => chunks(sums, *chunk as usize, count),
                    Division::Accumulated { chunk } => {
                        let mut parts = chunks(sums, *chunk as usize, count);
                        let mut sum = 0.0;
                        for part in &mut parts {
                            sum += *part;
                            *part = sum;
                        }
                        parts
                    }
                    Division::Moving { chunk, window } => {
                        let parts = chunks(sums, *chunk as usize, count);
                        let from = |index: usize| (index + 1).saturating_sub(*window as usize);
                        (0..count).map(|index| parts[from(index)..=index].iter().sum()).collect()
                    }
                };
                for (cell, part) in array.cells().zip(parts) {
                    self.memory[cell] = self.result(part, overflow);
                }
            }
        }
    }

    /// Notes a measurement for the report.
    fn acquire(
        &mut self,
        measurement: &Measurement,
        inputs: [Option<usize>; 2],
        window: u64,
        process: &'static str,
    ) {
        let (element, from) = (measurement.element, measurement.start);
        let place = self.acquisitions;
        self.acquisitions += 1;
        let acquisition = Acquisition { element, from, to: from + window, process, inputs, place };
        self.engine.note_acquisition(acquisition);
    }

    /// Saves the raw samples of a measurement.
    fn record(
        &mut self,
        resolved: &ResolvedConfig,
        trace: Trace,
        measurement: &Measurement,
    ) -> Step {
        let owner = &resolved.elements[measurement.element as usize];
        let pulse = &resolved.pulses[measurement.pulse as usize];
        let gate = Gate::new(pulse.marker.as_deref(), u64::from(pulse.length), owner.smearing);
        let from = measurement.start as i64 - i64::from(owner.smearing);
        let (stream, whole) = (trace.stream as usize, trace.len as usize);
        for input in owner.outputs.values() {
            let port = resolved.inputs()[*input].port.number;
            if !self.context.pipelines.reads_input(stream, port) {
                continue;
            }
            for first in (0..whole).step_by(PIECE) {
                let len = PIECE.min(whole - first);
                let from = from + first as i64;
                let counts = if gate.highs.is_none() || self.is_silent(*input) {
                    self.alive()?;
                    vec![0.0; len]
                } else {
                    self.counts(*input, from, len)?
                };
                let kept = counts.iter().zip(first as i64..);
                let kept = kept.filter(|(_, index)| gate.is_open(*index));
                let samples =
                    kept.map(|(count, index)| (*count as i64, from + index - first as i64));
                self.context.pipelines.save_samples(stream, port, samples);
            }
        }
        Ok(())
    }
}

/// What lets raw samples through: only what arrives while the marker is high is recorded; without a marker all
/// samples are zero.
struct Gate {
    highs: Option<Vec<(u64, u64)>>,
    /// Nanoseconds of the pulse.
    length: u64,
    smearing: i64,
}

impl Gate {
    fn new(marker: Option<&[(bool, u32)]>, length: u64, smearing: u32) -> Self {
        let highs = marker.map(|marker| highs(marker, length, length));
        Self { highs, length, smearing: i64::from(smearing) }
    }

    /// Whether a sample is recorded, counted from the start of the trace.
    fn is_open(&self, index: i64) -> bool {
        let Some(highs) = &self.highs else { return true };
        // The smearing widens what touches either end.
        match u64::try_from(index - self.smearing) {
            Err(_) => highs.first().is_some_and(|(from, _)| *from == 0),
            Ok(at) if at >= self.length => highs.last().is_some_and(|(_, to)| *to == self.length),
            Ok(at) => {
                let behind = highs.partition_point(|(from, _)| *from <= at);
                behind > 0 && at < highs[behind - 1].1
            }
        }
    }
}
