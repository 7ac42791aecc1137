//! Programs run at once, and what whoever runs one asks for next.

use futures_util::future::join_all;

use crate::client::Client;
use crate::error::Result;
use crate::job::Job;
use crate::results::Results;
use crate::types::{CompilerMessage, PendingQuery, Program};
use crate::wait::Timeout;

/// Results of a job that are asked for before anybody wants them.
const MOST_AHEAD: usize = 16;

impl Client {
    /// Empties the queue of a machine, halts its running job and runs a program at once.
    ///
    /// What runs is asked together with each of both changes of the queue: two flights, where nothing runs
    /// before and the gateway answers in order.
    ///
    /// # Errors
    /// [`Error::AddToQueue`], or those of [`Job::wait_for_execution`]; in the latter case the job
    /// stays queued.
    pub async fn execute(
        &self,
        machine: &str,
        program: &Program,
        timeout: Timeout,
    ) -> Result<(Job, Vec<CompilerMessage>)> {
        let all = PendingQuery::default();
        let (removed, before) =
            tokio::join!(biased; self.remove_pending(machine, &all), self.running_job(machine));
        removed?;
        let before = before?;
        if let Some(running) = &before {
            running.halt().await?;
        }
        let (added, running) = tokio::join!(biased; self.add_to_queue(machine, program, false), self.running_job(machine));
        let (job, messages) = added?;
        if self.is_far() && self.is_in_order() {
            job.ask_ahead(program).await;
        }
        match running {
            // It runs: nothing more to ask.
            Ok(Some(running)) if running.id() == job.id() => return Ok((job, messages)),
            // It left the queue while that was being emptied. Where calls are answered in order that cannot be:
            // what runs then was started by somebody else, behind whom this job waits.
            Ok(Some(other)) if before.is_none() && !self.is_in_order() => {
                other.halt().await?;
            }
            _ => {}
        }
        job.wait_for_execution(timeout).await?;
        Ok((job, messages))
    }
}

impl Job {
    /// Asks for the results of a job that was just added, and for their items: if its program is short, they are
    /// there when somebody wants them. Only of a gateway that answers in order: its word that all is done comes
    /// before the items then, which are the last ones for that reason.
    async fn ask_ahead(&self, program: &Program) {
        let client = self.client();
        let mut named = client.dialect().saved_by(program);
        if named.len() > MOST_AHEAD {
            named.clear();
        }
        let unnamed = Results::of(self.clone(), std::sync::Arc::default());
        let asked = tokio::spawn(async move {
            let items =
                join_all(named.iter().map(|(name, single)| unnamed.item_ahead(name, *single)));
            unnamed.ahead(items).await
        });
        client.keep_ahead(self.id(), asked);
        // Sent before anything else is, as nothing runs while nobody calls.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }
}
