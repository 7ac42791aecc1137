//! What a simulated program played, in the order in which it happened on each element.

use std::sync::Arc;

use pulsewire_common::correction::Matrix;

use super::phase::{Phase, Speed};
use crate::config::stretched;

/// Pulses that a report lists; a simulation of more says so. An answer of some 2 kB for each stays below what
/// clients take.
pub(crate) const MOST_LISTED: usize = 30_000;
/// Pulses that the deprecated structures list, beside the report.
pub(crate) const MOST_STRUCTURED: usize = 10_000;

/// All that was played.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    pub segments: Vec<Segment>,
    pub markers: Vec<High>,
    pub offsets: Vec<Offset>,
    pub plays: Vec<Played>,
    pub acquisitions: Vec<Acquisition>,
    pub resets: Vec<PhaseReset>,
    /// Whether more was played than is kept.
    pub full: bool,
}

/// A stretch of one waveform on the outputs of one element.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub outputs: Outputs,
    /// Nanoseconds.
    pub start: u64,
    /// Nanoseconds.
    pub length: u64,
    pub source: Source,
    /// What waveforms are multiplied with, row by row: I from I, I from Q, Q from I, Q from Q.
    pub amplitude: [f64; 4],
    /// What a sticky element holds underneath: I and Q, or the single one.
    pub level: [f64; 2],
    /// `None`: not modulated.
    pub carrier: Option<Carrier>,
    pub correction: Matrix,
}

/// Where a segment is heard, by index of the resolved configuration's outputs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outputs {
    Single(Arc<[usize]>),
    Mixed { i: usize, q: usize },
}

impl Outputs {
    /// All of them.
    pub(crate) fn all(&self) -> Vec<usize> {
        match self {
            Self::Single(outputs) => outputs.to_vec(),
            Self::Mixed { i, q } => vec![*i, *q],
        }
    }
}

/// The samples of a segment, before amplitude and modulation.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Constant([f64; 2]),
    /// I and Q, or the single one.
    Samples([Samples; 2]),
    /// Volts a nanosecond, from the first sample on.
    Ramp(f64),
    /// From the level to zero, linearly.
    Fall,
}

/// One waveform of a segment.
#[derive(Clone, Debug)]
pub(crate) enum Samples {
    Constant(f64),
    Each(Arc<[f64]>),
    /// Played for another time than there are samples, in nanoseconds.
    Stretched {
        samples: Arc<[f64]>,
        length: u64,
    },
}

impl Samples {
    /// Nanoseconds that they last; a constant is one.
    pub(crate) fn span(&self) -> u64 {
        match self {
            Self::Constant(_) => 1,
            Self::Each(samples) => samples.len() as u64,
            Self::Stretched { length, .. } => *length,
        }
    }

    /// A sample by its index; 0 beyond the end.
    pub(crate) fn at(&self, index: usize) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Each(samples) => samples.get(index).copied().unwrap_or(0.0),
            Self::Stretched { samples, length } => stretched(samples, *length, index),
        }
    }
}

/// The oscillation that a segment is modulated with.
#[derive(Clone, Debug)]
pub(crate) struct Carrier {
    /// At the first sample, frame included.
    pub phase: Phase,
    pub speed: Speed,
    pub chirp: Option<Arc<[Sweep]>>,
}

/// A stretch of a chirp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sweep {
    /// Nanoseconds from the start of the segment.
    pub from: u64,
    /// Hz a nanosecond.
    pub rate: f64,
}

/// A digital output that is high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct High {
    pub output: usize,
    /// Nanoseconds; before the start of the program it is cut off.
    pub from: i64,
    pub to: i64,
}

/// An analog output's offset from some time on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Offset {
    pub output: usize,
    /// Nanoseconds.
    pub from: u64,
    /// Volts.
    pub volts: f64,
}

/// A pulse as the report tells it.
#[derive(Clone, Debug)]
pub(crate) struct Played {
    pub element: u32,
    /// The index among the resolved configuration's pulses; `None` for a ramp.
    pub pulse: Option<u32>,
    /// Nanoseconds.
    pub start: u64,
    /// Nanoseconds.
    pub length: u64,
    /// Nanoseconds that it is reported to last.
    pub told: u64,
    /// Nanoseconds that it would last if it were not cut off.
    pub whole: u64,
    /// Whether a measurement plays it.
    pub measured: bool,
    /// Whether it has an amplitude of its own.
    pub scaled: bool,
    /// Whether a variable says how long it lasts.
    pub stretched: bool,
    pub outputs: Option<Outputs>,
    pub amplitude: [f64; 4],
    pub frame: Phase,
    pub correction: Matrix,
    /// Hz.
    pub frequency: f64,
    /// Of the oscillator at the start of the program, as resets and updates left it.
    pub phase: Phase,
    /// Rates in Hz a nanosecond, and when they begin, in nanoseconds from the start.
    pub chirp: Option<Arc<[Sweep]>>,
    /// Highs of the marker: the digital input's index in the element, and its highs.
    pub marker: bool,
    /// The offsets of its outputs at the start, in their order.
    pub offsets: Vec<f64>,
}

/// An input that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acquisition {
    pub element: u32,
    /// Nanoseconds, time of flight included.
    pub from: u64,
    pub to: u64,
    /// As the report names it.
    pub process: &'static str,
    /// By index of the resolved configuration's inputs.
    pub inputs: [Option<usize>; 2],
    /// Which of the measurement's acquisitions it is.
    pub place: usize,
}

/// An element's phase that was reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PhaseReset {
    pub element: u32,
    /// Nanoseconds.
    pub at: u64,
}
