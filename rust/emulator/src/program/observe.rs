//! Measurements: what an element's inputs saw, and what is computed of it.

use super::depend::cells_of;
use super::pulse_ir::{Division, Play, Process, Side, TagKind, Tagged, Target, Trace, What};
use super::run::{CYCLE_NS, Runner, Step};
use crate::pulse::engine;
use crate::pulse::heard::PIECE;
use crate::pulse::measure::{DEMOD_LAG, Reference, Tagger, chunks, to_fixed, weigh};
use crate::pulse::model::{self, Read};
use crate::pulse::phase::Phase;
use crate::pulse::rig::Rig;
use crate::pulse::shapes::{WEIGHT_NS, Weights};
use crate::pulse::tape::Acquisition;
use crate::streams::control::Halted;

/// Photons that are counted at most.
const MOST_COUNTED: usize = i32::MAX as usize >> 8;
/// Nanoseconds in which photons are counted together.
const COUNTED_NS: u64 = 1 << 20;

impl Runner<'_> {
    pub(super) fn measure(
        &mut self,
        play: &Play,
        processes: &[Process],
        trace: Option<Trace>,
    ) -> Step {
        let What::Pulse(pulse) = play.what else { return Ok(()) };
        let (at, amplitude) = self.play(play, true)?;
        self.acquisitions = 0;
        let element = play.element;
        let rig = std::sync::Arc::clone(self.engine.rig());
        let owner = &rig.elements[element as usize];
        let start = at + u64::from(owner.time_of_flight);
        let read = self.answer(&rig, element, pulse, at, amplitude);
        let samples = trace.is_some() || processes.iter().any(Process::needs_samples);
        if self.model.is_some() {
            self.hear(&rig, element, pulse, start, read, processes, samples);
        }
        let listens = samples || read.is_none();
        if let Some(read) = read
            && !listens
        {
            self.compute(&rig, play.site, element, pulse, start, read, processes)?;
        }
        let mut value = 0;
        for process in processes {
            let window = match process {
                Process::Weighted { target, site, .. } if !listens => {
                    let total = self.modelled.get(value).copied().unwrap_or(0.0);
                    value += 1;
                    self.store(target, total, &[], *site);
                    self.look(process, element, start)
                }
                _ => self.process(process, element, pulse, start, read)?,
            };
            if !self.ready.is_empty() {
                let known = (start + window).div_ceil(CYCLE_NS);
                for cell in cells_of(process) {
                    // Another cell of an array may be known later.
                    let ready = &mut self.ready[cell as usize];
                    *ready = if process.fills_one() { known } else { known.max(*ready) };
                }
            }
        }
        if let Some(trace) = trace {
            self.record(trace, element, pulse, start)?;
        }
        self.heard.clear();
        Ok(())
    }

    /// What the model answers to a measurement.
    fn answer(
        &mut self,
        rig: &Rig,
        element: u32,
        pulse: u32,
        at: u64,
        amplitude: [f64; 4],
    ) -> Option<Read> {
        let model = self.model.as_mut()?;
        let frequency = self.engine.frequency(element).unwrap_or(0.0);
        let factor = model.factor(rig, pulse, amplitude);
        model.read(element, at, frequency, factor)
    }

    /// Notes what comes back, and makes samples of it where something needs them: also of what another
    /// element's measurement, further up in the program, answers on the same inputs.
    #[expect(clippy::too_many_arguments, reason = "the parts of one measurement")]
    fn hear(
        &mut self,
        rig: &Rig,
        element: u32,
        pulse: u32,
        start: u64,
        read: Option<Read>,
        processes: &[Process],
        samples: bool,
    ) {
        let owner = &rig.elements[element as usize];
        let length = u64::from(rig.pulses[pulse as usize].length);
        let (phase, speed, frame) =
            self.engine.carrier(element, start.saturating_sub(DEMOD_LAG)).unwrap_or_default();
        let Some(model) = &mut self.model else { return };
        if let Some(read) = read {
            let phase = phase + frame;
            model.note(model::Answer { element, read, start, length, phase, speed });
        }
        if !samples && read.is_some() {
            return;
        }
        let smearing = i64::from(owner.smearing);
        let pulse = &rig.pulses[pulse as usize];
        let longest = pulse.weights.values().map(Weights::length).max().unwrap_or(0);
        let tagged = processes.iter().map(Process::window).max().unwrap_or(0);
        let from = start as i64 - smearing;
        let to = (start + longest.max(tagged).max(length)) as i64 + smearing;
        for input in owner.outputs.values() {
            if read.is_some() || model.is_heard(rig, *input, from, to) {
                let heard = model.listen(rig, *input, from, to);
                self.heard.push(heard);
            }
        }
    }

    /// What an input saw: of the model, when it answered, else of what is connected. Whoever wants much
    /// asks for a piece at a time.
    fn counts(&mut self, input: usize, from: i64, len: usize) -> Result<Vec<f64>, Halted> {
        self.alive()?;
        let heard = self.heard.iter_mut().find(|heard| heard.input == input);
        Ok(match (heard, &self.model) {
            (Some(heard), Some(model)) => heard.counts(model, self.engine.rig(), from, len),
            _ => self.adc.counts(self.engine.rig(), input, from, len),
        })
    }

    /// Whether an input sees nothing but zero volts.
    fn is_silent(&self, input: usize) -> bool {
        self.adc.is_silent()
            && self.engine.rig().inputs[input].offset == 0.0
            && !self.heard.iter().any(|heard| heard.input == input)
    }

    /// The values of all full processes of a statement, without samples.
    #[expect(clippy::too_many_arguments, reason = "the parts of one measurement")]
    fn compute(
        &mut self,
        rig: &Rig,
        place: u32,
        element: u32,
        pulse: u32,
        start: u64,
        read: Read,
        processes: &[Process],
    ) -> Step {
        let found = &rig.pulses[pulse as usize];
        let second = rig.elements[element as usize].outputs.values().nth(1).copied();
        let still = match self.engine.frequency(element) {
            None => Some(Phase::default()),
            Some(0.0) => {
                let lagging = start.saturating_sub(DEMOD_LAG);
                self.engine.carrier(element, lagging).map(|(phase, _, frame)| phase + frame)
            }
            Some(_) => None,
        };
        let sides = || {
            let weighted = processes.iter().filter_map(|process| match process {
                Process::Weighted { demodulates, sides, .. } => Some((*demodulates, sides)),
                _ => None,
            });
            let sides = weighted.map(|(demodulates, sides)| {
                let side = |side: &Side| {
                    let weights = found.weights.get(&side.weights)?;
                    let second = second == Some(side.input);
                    Some(model::Side { weights, demodulates, input: side.input, second })
                };
                sides.iter().filter_map(side).collect()
            });
            sides.collect()
        };
        let Some(model) = &mut self.model else { return Ok(()) };
        let control = self.surroundings.control;
        let halted = || control.is_halted();
        let values = model.full(rig, element, place, found.length, read, still, sides, &halted);
        self.modelled.clear();
        self.modelled.extend_from_slice(values.ok_or(Halted)?);
        Ok(())
    }

    /// One process; gives how long it looks.
    fn process(
        &mut self,
        process: &Process,
        element: u32,
        pulse: u32,
        start: u64,
        read: Option<Read>,
    ) -> Result<u64, Halted> {
        Ok(match process {
            Process::Weighted { demodulates, sides, target, window, site } => {
                self.look(process, element, start);
                self.weighted(*demodulates, sides, target, *site, element, pulse, start, *window)?;
                *window
            }
            Process::Tags { side, target, count, most_ns, kind } => {
                let window = u64::from(*most_ns);
                let most = target.len as usize;
                if let Tagged::Analog(input) = side {
                    let name = match kind {
                        TagKind::Raw => "RawTimeTagging",
                        TagKind::HighResolution => "HighResTimeTagging",
                    };
                    self.acquire(element, [Some(*input), None], start, window, name);
                }
                let (times, last) = self.tagged(side, *kind, element, start, window, read, most)?;
                let cells = &mut self.memory[target.cells()];
                let found = times.len().min(cells.len());
                cells.iter_mut().zip(&times).for_each(|(cell, time)| *cell = *time);
                if let Some(count) = count {
                    self.memory[*count as usize] = found as i32;
                }
                // docs/1.1.7/Hardware/dib: it ends with the time or with a full array.
                if found == most { last.min(window) } else { window }
            }
            Process::Counts { target, most_ns } => {
                let window = u64::from(*most_ns);
                // Digital inputs see nothing, unless a model tells of photons.
                let mut count = 0;
                let mut looked = 0;
                while let Some(read) = read
                    && looked < window
                    && count < MOST_COUNTED
                {
                    self.alive()?;
                    let Some(model) = &mut self.model else { break };
                    let part = COUNTED_NS.min(window - looked);
                    count += model.photons(element, read, part, 0, MOST_COUNTED - count).len();
                    looked += part;
                }
                self.memory[*target as usize] = count as i32;
                window
            }
        })
    }

    /// Time tags, and the nanosecond behind the last of them.
    #[expect(clippy::too_many_arguments, reason = "the parts of one measurement")]
    fn tagged(
        &mut self,
        side: &Tagged,
        kind: TagKind,
        element: u32,
        start: u64,
        window: u64,
        read: Option<Read>,
        most: usize,
    ) -> Result<(Vec<i32>, u64), Halted> {
        let (dead, scale) = match kind {
            TagKind::Raw => (2, 1.0),
            TagKind::HighResolution => (84, 1000.0),
        };
        let times: Vec<f64> = match (read, &mut self.model, side) {
            (Some(read), Some(model), _) => model.photons(element, read, window, dead, most),
            (_, _, Tagged::Digital) => Vec::new(),
            (_, _, Tagged::Analog(input)) => {
                let heard = if self.heard.is_empty() && self.adc.is_silent() {
                    // Nothing changes: only the first sample can be an edge.
                    window.min(1)
                } else if self.engine.records() {
                    // Behind the horizon nothing is heard any more.
                    window.min(self.engine.horizon().saturating_sub(start))
                } else {
                    window
                };
                let found = self.edges(*input, element, start, heard, dead, most)?;
                found
                    .iter()
                    .map(|(whole, fine)| match kind {
                        TagKind::Raw => *whole as f64,
                        TagKind::HighResolution => *fine,
                    })
                    .collect()
            }
        };
        let last = times.last().map_or(0, |at| at.max(0.0) as u64 + 1);
        Ok((times.iter().map(|at| (at * scale) as i32).collect(), last))
    }

    /// The edges that an input sees within a window.
    fn edges(
        &mut self,
        input: usize,
        element: u32,
        start: u64,
        window: u64,
        dead: u64,
        most: usize,
    ) -> Result<Vec<(u64, f64)>, Halted> {
        let tagging = self.engine.rig().elements[element as usize].tagging;
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
    fn look(&mut self, process: &Process, element: u32, start: u64) -> u64 {
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
            self.acquire(element, inputs, start, *window, name);
        }
        *window
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one measurement")]
    fn weighted(
        &mut self,
        demodulates: bool,
        sides: &[Side],
        target: &Target,
        site: u32,
        element: u32,
        pulse: u32,
        start: u64,
        window: u64,
    ) -> Step {
        let rig = std::sync::Arc::clone(self.engine.rig());
        let found = &rig.pulses[pulse as usize];
        let mut sums = Vec::new();
        if sides.iter().any(|side| !self.is_silent(side.input)) {
            sums = vec![0.0; (window / u64::from(WEIGHT_NS)) as usize];
            let lagging = start.saturating_sub(DEMOD_LAG);
            let carrier = self.engine.carrier(element, lagging).filter(|_| demodulates);
            let reference =
                carrier.map(|(phase, speed, frame)| Reference { phase: phase + frame, speed });
            for side in sides {
                let Some(weights) = found.weights.get(&side.weights) else { continue };
                let length = weights.length() as usize;
                for first in (0..length).step_by(PIECE) {
                    let len = PIECE.min(length - first);
                    let counts = self.counts(side.input, start as i64 + first as i64, len)?;
                    weigh(&counts, first / WEIGHT_NS as usize, weights, reference, &mut sums);
                }
            }
        }
        let total = sums.iter().sum();
        self.store(target, total, &sums, site);
        Ok(())
    }

    /// A result as the hardware holds it.
    fn result(&mut self, value: f64, site: u32) -> i32 {
        let (held, wrapped) = to_fixed(value);
        if wrapped {
            self.fault(site, || format!("{value} is outside [-8, 8)"));
        }
        held
    }

    fn store(&mut self, target: &Target, total: f64, sums: &[f64], overflow: u32) {
        match target {
            Target::Scalar(slot) => {
                self.memory[*slot as usize] = self.result(total, overflow);
            }
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
                        let mut sum = 0.0;
                        let parts = chunks(sums, *chunk as usize, count);
                        parts
                            .iter()
                            .map(|part| {
                                sum += part;
                                sum
                            })
                            .collect()
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
        element: u32,
        inputs: [Option<usize>; 2],
        from: u64,
        window: u64,
        process: &'static str,
    ) {
        let place = self.acquisitions;
        self.acquisitions += 1;
        let acquisition = Acquisition { element, from, to: from + window, process, inputs, place };
        self.engine.note_acquisition(acquisition);
    }

    /// Saves the raw samples of a measurement.
    fn record(&mut self, trace: Trace, element: u32, pulse: u32, start: u64) -> Step {
        let rig = std::sync::Arc::clone(self.engine.rig());
        let owner = &rig.elements[element as usize];
        let smearing = i64::from(owner.smearing);
        let from = start as i64 - smearing;
        let length = u64::from(rig.pulses[pulse as usize].length);
        // docs/1.1.7/Guides/stream_proc: only what arrives while the marker is high is recorded; without
        // a marker all samples are zero.
        let marker = rig.pulses[pulse as usize].marker.as_deref();
        let highs = marker.map(|marker| engine::highs(marker, length, length));
        let open = |index: i64| {
            let Some(highs) = &highs else { return true };
            // The smearing widens what touches either end.
            match u64::try_from(index - smearing) {
                Err(_) => highs.first().is_some_and(|(from, _)| *from == 0),
                Ok(at) if at >= length => highs.last().is_some_and(|(_, to)| *to == length),
                Ok(at) => {
                    let behind = highs.partition_point(|(from, _)| *from <= at);
                    behind > 0 && at < highs[behind - 1].1
                }
            }
        };
        let whole = trace.len as usize;
        for input in owner.outputs.values() {
            let port = rig.inputs[*input].port.number;
            if !self.surroundings.pipelines.reads_input(trace.stream as usize, port) {
                continue;
            }
            for first in (0..whole).step_by(PIECE) {
                let len = PIECE.min(whole - first);
                let from = from + first as i64;
                let counts = if highs.is_none() || self.is_silent(*input) {
                    self.alive()?;
                    vec![0.0; len]
                } else {
                    self.counts(*input, from, len)?
                };
                let kept = counts.iter().zip(first as i64..).filter(|(_, index)| open(*index));
                let samples =
                    kept.map(|(count, index)| (*count as i64, from + index - first as i64));
                self.surroundings.pipelines.save_samples(trace.stream as usize, port, samples);
            }
        }
        Ok(())
    }
}
