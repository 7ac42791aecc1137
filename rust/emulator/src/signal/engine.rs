//! PlayKind plays: the state of every element and oscillator while a program runs.
//!
//! The same engine serves `execute` and `simulate`. Only a simulation keeps a timeline of what was played;
//! without one, a play moves clocks, phases and levels and makes no samples.

pub(crate) mod markers;
mod overflow;
mod phases;
mod sticky;

use std::sync::Arc;

use pulsewire_common::correction::{Matrix, longer_row};

use super::oscillator::{Chirp, Oscillator};
use super::phase::{Phase, Speed};
use super::timeline::{
    Acquisition, Carrier, Offset, Outputs, Played, Samples, Segment, Source, Timeline,
};
use crate::config::elements::{Element, Inputs};
use crate::config::pulses::{Wave, Waves};
use crate::config::resolved::ResolvedConfig;
use crate::config::stretched;

/// The amplitude that changes nothing.
pub(crate) const UNITY: [f64; 4] = [1.0, 0.0, 0.0, 1.0];
/// The step of what a sticky element holds: 16 bits of a volt.
const HELD_STEPS: f64 = 65_536.0;
/// Entries of each kind that a timeline holds; a simulation with more says so.
const MOST_ENTRIES: usize = 1 << 20;

#[derive(Clone, Debug, Default)]
struct ElementState {
    /// PlayKind a sticky element holds: I and Q, or the single one.
    level: [f64; 2],
    /// Nanoseconds from which on the level has not been put on the timeline.
    held_from: u64,
    /// The digital inputs that a sticky element holds high, since when.
    marks: Option<i64>,
    /// Where a collection's level is.
    target: Option<usize>,
}

/// One play, with its arguments evaluated.
#[derive(Clone, Debug)]
pub(crate) struct PlayCommand {
    pub element: u32,
    pub what: PlayKind,
    pub amplitude: [f64; 4],
    /// Nanoseconds that it lasts, when not as long as the pulse.
    pub duration: Option<u64>,
    /// Nanoseconds after which it is cut off.
    pub truncate: Option<u64>,
    pub chirp: Option<Chirp>,
    /// The output of a collection, by index of the resolved configuration's outputs.
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

impl PlayCommand {
    /// A pulse as it is configured.
    pub(crate) fn plain(element: u32, pulse: u32, amplitude: [f64; 4]) -> Self {
        Self {
            element,
            what: PlayKind::Pulse(pulse),
            amplitude,
            duration: None,
            truncate: None,
            chirp: None,
            target: None,
            heard: true,
            measures: false,
            scaled: false,
            stretching: None,
        }
    }
}

/// A pulse of the resolved configuration, or a ramp in volts a nanosecond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PlayKind {
    Pulse(u32),
    Ramp(f64),
}

/// The engine of one run.
#[derive(Debug)]
pub(crate) struct Engine {
    resolved: Arc<ResolvedConfig>,
    oscillators: Vec<Oscillator>,
    states: Vec<ElementState>,
    /// Volts of each output.
    offsets: Vec<f64>,
    /// Where each element plays.
    outputs: Vec<Option<Outputs>>,
    /// Nanoseconds behind which nothing is kept.
    horizon: u64,
    timeline: Option<Timeline>,
    resetting: bool,
    /// The largest sample of each pulse's waveforms, I and Q together.
    sizes: Vec<f64>,
    largest_offset: f64,
    /// How far the correction of each oscillator reaches.
    rows: Vec<f64>,
}

impl Engine {
    /// An engine at rest; with a horizon (in nanoseconds) it keeps a timeline up to there.
    /// Phases count from `origin`, nanoseconds.
    pub(crate) fn new(resolved: Arc<ResolvedConfig>, horizon: Option<u64>, origin: u64) -> Self {
        let oscillators = resolved.oscillators().iter().map(|oscillator| Oscillator {
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
        let corrections = resolved.oscillators().iter().map(|one| &one.correction);
        Self {
            rows: corrections.map(longer_row).collect(),
            oscillators: oscillators.collect(),
            states: vec![ElementState::default(); resolved.elements.len()],
            offsets: resolved.outputs().iter().map(|output| output.offset).collect(),
            outputs: resolved.elements.iter().map(outputs).collect(),
            horizon: horizon.unwrap_or(0),
            timeline: horizon.map(|_| Timeline::default()),
            resetting: false,
            sizes: resolved.pulses.iter().map(|pulse| pulse.waves.size()).collect(),
            largest_offset: resolved.outputs().iter().fold(0.0, |most, o| most.max(o.offset.abs())),
            resolved,
        }
    }

    /// The configuration it plays with.
    pub(crate) fn resolved(&self) -> &Arc<ResolvedConfig> {
        &self.resolved
    }

    /// The outputs that a play of an element is heard on.
    fn outputs(&self, element: u32, target: Option<usize>) -> Option<Outputs> {
        match target {
            Some(one) => Some(Outputs::Single(Arc::new([one]))),
            None => self.outputs[element as usize].clone(),
        }
    }

    /// Notes a measurement for the report.
    pub(crate) fn note_acquisition(&mut self, acquisition: Acquisition) {
        if let Some(timeline) = &mut self.timeline
            && acquisition.from < self.horizon
            && room(&mut timeline.full, timeline.acquisitions.len())
        {
            timeline.acquisitions.push(acquisition);
        }
    }

    /// Whether it plays samples, and not only constants.
    pub(crate) fn is_shaped(&self, play: &PlayCommand) -> bool {
        match play.what {
            PlayKind::Pulse(pulse) => self.resolved.pulses[pulse as usize].waves.are_shaped(),
            PlayKind::Ramp(_) => false,
        }
    }

    /// Whether samples of a waveform are played for less than their own time.
    pub(crate) fn is_compressed(&self, play: &PlayCommand) -> bool {
        let PlayKind::Pulse(pulse) = play.what else { return false };
        let pulse = &self.resolved.pulses[pulse as usize];
        pulse.waves.are_shaped() && play.duration.is_some_and(|ns| ns < u64::from(pulse.length))
    }

    /// Nanoseconds behind which nothing is kept; 0 for an execution.
    pub(crate) fn horizon(&self) -> u64 {
        self.horizon
    }

    /// Whether what is played is kept.
    pub(crate) fn records(&self) -> bool {
        self.timeline.is_some()
    }

    fn oscillator(&mut self, element: u32) -> Option<&mut Oscillator> {
        let index = self.resolved.elements[element as usize].oscillator?;
        Some(&mut self.oscillators[index])
    }

    /// Nanoseconds that a pulse would last if it were not cut off.
    pub(crate) fn whole(&self, play: &PlayCommand) -> u64 {
        play.duration.unwrap_or_else(|| match play.what {
            PlayKind::Pulse(pulse) => u64::from(self.resolved.pulses[pulse as usize].length),
            PlayKind::Ramp(_) => 0,
        })
    }

    /// Nanoseconds that a pulse lasts.
    pub(crate) fn length(&self, play: &PlayCommand) -> u64 {
        let whole = self.whole(play);
        play.truncate.map_or(whole, |truncate| truncate.min(whole))
    }

    /// How long a pulse as it is configured takes, nanoseconds, where to play it changes nothing here: it is not
    /// kept, and nothing is held, swept or reset.
    #[inline]
    pub(crate) fn plain_length(&self, element: u32, pulse: u32) -> Option<u64> {
        let element = &self.resolved.elements[element as usize];
        let swept = element.oscillator.is_some_and(|one| self.oscillators[one].sweeping.is_some());
        let plain = !self.records() && !self.resetting && element.sticky.is_none() && !swept;
        plain.then(|| u64::from(self.resolved.pulses[pulse as usize].length))
    }

    /// Plays from `at` (nanoseconds) on; gives how long that takes.
    pub(crate) fn play(&mut self, play: &PlayCommand, at: u64) -> u64 {
        let length = self.length(play);
        self.settle(play.element, at);
        let element = &self.resolved.elements[play.element as usize];
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
                PlayKind::Ramp(slope) => [slope * length as f64, 0.0],
                PlayKind::Pulse(_) => [a00 * x + a01 * y, a10 * x + a11 * y],
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
    fn source(&self, play: &PlayCommand, whole: u64, length: u64) -> (Option<Source>, [f64; 2]) {
        let pulse = match play.what {
            PlayKind::Ramp(slope) => return (Some(Source::Ramp(slope)), [0.0; 2]),
            PlayKind::Pulse(pulse) => &self.resolved.pulses[pulse as usize],
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
        if let Some(timeline) = &mut self.timeline
            && room(&mut timeline.full, timeline.segments.len())
        {
            timeline.segments.push(segment);
        }
    }

    fn note(
        &mut self,
        play: &PlayCommand,
        at: u64,
        length: u64,
        outputs: Option<Outputs>,
        correction: Matrix,
        carrier: Option<&Carrier>,
    ) {
        let (pulse, marker) = match play.what {
            PlayKind::Pulse(pulse) => {
                (Some(pulse), self.resolved.pulses[pulse as usize].marker.is_some())
            }
            PlayKind::Ramp(_) => (None, false),
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
        if let Some(timeline) = &mut self.timeline
            && room(&mut timeline.full, timeline.plays.len())
        {
            timeline.plays.push(played);
        }
    }

    /// Another offset of an output from now on.
    pub(crate) fn set_offset(&mut self, output: usize, volts: f64, at: u64) {
        self.offsets[output] = volts;
        self.largest_offset = self.largest_offset.max(volts.abs());
        let Some(timeline) = self.timeline.as_mut().filter(|_| at < self.horizon) else { return };
        // At one time, the last one counts.
        let again =
            timeline.offsets.last().is_some_and(|last| (last.output, last.from) == (output, at));
        if again {
            timeline.offsets.pop();
        }
        if room(&mut timeline.full, timeline.offsets.len()) {
            timeline.offsets.push(Offset { output, from: at, volts });
        }
    }

    /// The timeline, with what sticky elements still hold at the horizon.
    pub(crate) fn into_timeline(mut self) -> Timeline {
        for index in 0..self.resolved.elements.len() as u32 {
            self.hold(index, self.horizon);
            self.unmark(index, self.horizon);
        }
        self.timeline.unwrap_or_default()
    }
}

/// Whether one more entry has room; `full` is set when it has not.
fn room(full: &mut bool, entries: usize) -> bool {
    *full |= entries >= MOST_ENTRIES;
    entries < MOST_ENTRIES
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
