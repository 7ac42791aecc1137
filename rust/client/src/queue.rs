//! Queues: programs compiled, added, executed; jobs that wait.

use crate::client::Client;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::types::{CompilerMessage, PendingQuery, Program};

impl Client {
    /// Compiles a program for later; gives its id and what the compiler says.
    ///
    /// # Errors
    /// [`Error::Compilation`] with every mistake and its source line; [`Error::Value`] for bytes that are no
    /// program; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn compile(
        &self,
        machine: &str,
        program: &Program,
    ) -> Result<(String, Vec<CompilerMessage>)> {
        let action = || format!("compile a program for '{machine}'");
        let taken = self.ask(action, self.dialect().compile(machine, program)?).await?;
        let messages = taken.messages;
        match taken.id {
            Some(id) => Ok((id, messages)),
            None => Err(Error::Compilation { machine: machine.to_owned(), messages }),
        }
    }

    /// Queues a program; gives the job and what the compiler says.
    ///
    /// # Errors
    /// [`Error::AddToQueue`] with every mistake and its source line; [`Error::Value`] for bytes that are no
    /// program; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn add_to_queue(
        &self,
        machine: &str,
        program: &Program,
        to_start: bool,
    ) -> Result<(Job, Vec<CompilerMessage>)> {
        let action = || format!("add a program to the queue of '{machine}'");
        let call = self.dialect().add_to_queue(machine, program, to_start)?;
        let taken = self.ask(action, call).await?;
        let messages = taken.messages;
        match taken.id {
            Some(id) => Ok((self.job(id, machine), messages)),
            None => Err(Error::AddToQueue { machine: machine.to_owned(), messages }),
        }
    }

    /// Queues a compiled program, with some waveforms replaced.
    ///
    /// # Errors
    /// [`Error::AddToQueue`] when the program or a waveform is not what it should be; [`Error::Connection`] and
    /// [`Error::Timeout`] as of every call.
    pub async fn add_compiled(
        &self,
        machine: &str,
        program_id: &str,
        overrides: Vec<(String, Vec<f64>)>,
    ) -> Result<Job> {
        let action =
            || format!("add the compiled program '{program_id}' to the queue of '{machine}'");
        let call = self.dialect().add_compiled(machine, program_id, overrides);
        let taken = self.ask(action, call).await?;
        match taken.id {
            Some(id) => Ok(self.job(id, machine)),
            None => {
                let (machine, messages) = (machine.to_owned(), taken.messages);
                Err(Error::AddToQueue { machine, messages })
            }
        }
    }

    /// The job that a machine runs, if any.
    ///
    /// # Errors
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn running_job(&self, machine: &str) -> Result<Option<Job>> {
        let action = || format!("look for the running job of '{machine}'");
        let call = self.dialect().running_job(machine);
        let id = self.read(action, None, call).await?;
        Ok(id.map(|id| self.job(id, machine)))
    }

    async fn pending(&self, machine: &str, query: &PendingQuery) -> Result<Vec<(i32, String)>> {
        let action = || format!("look into the queue of '{machine}'");
        let call = self.dialect().pending_jobs(machine, query);
        self.read(action, None, call).await
    }

    /// The ids of the pending jobs that are meant, sorted as text.
    ///
    /// # Errors
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn pending_jobs(&self, machine: &str, query: &PendingQuery) -> Result<Vec<String>> {
        let jobs = self.pending(machine, query).await?;
        let mut ids: Vec<_> = jobs.into_iter().map(|(_, id)| id).collect();
        ids.sort();
        Ok(ids)
    }

    /// The ids of all pending jobs, in the order in which they will run.
    ///
    /// # Errors
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn queued_jobs(&self, machine: &str) -> Result<Vec<String>> {
        let mut jobs = self.pending(machine, &PendingQuery::default()).await?;
        jobs.sort();
        Ok(jobs.into_iter().map(|(_, id)| id).collect())
    }

    /// Takes the pending jobs that are meant out of a queue; gives how many they were.
    ///
    /// # Errors
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn remove_pending(&self, machine: &str, query: &PendingQuery) -> Result<i32> {
        let action = || format!("remove jobs from the queue of '{machine}'");
        self.ask(action, self.dialect().remove_pending(machine, query)).await
    }
}
