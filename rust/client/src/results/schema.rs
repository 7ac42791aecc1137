//! What results a job has, and how each stands.

use std::sync::Arc;
use std::time::Duration;

use super::end_detector::EndDetector;
use super::header_cache::{HeaderCache, Seen};
use crate::client::Client;
use crate::error::{Error, Result, short};
use crate::job::Job;
use crate::outage;
use crate::types::{
    Ahead, AnnouncedResult, Dtype, Header, JobAhead, JobState, ResultState, Schema,
};
use crate::wait::Timeout;

/// The results of a job.
#[derive(Clone, Debug)]
pub struct Results {
    job: Job,
    schema: Arc<Vec<Schema>>,
    pub(super) cache: Arc<HeaderCache>,
}

/// Dimensions that an array may have besides that of its items.
const MOST_DIMS: usize = 31;
/// Characters of a type, and of a name, that are told.
const MOST_TOLD: usize = 300;

fn unreadable(name: &str, dtype: &str, reason: &str) -> Error {
    Error::Schema {
        name: short(name, MOST_TOLD).into_owned(),
        dtype: short(dtype, MOST_TOLD).into_owned(),
        reason: short(reason, MOST_TOLD).into_owned(),
    }
}

fn dims(name: &str, text: &str, shape: &[i64]) -> Result<Vec<usize>> {
    if shape.len() > MOST_DIMS {
        let reason = format!("it has {} dimensions", shape.len());
        return Err(unreadable(name, text, &reason));
    }
    let dim = |dim: &i64| {
        let known = i32::try_from(*dim).ok().and_then(|dim| usize::try_from(dim).ok());
        known.ok_or_else(|| unreadable(name, text, &format!("{dim} is not a dimension")))
    };
    shape.iter().map(dim).collect()
}

fn parse(name: &str, text: &str) -> Result<Dtype> {
    Dtype::parse(text).map_err(|error| unreadable(name, text, &error.to_string()))
}

impl Job {
    /// What results it has.
    ///
    /// # Errors
    /// [`Error::Schema`] for a result whose type is not known; [`Error::JobManager`] for a job that the gateway does
    /// not know; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn results(&self) -> Result<Results> {
        if let Some(ahead) = self.client().take_ahead(self.id())
            && let Ok(Some(found)) = ahead.await
        {
            return self.with_ahead(found);
        }
        let action = || format!("ask for the results of the job '{}'", self.id());
        let call = self.client().dialect().result_schema(self.id());
        let announced = self.client().read(action, None, call);
        if !self.client().is_far() {
            return self.announced(announced.await.map_err(Self::or_missing)?);
        }
        // Whoever asks for results mostly waits for them next: of a job that is over, all is known then.
        let unnamed = Results::of(self.clone(), Arc::default());
        let (announced, state) = tokio::join!(biased; announced, unnamed.state_ahead());
        let results = self.announced(announced.map_err(Self::or_missing)?)?;
        if let Some(state) = state {
            results.cache.note_state(state);
        }
        Ok(results)
    }

    /// Its results, with what was asked ahead.
    fn with_ahead(&self, found: JobAhead) -> Result<Results> {
        let results = self.announced(found.announced)?;
        if let Some((state, items)) = found.done {
            results.cache.note_state(state);
            for (name, ahead) in items {
                results.cache.note(&name, false, &ahead.header, true);
                results.cache.keep_ahead(&name, ahead, true);
            }
        }
        Ok(results)
    }

    /// Its results, as the gateway announced them to somebody; nothing is asked.
    ///
    /// # Errors
    /// [`Error::Schema`] for a result whose type is not known.
    pub fn announced(&self, announced: Vec<AnnouncedResult>) -> Result<Results> {
        let read = |item: AnnouncedResult| {
            Ok(Schema {
                dtype: parse(&item.name, &item.dtype)?,
                shape: dims(&item.name, &item.dtype, &item.shape)?,
                name: item.name,
                is_single: item.is_single,
                expected_count: item.expected_count,
            })
        };
        let schema = announced.into_iter().map(read).collect::<Result<_>>()?;
        Ok(Results::of(self.clone(), Arc::new(schema)))
    }
}

impl Results {
    /// The job they belong to.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The results of a job whose names and types are known already.
    pub fn of(job: Job, schema: Arc<Vec<Schema>>) -> Self {
        Self { job, schema, cache: Arc::default() }
    }

    /// The same results over another connection to the same gateway.
    #[must_use]
    pub fn over(&self, client: &Client) -> Self {
        let job = client.job(self.job.id(), self.job.machine());
        Self { job, ..self.clone() }
    }

    /// All of them, in the gateway's order.
    pub fn schema(&self) -> &Arc<Vec<Schema>> {
        &self.schema
    }

    /// How a result stands; `flat` asks for dimensions in the shape instead of the type. One that is
    /// done is not asked for again.
    ///
    /// # Errors
    /// [`Error::Schema`] for a type that is not known; [`Error::Fetch`] for a count that cannot be;
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn header(
        &self,
        name: &str,
        flat: bool,
        timeout: Option<Duration>,
    ) -> Result<Header> {
        if let Some(done) = self.cache.header(name, flat) {
            return Ok(done);
        }
        let over = self.cache.state().is_some();
        let client = self.job.client();
        let call = client.dialect().result_header(self.job.id(), name, flat);
        let action = || format!("ask for the result '{name}' of the job '{}'", self.job.id());
        let asked = client.read(action, timeout, call).await;
        // A result that was there is missing with its job only.
        let known = self.schema.iter().any(|schema| schema.name == name);
        let header = asked.map_err(|error| if known { Job::or_missing(error) } else { error })?;
        let count = i32::try_from(header.count).ok().and_then(|n| u64::try_from(n).ok());
        let count = count.ok_or_else(|| Error::Fetch {
            name: name.to_owned(),
            job: self.job.id().to_owned(),
            reason: format!("the gateway counts {} items", header.count),
        })?;
        let header = Header {
            dtype: parse(name, &header.dtype)?,
            shape: dims(name, &header.dtype, &header.shape)?,
            count,
            has_dataloss: header.has_dataloss,
            has_execution_errors: header.has_execution_errors,
            done: header.done,
            closed: header.closed,
        };
        self.check_size(name, &header)?;
        self.cache.note(name, flat, &header, over);
        Ok(header)
    }

    /// Refuses a size that no machine can hold, before anything is calculated from it.
    fn check_size(&self, name: &str, header: &Header) -> Result<()> {
        // Dimensions of 0 do not make others small.
        let item = header
            .shape
            .iter()
            .try_fold(header.dtype.size.max(1), |size, d| size.checked_mul((*d).max(1)));
        let all = item.and_then(|item| item.checked_mul(usize::try_from(header.count).ok()?));
        match all {
            Some(all) if isize::try_from(all).is_ok() => Ok(()),
            _ => {
                let (count, shape) = (header.count, &header.shape);
                let reason = format!("{count} items of the shape {shape:?} are too large");
                Err(unreadable(name, &format!("{:?}", header.dtype.kind), &reason))
            }
        }
    }

    /// What was fetched ahead of a result in one of the two forms; once.
    pub(super) fn take_ahead(&self, name: &str, flat: bool) -> Option<Ahead> {
        if flat { None } else { self.cache.take_ahead(name) }
    }

    /// What is known of a result without asking.
    pub(super) fn seen(&self, name: &str) -> Option<Seen> {
        self.cache.seen(name)
    }

    /// How a result stands, or (without a name) all of them together.
    ///
    /// # Errors
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn state(&self, name: Option<&str>) -> Result<ResultState> {
        let client = self.job.client();
        let Some(call) = client.dialect().result_state(self.job.id()) else {
            return self.state_from_headers(name).await;
        };
        if let Some(state) = self.cache.state() {
            return Ok(state);
        }
        let action = || format!("ask for the state of the results of the job '{}'", self.job.id());
        let state = client.read(action, None, call).await;
        let state = state.map_err(Job::or_missing)?;
        if state.done {
            self.cache.note_state(state);
        }
        Ok(state)
    }

    /// What results the job has and how they stand, asked ahead together with their items.
    pub(crate) async fn ahead(
        &self,
        items: impl Future<Output = Vec<Option<(String, Ahead)>>>,
    ) -> Option<JobAhead> {
        let client = self.job.client();
        let action = || format!("ask for the results of the job '{}'", self.job.id());
        let announced = client.ask(action, client.dialect().result_schema(self.job.id()));
        let (announced, state, items) = tokio::join!(biased; announced, self.state_ahead(), items);
        let done = state.map(|state| (state, items.into_iter().flatten().collect()));
        Some(JobAhead { announced: announced.ok()?, done })
    }

    /// How all results stand, if they are done; asked ahead, so that a failure is none.
    async fn state_ahead(&self) -> Option<ResultState> {
        self.job.client().dialect().result_state(self.job.id())?;
        self.state(None).await.ok().filter(|state| state.done)
    }

    /// Whether no more values come of a result, and then whether it was closed before its end.
    pub(crate) async fn end(
        &self,
        ends: &EndDetector,
        name: &str,
        header: &Header,
    ) -> Result<Option<bool>> {
        if header.done || header.closed {
            return Ok(Some(header.closed));
        }
        if !ends.is_due() {
            return Ok(None);
        }
        let state = self.state(Some(name)).await?;
        Ok(state.is_over().then_some(state.closed))
    }

    /// The state as older gateways tell it: in the header of each result.
    async fn state_from_headers(&self, name: Option<&str>) -> Result<ResultState> {
        let named = self.schema.iter().filter(|schema| name.is_none_or(|name| schema.name == name));
        let mut all = ResultState { done: true, ..Default::default() };
        for schema in named {
            let header = self.header(&schema.name, false, None).await?;
            all.done &= header.done;
            all.closed |= header.closed;
            all.has_dataloss |= header.has_dataloss;
        }
        Ok(all)
    }

    /// Waits until no more values come of a result, or (without a name) of all; true when the
    /// program came to its end.
    ///
    /// # Errors
    /// [`Error::WaitTimeout`]; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn wait_for_all(&self, name: Option<&str>, timeout: Timeout) -> Result<bool> {
        let action = || format!("wait for all values of the job '{}'", self.job.id());
        outage::outlive(self.job.client().address(), action, timeout, || async {
            let state = self.state(name).await?;
            // One that is closed ends the wait for all, as no more comes of the job; what is done is
            // done, whether it is closed besides or not.
            Ok(state.is_over().then_some(state.done))
        })
        .await
    }

    /// Waits until a result has at least `wanted` values; gives how it stands then.
    ///
    /// # Errors
    /// [`Error::EndedShort`] as soon as it is known that they will never come;
    /// [`Error::WaitTimeout`]; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn wait_for_values(
        &self,
        name: &str,
        wanted: u64,
        timeout: Timeout,
    ) -> Result<Header> {
        let ends = EndDetector::new();
        let action = || {
            format!(
                "wait for {wanted} values of the result '{name}' of the job '{}'",
                self.job.id()
            )
        };
        outage::outlive(self.job.client().address(), action, timeout, || async {
            let header = if wanted > 0 && self.job.client().is_far() {
                self.header_and_item(name, wanted - 1).await?
            } else {
                self.header(name, false, None).await?
            };
            if header.count >= wanted {
                return Ok(Some(header));
            }
            let Some(closed) = self.end(&ends, name, &header).await? else {
                return Ok(None);
            };
            // Values may have come between the two looks.
            let last = self.header(name, false, None).await?;
            if last.count >= wanted {
                return Ok(Some(last));
            }
            Err(self.ended_short(name, last.count, wanted, closed).await)
        })
        .await
    }

    /// Waits until several results all have more than `seen` values; gives how many they all have
    /// then, `seen` when one of them has no more to come.
    ///
    /// # Errors
    /// [`Error::WaitTimeout`]; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn wait_for_more(
        &self,
        names: &[String],
        seen: u64,
        timeout: Timeout,
    ) -> Result<u64> {
        let ends: Vec<_> = names.iter().map(|_| EndDetector::new()).collect();
        let (job, wanted) = (self.job.id(), seen.saturating_add(1));
        let action = || {
            let names = names.join("', '");
            format!("wait for the value {wanted} of the result '{names}' of the job '{job}'")
        };
        outage::outlive(self.job.client().address(), action, timeout, || async {
            let headers = names.iter().map(|name| self.header(name, false, None));
            let headers = futures_util::future::try_join_all(headers).await?;
            let count = headers.iter().map(|header| header.count).min().unwrap_or(seen);
            if count > seen {
                return Ok(Some(count));
            }
            for ((name, header), ends) in names.iter().zip(&headers).zip(&ends) {
                if header.count <= seen
                    && self.end(ends, name, header).await?.is_some()
                    // Values may have come between the two looks.
                    && self.header(name, false, None).await?.count <= seen
                {
                    return Ok(Some(seen));
                }
            }
            Ok(None)
        })
        .await
    }

    /// The error of values that never come.
    pub(crate) async fn ended_short(
        &self,
        name: &str,
        got: u64,
        wanted: u64,
        closed: bool,
    ) -> Error {
        // The reason is worth a request: the job is over, nothing is in a hurry.
        let status = self.job.status().await;
        let reason = match status {
            Ok(status) if status.state == JobState::Error => {
                format!("the job failed: {}", status.details.errors.join("; "))
            }
            Ok(status) if status.state == JobState::Canceled => "the job was cancelled".to_owned(),
            _ if closed => "the job was halted or failed".to_owned(),
            _ => "the program came to its end".to_owned(),
        };
        Error::EndedShort {
            name: name.to_owned(),
            job: self.job.id().to_owned(),
            got,
            wanted,
            reason,
        }
    }
}
