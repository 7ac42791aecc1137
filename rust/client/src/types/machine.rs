//! Quantum machines: what they are opened with, what is asked of them, and how they are changed.

use std::collections::BTreeMap;

use bytes::Bytes;
use pulsewire_common::correction::Matrix;

/// A configuration, as the vendor's client serialises it.
#[derive(Clone, PartialEq, Eq)]
pub struct Configuration(pub(crate) Bytes);

/// A QUA program, as the vendor's client serialises it.
#[derive(Clone, PartialEq, Eq)]
pub struct Program(pub(crate) Bytes);

impl Configuration {
    /// From its bytes, which are looked at when they are used.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Program {
    /// From its bytes, which are looked at when they are used.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }
}

impl std::fmt::Debug for Configuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Configuration({} bytes)", self.0.len())
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Program({} bytes)", self.0.len())
    }
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationMessage {
    /// Where in the configuration.
    pub path: String,
    /// What it is about.
    pub group: String,
    /// What is wrong.
    pub message: String,
}

/// A machine that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its id.
    pub machine: String,
    /// What the gateway warns of.
    pub warnings: Vec<String>,
}

/// Which pending jobs are meant; all conditions that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PendingQuery {
    /// The job's id.
    pub job_id: Option<String>,
    /// Who added it.
    pub user_id: Option<String>,
    /// Its place in the queue, from 1.
    pub position: Option<u32>,
}

/// A value for an IO register.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum IoValue {
    /// 32 bits.
    Int(i32),
    /// Within [-8, 8).
    Fixed(f64),
    /// True or false.
    Bool(bool),
}

/// An IO register, read as each kind that it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IoValues {
    /// As an int.
    pub int: i32,
    /// As a `fixed`.
    pub fixed: f64,
    /// As a bool.
    pub bool: bool,
}

/// Which entry of a mixer a correction is for.
#[derive(Clone, Debug, PartialEq)]
pub struct MixerEntry {
    /// The mixer.
    pub mixer: String,
    /// Hz, signed.
    pub intermediate_frequency: f64,
    /// Hz.
    pub lo_frequency: f64,
}

/// A digital input of a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigitalInput {
    /// The controller.
    pub controller: String,
    /// The module in it.
    pub fem: u32,
    /// The port.
    pub number: u32,
}

/// Which edge of a digital input counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitalPolarity {
    /// From low to high.
    Rising,
    /// From high to low.
    Falling,
}

/// A change to an open machine; jobs that run keep what they have.
#[derive(Clone, Debug, PartialEq)]
pub enum MachineChange {
    /// IO1 and IO2, by their number.
    IoValues(Vec<(u8, IoValue)>),
    /// Hz.
    IntermediateFrequency {
        /// Of which element.
        element: String,
        /// Hz.
        hertz: f64,
    },
    /// A mixer's correction.
    MixerCorrection(MixerEntry, Matrix),
    /// Volts.
    OutputOffset {
        /// Of which element.
        element: String,
        /// `I`, `Q`, `single`, or a name.
        input: String,
        /// Volts.
        volts: f64,
    },
    /// The filter of an output.
    OutputFilter {
        /// Of which element.
        element: String,
        /// `I`, `Q`, `single`, or a name.
        input: String,
        /// Taps.
        feedforward: Vec<f64>,
        /// Taps.
        feedback: Vec<f64>,
    },
    /// Volts.
    InputOffset {
        /// Of which element.
        element: String,
        /// Which of its outputs.
        output: String,
        /// Volts.
        volts: f64,
    },
    /// Nanoseconds.
    DigitalDelay {
        /// Of which element.
        element: String,
        /// Which of its digital inputs.
        input: String,
        /// Nanoseconds.
        ns: u32,
    },
    /// Nanoseconds.
    DigitalBuffer {
        /// Of which element.
        element: String,
        /// Which of its digital inputs.
        input: String,
        /// Nanoseconds.
        ns: u32,
    },
    /// Volts.
    DigitalInputThreshold(DigitalInput, f64),
    /// Nanoseconds.
    DigitalInputDeadtime(DigitalInput, u32),
    /// Which edge counts.
    DigitalInputPolarity(DigitalInput, DigitalPolarity),
}

/// Why a machine was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineError {
    /// The gateway's number of it; 0 where it has none.
    pub code: i32,
    /// What is wrong.
    pub message: String,
}

/// How an element of an open machine is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ElementSettings {
    /// Hz; `None` for one that is not modulated.
    pub intermediate_frequency: Option<f64>,
    /// Nanoseconds.
    pub time_of_flight: Option<u32>,
    /// Nanoseconds.
    pub smearing: Option<u32>,
    /// Volts by input: `I` and `Q`, `single`, or names.
    pub output_offsets: Vec<(String, f64)>,
    /// Volts by output.
    pub input_offsets: Vec<(String, f64)>,
    /// Delay and buffer, nanoseconds, by digital input.
    pub digital_inputs: Vec<(String, (u32, u32))>,
}

/// How an open machine is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineSettings {
    /// Its elements, by name.
    pub elements: BTreeMap<String, ElementSettings>,
    /// Digital inputs, each with its threshold (volts), its deadtime (nanoseconds) and its polarity.
    pub digital_inputs: Vec<(DigitalInput, f64, u32, DigitalPolarity)>,
}
