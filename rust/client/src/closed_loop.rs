//! A step of a closed loop: entries out, the next item of each result back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, LoopStream, Result};
use crate::input_stream::{Entry, InputStream};
use crate::results::{Ends, Header, Results};
use crate::wait::{self, Timeout};

/// Input streams and results of one job that belong to a loop, and how far it is.
#[derive(Debug)]
pub struct ClosedLoop {
    inputs: Vec<Input>,
    results: Results,
    outputs: Vec<Output>,
}

/// An input stream of a loop, and its entries that are not answered yet.
#[derive(Debug)]
struct Input {
    stream: InputStream,
    /// Those that were acknowledged.
    owed: u64,
    /// Those of which nobody knows whether they were taken.
    doubt: u64,
}

impl Input {
    async fn push(&mut self, entry: Entry) -> Result<()> {
        // Counted before it is sent: a call that is dropped leaves it behind.
        self.doubt += 1;
        let outcome = self.stream.send(entry).await;
        if !matches!(outcome, Err(Error::InDoubt { .. })) {
            self.doubt -= 1;
        }
        if outcome.is_ok() {
            self.owed += 1;
        }
        outcome
    }

    /// So many answers were taken or left out: an answer proves its entry.
    fn answered(&mut self, steps: u64) {
        let proven = steps.saturating_sub(self.owed);
        self.owed = self.owed.saturating_sub(steps);
        self.doubt = self.doubt.saturating_sub(proven);
    }

    /// So many answers are there.
    fn prove(&mut self, answers: u64) {
        let proven = answers.saturating_sub(self.owed).min(self.doubt);
        self.doubt -= proven;
        self.owed += proven;
    }
}

#[derive(Debug)]
struct Output {
    name: String,
    item_size: usize,
    /// The item that comes next.
    next: u64,
}

/// An item of a result.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How the result stands.
    pub header: Header,
    /// The item's bytes.
    pub bytes: Vec<u8>,
}

/// How long a step waits for what would tell whether an entry was taken.
const PATIENCE: Duration = Duration::from_millis(200);

/// How often a loop that begins looks whether the results stand still.
const STILL: usize = 5;

fn missing_place((at, answer): (usize, &Option<Answer>)) -> Option<usize> {
    answer.is_none().then_some(at)
}

impl ClosedLoop {
    /// A loop over `inputs` and the results of these names, from the items on that come next.
    ///
    /// # Errors
    /// [`Error::Value`] for a result that keeps its last item only, whose next item cannot be told
    /// from it; those of any call.
    pub async fn new(inputs: Vec<InputStream>, results: Results, names: &[String]) -> Result<Self> {
        let job = results.job().id();
        for name in names {
            let schema = results.schema().iter().find(|schema| schema.name == *name);
            let wrong = match schema {
                None => "there is no such result",
                Some(schema) if schema.is_single => {
                    "only the last value of a save() is kept; use save_all()"
                }
                Some(_) => continue,
            };
            return Err(Error::Value(format!(
                "a closed loop over the result '{name}' of the job '{job}': {wrong}"
            )));
        }
        let inputs = inputs.into_iter().map(|stream| Input { stream, owed: 0, doubt: 0 });
        let mut steps = Self { inputs: inputs.collect(), results, outputs: Vec::new() };
        let ask = || {
            let headers = names.iter().map(|name| steps.results.header(name, true, None));
            futures_util::future::try_join_all(headers)
        };
        let mut headers = ask().await?;
        for _ in 0..STILL {
            // A program that is in the middle of a step has saved to some of them only.
            let again = ask().await?;
            let still = again.iter().zip(&headers).all(|(now, then)| now.count == then.count);
            headers = again;
            if still {
                break;
            }
        }
        let outputs = names.iter().zip(headers).map(|(name, header)| Output {
            name: name.clone(),
            item_size: header.item_size(),
            next: header.count,
        });
        steps.outputs = outputs.collect();
        Ok(steps)
    }

    /// The input streams, in the order of the entries.
    pub fn inputs(&self) -> impl Iterator<Item = &InputStream> {
        self.inputs.iter().map(|input| &input.stream)
    }

    /// Pushes of which it is not known whether they were taken: the most of all streams.
    pub fn in_doubt(&self) -> u64 {
        self.inputs.iter().map(|input| input.doubt).max().unwrap_or(0)
    }

    /// Pushes one entry to each input stream and gives their own answer.
    ///
    /// A step that failed may have left entries that are answered later. Where it is known how many, their
    /// answers are left out first; where an answer proves that an entry was taken, it is known.
    ///
    /// # Errors
    /// [`Error::OutOfStep`] when it is not known whose answer comes next: nothing is sent then. Those of
    /// [`Self::push`] and [`Self::receive`].
    pub async fn exchange(&mut self, entries: Vec<Entry>, timeout: Timeout) -> Result<Vec<Answer>> {
        self.check(&entries)?;
        self.settle(timeout).await?;
        self.push(entries).await?;
        self.receive(timeout).await
    }

    fn check(&self, entries: &[Entry]) -> Result<()> {
        if entries.len() == self.inputs.len() {
            return Ok(());
        }
        let (given, wanted) = (entries.len(), self.inputs.len());
        Err(Error::Value(format!(
            "a step of {wanted} input streams takes as many entries, not {given}"
        )))
    }

    /// Finds the place at which the answer to the next entry will stand.
    async fn settle(&mut self, timeout: Timeout) -> Result<()> {
        if self.out_of_step().is_some() {
            let wanted = self.inputs.iter().map(|i| i.owed + i.doubt).max().unwrap_or(0);
            let seen = AtomicU64::new(0);
            let patience = timeout.duration().min(PATIENCE).as_secs_f64();
            wait::until(Timeout::from_seconds(patience), || async {
                let there = self.ahead().await?.into_iter().min().unwrap_or(0);
                seen.store(there, Ordering::Relaxed);
                Ok((there >= wanted).then_some(()))
            })
            .await?;
            let there = seen.into_inner();
            self.inputs.iter_mut().for_each(|input| input.prove(there));
        }
        if let Some(error) = self.out_of_step() {
            return Err(error);
        }
        let behind = self.inputs.first().map_or(0, |input| input.owed);
        if behind > 0 {
            tracing::warn!(
                "a closed loop of the job '{}' leaves out the answers to {behind} earlier pushes, whose exchange() had failed",
                self.results.job().id()
            );
            self.answered(behind);
        }
        Ok(())
    }

    /// Why it is not known whose answer comes next.
    fn out_of_step(&self) -> Option<Error> {
        let first = self.inputs.first().map_or(0, |input| input.owed);
        if self.inputs.iter().all(|input| input.doubt == 0 && input.owed == first) {
            return None;
        }
        let streams = self.inputs.iter().map(|input| LoopStream {
            name: input.stream.name().to_owned(),
            owed: input.owed,
            in_doubt: input.doubt,
        });
        Some(Error::OutOfStep {
            job: self.results.job().id().to_owned(),
            results: self.outputs.iter().map(|output| output.name.clone()).collect(),
            streams: streams.collect(),
        })
    }

    /// Items of each result that are there and were not taken.
    async fn ahead(&self) -> Result<Vec<u64>> {
        let names = self.outputs.iter().map(|output| &output.name);
        let headers = names.map(|name| self.results.header(name, true, None));
        let headers = futures_util::future::try_join_all(headers).await?;
        let ahead = self.outputs.iter().zip(&headers);
        Ok(ahead.map(|(output, header)| header.count.saturating_sub(output.next)).collect())
    }

    /// So many items of each result were taken or left out.
    fn answered(&mut self, steps: u64) {
        self.outputs.iter_mut().for_each(|output| output.next += steps);
        self.inputs.iter_mut().for_each(|input| input.answered(steps));
    }

    /// The names of the results, in the order of the answers.
    pub fn results(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|output| output.name.as_str())
    }

    /// The job it belongs to.
    pub fn job(&self) -> &str {
        self.results.job().id()
    }

    /// The index of the item of each result that comes next.
    pub fn positions(&self) -> Vec<u64> {
        self.outputs.iter().map(|output| output.next).collect()
    }

    /// Pushes one entry to each input stream, all at once.
    ///
    /// # Errors
    /// The first failure, when all are answered; other entries may have been taken. [`Error::Value`] for
    /// other than one entry a stream, before anything is sent.
    pub async fn push(&mut self, entries: Vec<Entry>) -> Result<()> {
        self.check(&entries)?;
        if let ([input], [entry]) = (self.inputs.as_mut_slice(), entries.as_slice()) {
            return input.push(entry.clone()).await;
        }
        let sent = self.inputs.iter_mut().zip(entries).map(|(input, entry)| input.push(entry));
        futures_util::future::join_all(sent).await.into_iter().collect()
    }

    /// Waits for the next item of each result.
    ///
    /// # Errors
    /// [`Error::EndedShort`] when one never comes; [`Error::DataLoss`]; [`Error::WaitTimeout`],
    /// after which the same items are still the next ones; those of any call.
    pub async fn receive(&mut self, timeout: Timeout) -> Result<Vec<Answer>> {
        let found = Mutex::new(vec![None; self.outputs.len()]);
        let lock = || found.lock().unwrap_or_else(PoisonError::into_inner);
        let ends: Vec<_> = self.outputs.iter().map(|_| Ends::new()).collect();
        let missing = || {
            let places = lock().iter().enumerate().map(missing_place).collect::<Vec<_>>();
            places.into_iter().flatten()
        };
        let looked = AtomicBool::new(false);
        let all = wait::until(timeout, || async {
            let first = !looked.swap(true, Ordering::Relaxed);
            let places: Vec<_> = missing().collect();
            let looks = places.iter().map(|at| self.look(&self.outputs[*at], &ends[*at], first));
            let looked = futures_util::future::try_join_all(looks).await?;
            for (at, answer) in places.into_iter().zip(looked) {
                lock()[at] = answer;
            }
            Ok(missing().next().is_none().then_some(()))
        })
        .await?;
        if all.is_none() {
            let late = missing().map(|at| {
                let Output { name, next, .. } = &self.outputs[at];
                format!("the item {next} of the result '{name}'")
            });
            let (late, job) = (late.collect::<Vec<_>>().join(", "), self.results.job().id());
            let action = format!("wait for {late} of the job '{job}'");
            return Err(Error::WaitTimeout { action, timeout: timeout.duration() });
        }
        let answers: Vec<Answer> = lock().drain(..).flatten().collect();
        self.answered(1);
        Ok(answers)
    }

    /// Leaves out the items that are there already, and those of pushes that are known to be taken: as many
    /// steps for each result as the one that is ahead of the others has, so that what comes next belongs
    /// together. Pushes in doubt are taken for lost.
    ///
    /// # Errors
    /// [`Error::OutOfStep`] when some of the streams took an entry that others did not: no step belongs
    /// together then. Those of any call. Nothing is left out then.
    pub async fn skip(&mut self) -> Result<()> {
        let ahead = self.ahead().await?.into_iter().max().unwrap_or(0);
        let owed = self.inputs.iter().map(|input| input.owed).min().unwrap_or(0);
        let steps = ahead.max(owed);
        let mut left = self.inputs.iter().map(|input| input.owed.saturating_sub(steps));
        let first = left.next().unwrap_or(0);
        if left.any(|left| left != first) {
            let lost = self.out_of_step();
            return lost.map_or(Ok(()), Err);
        }
        self.answered(steps);
        for input in &mut self.inputs {
            (input.owed, input.doubt) = (0, 0);
        }
        Ok(())
    }

    /// Whether the next item of a result is there.
    ///
    /// With `together` it is asked for together with the header. What a gateway says to a request for an
    /// item that is not there yet is not known, so that it counts only when the header says that it is.
    async fn look(&self, output: &Output, ends: &Ends, together: bool) -> Result<Option<Answer>> {
        let Output { name, item_size, next } = output;
        let mut item = std::pin::pin!(self.item(name, *item_size, *next));
        let mut header = std::pin::pin!(self.results.header(name, true, None));
        let (header, early) = tokio::select! {
            biased;
            item = &mut item, if together => (header.await?, Some(item)),
            header = &mut header => (header?, None),
        };
        if header.has_dataloss {
            let job = self.results.job().id().to_owned();
            return Err(Error::DataLoss { name: name.clone(), job });
        }
        if header.count > *next {
            if header.item_size() != *item_size {
                let reason = "its items changed their size while the loop ran".to_owned();
                let job = self.results.job().id().to_owned();
                return Err(Error::Fetch { name: name.clone(), job, reason });
            }
            let bytes = match early {
                None => item.await,
                Some(early) => early,
            };
            let bytes = match bytes {
                Ok(bytes) => bytes,
                // Asked for a moment too early.
                Err(_) => self.item(name, *item_size, *next).await?,
            };
            return Ok(Some(Answer { header, bytes }));
        }
        if let Some(closed) = ends.look(&self.results, name, &header).await? {
            let last = self.results.header(name, true, None).await?;
            if last.count <= *next {
                let wanted = next + 1;
                return Err(self.results.ended_short(name, last.count, wanted, closed).await);
            }
        }
        Ok(None)
    }

    /// The bytes of an item.
    async fn item(&self, name: &str, item_size: usize, index: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.results.stream(name, item_size, index, 1, None).copy_to(&mut bytes).await?;
        Ok(bytes)
    }
}
