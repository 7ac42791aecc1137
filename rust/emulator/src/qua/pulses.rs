//! Statements that play and measure, with names resolved.

use super::expr::{Array, Expr};

/// A statement about pulses.
#[derive(Debug)]
pub(crate) enum PulseStmt {
    /// `play`
    Play(PlayStmt),
    /// `measure`
    Measure { play: PlayStmt, processes: Box<[Process]>, trace: Option<Trace> },
    /// `frame_rotation`, in turns (`fixed`)
    Rotate { element: u32, turns: Expr },
    /// `fast_frame_rotation`
    FastRotate { element: u32, cosine: Expr, sine: Expr },
    /// `reset_frame`
    ResetFrame { element: u32 },
    /// `reset_if_phase`
    ResetPhase { element: u32 },
    /// `reset_global_phase`
    ResetGlobalPhase,
    /// `update_frequency`
    Frequency { element: u32, value: Frequency, keep_phase: bool },
    /// `update_correction`
    Correction { element: u32, matrix: Box<[Expr; 4]>, site: u32 },
    /// `set_dc_offset`: the index of the resolved configuration's output
    Offset { element: u32, output: usize, volts: Expr, site: u32 },
    /// `ramp_to_zero`; without cycles as configured
    RampToZero { element: u32, cycles: Option<u32> },
    /// Behind the last statement of a sticky element; made by the compiler
    Release { element: u32 },
    /// `wait_for_trigger`
    Trigger { elements: Box<[u32]>, play: Option<Box<PlayStmt>>, tag: Option<u32> },
}

impl PulseStmt {
    /// The elements that a statement names.
    pub(crate) fn elements(&self, visit: &mut dyn FnMut(u32)) {
        match self {
            Self::Play(play) | Self::Measure { play, .. } => visit(play.element),
            Self::Rotate { element, .. }
            | Self::FastRotate { element, .. }
            | Self::ResetFrame { element }
            | Self::ResetPhase { element }
            | Self::Frequency { element, .. }
            | Self::Correction { element, .. }
            | Self::Offset { element, .. }
            | Self::RampToZero { element, .. }
            | Self::Release { element } => visit(*element),
            Self::Trigger { elements, .. } => elements.iter().copied().for_each(visit),
            Self::ResetGlobalPhase => {}
        }
    }
}

/// What is played, with its modifiers.
#[derive(Debug)]
pub(crate) struct PlayStmt {
    /// The index among the program's elements.
    pub element: u32,
    pub what: Playable,
    pub amplitude: Amplitude,
    /// Clock cycles.
    pub duration: Option<Expr>,
    /// Clock cycles.
    pub truncate: Option<Expr>,
    pub condition: Option<Expr>,
    pub chirp: Option<ChirpArgs>,
    /// The output of a collection, by index of the resolved configuration's outputs.
    pub target: Option<usize>,
    /// The stream that gets the time.
    pub timestamp: Option<u32>,
    pub site: u32,
    /// Playable is said of a shape that is played for less than its time.
    pub compressed: u32,
}

/// A pulse (by index among the program's parts) or a ramp in volts a nanosecond.
#[derive(Debug)]
pub(crate) enum Playable {
    Pulse(u32),
    Ramp(Expr),
}

/// `amp()`
#[derive(Debug)]
pub(crate) enum Amplitude {
    One,
    Scalar { value: Expr, site: u32 },
    Matrix { all: Box<[Expr; 4]>, site: u32 },
}

/// A new frequency: an int times a unit, or Hz in `fixed`-free form.
#[derive(Debug)]
pub(crate) struct Frequency {
    pub value: Expr,
    /// Hz of one.
    pub unit: f64,
}

/// A chirp's rates: an int, or all of an array of them.
#[derive(Debug)]
pub(crate) struct ChirpArgs {
    pub rates: Rates,
    /// Hz a nanosecond of one.
    pub unit: f64,
    /// Clock cycles at which the sections begin; empty for equal ones.
    pub times: Box<[u32]>,
    pub goes_on: bool,
}

#[derive(Debug)]
pub(crate) enum Rates {
    /// The chirp before goes on.
    None,
    One(Expr),
    Each(Array),
}

/// A stream that gets the raw samples of a measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    pub stream: u32,
    /// Samples: the pulse's length and the smearing on both sides.
    pub len: u32,
}

/// Playable a measurement computes.
#[derive(Debug)]
pub(crate) enum Process {
    /// Demodulation and integration, of one input or of two.
    Weighted {
        demodulates: bool,
        sides: Box<[WeightedInput]>,
        target: Target,
        /// Nanoseconds that the longest of the weights span.
        window: u64,
        site: u32,
    },
    /// Time tags.
    Tags { side: Tagged, target: Array, count: Option<u32>, most_ns: u32, kind: TagKind },
    /// Counts of the digital inputs' edges.
    Counts { target: u32, most_ns: u32 },
}

impl Process {
    /// Whether it is made of the parts of a window.
    pub(crate) fn needs_samples(&self) -> bool {
        matches!(self, Self::Weighted { target: Target::Vector { .. }, .. })
    }

    /// Nanoseconds that it looks, where weights do not tell.
    pub(crate) fn window(&self) -> u64 {
        match self {
            Self::Weighted { .. } => 0,
            Self::Tags { most_ns, .. } | Self::Counts { most_ns, .. } => u64::from(*most_ns),
        }
    }

    /// Whether all that it writes are scalars.
    pub(crate) fn fills_one(&self) -> bool {
        matches!(self, Self::Weighted { target: Target::Scalar(_), .. } | Self::Counts { .. })
    }
}

/// An input and the weights it is multiplied with.
#[derive(Debug)]
pub(crate) struct WeightedInput {
    /// The index among the resolved configuration's inputs.
    pub input: usize,
    /// As the pulse names them.
    pub weights: String,
}

/// Playable is tagged.
#[derive(Debug)]
pub(crate) enum Tagged {
    /// An analog input, by index of the resolved configuration's.
    Analog(usize),
    /// A digital input.
    Digital,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagKind {
    /// Whole nanoseconds.
    Raw,
    /// Picoseconds.
    HighResolution,
}

/// Where values go.
#[derive(Debug)]
pub(crate) enum Target {
    Scalar(u32),
    Cell { array: Array, index: Expr, site: u32 },
    Vector { array: Array, division: Division },
}

/// How a measurement is divided; a chunk is 4 ns long for each of its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Division {
    Sliced { chunk: u32 },
    Accumulated { chunk: u32 },
    Moving { chunk: u32, window: u32 },
}
