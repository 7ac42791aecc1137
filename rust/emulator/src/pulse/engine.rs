//! What plays: the state of every element and oscillator while a program runs.
//!
//! The same engine serves `execute` and `simulate`. Only a simulation keeps a tape of what was played;
//! without one, a play moves clocks, phases and levels and makes no samples.

mod phases;

use std::sync::Arc;

pub use super::oscillator::Chirp;
use super::oscillator::Oscillator;
use super::phase::{Phase, Speed};
use super::render::is_beyond;
use super::rig::{Element, Inputs, Rig};
use super::shapes::{Wave, Waves};
use super::stretch::stretched;
use super::tape::{
    Acquisition, Carrier, High, Offset, Outputs, Played, Samples, Segment, Source, Tape,
};
use crate::machine::correction::Matrix;

/// The amplitude that changes nothing.
pub const UNITY: [f64; 4] = [1.0, 0.0, 0.0, 1.0];
/// The step of what a sticky element holds: 16 bits of a volt.
const HELD_STEPS: f64 = 65_536.0;
/// Entries of each kind that a tape holds; a simulation with more says so.
const MOST_ENTRIES: usize = 1 << 20;

#[derive(Clone, Debug, Default)]
struct State {
    /// What a sticky element holds: I and Q, or the single one.
    level: [f64; 2],
    /// Nanoseconds from which on the level has not been put on the tape.
    held_from: u64,
    /// The digital inputs that a sticky element holds high, since when.
    marks: Option<i64>,
    /// Where a collection's level is.
    target: Option<usize>,
}

/// One play, with its arguments evaluated.
#[derive(Clone, Debug)]
pub struct Play {
    pub element: u32,
    pub what: What,
    pub amplitude: [f64; 4],
    /// Nanoseconds that it lasts, when not as long as the pulse.
    pub duration: Option<u64>,
    /// Nanoseconds after which it is cut off.
    pub truncate: Option<u64>,
    pub chirp: Option<Chirp>,
    /// The output of a collection, by index of the rig's outputs.
    pub target: Option<usize>,
    /// Whether it is heard: false for a condition that does not hold.
    pub heard: bool,
    /// Whether a measurement plays it.
    pub measures: bool,
    /// Whether it has an amplitude of its own, if only 1.
    pub scaled: bool,
    /// Of a shape that is stretched by a variable: nanoseconds that it takes beyond that.
    pub stretching: Option<u64>,
}

/// A pulse of the rig, or a ramp in volts a nanosecond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    Pulse(u32),
    Ramp(f64),
}

/// The engine of one run.
#[derive(Debug)]
pub struct Engine {
    rig: Arc<Rig>,
    oscillators: Vec<Oscillator>,
    states: Vec<State>,
    /// Volts of each output.
    offsets: Vec<f64>,
    /// Where each element plays.
    outputs: Vec<Option<Outputs>>,
    /// Nanoseconds behind which nothing is kept.
    horizon: u64,
    tape: Option<Tape>,
    resetting: bool,
    /// The largest sample of each pulse's waveforms, I and Q together.
    sizes: Vec<f64>,
    largest_offset: f64,
}

impl Engine {
    /// An engine at rest; with a horizon (in nanoseconds) it keeps a tape up to there.
    /// Phases count from `origin`, nanoseconds.
    pub fn new(rig: Arc<Rig>, horizon: Option<u64>, origin: u64) -> Self {
        let oscillators = rig.oscillators.iter().map(|oscillator| Oscillator {
            origin,
            hz: oscillator.frequency,
            speed: Speed::from_hz(oscillator.frequency),
            reset: Phase::default(),
            kept: Phase::default(),
            frame: Phase::default(),
            correction: oscillator.correction,
            resetting: false,
            sweeping: None,
        });
        Self {
            oscillators: oscillators.collect(),
            states: vec![State::default(); rig.elements.len()],
            offsets: rig.outputs.iter().map(|output| output.offset).collect(),
            outputs: rig.elements.iter().map(outputs).collect(),
            horizon: horizon.unwrap_or(0),
            tape: horizon.map(|_| Tape::default()),
            resetting: false,
            sizes: rig.pulses.iter().map(|pulse| pulse.waves.size()).collect(),
            largest_offset: rig.outputs.iter().fold(0.0, |most, o| most.max(o.offset.abs())),
            rig,
        }
    }

    /// The configuration it plays with.
    pub fn rig(&self) -> &Arc<Rig> {
        &self.rig
    }

    /// The outputs that a play of an element is heard on.
    fn outputs(&self, element: u32, target: Option<usize>) -> Option<Outputs> {
        match target {
            Some(one) => Some(Outputs::Single(Arc::new([one]))),
            None => self.outputs[element as usize].clone(),
        }
    }

    /// Notes a measurement for the report.
    pub fn note_acquisition(&mut self, acquisition: Acquisition) {
        if let Some(tape) = &mut self.tape
            && acquisition.from < self.horizon
            && room(&mut tape.full, tape.acquisitions.len())
        {
            tape.acquisitions.push(acquisition);
        }
    }

    /// Whether it plays samples, and not only constants.
    pub fn is_shaped(&self, play: &Play) -> bool {
        match play.what {
            What::Pulse(pulse) => self.rig.pulses[pulse as usize].waves.are_shaped(),
            What::Ramp(_) => false,
        }
    }

    /// Whether samples of a waveform are played for less than their own time.
    pub fn is_compressed(&self, play: &Play) -> bool {
        let What::Pulse(pulse) = play.what else { return false };
        let pulse = &self.rig.pulses[pulse as usize];
        pulse.waves.are_shaped() && play.duration.is_some_and(|ns| ns < u64::from(pulse.length))
    }

    /// Whether a play by itself goes beyond the range of its outputs at some phase. A simulation sees the
    /// sum of all, when it is rendered.
    pub fn overflows(&self, play: &Play) -> bool {
        if self.records() {
            return false;
        }
        let What::Pulse(pulse) = play.what else { return false };
        let [a00, a01, a10, a11] = play.amplitude;
        let scalar = a01 == 0.0 && a10 == 0.0 && a00 == a11;
        let norm = if scalar { a00.abs() } else { a00.hypot(a01).hypot(a10.hypot(a11)) };
        let element = &self.rig.elements[play.element as usize];
        let index = element.oscillator;
        let correction = index.map_or(UNITY, |index| self.oscillators[index].correction);
        let [c00, c01, c10, c11] = correction;
        let largest = norm * self.sizes[pulse as usize] * c00.hypot(c01).max(c10.hypot(c11));
        // The offsets of its own outputs: another port's is not its concern.
        let offset = match &self.outputs[play.element as usize] {
            Some(Outputs::Mixed { i, q }) => self.offsets[*i].abs().max(self.offsets[*q].abs()),
            Some(Outputs::Single(all)) => {
                all.iter().fold(0.0, |m, o| self.offsets[*o].abs().max(m))
            }
            None => 0.0,
        };
        let offset = if play.target.is_some() { self.largest_offset } else { offset };
        if !is_beyond(largest + offset) {
            return false;
        }
        // Turned as a whole, it reaches that far at some phase: no need to look at each sample.
        let whole = play.duration.is_none() && play.truncate.is_none();
        if scalar && index.is_some() && whole && offset == 0.0 {
            return true;
        }
        self.certainly_overflows(play, correction)
    }

    #[cold]
    fn certainly_overflows(&self, play: &Play, correction: Matrix) -> bool {
        let element = &self.rig.elements[play.element as usize];
        let Some(outputs) = self.outputs(play.element, play.target) else { return false };
        let (whole, length) = (self.whole(play), self.length(play));
        let (Some(source), _) = self.source(play, whole, length) else { return false };
        let turned = element.oscillator.is_some();
        let (low, high) =
            super::render::reach(&source, length, &play.amplitude, &correction, turned);
        let over = |output: usize, side: usize| {
            let offset = self.offsets[output];
            is_beyond(low[side] + offset) || is_beyond(high[side] + offset)
        };
        match outputs {
            Outputs::Mixed { i, q } => over(i, 0) || over(q, 1),
            Outputs::Single(outputs) => outputs.iter().any(|output| over(*output, 0)),
        }
    }

    /// Nanoseconds behind which nothing is kept; 0 for an execution.
    pub fn horizon(&self) -> u64 {
        self.horizon
    }

    /// Whether what is played is kept.
    pub fn records(&self) -> bool {
        self.tape.is_some()
    }

    fn oscillator(&mut self, element: u32) -> Option<&mut Oscillator> {
        let index = self.rig.elements[element as usize].oscillator?;
        Some(&mut self.oscillators[index])
    }

    /// Nanoseconds that a pulse would last if it were not cut off.
    pub fn whole(&self, play: &Play) -> u64 {
        play.duration.unwrap_or_else(|| match play.what {
            What::Pulse(pulse) => u64::from(self.rig.pulses[pulse as usize].length),
            What::Ramp(_) => 0,
        })
    }

    /// Nanoseconds that a pulse lasts.
    pub fn length(&self, play: &Play) -> u64 {
        let whole = self.whole(play);
        play.truncate.map_or(whole, |truncate| truncate.min(whole))
    }

    /// Plays from `at` (nanoseconds) on; gives how long that takes.
    pub fn play(&mut self, play: &Play, at: u64) -> u64 {
        let length = self.length(play);
        self.settle(play.element, at);
        let rig = Arc::clone(&self.rig);
        let element = &rig.elements[play.element as usize];
        let sticky = element.sticky.is_some_and(|sticky| sticky.analog);
        if (at >= self.horizon && !sticky) || !play.heard {
            if play.heard {
                self.catch_up(play.element, at);
                self.end_sweep(play, at, length);
                self.mark(play, at, length);
            }
            return length;
        }
        self.hold(play.element, at);
        let whole = self.whole(play);
        let (source, last) = self.source(play, whole, length);
        let level = self.states[play.element as usize].level;
        let outputs = self.outputs(play.element, play.target);
        let carrier = self.start(play, at, whole);
        let correction = self.oscillator(play.element).map_or(UNITY, |o| o.correction);
        if at < self.horizon && self.records() {
            self.note(play, at, length, outputs.clone(), correction, carrier.as_ref());
            self.mark(play, at, length);
            // A marker alone leaves what is held where it is.
            let source = source.or(sticky.then_some(Source::Constant([0.0; 2])));
            if let (Some(outputs), Some(source)) = (outputs, source) {
                self.push(Segment {
                    outputs,
                    start: at,
                    length,
                    source,
                    amplitude: play.amplitude,
                    level: if sticky { level } else { [0.0; 2] },
                    carrier,
                    correction,
                });
            }
        }
        if sticky {
            let [a00, a01, a10, a11] = play.amplitude;
            let [x, y] = last;
            let state = &mut self.states[play.element as usize];
            let added = match play.what {
                What::Ramp(slope) => [slope * length as f64, 0.0],
                What::Pulse(_) => [a00 * x + a01 * y, a10 * x + a11 * y],
            };
            for (level, added) in state.level.iter_mut().zip(added) {
                *level = ((*level + added) * HELD_STEPS).round() / HELD_STEPS;
            }
            state.held_from = at + length;
            state.target = play.target;
        }
        self.end_sweep(play, at, length);
        length
    }

    /// The samples of a play, and the last of them.
    fn source(&self, play: &Play, whole: u64, length: u64) -> (Option<Source>, [f64; 2]) {
        let pulse = match play.what {
            What::Ramp(slope) => return (Some(Source::Ramp(slope)), [0.0; 2]),
            What::Pulse(pulse) => &self.rig.pulses[pulse as usize],
        };
        let samples = |wave: &Wave| match wave {
            Wave::Constant(value) => Samples::Constant(*value),
            Wave::Samples(samples) if samples.len() as u64 == whole => {
                Samples::Each(Arc::clone(samples))
            }
            Wave::Samples(samples) => {
                Samples::Stretched { samples: Arc::clone(samples), length: whole }
            }
        };
        let end = length.saturating_sub(1) as usize;
        let last = |wave: &Wave| match wave {
            Wave::Constant(value) => *value,
            Wave::Samples(samples) => stretched(samples, whole, end),
        };
        let (waves, ends) = match &pulse.waves {
            Waves::None => return (None, [0.0; 2]),
            Waves::Single(wave) => ([samples(wave), Samples::Constant(0.0)], [last(wave), 0.0]),
            Waves::Mixed { i, q } => ([samples(i), samples(q)], [last(i), last(q)]),
        };
        let source = match &waves {
            [Samples::Constant(i), Samples::Constant(q)] => Source::Constant([*i, *q]),
            _ => Source::Samples(waves),
        };
        (Some(source), ends)
    }

    fn push(&mut self, segment: Segment) {
        if let Some(tape) = &mut self.tape
            && room(&mut tape.full, tape.segments.len())
        {
            tape.segments.push(segment);
        }
    }

    fn note(
        &mut self,
        play: &Play,
        at: u64,
        length: u64,
        outputs: Option<Outputs>,
        correction: Matrix,
        carrier: Option<&Carrier>,
    ) {
        let (pulse, marker) = match play.what {
            What::Pulse(pulse) => (Some(pulse), self.rig.pulses[pulse as usize].marker.is_some()),
            What::Ramp(_) => (None, false),
        };
        let frame = self.oscillator(play.element).map_or(Phase::default(), |o| o.frame);
        let played_on = outputs.as_ref().map(Outputs::all).unwrap_or_default();
        let played = Played {
            element: play.element,
            pulse,
            start: at,
            length,
            told: length + play.stretching.unwrap_or(0),
            whole: self.whole(play),
            measured: play.measures,
            scaled: play.scaled,
            stretched: play.stretching.is_some(),
            outputs,
            amplitude: play.amplitude,
            frame,
            correction,
            frequency: self.frequency(play.element).unwrap_or(0.0),
            phase: self.oscillator(play.element).map_or(Phase::default(), |o| o.reset + o.kept),
            chirp: carrier.and_then(|carrier| carrier.chirp.clone()),
            marker,
            offsets: played_on.iter().map(|output| self.offsets[*output]).collect(),
        };
        if let Some(tape) = &mut self.tape
            && room(&mut tape.full, tape.plays.len())
        {
            tape.plays.push(played);
        }
    }

    /// Puts the digital marker of a pulse on the tape. One of a pulse behind the horizon may begin
    /// before it, by its buffer.
    fn mark(&mut self, play: &Play, at: u64, length: u64) {
        let What::Pulse(pulse) = play.what else { return };
        if !self.records() || at >= self.horizon.saturating_add(self.rig.widest()) {
            return;
        }
        let rig = Arc::clone(&self.rig);
        let element = &rig.elements[play.element as usize];
        let pulse = &rig.pulses[pulse as usize];
        let Some(marker) = pulse.marker.as_ref() else { return };
        let keeps = element.sticky.is_some_and(|sticky| sticky.digital);
        let highs = highs(marker, u64::from(pulse.length), length);
        let state = &mut self.states[play.element as usize];
        let held = state.marks.take();
        let at = at as i64;
        if keeps && highs.last().is_some_and(|(_, to)| *to == length) {
            state.marks = Some(at + length as i64);
        }
        let Some(tape) = &mut self.tape else { return };
        for input in &element.markers {
            let (delay, buffer) = (i64::from(input.delay), i64::from(input.buffer));
            let mut high = |from: i64, to: i64| {
                if room(&mut tape.full, tape.markers.len()) {
                    let (from, to) = (from + delay - buffer, to + delay + buffer);
                    tape.markers.push(High { output: input.output, from, to });
                }
            };
            if let Some(since) = held {
                high(since, at);
            }
            highs.iter().for_each(|(from, to)| high(at + *from as i64, at + *to as i64));
        }
    }

    /// Ends what a sticky element's digital inputs hold.
    fn unmark(&mut self, index: u32, at: u64) {
        let Some(since) = self.states[index as usize].marks.take() else { return };
        let Some(tape) = &mut self.tape else { return };
        for input in &self.rig.elements[index as usize].markers {
            let (delay, buffer) = (i64::from(input.delay), i64::from(input.buffer));
            let (from, to) = (since + delay - buffer, at as i64 + delay + buffer);
            if !room(&mut tape.full, tape.markers.len()) {
                return;
            }
            tape.markers.push(High { output: input.output, from, to });
        }
    }

    /// Puts what a sticky element held until now on the tape; whatever changes its phase calls this
    /// first.
    fn hold(&mut self, index: u32, until: u64) {
        let State { level, held_from: from, target, .. } = self.states[index as usize];
        if level == [0.0; 2] || from >= until || !self.records() || from >= self.horizon {
            return;
        }
        let rig = Arc::clone(&self.rig);
        let element = &rig.elements[index as usize];
        self.catch_up(index, from);
        let carrier = self.held_carrier(element, from);
        let correction = self.oscillator(index).map_or(UNITY, |o| o.correction);
        if let Some(outputs) = self.outputs(index, target) {
            self.push(Segment {
                outputs,
                start: from,
                length: until - from,
                source: Source::Constant([0.0; 2]),
                amplitude: UNITY,
                level,
                carrier,
                correction,
            });
        }
        self.states[index as usize].held_from = until;
    }

    /// All elements of an oscillator hold their levels up to now with its old phase.
    fn hold_all(&mut self, element: u32, until: u64) {
        let Some(oscillator) = self.rig.elements[element as usize].oscillator else { return };
        for index in 0..self.rig.elements.len() {
            if self.rig.elements[index].oscillator == Some(oscillator) {
                self.hold(index as u32, until);
            }
        }
    }

    /// Lets a sticky element go: from its level to zero within `length` nanoseconds.
    pub fn ramp_to_zero(&mut self, index: u32, at: u64, length: u64) {
        self.settle(index, at);
        self.hold(index, at);
        self.unmark(index, at);
        let rig = Arc::clone(&self.rig);
        let element = &rig.elements[index as usize];
        let State { level, target, .. } = std::mem::take(&mut self.states[index as usize]);
        if level == [0.0; 2] || at >= self.horizon {
            return;
        }
        self.catch_up(index, at);
        let carrier = self.held_carrier(element, at);
        let correction = self.oscillator(index).map_or(UNITY, |o| o.correction);
        if let Some(outputs) = self.outputs(index, target) {
            self.push(Segment {
                outputs,
                start: at,
                length,
                source: Source::Fall,
                amplitude: UNITY,
                level,
                carrier,
                correction,
            });
        }
    }

    /// The last statement of a sticky element is over: it goes to zero as configured.
    pub fn release(&mut self, element: u32, at: u64) {
        let sticky = self.rig.elements[element as usize].sticky;
        let cycles = sticky.map_or(0, |sticky| sticky.duration);
        self.ramp_to_zero(element, at, u64::from(cycles) * 4);
    }

    /// Another offset of an output from now on.
    pub fn set_offset(&mut self, output: usize, volts: f64, at: u64) {
        self.offsets[output] = volts;
        self.largest_offset = self.largest_offset.max(volts.abs());
        let Some(tape) = self.tape.as_mut().filter(|_| at < self.horizon) else { return };
        // At one time, the last one counts.
        let again =
            tape.offsets.last().is_some_and(|last| (last.output, last.from) == (output, at));
        if again {
            tape.offsets.pop();
        }
        if room(&mut tape.full, tape.offsets.len()) {
            tape.offsets.push(Offset { output, from: at, volts });
        }
    }

    /// The tape, with what sticky elements still hold at the horizon.
    pub fn into_tape(mut self) -> Tape {
        for index in 0..self.rig.elements.len() as u32 {
            self.hold(index, self.horizon);
            self.unmark(index, self.horizon);
        }
        self.tape.unwrap_or_default()
    }
}

/// Whether one more entry has room; `full` is set when it has not.
fn room(full: &mut bool, entries: usize) -> bool {
    *full |= entries >= MOST_ENTRIES;
    entries < MOST_ENTRIES
}

/// When a marker is high, in nanoseconds from the start of its pulse, which is `configured` long and played
/// for `length`.
pub fn highs(marker: &[(bool, u32)], configured: u64, length: u64) -> Vec<(u64, u64)> {
    let mut highs: Vec<(u64, u64)> = Vec::new();
    let mut at = 0;
    for (index, (value, ns)) in marker.iter().enumerate() {
        // docs/1.1.7/Introduction/qua_overview: 0 lasts for the rest, and what reaches the end of the
        // configured pulse pads a longer one.
        let end = at + u64::from(*ns);
        let last = index + 1 == marker.len();
        let rest = *ns == 0 || (last && end >= configured);
        let end = if rest { length } else { end.min(length) };
        if *value && at < end {
            match highs.last_mut() {
                Some(last) if last.1 == at => last.1 = end,
                _ => highs.push((at, end)),
            }
        }
        at = end;
    }
    highs
}

/// The outputs that an element plays to, without a target.
fn outputs(element: &Element) -> Option<Outputs> {
    match &element.inputs {
        Inputs::None => None,
        Inputs::Single(output) => Some(Outputs::Single(Arc::new([*output]))),
        Inputs::Mixed { i, q } => Some(Outputs::Mixed { i: *i, q: *q }),
        Inputs::Collection(all) => all.values().next().map(|one| Outputs::Single(Arc::new([*one]))),
        Inputs::Multiple(all) => Some(Outputs::Single(all.values().copied().collect())),
    }
}
