//! A step of a closed loop: entries out, the next item of each result back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::input_stream::{Entry, InputStream};
use crate::results::{Ends, Header, Results};
use crate::wait::{self, Timeout};

/// Input streams and results of one job that belong to a loop, and how far it is.
#[derive(Debug)]
pub struct ClosedLoop {
    inputs: Vec<InputStream>,
    results: Results,
    outputs: Vec<Output>,
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
        let mut steps = Self { inputs, results, outputs: Vec::new() };
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
    pub fn inputs(&self) -> &[InputStream] {
        &self.inputs
    }

    /// The index of the item of each result that comes next.
    pub fn positions(&self) -> Vec<u64> {
        self.outputs.iter().map(|output| output.next).collect()
    }

    /// Pushes one entry to each input stream, all at once.
    ///
    /// # Errors
    /// The first failure, when all are answered; other entries may have been taken.
    pub async fn push(&self, entries: Vec<Entry>) -> Result<()> {
        if let ([input], [entry]) = (self.inputs.as_slice(), entries.as_slice()) {
            return input.send(entry.clone()).await;
        }
        let sent = self.inputs.iter().zip(entries).map(|(input, entry)| input.send(entry));
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
        for output in &mut self.outputs {
            output.next += 1;
        }
        Ok(answers)
    }

    /// Leaves out the items that are there already: as many steps for each result as the one that is
    /// ahead of the others has, so that what comes next belongs together.
    ///
    /// # Errors
    /// Those of any call; nothing is left out then.
    pub async fn skip(&mut self) -> Result<()> {
        let names = self.outputs.iter().map(|output| &output.name);
        let headers = names.map(|name| self.results.header(name, true, None));
        let headers = futures_util::future::try_join_all(headers).await?;
        let ahead = self.outputs.iter().zip(&headers);
        let steps = ahead.map(|(output, header)| header.count.saturating_sub(output.next)).max();
        for output in &mut self.outputs {
            output.next += steps.unwrap_or(0);
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
