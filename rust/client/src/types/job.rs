//! What is known of a job: its state, its errors, what the compiler and the JobManager say of it.

use std::time::SystemTime;

/// The state of a job, without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// The gateway does not know it.
    Unknown,
    /// In the queue.
    Pending,
    /// The program runs (or is paused).
    Running,
    /// The program ended.
    Completed,
    /// Removed before it ran.
    Canceled,
    /// About to run.
    Loading,
    /// It failed.
    Error,
    /// The program ended, its results are still on their way.
    Processing,
}

impl JobState {
    /// The documented text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Canceled => "canceled",
            Self::Loading => "loading",
            Self::Error => "error",
            Self::Processing => "processing",
        }
    }
}

/// What the gateway tells of a job besides its state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusDetails {
    /// Who added it.
    pub added_by: Option<String>,
    /// When it was added; some gateways leave it out of some states.
    pub time_added: Option<SystemTime>,
    /// Its place in the queue, from 1.
    pub position: Option<i32>,
    /// Why it failed.
    pub errors: Vec<String>,
}

/// A job's status at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatus {
    /// Where it is.
    pub state: JobState,
    /// The rest.
    pub details: StatusDetails,
}

/// Whether a job acquires data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquiring {
    /// No more data comes.
    Stopped,
    /// The program saves nothing.
    Nothing,
    /// There is, or will be, data.
    Data,
}

/// How serious a runtime error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something went wrong.
    Error,
    /// Something may have gone wrong.
    Warning,
}

/// A runtime error of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionError {
    /// Its number.
    pub code: i32,
    /// How serious it is.
    pub severity: Severity,
    /// Its text.
    pub message: String,
}

/// How serious a message of the gateway is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The call failed because of it.
    Error,
    /// The call succeeded all the same.
    Warning,
    /// For information.
    Info,
}

/// A message of the compiler, with the statement and its source line where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompilerMessage {
    /// How serious it is.
    pub level: Level,
    /// Its text.
    pub text: String,
}

impl CompilerMessage {
    /// A mistake.
    pub(crate) fn error(text: String) -> Self {
        Self { level: Level::Error, text }
    }
}

/// What the JobManager service answers when it refuses.
#[derive(Clone, Debug, PartialEq)]
pub enum JobManagerError {
    /// 0, and every number that is not known.
    Unspecified,
    /// 1000: the gateway does not know the job.
    MissingJob,
    /// 1001: the job's status does not allow it.
    InvalidJobExecutionStatus,
    /// 1002: the job is a simulation.
    InvalidOperationOnSimulatorJob,
    /// 1003: the job is not a simulation.
    InvalidOperationOnRealJob,
    /// 1006: the program declares no such input stream.
    UnknownInputStream,
    /// 3000: the element has a single input.
    ElementWithSingleInput {
        /// Which element.
        element: String,
    },
    /// 3001: the matrix has an entry out of range.
    InvalidElementCorrection {
        /// Which element.
        element: String,
        /// The matrix that was refused.
        correction: [f64; 4],
    },
    /// 3002: the element has no intermediate frequency.
    ElementWithoutIntermediateFrequency {
        /// Which element.
        element: String,
    },
    /// 4001: the configuration has no such element.
    MissingElement,
}

impl JobManagerError {
    /// The number that users of qm-qua know it by.
    pub fn code(&self) -> i32 {
        match self {
            Self::Unspecified => 0,
            Self::MissingJob => 1000,
            Self::InvalidJobExecutionStatus => 1001,
            Self::InvalidOperationOnSimulatorJob => 1002,
            Self::InvalidOperationOnRealJob => 1003,
            Self::UnknownInputStream => 1006,
            Self::ElementWithSingleInput { .. } => 3000,
            Self::InvalidElementCorrection { .. } => 3001,
            Self::ElementWithoutIntermediateFrequency { .. } => 3002,
            Self::MissingElement => 4001,
        }
    }

    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Unspecified => "the gateway refused it",
            Self::MissingJob => {
                "the gateway knows no such job: check its id, it may have been cleared"
            }
            Self::InvalidJobExecutionStatus => "the job is not running (any more)",
            Self::InvalidOperationOnSimulatorJob => "the job is a simulation: execute the program",
            Self::InvalidOperationOnRealJob => "the job is not a simulation",
            Self::UnknownInputStream => {
                "the program of the job declares no such input stream: see declare_input_stream()"
            }
            Self::ElementWithSingleInput { .. } => {
                "the element has a single input: only elements with mixInputs have a correction"
            }
            Self::InvalidElementCorrection { .. } => "entries must be within [-2, 2 - 2^-16]",
            Self::ElementWithoutIntermediateFrequency { .. } => {
                "the element has no intermediate frequency in the configuration"
            }
            Self::MissingElement => "the configuration of the job has no such element",
        }
    }
}
