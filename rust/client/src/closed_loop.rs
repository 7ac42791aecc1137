//! A step of a closed loop: entries out, the next item of each result back.

mod batch;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::input_stream::{Entry, InputStream};
use crate::ledger::{Ledger, Turn, lock, turn};
use crate::pace::{Looks, Pace};
use crate::results::{EndDetector, Results};
use crate::types::Header;
use crate::wait::{self, Found, Timeout};

/// Input streams and results of one job that belong to a loop, and how far it is.
#[derive(Debug)]
pub struct ClosedLoop {
    inputs: Vec<InputStream>,
    results: Results,
    outputs: Vec<Output>,
    /// Shared by all loops of the client over the same input streams of the job.
    ledger: Arc<Mutex<Ledger>>,
    /// How long the program takes for a step.
    pace: Mutex<Pace>,
}

#[derive(Debug)]
struct Output {
    name: String,
    item_size: usize,
}

/// An item of a result, as a step of a loop got it.
#[derive(Clone, Debug)]
pub struct LoopItem {
    /// How the result stands.
    pub header: Header,
    /// The item's bytes.
    pub bytes: Vec<u8>,
}

/// How long a step waits for what would tell whether an entry was taken.
const PATIENCE: Duration = Duration::from_millis(200);

/// The answer of a step, as far as it is there.
struct Places {
    found: Mutex<Vec<Option<LoopItem>>>,
    ends: Vec<EndDetector>,
}

impl Places {
    fn new(outputs: usize) -> Self {
        let ends = std::iter::repeat_with(EndDetector::new).take(outputs).collect();
        Self { found: Mutex::new(vec![None; outputs]), ends }
    }

    /// Where nothing is yet.
    fn missing(&self) -> Vec<usize> {
        let found = lock(&self.found);
        found.iter().enumerate().filter_map(|(at, item)| item.is_none().then_some(at)).collect()
    }

    fn items(self) -> Vec<LoopItem> {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.into_iter().flatten().collect()
    }
}

/// How often a loop that begins looks whether the results stand still.
const STILL: usize = 5;

impl ClosedLoop {
    /// A loop over `inputs` and the results of these names, from the items on that come next.
    ///
    /// # Errors
    /// [`Error::Value`] for a result that keeps its last item only, whose next item cannot be told
    /// from it; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn new(inputs: Vec<InputStream>, results: Results, names: &[String]) -> Result<Self> {
        let job = results.job().id();
        for name in names {
            let schema = results.schema().iter().find(|schema| schema.name == *name);
            let wrong = match schema {
                None => {
                    let known = results.schema().iter().map(|known| known.name.as_str());
                    format!(
                        "there is no such result; it has: {}",
                        known.collect::<Vec<_>>().join(", ")
                    )
                }
                Some(schema) if schema.is_single => {
                    "only the last value of a save() is kept; use save_all()".to_owned()
                }
                Some(_) => continue,
            };
            return Err(Error::Value(format!(
                "a closed loop over the result '{name}' of the job '{job}': {wrong}"
            )));
        }
        let streams = inputs.iter().map(|input| input.name().to_owned()).collect();
        let ledger = results.job().client().ledgers().of(job, streams);
        let pace = Mutex::default();
        let mut steps = Self { inputs, results, outputs: Vec::new(), ledger, pace };
        let headers = {
            let turn = steps.turn()?;
            // Those of loops before this one tell what has come meanwhile.
            let asked = steps.ledger().asked(names);
            let headers = steps.standing(&asked).await?;
            let counts = asked.into_iter().zip(headers.iter().map(|header| header.count));
            steps.ledger().begin(&counts.collect::<Vec<_>>());
            drop(turn);
            headers
        };
        let outputs = names.iter().zip(headers);
        let outputs = outputs
            .map(|(name, header)| Output { name: name.clone(), item_size: header.item_size() });
        steps.outputs = outputs.collect();
        Ok(steps)
    }

    /// How results stand, once they stand still: a program that is in the middle of a step has saved to some
    /// of them only.
    async fn standing(&self, names: &[String]) -> Result<Vec<Header>> {
        let ask = || {
            let headers = names.iter().map(|name| self.results.header(name, true, None));
            futures_util::future::try_join_all(headers)
        };
        let mut headers = ask().await?;
        for _ in 0..STILL {
            let again = ask().await?;
            let still = again.iter().zip(&headers).all(|(now, then)| now.count == then.count);
            headers = again;
            if still {
                break;
            }
        }
        Ok(headers)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// One step at a time, also of another loop over the same input streams. Nobody waits for it here: that
    /// one may last as long as it wants, and a signal handler on its own thread would wait for ever.
    fn turn(&self) -> Result<Turn<'_>> {
        turn(&self.ledger).ok_or_else(|| {
            let streams: Vec<_> = self.inputs.iter().map(InputStream::name).collect();
            Error::Busy(format!(
                "a step of a closed loop over {} of the job '{}' is under way, in another thread or below a signal handler: wait for its end",
                streams.join(", "),
                self.results.job().id()
            ))
        })
    }

    /// The input streams, in the order of the entries.
    pub fn inputs(&self) -> impl Iterator<Item = &InputStream> {
        self.inputs.iter()
    }

    /// Pushes of which it is not known whether they were taken: the most of all streams.
    pub fn in_doubt(&self) -> u64 {
        self.ledger().in_doubt()
    }

    /// Pushes one entry to each input stream and gives their own answer. The looks for it leave with the push, or
    /// as much later as the program is known to take: where its answer is there in time, all is one round trip.
    ///
    /// A step that failed may have left entries that are answered later. Where it is known how many, their
    /// answers are left out first; where an answer proves that an entry was taken, it is known.
    ///
    /// # Errors
    /// [`Error::OutOfStep`] when it is not known whose answer comes next: nothing is sent then. Those of
    /// [`Self::push`] and [`Self::receive`].
    pub async fn exchange(&self, entries: Vec<Entry>, timeout: Timeout) -> Result<Vec<LoopItem>> {
        self.check(&entries)?;
        let _turn = self.turn()?;
        self.settle(timeout).await?;
        if timeout.duration().is_zero() {
            self.send(entries).await?;
            return self.take(timeout).await;
        }
        let places = Places::new(self.outputs.len());
        let client = self.results.job().client();
        let looks = lock(&self.pace).looks(wait::looks_together(client.round_trip()));
        let looked = if looks.first <= client.round_trip() && client.is_next_door() {
            // Sooner than any clock would wake it up, the acknowledgement tells that it is time.
            let began = Instant::now();
            self.send(entries).await?;
            let pushed = began.elapsed();
            let look = self.looking(&places, Looks { first: Duration::ZERO, ..looks });
            wait::within(timeout, look).await.map(|found| found.map(|found| found.behind(pushed)))
        } else {
            self.push_and_look(entries, &places, looks, timeout).await?
        };
        let Some(Found { before, at }) = looked.transpose()? else {
            return Err(self.late(&places, timeout));
        };
        lock(&self.pace).found(before, at);
        self.ledger().answered(1);
        Ok(places.items())
    }

    /// Pushes, and looks meanwhile.
    async fn push_and_look(
        &self,
        entries: Vec<Entry>,
        places: &Places,
        looks: Looks,
        timeout: Timeout,
    ) -> Result<Option<Result<Found>>> {
        let (mut send, mut look) = (pin!(self.send(entries)), pin!(self.looking(places, looks)));
        let mut looked = None;
        let sent = loop {
            tokio::select! {
                // In this order, so that nothing is asked for before the push has left.
                biased;
                sent = &mut send => break sent,
                early = &mut look, if looked.is_none() => looked = Some(early),
            }
        };
        match (sent, &looked) {
            (Ok(()), _) => {}
            // The answer proves that the entry was taken.
            (Err(Error::InDoubt { .. }), Some(Ok(_))) => self.ledger().prove(1),
            (Err(error), _) => return Err(error),
        }
        match looked {
            Some(looked) => Ok(Some(looked)),
            None => Ok(wait::within(timeout, look).await),
        }
    }

    /// Looks for the next item of each result, as the steps before tell when.
    async fn looking(&self, places: &Places, looks: Looks) -> Result<Found> {
        let client = self.results.job().client();
        wait::paced(client.clock(), looks, client.round_trip(), |expected| {
            self.look_at_all(places, expected)
        })
        .await
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
    async fn settle(&self, timeout: Timeout) -> Result<()> {
        if !self.ledger().is_in_step() {
            let wanted = self.ledger().expected();
            let seen = AtomicU64::new(0);
            let patience = timeout.duration().min(PATIENCE).as_secs_f64();
            wait::until(Timeout::from_seconds(patience), || async {
                let there = self.ahead().await?.into_iter().min().unwrap_or(0);
                seen.store(there, Ordering::Relaxed);
                Ok((there >= wanted).then_some(()))
            })
            .await?;
            self.ledger().prove(seen.into_inner());
        }
        if !self.ledger().is_in_step() {
            return Err(self.out_of_step(0));
        }
        if self.ledger().late() > 0 {
            // Before every push, as nothing else tells a late answer from the next one.
            let there = self.ahead().await?.into_iter().min().unwrap_or(0);
            let come = self.ledger().come_late(there);
            if come > 0 {
                return Err(self.out_of_step(come));
            }
        }
        let behind = self.ledger().owed();
        if behind > 0 {
            tracing::warn!(
                "a closed loop of the job '{}' leaves out the answers to {behind} earlier pushes, whose exchange() had failed",
                self.results.job().id()
            );
            self.ledger().answered(behind);
        }
        Ok(())
    }

    /// Why it is not known whose answer comes next.
    fn out_of_step(&self, late: u64) -> Error {
        Error::OutOfStep {
            job: self.results.job().id().to_owned(),
            results: self.outputs.iter().map(|output| output.name.clone()).collect(),
            streams: self.ledger().streams(),
            late,
        }
    }

    /// Items of each result that are there and were not taken.
    async fn ahead(&self) -> Result<Vec<u64>> {
        let names = self.outputs.iter().map(|output| &output.name);
        let headers = names.map(|name| self.results.header(name, true, None));
        let headers = futures_util::future::try_join_all(headers).await?;
        let ahead = self.outputs.iter().zip(&headers);
        let ledger = self.ledger();
        Ok(ahead
            .map(|(output, header)| header.count.saturating_sub(ledger.next(&output.name)))
            .collect())
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
        let ledger = self.ledger();
        self.outputs.iter().map(|output| ledger.next(&output.name)).collect()
    }

    /// Pushes one entry to each input stream, all at once.
    ///
    /// # Errors
    /// The first failure, when all are answered; other entries may have been taken. [`Error::Value`] for
    /// other than one entry a stream, before anything is sent.
    pub async fn push(&self, entries: Vec<Entry>) -> Result<()> {
        self.check(&entries)?;
        let _turn = self.turn()?;
        self.send(entries).await
    }

    async fn send(&self, entries: Vec<Entry>) -> Result<()> {
        if let ([input], [entry]) = (self.inputs.as_slice(), entries.as_slice()) {
            return self.send_one(input, entry.clone()).await;
        }
        let sent = self.inputs.iter().zip(entries);
        let sent = sent.map(|(input, entry)| self.send_one(input, entry));
        futures_util::future::join_all(sent).await.into_iter().collect()
    }

    async fn send_one(&self, input: &InputStream, entry: Entry) -> Result<()> {
        self.ledger().sending(input.name());
        let outcome = input.send(entry).await;
        if !matches!(outcome, Err(Error::InDoubt { .. })) {
            self.ledger().known(input.name(), outcome.is_ok());
        }
        outcome
    }

    /// Waits for the next item of each result.
    ///
    /// # Errors
    /// [`Error::EndedShort`] when one never comes; [`Error::DataLoss`]; [`Error::WaitTimeout`],
    /// after which the same items are still the next ones; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn receive(&self, timeout: Timeout) -> Result<Vec<LoopItem>> {
        let _turn = self.turn()?;
        self.take(timeout).await
    }

    async fn take(&self, timeout: Timeout) -> Result<Vec<LoopItem>> {
        let places = Places::new(self.outputs.len());
        let mut first = true;
        let all = wait::until(timeout, || {
            self.look_at_all(
                &places,
                std::mem::take(&mut first) || self.results.job().client().is_far(),
            )
        });
        if all.await?.is_none() {
            return Err(self.late(&places, timeout));
        }
        self.ledger().answered(1);
        Ok(places.items())
    }

    /// One look for what is missing; with `together` the items are asked for with it.
    async fn look_at_all(&self, places: &Places, together: bool) -> Result<Option<()>> {
        let missing = places.missing();
        let looks =
            missing.iter().map(|at| self.look(&self.outputs[*at], &places.ends[*at], together));
        let looked = futures_util::future::try_join_all(looks).await?;
        let mut found = lock(&places.found);
        for (at, item) in missing.into_iter().zip(looked) {
            // Another look may have been faster.
            if item.is_some() {
                found[at] = item;
            }
        }
        Ok(found.iter().all(Option::is_some).then_some(()))
    }

    /// The error of items that did not come in time.
    fn late(&self, places: &Places, timeout: Timeout) -> Error {
        let late = places.missing().into_iter().map(|at| {
            let name = &self.outputs[at].name;
            format!("the item {} of the result '{name}'", self.ledger().next(name))
        });
        let (late, job) = (late.collect::<Vec<_>>().join(", "), self.results.job().id());
        let action = format!("wait for {late} of the job '{job}'");
        Error::WaitTimeout { action, timeout: timeout.duration(), silence: None }
    }

    /// Leaves out the items that are there already, and those of pushes that are known to be taken: as many
    /// steps for each result as the one that is ahead of the others has, so that what comes next belongs
    /// together. A push in doubt is taken for lost, which is right once its answer cannot come any more: if it
    /// comes all the same, the next [`Self::exchange`] finds it, and says so.
    ///
    /// # Errors
    /// [`Error::OutOfStep`] when some of several input streams took an entry that others did not, or may have:
    /// no step belongs together then. [`Error::Connection`] and [`Error::Timeout`] as of every call. Nothing is left out then.
    pub async fn skip(&self) -> Result<()> {
        let _turn = self.turn()?;
        let ahead = self.ahead().await?;
        let mut ledger = self.ledger();
        ledger.prove(ahead.iter().copied().min().unwrap_or(0));
        let steps = ahead.into_iter().max().unwrap_or(0).max(ledger.owed());
        let doubted = ledger.in_doubt() > 0 && self.inputs.len() > 1;
        if doubted || !ledger.is_even(steps) {
            drop(ledger);
            return Err(self.out_of_step(0));
        }
        ledger.answered(steps);
        ledger.give_up();
        Ok(())
    }

    /// Whether the next item of a result is there.
    ///
    /// With `together` it is asked for together with the header. What a gateway says to a request for an
    /// item that is not there yet is not known, so that it counts only when the header says that it is.
    async fn look(
        &self,
        output: &Output,
        ends: &EndDetector,
        together: bool,
    ) -> Result<Option<LoopItem>> {
        let Output { name, item_size } = output;
        let next = self.ledger().next(name);
        let mut item = std::pin::pin!(self.item(name, *item_size, next));
        let mut header = std::pin::pin!(self.results.header(name, true, None));
        let (header, early) = tokio::select! {
            // In this order, so that the item is as new as the header at least.
            biased;
            header = &mut header => (header?, None),
            item = &mut item, if together => (header.await?, Some(item)),
        };
        self.check_header(output, &header)?;
        if header.count > next {
            let bytes = match early {
                None => item.await,
                Some(early) => early,
            };
            let bytes = match bytes {
                Ok(bytes) => bytes,
                // Asked for a moment too early.
                Err(_) => self.item(name, *item_size, next).await?,
            };
            return Ok(Some(LoopItem { header, bytes }));
        }
        self.check_end(output, ends, &header, next).await?;
        Ok(None)
    }

    /// Refuses a result that lost items, or has others than when the loop was made.
    fn check_header(&self, output: &Output, header: &Header) -> Result<()> {
        let (name, job) = (output.name.clone(), self.results.job().id().to_owned());
        if header.has_dataloss {
            return Err(Error::DataLoss { name, job });
        }
        if header.count > 0 && header.item_size() != output.item_size {
            let reason = "its items changed their size while the loop ran".to_owned();
            return Err(Error::Fetch { name, job, reason });
        }
        Ok(())
    }

    /// Fails when the item that comes next never comes.
    async fn check_end(
        &self,
        output: &Output,
        ends: &EndDetector,
        header: &Header,
        next: u64,
    ) -> Result<()> {
        let name = &output.name;
        if let Some(closed) = self.results.end(ends, name, header).await? {
            let last = self.results.header(name, true, None).await?;
            if last.count <= next {
                let wanted = next + 1;
                return Err(self.results.ended_short(name, last.count, wanted, closed).await);
            }
        }
        Ok(())
    }

    /// The bytes of an item.
    async fn item(&self, name: &str, item_size: usize, index: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.results.stream(name, item_size, index, 1, None).copy_to(&mut bytes).await?;
        Ok(bytes)
    }
}
