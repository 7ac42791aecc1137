//! One job: status, halt, pause, resume, waits, corrections, errors.

use pulsewire_common::correction::{Matrix, quantize};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::gateway::Call;
use crate::outage;
use crate::types::{Acquiring, ExecutionError, JobManagerError, JobState, JobStatus, PendingQuery};
use crate::wait::Timeout;

/// A job; it lives in the gateway whether or not anybody holds this.
#[derive(Clone, Debug)]
pub struct Job {
    client: Client,
    id: String,
    machine: String,
}

impl Client {
    /// A job by its id; nothing is asked yet. The machine may be left empty.
    pub fn job(&self, id: impl Into<String>, machine: impl Into<String>) -> Job {
        Job { client: self.clone(), id: id.into(), machine: machine.into() }
    }
}

impl Job {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of its machine; may be empty.
    pub fn machine(&self) -> &str {
        &self.machine
    }

    /// The connection it is reached through.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn action(&self, what: &str) -> String {
        format!("{what} the job '{}'", self.id)
    }

    /// A call that only reads, of a job that must be there.
    async fn read<T>(&self, what: &str, call: Call<T>) -> Result<T> {
        let action = || self.action(what);
        let read = self.client.read(action, None, call).await;
        read.map_err(Self::or_missing)
    }

    /// Where it is now.
    ///
    /// # Errors
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn status(&self) -> Result<JobStatus> {
        let call = self.client.dialect().job_status(&self.id, &self.machine);
        self.read("ask for the status of", call).await
    }

    /// Waits until the program runs or has run.
    ///
    /// # Errors
    /// [`Error::WaitTimeout`]; [`Error::JobFailed`], [`Error::JobCancelled`] or
    /// [`Error::UnknownState`] as soon as the job cannot run any more.
    pub async fn wait_for_execution(&self, timeout: Timeout) -> Result<()> {
        let action = || self.action("wait for the start of");
        outage::outlive(self.client.address(), action, timeout, || async {
            let status = self.status().await?;
            match status.state {
                JobState::Running | JobState::Completed | JobState::Processing => Ok(Some(())),
                JobState::Pending | JobState::Loading => Ok(None),
                JobState::Error => Err(Error::JobFailed {
                    action: action(),
                    job: self.id.clone(),
                    messages: status.details.errors,
                }),
                JobState::Canceled => {
                    Err(Error::JobCancelled { action: action(), job: self.id.clone() })
                }
                JobState::Unknown => {
                    Err(Error::UnknownState { action: action(), job: self.id.clone() })
                }
            }
        })
        .await
    }

    /// Takes it out of the queue; false when it is not in it (any more).
    ///
    /// # Errors
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn cancel_pending(&self) -> Result<bool> {
        let query = PendingQuery { job_id: Some(self.id.clone()), ..Default::default() };
        let action = || format!("remove jobs from the queue of '{}'", self.machine);
        let call = self.client.dialect().remove_pending(&self.machine, &query);
        Ok(self.client.ask(action, call).await? > 0)
    }

    /// A gateway that finds nothing knows no such job: these calls name nothing else.
    pub(crate) fn or_missing(error: Error) -> Error {
        match error {
            Error::Connection { action, reason, status: "NOT_FOUND" } => {
                Error::JobManager { action, kind: JobManagerError::MissingJob, message: reason }
            }
            other => other,
        }
    }

    /// Stops it; false when it does not run.
    ///
    /// # Errors
    /// [`Error::JobManager`] for a job that the gateway does not know; [`Error::Connection`] and
    /// [`Error::Timeout`] as of every call.
    pub async fn halt(&self) -> Result<bool> {
        let call = self.client.dialect().halt(&self.id);
        let halted = self.client.ask(|| self.action("halt"), call).await;
        halted.map_err(Self::or_missing)
    }

    /// Lets it go on after a `pause()`.
    ///
    /// # Errors
    /// [`Error::JobManager`] for a job that the gateway does not know; [`Error::Connection`] and
    /// [`Error::Timeout`] as of every call.
    pub async fn resume(&self) -> Result<()> {
        let call = self.client.dialect().resume(&self.id);
        let resumed = self.client.ask(|| self.action("resume"), call).await;
        resumed.map_err(Self::or_missing)
    }

    /// Whether it stands at a `pause()`.
    ///
    /// # Errors
    /// [`Error::JobManager`] for a job that the gateway does not know; [`Error::Connection`] and
    /// [`Error::Timeout`] as of every call.
    pub async fn is_paused(&self) -> Result<bool> {
        self.read("ask for a pause of", self.client.dialect().is_paused(&self.id)).await
    }

    /// Whether its program runs.
    ///
    /// # Errors
    /// [`Error::JobManager`] for a job that the gateway does not know; [`Error::Connection`] and
    /// [`Error::Timeout`] as of every call.
    pub async fn is_running(&self) -> Result<bool> {
        self.read("ask for the running of", self.client.dialect().is_running(&self.id)).await
    }

    /// Whether it acquires data.
    ///
    /// # Errors
    /// [`Error::JobManager`] for a job that the gateway does not know; [`Error::Connection`] and
    /// [`Error::Timeout`] as of every call.
    pub async fn acquiring(&self) -> Result<Acquiring> {
        self.read("ask for the acquisition of", self.client.dialect().acquiring(&self.id)).await
    }

    /// Its runtime errors.
    ///
    /// # Errors
    /// [`Error::JobManager`] for a job that the gateway does not know; [`Error::Connection`] and
    /// [`Error::Timeout`] as of every call.
    pub async fn errors(&self) -> Result<Vec<ExecutionError>> {
        let call = self.client.dialect().job_errors(&self.id);
        self.read("ask for the runtime errors of", call).await
    }

    /// The correction matrix of an element in this job.
    ///
    /// # Errors
    /// [`Error::JobManager`] when the element can have none, or the job does not run any more;
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn correction(&self, element: &str) -> Result<Matrix> {
        let action = || self.action(&format!("get the correction of '{element}' in"));
        let call = self.client.dialect().correction(&self.id, element);
        let held = self.client.read(action, None, call).await?;
        held.map_err(|refusal| refusal.into_error(action(), element, [0.0; 4]))
    }

    /// Sets the correction matrix of an element in this job; gives it as the hardware holds it.
    ///
    /// # Errors
    /// [`Error::JobManager`] for an entry out of range, before anything is sent, and when the element can have no
    /// correction or the job does not run any more; [`Error::Connection`] and [`Error::Timeout`] as of every
    /// call.
    pub async fn set_correction(&self, element: &str, wanted: Matrix) -> Result<Matrix> {
        let action = || self.action(&format!("set the correction of '{element}' in"));
        let exact = quantize(wanted).map_err(|error| Error::JobManager {
            action: action(),
            kind: JobManagerError::InvalidElementCorrection {
                element: element.to_owned(),
                correction: wanted,
            },
            message: format!("the correction of the element '{element}': {error}"),
        })?;
        let call = self.client.dialect().set_correction(&self.id, element, exact);
        let held = self.client.ask(action, call).await?;
        held.map_err(|refusal| refusal.into_error(action(), element, wanted))
    }
}
