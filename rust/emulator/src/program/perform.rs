//! Execution of statements that play and measure: arguments evaluated, clocks moved, results stored.

use super::depend::cells_of;
use super::ir::Expr;
use super::pulse_ir::{
    Amplitude, Chirp, Division, Play, Process, PulseStmt, Rates, Side, TagKind, Tagged, Target,
    Trace, What,
};
use super::run::{CYCLE_NS, Runner, Step};
use super::value::fixed_to_f64;
use crate::pulse::engine::{self, UNITY};
use crate::pulse::measure::{DEMOD_LAG, Reference, chunks, tags, to_fixed, weigh};
use crate::pulse::model::{self, Read};
use crate::pulse::phase::Phase;
use crate::pulse::shapes::{WEIGHT_NS, Weights};
use crate::pulse::tape::Acquisition;
use crate::streams::control::Halted;

/// The shortest ramp to zero, in clock cycles (F5.1).
const SHORTEST_RAMP: u32 = 4;
/// The largest entry of a correction: below 2 by a step of 16 bits.
const LARGEST: f64 = 2.0 - 1.0 / 65_536.0;

impl Runner<'_> {
    pub(super) fn pulse(&mut self, statement: &PulseStmt) -> Step {
        match statement {
            PulseStmt::Play(play) => return self.play(play).map(|_| ()),
            PulseStmt::Measure { play, processes, trace } => {
                return self.measure(play, processes, *trace);
            }
            PulseStmt::Rotate { element, turns } => {
                let angle = Phase::from_frame(self.eval(turns));
                let at = self.time(*element);
                self.engine.rotate(*element, angle, at);
            }
            PulseStmt::FastRotate { element, cosine, sine } => {
                let (cosine, sine) = (self.fixed(cosine), self.fixed(sine));
                let turns = sine.atan2(cosine) / std::f64::consts::TAU;
                let at = self.time(*element);
                self.engine.rotate(*element, Phase::from_turns(turns), at);
            }
            PulseStmt::ResetFrame { element } => {
                let at = self.time(*element);
                self.engine.reset_frame(*element, at);
            }
            PulseStmt::ResetPhase { element } => self.engine.reset_phase(*element),
            PulseStmt::ResetGlobalPhase => {
                for element in 0..self.program.clock_of.len() as u32 {
                    self.engine.reset_phase(element);
                }
            }
            PulseStmt::Frequency { element, value, keep_phase } => {
                let hz = f64::from(self.eval(&value.value)) * value.unit;
                let at = self.time(*element);
                self.engine.set_frequency(*element, hz, *keep_phase, at);
            }
            PulseStmt::Correction { element, matrix, site } => {
                let mut entries = self.four(matrix);
                for entry in &mut entries {
                    if !(-2.0..=LARGEST).contains(entry) {
                        let value = *entry;
                        self.fault(*site, || format!("{value}"));
                    }
                    *entry = (entry.clamp(-2.0, LARGEST) * 65_536.0).round_ties_even() / 65_536.0;
                }
                let at = self.time(*element);
                self.engine.set_correction(*element, entries, at);
            }
            PulseStmt::Offset { element, output, volts, site } => {
                let mut value = self.fixed(volts);
                if !(-0.5..0.5).contains(&value) {
                    self.fault(*site, || format!("{value} V"));
                    value = value.clamp(-0.5, 0.5 - 1.0 / 65_536.0);
                }
                let at = self.time(*element);
                self.engine.set_offset(*output, value, at);
            }
            PulseStmt::RampToZero { element, cycles } => {
                let sticky = self.engine.rig().elements[*element as usize].sticky;
                let configured = sticky.map_or(0, |sticky| sticky.duration);
                let cycles = cycles.unwrap_or(configured).max(SHORTEST_RAMP);
                let at = self.time(*element);
                self.engine.ramp_to_zero(*element, at, u64::from(cycles) * CYCLE_NS);
                return self.pass(*element, u64::from(cycles));
            }
            PulseStmt::Trigger { elements, play, tag } => {
                // Nothing is connected: the trigger is there at once.
                self.alive()?;
                if let Some(tag) = tag {
                    self.memory[*tag as usize] = 0;
                }
                for element in elements {
                    let at = self.time(*element);
                    self.engine.settle(*element, at);
                }
                if let Some(play) = play {
                    self.play(play)?;
                }
            }
        }
        Ok(())
    }

    /// Nanoseconds of an element's clock.
    fn time(&self, element: u32) -> u64 {
        self.clocks[self.program.clock_of[element as usize] as usize] * CYCLE_NS
    }

    /// An element is busy for some clock cycles.
    fn pass(&mut self, element: u32, cycles: u64) -> Step {
        let clock = self.program.clock_of[element as usize] as usize;
        self.move_on(clock, cycles);
        self.look_around()
    }

    fn fixed(&mut self, expression: &Expr) -> f64 {
        fixed_to_f64(self.eval(expression))
    }

    fn four(&mut self, all: &[Expr; 4]) -> [f64; 4] {
        let [a, b, c, d] = all;
        [self.fixed(a), self.fixed(b), self.fixed(c), self.fixed(d)]
    }

    fn amplitude(&mut self, amplitude: &Amplitude) -> [f64; 4] {
        match amplitude {
            Amplitude::One => UNITY,
            Amplitude::Scalar(scalar) => {
                let scalar = self.fixed(scalar).clamp(-2.0, 2.0);
                [scalar, 0.0, 0.0, scalar]
            }
            Amplitude::Matrix(all) => self.four(all).map(|entry| entry.clamp(-2.0, 2.0)),
        }
    }

    fn cycles(&mut self, expression: Option<&Expr>) -> Option<u64> {
        let cycles = self.eval(expression?);
        Some(u64::from(cycles.max(0) as u32))
    }

    fn chirp(&mut self, chirp: &Chirp) -> engine::Chirp {
        let rates = match &chirp.rates {
            Rates::None => Vec::new(),
            Rates::One(rate) => vec![f64::from(self.eval(rate)) * chirp.unit],
            Rates::Each(array) => {
                let cells = &self.memory[array.cells()];
                cells.iter().map(|rate| f64::from(*rate) * chirp.unit).collect()
            }
        };
        let times = chirp.times.iter().map(|cycles| u64::from(*cycles) * CYCLE_NS).collect();
        engine::Chirp { rates, times, goes_on: chirp.goes_on }
    }

    /// Plays; gives when it began, in nanoseconds, and the factor of its amplitude.
    fn play(&mut self, play: &Play) -> Result<(u64, [f64; 4]), Halted> {
        self.alive()?;
        let amplitude = self.amplitude(&play.amplitude);
        let what = match &play.what {
            What::Pulse(pulse) => engine::What::Pulse(*pulse),
            What::Ramp(slope) => engine::What::Ramp(self.fixed(slope)),
        };
        let duration = self.cycles(play.duration.as_ref());
        let truncate = self.cycles(play.truncate.as_ref());
        let heard = play.condition.as_ref().is_none_or(|condition| self.holds(condition));
        let chirp = play.chirp.as_ref().map(|chirp| self.chirp(chirp));
        let at = self.time(play.element);
        if let Some(stream) = play.timestamp {
            self.save(stream, (at / CYCLE_NS) as i32);
        }
        let arguments = engine::Play {
            element: play.element,
            what,
            amplitude,
            duration: duration.map(|cycles| cycles * CYCLE_NS),
            truncate: truncate.map(|cycles| cycles * CYCLE_NS),
            chirp,
            target: play.target,
            heard,
        };
        if heard
            && let engine::What::Pulse(pulse) = what
            && self.model.as_ref().is_some_and(|model| model.turns(play.element))
        {
            self.engine.settle(play.element, at);
            self.turn(&arguments, pulse, at);
        }
        let length = self.engine.play(&arguments, at);
        if heard && self.engine.overflows(&arguments) {
            self.fault(play.site, || format!("at {at} ns"));
        }
        self.pass(play.element, length.div_ceil(CYCLE_NS))?;
        Ok((at, amplitude))
    }

    /// A pulse turns the qubits of the model.
    fn turn(&mut self, play: &engine::Play, pulse: u32, at: u64) {
        let Some((phase, _, frame)) = self.engine.carrier(play.element, at) else { return };
        let frequency = self.engine.frequency(play.element).unwrap_or(0.0);
        let length = self.engine.length(play);
        let rig = std::sync::Arc::clone(self.engine.rig());
        let whole = rig.pulses[pulse as usize].length;
        let drive = model::Drive {
            at,
            length,
            part: length as f64 / f64::from(whole.max(1)),
            amplitude: play.amplitude,
            phase: phase + frame,
            frequency,
        };
        if let Some(model) = &mut self.model {
            model.drive(play.element, pulse, &rig, drive);
        }
    }

    fn measure(&mut self, play: &Play, processes: &[Process], trace: Option<Trace>) -> Step {
        let What::Pulse(pulse) = play.what else { return Ok(()) };
        let (at, amplitude) = self.play(play)?;
        let element = play.element;
        let owner = &self.engine.rig().elements[element as usize];
        let start = at + u64::from(owner.time_of_flight);
        let frequency = self.engine.frequency(element).unwrap_or(0.0);
        let read =
            self.model.as_mut().and_then(|model| model.read(element, at, frequency, amplitude[0]));
        for process in processes {
            let window = self.process(process, element, pulse, start, read);
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
            self.record(trace, element, pulse, start, read);
        }
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
    ) -> u64 {
        match process {
            Process::Weighted { demodulates, sides, target } => {
                self.weighted(*demodulates, sides, target, element, pulse, start, read)
            }
            Process::Tags { side, target, count, most_ns, kind } => {
                let window = u64::from(*most_ns);
                let times = match side {
                    Tagged::Digital => Vec::new(),
                    Tagged::Analog(input) => {
                        let name = match kind {
                            TagKind::Raw => "RawTimeTagging",
                            TagKind::HighResolution => "HighResTimeTagging",
                        };
                        self.acquire(element, *input, start, window, name);
                        let most = target.len as usize;
                        self.tagged(*input, *kind, element, start, window, read, most)
                    }
                };
                let cells = &mut self.memory[target.cells()];
                let found = times.len().min(cells.len());
                cells.iter_mut().zip(&times).for_each(|(cell, time)| *cell = *time);
                if let Some(count) = count {
                    self.memory[*count as usize] = found as i32;
                }
                window
            }
            Process::Counts { target } => {
                // Digital inputs see nothing.
                self.memory[*target as usize] = 0;
                0
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one measurement")]
    fn tagged(
        &mut self,
        input: usize,
        kind: TagKind,
        element: u32,
        start: u64,
        window: u64,
        read: Option<Read>,
        most: usize,
    ) -> Vec<i32> {
        let (dead, scale) = match kind {
            TagKind::Raw => (2, 1.0),
            TagKind::HighResolution => (84, 1000.0),
        };
        let times: Vec<f64> = match (read, &mut self.model) {
            (Some(read), Some(model)) => {
                let mut last = f64::NEG_INFINITY;
                // As many again may be lost to the dead time.
                let mut photons = model.photons(element, read, window, 2 * most);
                photons.retain(|at| {
                    let alive = *at >= last + dead as f64;
                    if alive {
                        last = *at;
                    }
                    alive
                });
                photons
            }
            _ if self.adc.is_silent() => Vec::new(),
            _ => {
                let rig = self.engine.rig();
                let tagging = rig.elements[element as usize].tagging;
                // One sample more, for the first derivative.
                // Behind the horizon nothing is heard any more.
                let heard = window.min(self.engine.horizon().saturating_sub(start)) as usize;
                let counts = self.adc.counts(rig, input, start as i64 - 1, heard + 1);
                let (before, counts) =
                    counts.split_first().map_or((0.0, &[][..]), |(a, b)| (*a, b));
                let found = tags(counts, before, tagging, dead);
                found
                    .iter()
                    .map(|(whole, fine)| match kind {
                        TagKind::Raw => *whole as f64,
                        TagKind::HighResolution => *fine,
                    })
                    .collect()
            }
        };
        times.iter().map(|at| (at * scale) as i32).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one measurement")]
    fn weighted(
        &mut self,
        demodulates: bool,
        sides: &[Side],
        target: &Target,
        element: u32,
        pulse: u32,
        start: u64,
        read: Option<Read>,
    ) -> u64 {
        let rig = std::sync::Arc::clone(self.engine.rig());
        let found = &rig.pulses[pulse as usize];
        let weights: Vec<&Weights> =
            sides.iter().filter_map(|side| found.weights.get(&side.weights)).collect();
        let window = weights.iter().map(|weights| weights.length()).max().unwrap_or(0);
        let name = match (demodulates, sides.len()) {
            (true, 1) => "DemodIntegration",
            (true, _) => "DualDemodIntegration",
            (false, 1) => "BareIntegration",
            (false, _) => "DualBareIntegration",
        };
        for side in sides {
            self.acquire(element, side.input, start, window, name);
        }
        let whole = matches!(target, Target::Scalar(_) | Target::Cell { .. });
        let mut sums = Vec::new();
        let mut total = 0.0;
        if let (Some(read), Some(model)) = (read, &mut self.model) {
            if !whole {
                sums = vec![0.0; (window / u64::from(WEIGHT_NS)) as usize];
            }
            let second = rig.elements[element as usize].outputs.values().nth(1).copied();
            for (side, weights) in sides.iter().zip(&weights) {
                let side = model::Side {
                    pulse,
                    name: &side.weights,
                    weights,
                    length: found.length,
                    demodulates,
                    // The element's second output carries the quadrature.
                    second: second == Some(side.input),
                };
                if whole {
                    total += model.full(element, read, side);
                } else {
                    model.each(element, read, side, &mut sums);
                }
            }
        } else if !self.adc.is_silent() {
            sums = vec![0.0; (window / u64::from(WEIGHT_NS)) as usize];
            let lagging = start.saturating_sub(DEMOD_LAG);
            let carrier = self.engine.carrier(element, lagging).filter(|_| demodulates);
            let reference =
                carrier.map(|(phase, speed, frame)| Reference { phase: phase + frame, speed });
            for (side, weights) in sides.iter().zip(&weights) {
                let counts =
                    self.adc.counts(&rig, side.input, start as i64, weights.length() as usize);
                weigh(&counts, weights, reference, &mut sums);
            }
            total = sums.iter().sum();
        }
        self.store(target, total, &sums);
        window
    }

    fn store(&mut self, target: &Target, total: f64, sums: &[f64]) {
        match target {
            Target::Scalar(slot) => {
                let value = to_fixed(total).0;
                self.memory[*slot as usize] = value;
            }
            Target::Cell { array, index, site } => {
                let index = self.eval(index);
                if let Some(cell) = self.locate(*array, index, *site) {
                    self.memory[cell] = to_fixed(total).0;
                }
            }
            Target::Vector { array, division } => {
                let count = array.len as usize;
                let parts = match division {
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
                let cells = &mut self.memory[array.cells()];
                cells.iter_mut().zip(parts).for_each(|(cell, part)| *cell = to_fixed(part).0);
            }
        }
    }

    /// Notes a measurement for the report.
    fn acquire(
        &mut self,
        element: u32,
        input: usize,
        from: u64,
        window: u64,
        process: &'static str,
    ) {
        let acquisition = Acquisition { element, from, to: from + window, process, input };
        self.engine.note_acquisition(acquisition);
    }

    /// Saves the raw samples of a measurement.
    fn record(&mut self, trace: Trace, element: u32, pulse: u32, start: u64, read: Option<Read>) {
        let rig = std::sync::Arc::clone(self.engine.rig());
        let owner = &rig.elements[element as usize];
        let smearing = i64::from(owner.smearing);
        let from = start as i64 - smearing;
        let length = u64::from(rig.pulses[pulse as usize].length);
        // docs/1.1.7/Guides/stream_proc: only what arrives while the marker is high is recorded; without
        // a marker all samples are zero.
        let marker = rig.pulses[pulse as usize].marker.as_deref();
        let highs = marker.map(|marker| engine::highs(marker, length));
        let open = |index: i64| match &highs {
            None => true,
            Some(highs) => {
                let at = index - smearing;
                highs.iter().any(|(from, to)| {
                    // The smearing widens what touches either end.
                    let from = if *from == 0 { -smearing } else { *from as i64 };
                    let to = if *to == length { *to as i64 + smearing } else { *to as i64 };
                    (from..to).contains(&at)
                })
            }
        };
        let len = i64::from(trace.len);
        let silent = highs.is_none() || (read.is_none() && self.adc.is_silent());
        let lagging = start.saturating_sub(DEMOD_LAG);
        let carrier = self.engine.carrier(element, lagging);
        for (position, (_, input)) in owner.outputs.iter().enumerate() {
            self.acquire(element, *input, from.max(0) as u64, len as u64, "Adc");
            let port = rig.inputs[*input].port.number;
            if !self.surroundings.pipelines.reads_input(trace.stream as usize, port) {
                continue;
            }
            let counts: Vec<f64> = if silent {
                vec![0.0; len as usize]
            } else if let (Some(read), Some(model)) = (read, &mut self.model) {
                let (phase, speed, frame) = carrier.unwrap_or_default();
                (0..len)
                    .map(|index| {
                        let ns = index - smearing;
                        // Also before the window: the carrier runs both ways.
                        let turn = phase + frame + speed.over(ns as u64);
                        let volts = model.sample(element, read, ns, length, turn);
                        (volts[position.min(1)] * 4096.0).trunc().clamp(-2048.0, 2047.0)
                    })
                    .collect()
            } else {
                self.adc.counts(&rig, *input, from, len as usize)
            };
            let kept = counts.iter().enumerate().filter(|(index, _)| open(*index as i64));
            let samples = kept.map(|(index, count)| (*count as i64, from + index as i64));
            self.surroundings.pipelines.save_samples(trace.stream as usize, port, samples);
        }
    }
}
