//! What the client takes and gives: plain values, the same whatever gateway they come from.

mod dtype;
mod job;
mod machine;
mod results;
mod simulation;

pub use dtype::{Dtype, DtypeError, DtypeKind, Field};
pub use job::{
    Acquiring, CompilerMessage, ExecutionError, JobManagerError, JobState, JobStatus, Level,
    Severity, StatusDetails,
};
pub use machine::{
    Configuration, DigitalInput, DigitalPolarity, ElementSettings, IoValue, IoValues,
    MachineChange, MachineError, MachineSettings, MixerEntry, Opened, PendingQuery, Program,
    ValidationMessage,
};
pub(crate) use results::{Ahead, JobAhead};
pub use results::{AnnouncedResult, Header, ResultState, Schema};
pub use simulation::{
    ControllerConnection, Interface, LoopbackConnection, RawConnection, SamplePort, SimulateOptions,
};
