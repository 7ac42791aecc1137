//! Statements that play and measure, with names resolved.

use super::ir::{Array, Expr};

/// A statement about pulses.
#[derive(Debug)]
pub enum PulseStmt {
    /// `play`
    Play(Play),
    /// `measure`
    Measure { play: Play, processes: Box<[Process]>, trace: Option<Trace> },
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
    /// `set_dc_offset`: the index of the rig's output
    Offset { element: u32, output: usize, volts: Expr, site: u32 },
    /// `ramp_to_zero`; without cycles as configured
    RampToZero { element: u32, cycles: Option<u32> },
    /// Behind the last statement of a sticky element; made by the compiler
    Release { element: u32 },
    /// `wait_for_trigger`
    Trigger { elements: Box<[u32]>, play: Option<Box<Play>>, tag: Option<u32> },
}

impl PulseStmt {
    /// The elements that a statement names.
    pub fn elements(&self, visit: &mut dyn FnMut(u32)) {
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

    /// The expressions of a statement, to be shortened.
    pub fn expressions(&mut self, visit: &mut dyn FnMut(&mut Expr)) {
        let of_play = |play: &mut Play, visit: &mut dyn FnMut(&mut Expr)| {
            if let What::Ramp(slope) = &mut play.what {
                visit(slope);
            }
            match &mut play.amplitude {
                Amplitude::One => {}
                Amplitude::Scalar { value, .. } => visit(value),
                Amplitude::Matrix { all, .. } => all.iter_mut().for_each(&mut *visit),
            }
            let optional = [&mut play.duration, &mut play.truncate, &mut play.condition];
            optional.into_iter().flatten().for_each(&mut *visit);
            if let Some(chirp) = &mut play.chirp
                && let Rates::One(rate) = &mut chirp.rates
            {
                visit(rate);
            }
        };
        match self {
            Self::Play(play) | Self::Measure { play, .. } => of_play(play, visit),
            Self::Rotate { turns: value, .. } | Self::Offset { volts: value, .. } => visit(value),
            Self::FastRotate { cosine, sine, .. } => {
                visit(cosine);
                visit(sine);
            }
            Self::Frequency { value, .. } => visit(&mut value.value),
            Self::Correction { matrix, .. } => matrix.iter_mut().for_each(visit),
            Self::ResetFrame { .. }
            | Self::ResetPhase { .. }
            | Self::ResetGlobalPhase
            | Self::RampToZero { .. }
            | Self::Release { .. }
            | Self::Trigger { .. } => {}
        }
    }
}

/// What is played, with its modifiers.
#[derive(Debug)]
pub struct Play {
    /// The index among the program's elements.
    pub element: u32,
    pub what: What,
    pub amplitude: Amplitude,
    /// Clock cycles.
    pub duration: Option<Expr>,
    /// Clock cycles.
    pub truncate: Option<Expr>,
    pub condition: Option<Expr>,
    pub chirp: Option<Chirp>,
    /// The output of a collection, by index of the rig's outputs.
    pub target: Option<usize>,
    /// The stream that gets the time.
    pub timestamp: Option<u32>,
    pub site: u32,
    /// What is said of a shape that is played for less than its time.
    pub compressed: u32,
}

/// A pulse (by index among the program's parts) or a ramp in volts a nanosecond.
#[derive(Debug)]
pub enum What {
    Pulse(u32),
    Ramp(Expr),
}

/// `amp()`
#[derive(Debug)]
pub enum Amplitude {
    One,
    Scalar { value: Expr, site: u32 },
    Matrix { all: Box<[Expr; 4]>, site: u32 },
}

/// A new frequency: an int times a unit, or Hz in `fixed`-free form.
#[derive(Debug)]
pub struct Frequency {
    pub value: Expr,
    /// Hz of one.
    pub unit: f64,
}

/// A chirp's rates: an int, or all of an array of them.
#[derive(Debug)]
pub struct Chirp {
    pub rates: Rates,
    /// Hz a nanosecond of one.
    pub unit: f64,
    /// Clock cycles at which the sections begin; empty for equal ones.
    pub times: Box<[u32]>,
    pub goes_on: bool,
}

#[derive(Debug)]
pub enum Rates {
    /// The chirp before goes on.
    None,
    One(Expr),
    Each(Array),
}

/// A stream that gets the raw samples of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    pub stream: u32,
    /// Samples: the pulse's length and the smearing on both sides.
    pub len: u32,
}

/// What a measurement computes.
#[derive(Debug)]
pub enum Process {
    /// Demodulation and integration, of one input or of two.
    Weighted {
        demodulates: bool,
        sides: Box<[Side]>,
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
    pub fn needs_samples(&self) -> bool {
        matches!(self, Self::Weighted { target: Target::Vector { .. }, .. })
    }

    /// Nanoseconds that it looks, where weights do not tell.
    pub fn window(&self) -> u64 {
        match self {
            Self::Weighted { .. } => 0,
            Self::Tags { most_ns, .. } | Self::Counts { most_ns, .. } => u64::from(*most_ns),
        }
    }

    /// Whether all that it writes are scalars.
    pub fn fills_one(&self) -> bool {
        matches!(self, Self::Weighted { target: Target::Scalar(_), .. } | Self::Counts { .. })
    }
}

/// An input and the weights it is multiplied with.
#[derive(Debug)]
pub struct Side {
    /// The index among the rig's inputs.
    pub input: usize,
    /// As the pulse names them.
    pub weights: String,
}

/// What is tagged.
#[derive(Debug)]
pub enum Tagged {
    /// An analog input, by index of the rig's.
    Analog(usize),
    /// A digital input.
    Digital,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// Whole nanoseconds.
    Raw,
    /// Picoseconds.
    HighResolution,
}

/// Where values go.
#[derive(Debug)]
pub enum Target {
    Scalar(u32),
    Cell { array: Array, index: Expr, site: u32 },
    Vector { array: Array, division: Division },
}

/// How a measurement is divided; a chunk is 4 ns long for each of its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Division {
    Sliced { chunk: u32 },
    Accumulated { chunk: u32 },
    Moving { chunk: u32, window: u32 },
}
