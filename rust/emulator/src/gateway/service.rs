//! What answers the calls: the registry, and threads for what takes long. Each gRPC service is an `impl` of its own, in
//! a file of its own.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use pulsewire_wire::general_messages::ErrorMessage;
use tokio::runtime::Handle;
use tonic::Status;

use crate::control::octave::Octaves;
use crate::control::{AddError, Job, Phase, QuantumMachine, Registry};

/// How long `Halt` waits for the program to be gone.
const HALT_PATIENCE: Duration = Duration::from_secs(5);
/// Metadata key that says who adds a job; no client sends it by itself.
const USER_KEY: &str = "x-user-id";
const DEFAULT_USER: &str = "pulsewire";

/// A call of one message, with its metadata.
#[derive(Debug)]
pub(super) struct Call<T> {
    pub(super) message: T,
    pub(super) headers: HeaderMap,
}

impl<T> Call<T> {
    /// Who makes it.
    pub(super) fn user(&self) -> String {
        let given = self.headers.get(USER_KEY).and_then(|value| value.to_str().ok());
        given.unwrap_or(DEFAULT_USER).to_owned()
    }
}

/// Calls that are answered one behind the other, in the order in which they arrived.
pub(super) type Turns = Arc<tokio::sync::Mutex<()>>;

/// What answers the calls of a connection; clones for others share all but the turns.
#[derive(Clone, Debug)]
pub(super) struct Gateway {
    pub(super) registry: Arc<Registry>,
    pub(super) octaves: Arc<Octaves>,
    /// Where long work is done: on few threads, the same for all connections.
    aside: Handle,
    /// Whose turn it is of the connection's calls about queues.
    pub(super) queues: Turns,
    /// Whose turn it is of the connection's pushes.
    pub(super) pushes: Turns,
}

/// An error as lists of answers have it.
pub(super) fn error_message(error: &impl ToString) -> ErrorMessage {
    ErrorMessage { code: 0, message: error.to_string() }
}

/// A job that was told to halt has done so.
pub(super) async fn stopped(job: &Job) -> Result<(), Status> {
    let mut life = job.watch();
    let over = life.wait_for(Phase::is_final);
    match tokio::time::timeout(HALT_PATIENCE, over).await {
        Ok(_) => Ok(()),
        Err(_) => Err(Status::internal(format!("the job '{}' did not stop", job.id))),
    }
}

impl Gateway {
    pub(super) fn new(registry: Arc<Registry>, aside: Handle) -> Self {
        let (queues, pushes) = Default::default();
        Self { registry, octaves: Arc::default(), aside, queues, pushes }
    }

    /// For one more connection.
    pub(super) fn for_connection(&self) -> Self {
        let (queues, pushes) = Default::default();
        Self { queues, pushes, ..self.clone() }
    }

    pub(super) fn job(&self, id: &str) -> Result<Arc<Job>, Status> {
        let job = self.registry.jobs.job(id);
        job.ok_or_else(|| Status::not_found(format!("there is no job '{id}'")))
    }

    pub(super) fn machine(&self, id: &str) -> Result<Arc<QuantumMachine>, AddError> {
        self.registry.machine(id).ok_or_else(|| AddError::NoMachine(id.to_owned()))
    }

    /// Work that may take long, such as compiling a large program, away from the gateway's threads.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let gateway = self.clone();
        let done = self.aside.spawn_blocking(move || work(&gateway)).await;
        done.map_err(|_| Status::internal("the emulator failed; please report it"))
    }
}
