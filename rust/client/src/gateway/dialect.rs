//! What a dialect is: its calls, and what they take and give.

use bytes::Bytes;
use pulsewire_common::correction::Matrix;
use pulsewire_wire::WholeMessage;

use super::structure::Structure;
use crate::error::{Error, Result};
use crate::transport::Layout;
use crate::types::{
    Acquiring, AnnouncedResult, CompilerMessage, Configuration, ExecutionError, IoValues,
    JobManagerError, JobStatus, MachineChange, MachineError, MachineSettings, Opened, PendingQuery,
    Program, ResultState, SimulateOptions, ValidationMessage,
};

/// An answer that cannot be read: why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

impl From<prost::DecodeError> for Unreadable {
    fn from(error: prost::DecodeError) -> Self {
        Self(format!("an unreadable answer: {error}"))
    }
}

/// How an answer reads.
pub(crate) type Read<T> = fn(Bytes) -> Result<T, Unreadable>;

/// A call of one message for another.
#[derive(Debug)]
pub(crate) struct Call<T> {
    pub(crate) path: &'static str,
    /// The request, framed.
    pub(crate) frame: Bytes,
    pub(crate) read: Read<T>,
}

impl<T> Clone for Call<T> {
    fn clone(&self) -> Self {
        Self { path: self.path, frame: self.frame.clone(), read: self.read }
    }
}

impl<T> Call<T> {
    pub(crate) fn new(path: &'static str, request: &impl WholeMessage, read: Read<T>) -> Self {
        Self { path, frame: request.framed(), read }
    }
}

/// A call that is answered by a stream of data.
#[derive(Clone, Debug)]
pub(crate) struct StreamCall {
    pub(crate) path: &'static str,
    /// The request, framed.
    pub(crate) frame: Bytes,
    /// Where the data is in the messages.
    pub(crate) layout: Layout,
}

/// What all pushes to an input stream begin with, and where their values go.
#[derive(Clone, Debug)]
pub(crate) struct PushTemplate {
    pub(crate) path: &'static str,
    /// A framed request without values.
    pub(crate) start: Bytes,
    pub(crate) fields: PushFields,
    pub(crate) read: Read<Result<(), Refusal>>,
}

/// The numbers of the fields that carry the values of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PushFields {
    /// The message of each type of values.
    pub(crate) ints: u32,
    pub(crate) fixed: u32,
    pub(crate) bools: u32,
    /// The values in that message.
    pub(crate) data: u32,
}

/// Who is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Info {
    /// Empty where the gateway has another call for it.
    pub(crate) version: String,
    pub(crate) capabilities: Vec<String>,
    /// Whether it is known to handle what one connection asks in the order in which it was sent.
    pub(crate) in_order: bool,
}

/// How the gateway is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    pub(crate) ok: bool,
    pub(crate) messages: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) errors: Vec<String>,
}

/// What came of a program that was to be compiled, or queued.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    /// The id of the compiled program or of the job; `None` when it was refused.
    pub(crate) id: Option<String>,
    pub(crate) messages: Vec<CompilerMessage>,
}

/// What came of a simulation.
#[derive(Debug, Default)]
pub(crate) struct SimulationAnswer {
    pub(crate) success: bool,
    pub(crate) job: String,
    /// What the compiler says.
    pub(crate) messages: Vec<CompilerMessage>,
    /// What is wrong with the configuration.
    pub(crate) findings: Vec<ValidationMessage>,
    /// What went wrong in the simulation itself.
    pub(crate) errors: Vec<String>,
    pub(crate) report: Option<Structure>,
    pub(crate) analog: Option<Structure>,
    pub(crate) digital: Option<Structure>,
}

/// What the samples of a simulated job begin with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SamplesHeader {
    /// The type of a row, and how many rows come.
    Ports { dtype: String, count: i32 },
    /// The job has none.
    None,
    /// Something else.
    Other,
}

/// How a result stands, its type not read yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResultHeader {
    pub(crate) dtype: String,
    pub(crate) shape: Vec<i64>,
    pub(crate) count: i64,
    pub(crate) has_dataloss: bool,
    pub(crate) has_execution_errors: bool,
    pub(crate) done: bool,
    pub(crate) closed: bool,
}

/// Why the JobManager refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    pub(crate) message: String,
}

/// What is wrong with a call of the JobManager, without the call's own arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    Unspecified,
    MissingJob,
    InvalidJobExecutionStatus,
    InvalidOperationOnSimulatorJob,
    InvalidOperationOnRealJob,
    UnknownInputStream,
    ElementWithSingleInput,
    InvalidElementCorrection,
    ElementWithoutIntermediateFrequency,
    MissingElement,
}

impl Refusal {
    /// The error of a call that concerned an element and a matrix.
    pub(crate) fn into_error(self, action: String, element: &str, correction: Matrix) -> Error {
        use JobManagerError as E;
        let element = element.to_owned();
        let kind = match self.kind {
            RefusalKind::Unspecified => E::Unspecified,
            RefusalKind::MissingJob => E::MissingJob,
            RefusalKind::InvalidJobExecutionStatus => E::InvalidJobExecutionStatus,
            RefusalKind::InvalidOperationOnSimulatorJob => E::InvalidOperationOnSimulatorJob,
            RefusalKind::InvalidOperationOnRealJob => E::InvalidOperationOnRealJob,
            RefusalKind::UnknownInputStream => E::UnknownInputStream,
            RefusalKind::ElementWithSingleInput => E::ElementWithSingleInput { element },
            RefusalKind::InvalidElementCorrection => {
                E::InvalidElementCorrection { element, correction }
            }
            RefusalKind::ElementWithoutIntermediateFrequency => {
                E::ElementWithoutIntermediateFrequency { element }
            }
            RefusalKind::MissingElement => E::MissingElement,
        };
        Error::JobManager { action, kind, message: self.message }
    }
}

/// The calls of one kind of gateway.
pub(crate) trait Dialect: std::fmt::Debug + Send + Sync {
    /// The version, of a gateway that does not tell it in its [`Info`].
    fn version(&self) -> Call<String>;
    fn health(&self) -> Call<Health>;

    fn open_machine(
        &self,
        config: &Configuration,
        close_others: bool,
    ) -> Result<Call<Result<Opened, Vec<ValidationMessage>>>>;
    /// What is wrong, when there is no such machine.
    fn close_machine(&self, machine: &str) -> Call<Result<(), String>>;
    fn list_machines(&self) -> Call<Vec<String>>;
    fn change_machine(
        &self,
        machine: &str,
        change: &MachineChange,
    ) -> Call<Result<(), Vec<MachineError>>>;
    /// What is wrong, when there is no such machine.
    fn machine_settings(&self, machine: &str) -> Call<Result<MachineSettings, String>>;
    /// What a machine is set to; what is wrong, when there is no such machine.
    fn configuration(&self, machine: &str) -> Call<Result<Configuration, String>>;
    /// IO1 and IO2; what is wrong, when there is no such machine.
    fn io_values(&self, machine: &str) -> Call<Result<[IoValues; 2], String>>;

    fn compile(&self, machine: &str, program: &Program) -> Result<Call<Taken>>;
    fn add_to_queue(&self, machine: &str, program: &Program, to_start: bool)
    -> Result<Call<Taken>>;
    fn add_compiled(
        &self,
        machine: &str,
        program_id: &str,
        overrides: Vec<(String, Vec<f64>)>,
    ) -> Call<Taken>;
    /// The results that a program saves, as far as it can be read, and which keep their last item only.
    fn saved_by(&self, program: &Program) -> Vec<(String, bool)>;
    fn running_job(&self, machine: &str) -> Call<Option<String>>;
    /// Places in the queue, from 1, and ids.
    fn pending_jobs(&self, machine: &str, query: &PendingQuery) -> Call<Vec<(i32, String)>>;
    /// How many were removed.
    fn remove_pending(&self, machine: &str, query: &PendingQuery) -> Call<i32>;

    fn job_status(&self, job: &str, machine: &str) -> Call<JobStatus>;
    /// Whether it ran.
    fn halt(&self, job: &str) -> Call<bool>;
    fn resume(&self, job: &str) -> Call<()>;
    fn is_paused(&self, job: &str) -> Call<bool>;
    fn is_running(&self, job: &str) -> Call<bool>;
    fn acquiring(&self, job: &str) -> Call<Acquiring>;
    fn job_errors(&self, job: &str) -> Call<Vec<ExecutionError>>;
    fn correction(&self, job: &str, element: &str) -> Call<Result<Matrix, Refusal>>;
    fn set_correction(
        &self,
        job: &str,
        element: &str,
        matrix: Matrix,
    ) -> Call<Result<Matrix, Refusal>>;

    /// The capability that input streams need, when the gateway does not have it.
    fn missing_for_input_streams(&self) -> Option<&'static str>;
    fn push(&self, job: &str, stream: &str) -> PushTemplate;

    fn result_schema(&self, job: &str) -> Call<Vec<AnnouncedResult>>;
    fn result_header(&self, job: &str, name: &str, flat: bool) -> Call<ResultHeader>;
    /// How all results of a job stand; `None` where only the header of each tells.
    fn result_state(&self, job: &str) -> Option<Call<ResultState>>;
    fn items(&self, job: &str, name: &str, first: u64, count: u64) -> StreamCall;

    fn simulate(
        &self,
        config: &Configuration,
        program: &Program,
        options: SimulateOptions,
    ) -> Result<Call<SimulationAnswer>>;
    fn samples(&self, job: &str, analog: bool, digital: bool) -> StreamCall;
    /// The first message of samples.
    fn read_samples_header(&self, message: Bytes) -> Result<SamplesHeader, Unreadable>;
}
