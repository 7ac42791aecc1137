//! Several steps of a closed loop whose entries do not depend on each other's answers.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{ClosedLoop, LoopItem, Places};
use crate::client::Unanswered;
use crate::error::{Error, Result};
use crate::input_stream::{Entry, Pushed};
use crate::ledger::lock;
use crate::pace::Looks;
use crate::results::EndDetector;
use crate::types::Header;
use crate::wait::{self, Timeout};

/// Answers to some steps: of each result, how it stands and the bytes of its items.
type Answers = Vec<(Header, Vec<u8>)>;

/// A batch that is under way.
struct Batch {
    entries: std::vec::IntoIter<Vec<Entry>>,
    /// Pushed and not acknowledged yet, a step each.
    waiting: VecDeque<Vec<Pushed>>,
    /// Steps that were begun, and that were answered.
    begun: usize,
    answered: usize,
}

impl ClosedLoop {
    /// Makes a step of each of `steps`, `ahead` of them at a time at most: so many are pushed before the first is
    /// answered. `answers` gets the items of each step in their order, also when a later one fails.
    ///
    /// To a gateway that is not known to answer in order, pushes go one at a time: the program has them ahead
    /// all the same.
    ///
    /// # Errors
    /// Those of [`Self::exchange`]; the time is that of each answer. Steps that were begun and not answered are
    /// owed: the next step leaves their answers out.
    pub async fn exchange_many(
        &self,
        steps: Vec<Vec<Entry>>,
        ahead: usize,
        timeout: Timeout,
        answers: &mut Vec<Vec<LoopItem>>,
    ) -> Result<()> {
        steps.iter().try_for_each(|entries| self.check(entries))?;
        let _turn = self.turn()?;
        self.settle(timeout).await?;
        let total = steps.len();
        let entries = steps.into_iter();
        let mut batch = Batch { entries, waiting: VecDeque::new(), begun: 0, answered: 0 };
        let mut outcome = Ok(());
        while batch.answered < total && outcome.is_ok() {
            outcome = self.advance(&mut batch, ahead.max(1), timeout, answers).await;
        }
        // Whatever failed, it is known then which entries were taken.
        while let Some(step) = batch.waiting.pop_front() {
            let acknowledged = self.acknowledge(step).await;
            outcome = outcome.and(acknowledged);
        }
        outcome
    }

    /// Pushes what may be pushed, and takes the answers that come next.
    async fn advance(
        &self,
        batch: &mut Batch,
        ahead: usize,
        timeout: Timeout,
        answers: &mut Vec<Vec<LoopItem>>,
    ) -> Result<()> {
        let depth = self.inputs.first().map_or(1, |input| input.depth());
        while batch.begun - batch.answered < ahead {
            if batch.waiting.len() >= depth {
                self.acknowledge_next(batch).await?;
            }
            let Some(entries) = batch.entries.next() else { break };
            let step =
                self.begin(entries, batch.waiting.back().and_then(|step| step.last())).await?;
            batch.waiting.push_back(step);
            batch.begun += 1;
        }
        let most = batch.begun - batch.answered;
        let Some(found) = self.next_answers(most as u64, timeout).await? else {
            return Err(self.late(&Places::new(self.outputs.len()), timeout));
        };
        let steps = self.split(&found);
        // An answer counts when its push is acknowledged, which is on its way as well.
        while batch.begun - batch.waiting.len() < batch.answered + steps.len() {
            self.acknowledge_next(batch).await?;
        }
        batch.answered += steps.len();
        self.ledger().answered(steps.len() as u64);
        answers.extend(steps);
        Ok(())
    }

    async fn begin(&self, entries: Vec<Entry>, behind: Option<&Pushed>) -> Result<Vec<Pushed>> {
        let mut step: Vec<Pushed> = Vec::with_capacity(entries.len());
        for (input, entry) in self.inputs.iter().zip(entries) {
            self.ledger().sending(input.name());
            match input.begin(entry, step.last().or(behind)).await {
                Ok(pushed) => step.push(pushed),
                Err(unanswered) => return Err(self.unanswered(input.name(), unanswered)),
            }
        }
        Ok(step)
    }

    async fn acknowledge_next(&self, batch: &mut Batch) -> Result<()> {
        match batch.waiting.pop_front() {
            Some(step) => self.acknowledge(step).await,
            None => Ok(()),
        }
    }

    async fn acknowledge(&self, step: Vec<Pushed>) -> Result<()> {
        let mut outcome = Ok(());
        for (input, pushed) in self.inputs.iter().zip(step) {
            match input.acknowledged(pushed).await {
                Ok(()) => self.ledger().known(input.name(), true),
                Err(unanswered) => {
                    let error = self.unanswered(input.name(), unanswered);
                    outcome = outcome.and(Err(error));
                }
            }
        }
        outcome
    }

    fn unanswered(&self, stream: &str, Unanswered { error, sent }: Unanswered) -> Error {
        if !sent {
            self.ledger().known(stream, false);
            return error;
        }
        let what = "the entry may have been taken, and is not sent again".to_owned();
        Error::InDoubt { error: Box::new(error), what }
    }

    /// Waits until the next step is answered; gives all answers that are there then, `most` at most.
    async fn next_answers(&self, most: u64, timeout: Timeout) -> Result<Option<Answers>> {
        let client = self.results.job().client();
        let ends: Vec<_> = self.outputs.iter().map(|_| EndDetector::new()).collect();
        let found = Mutex::new(None);
        let looking = wait::paced(
            client.clock(),
            Looks { probe: None, first: Duration::ZERO, sure: false },
            client.round_trip(),
            |_| async {
                let places = 0..self.outputs.len();
                let looks = places.map(|at| self.look_at_some(at, &ends[at], most));
                let looked = futures_util::future::try_join_all(looks).await?;
                let all: Option<Answers> = looked.into_iter().collect();
                let there = all.is_some().then_some(());
                if let Some(all) = all {
                    lock(&found).get_or_insert(all);
                }
                Ok(there)
            },
        );
        let looked = wait::within(timeout, looking).await.transpose()?;
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(found.filter(|_| looked.is_some()))
    }

    /// The next items of a result, if there are any.
    async fn look_at_some(
        &self,
        at: usize,
        ends: &EndDetector,
        most: u64,
    ) -> Result<Option<(Header, Vec<u8>)>> {
        let output = &self.outputs[at];
        let next = self.ledger().next(&output.name);
        let (header, found) = tokio::join!(
            biased;
            self.results.header(&output.name, true, None),
            self.results.some(&output.name, next, most, None)
        );
        let header = header?;
        self.check_header(output, &header)?;
        let count = header.count.saturating_sub(next).min(most);
        if count == 0 {
            self.check_end(output, ends, &header, next).await?;
            return Ok(None);
        }
        let size = output.item_size;
        if size == 0 {
            let reason = "its items have no bytes, so that they cannot be told apart".to_owned();
            let (name, job) = (output.name.clone(), self.job().to_owned());
            return Err(Error::Fetch { name, job, reason });
        }
        if let Some((items @ 1.., mut bytes)) = found
            && bytes.len() as u64 == items * size as u64
        {
            bytes.truncate(count as usize * size);
            return Ok(Some((header, bytes)));
        }
        // Asked for a moment too early, or too much at once.
        let mut bytes = Vec::new();
        let mut stream = self.results.stream(&output.name, size, next, count, None);
        stream.copy_to(&mut bytes).await?;
        Ok(Some((header, bytes)))
    }

    /// The items of each step that all results have.
    fn split(&self, found: &Answers) -> Vec<Vec<LoopItem>> {
        let parts = || self.outputs.iter().zip(found);
        let steps = parts()
            .map(|(output, (_, bytes))| bytes.len() / output.item_size.max(1))
            .min()
            .unwrap_or(0);
        let item = |step: usize| {
            let items = parts().map(|(output, (header, bytes))| LoopItem {
                header: header.clone(),
                bytes: bytes[step * output.item_size..][..output.item_size].to_vec(),
            });
            items.collect()
        };
        (0..steps).map(item).collect()
    }
}
