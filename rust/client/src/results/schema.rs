//! What results a job has, and how each stands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pulsewire_wire::results as r;

use super::dtype::Dtype;
use crate::client::Client;
use crate::error::{Error, Result, short};
use crate::job::{Job, State};
use crate::retry;
use crate::wait::{self, Timeout};

/// How often a wait for values looks at the state besides the header.
const STATE_EVERY: Duration = Duration::from_millis(20);

/// A named result, as announced.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The name it is saved under.
    pub name: String,
    /// Its type.
    pub dtype: Dtype,
    /// Whether only the last item is kept.
    pub is_single: bool,
    /// What the gateway expects in all; 0 where it does not know.
    pub expected_count: i32,
    /// Dimensions of an item.
    pub shape: Vec<usize>,
}

/// A named result, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Its type, in the form that was asked for.
    pub dtype: Dtype,
    /// Dimensions of an item beside those in the type.
    pub shape: Vec<usize>,
    /// Items so far.
    pub count: u64,
    /// Whether items were lost.
    pub has_dataloss: bool,
    /// Whether the job met runtime errors.
    pub has_execution_errors: bool,
    /// Whether everything is there.
    pub done: bool,
    /// Whether nothing more comes although the program did not come to its end.
    pub closed: bool,
}

impl Header {
    /// Bytes of one item.
    pub fn item_size(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.size
    }

    /// The dimensions of an array of `count` items with an axis for them, also for a single one.
    pub fn rows_shape(&self, count: u64) -> Vec<usize> {
        let item = if self.shape == [1] { &[] } else { self.shape.as_slice() };
        [&[count as usize], item].concat()
    }

    /// The dimensions of an array of `count` items (F2.12).
    pub fn array_shape(&self, count: u64) -> Vec<usize> {
        let count = count as usize;
        match (count, self.shape.as_slice()) {
            (1, shape) => shape.to_vec(),
            (count, [1]) => vec![count],
            (count, shape) => [&[count], shape].concat(),
        }
    }
}

/// How all results of a job stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResultState {
    /// Everything is there.
    pub done: bool,
    /// Nothing more comes although the program did not come to its end.
    pub closed: bool,
    /// Items were lost.
    pub has_dataloss: bool,
}

impl ResultState {
    /// Whether nothing more comes.
    pub fn is_over(self) -> bool {
        self.done || self.closed
    }
}

/// The results of a job.
#[derive(Clone, Debug)]
pub struct Results {
    job: Job,
    schema: Arc<Vec<Schema>>,
    known: Arc<Mutex<Known>>,
}

/// What need not be asked for again.
#[derive(Debug, Default)]
struct Known {
    /// The items seen of each result, and their size: so many are there for certain.
    seen: HashMap<String, Seen>,
    /// The headers, in both forms, that were asked for after it was known that the results are done:
    /// they do not change any more.
    done: [HashMap<String, Header>; 2],
    /// How all results stand, once they are done.
    all: Option<ResultState>,
}

/// What is known of a result without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) count: u64,
    pub(super) item_size: usize,
}

const SCHEMA: &str = "/qm.grpc.results_analyser.JobResultsService/GetJobResultSchema";
const HEADER: &str = "/qm.grpc.results_analyser.JobResultsService/GetJobNamedResultHeader";
const STATE: &str = "/qm.grpc.results_analyser.JobResultsService/GetJobState";

/// Dimensions that an array may have besides that of its items.
const MOST_DIMS: usize = 31;
/// Characters of a type, and of a name, that are told.
const MOST_TOLD: usize = 300;

/// A header as it stands on the wire, with the numbers that do not fit an int32 as well.
#[derive(Clone, PartialEq, prost::Message)]
struct WireHeader {
    #[prost(int64, tag = "2")]
    count_so_far: i64,
    #[prost(string, tag = "3")]
    simple_d_type: String,
    #[prost(bool, tag = "4")]
    done: bool,
    #[prost(bool, tag = "5")]
    closed: bool,
    #[prost(bool, tag = "6")]
    has_dataloss: bool,
    #[prost(int64, repeated, tag = "7")]
    shape: Vec<i64>,
    #[prost(message, optional, tag = "8")]
    has_execution_errors: Option<bool>,
}

fn unreadable(name: &str, dtype: &str, reason: &str) -> Error {
    Error::Schema {
        name: short(name, MOST_TOLD).into_owned(),
        dtype: short(dtype, MOST_TOLD).into_owned(),
        reason: short(reason, MOST_TOLD).into_owned(),
    }
}

fn dims<D: Copy + Into<i64>>(name: &str, text: &str, shape: &[D]) -> Result<Vec<usize>> {
    if shape.len() > MOST_DIMS {
        let reason = format!("it has {} dimensions", shape.len());
        return Err(unreadable(name, text, &reason));
    }
    let dim = |dim: &D| {
        let dim: i64 = (*dim).into();
        let known = i32::try_from(dim).ok().and_then(|dim| usize::try_from(dim).ok());
        known.ok_or_else(|| unreadable(name, text, &format!("{dim} is not a dimension")))
    };
    shape.iter().map(dim).collect()
}

fn parse(name: &str, text: &str) -> Result<Dtype> {
    Dtype::parse(text).map_err(|reason| unreadable(name, text, &reason))
}

impl Job {
    /// What results it has.
    ///
    /// # Errors
    /// [`Error::Schema`], and those of any call.
    pub async fn results(&self) -> Result<Results> {
        let request = r::GetJobResultSchemaRequest { job_id: self.id().to_owned() };
        let action = || format!("ask for the results of the job '{}'", self.id());
        let schema: r::GetJobResultSchemaResponse =
            retry::reading(|| self.client().ask(action, None, SCHEMA, &request))
                .await
                .map_err(Self::or_missing)?;
        let read = |item: r::get_job_result_schema_response::Item| {
            Ok(Schema {
                dtype: parse(&item.name, &item.simple_d_type)?,
                shape: dims(&item.name, &item.simple_d_type, &item.shape)?,
                name: item.name,
                is_single: item.is_single,
                expected_count: item.expected_count,
            })
        };
        let schema = schema.items.into_iter().map(read).collect::<Result<_>>()?;
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
        Self { job, schema, known: Arc::default() }
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
    /// [`Error::Schema`], and those of any call.
    pub async fn header(
        &self,
        name: &str,
        flat: bool,
        timeout: Option<Duration>,
    ) -> Result<Header> {
        let over = {
            let known = self.known();
            if let Some(done) = known.done[usize::from(flat)].get(name) {
                return Ok(done.clone());
            }
            known.all.is_some()
        };
        let client = self.job.client();
        let request = r::GetJobNamedResultHeaderRequest {
            job_id: self.job.id().to_owned(),
            output_name: name.to_owned(),
            flat_format: flat,
        };
        let action = || format!("ask for the result '{name}' of the job '{}'", self.job.id());
        let asked = retry::reading(|| client.ask(action, timeout, HEADER, &request)).await;
        // A result that was there is missing with its job only.
        let known = self.schema.iter().any(|schema| schema.name == name);
        let header: WireHeader =
            asked.map_err(|error| if known { Job::or_missing(error) } else { error })?;
        let count = i32::try_from(header.count_so_far).ok().and_then(|n| u64::try_from(n).ok());
        let count = count.ok_or_else(|| Error::Fetch {
            name: name.to_owned(),
            job: self.job.id().to_owned(),
            reason: format!("the gateway counts {} items", header.count_so_far),
        })?;
        let header = Header {
            dtype: parse(name, &header.simple_d_type)?,
            shape: dims(name, &header.simple_d_type, &header.shape)?,
            count,
            has_dataloss: header.has_dataloss,
            has_execution_errors: header.has_execution_errors.unwrap_or(false),
            done: header.done,
            closed: header.closed,
        };
        self.check_size(name, &header)?;
        self.note(name, flat, &header, over);
        Ok(header)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn note(&self, name: &str, flat: bool, header: &Header, over: bool) {
        let seen = Seen { count: header.count, item_size: header.item_size() };
        let mut known = self.known();
        match known.seen.get_mut(name) {
            Some(before) => *before = seen,
            None => drop(known.seen.insert(name.to_owned(), seen)),
        }
        if over {
            known.done[usize::from(flat)].insert(name.to_owned(), header.clone());
        }
    }

    /// What is known of a result without asking.
    pub(super) fn seen(&self, name: &str) -> Option<Seen> {
        self.known().seen.get(name).copied()
    }

    /// How a result stands, or (without a name) all of them together.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn state(&self, name: Option<&str>) -> Result<ResultState> {
        if !self.job.client().has_capability("qm.job_streaming_state") {
            return self.state_from_headers(name).await;
        }
        if let Some(state) = self.known().all {
            return Ok(state);
        }
        let request = r::GetJobStateRequest { job_id: self.job.id().to_owned() };
        let action = || format!("ask for the state of the results of the job '{}'", self.job.id());
        let state: r::GetJobStateResponse =
            retry::reading(|| self.job.client().ask(action, None, STATE, &request))
                .await
                .map_err(Job::or_missing)?;
        let r::GetJobStateResponse { done, closed, has_dataloss } = state;
        let state = ResultState { done, closed, has_dataloss };
        if done {
            self.known().all = Some(state);
        }
        Ok(state)
    }

    /// The state as older gateways tell it: in the header of each result (F1.10).
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
    /// [`Error::WaitTimeout`], and those of any call.
    pub async fn wait_for_all(&self, name: Option<&str>, timeout: Timeout) -> Result<bool> {
        let over = wait::until(timeout, || async {
            let state = self.state(name).await?;
            // One that is closed ends the wait for all, as no more comes of the job; what is done is
            // done, whether it is closed besides or not.
            Ok(state.is_over().then_some(state.done))
        });
        let action = || format!("wait for all values of the job '{}'", self.job.id());
        let timeout = timeout.duration();
        over.await?.ok_or_else(|| Error::WaitTimeout { action: action(), timeout })
    }

    /// Waits until a result has at least `wanted` values; gives how it stands then.
    ///
    /// # Errors
    /// [`Error::EndedShort`] as soon as it is known that they will never come;
    /// [`Error::WaitTimeout`]; those of any call.
    pub async fn wait_for_values(
        &self,
        name: &str,
        wanted: u64,
        timeout: Timeout,
    ) -> Result<Header> {
        let ends = Ends::new();
        let there = wait::until(timeout, || async {
            let header = self.header(name, false, None).await?;
            if header.count >= wanted {
                return Ok(Some(header));
            }
            let Some(closed) = ends.look(self, name, &header).await? else {
                return Ok(None);
            };
            // Values may have come between the two looks.
            let last = self.header(name, false, None).await?;
            if last.count >= wanted {
                return Ok(Some(last));
            }
            Err(self.ended_short(name, last.count, wanted, closed).await)
        });
        let action = || {
            format!(
                "wait for {wanted} values of the result '{name}' of the job '{}'",
                self.job.id()
            )
        };
        let timeout = timeout.duration();
        there.await?.ok_or_else(|| Error::WaitTimeout { action: action(), timeout })
    }

    /// Waits until several results all have more than `seen` values; gives how many they all have
    /// then, `seen` when one of them has no more to come.
    ///
    /// # Errors
    /// [`Error::WaitTimeout`]; those of any call.
    pub async fn wait_for_more(
        &self,
        names: &[String],
        seen: u64,
        timeout: Timeout,
    ) -> Result<u64> {
        let ends: Vec<_> = names.iter().map(|_| Ends::new()).collect();
        let more = wait::until(timeout, || async {
            let headers = names.iter().map(|name| self.header(name, false, None));
            let headers = futures_util::future::try_join_all(headers).await?;
            let count = headers.iter().map(|header| header.count).min().unwrap_or(seen);
            if count > seen {
                return Ok(Some(count));
            }
            for ((name, header), ends) in names.iter().zip(&headers).zip(&ends) {
                if header.count <= seen
                    && ends.look(self, name, header).await?.is_some()
                    // Values may have come between the two looks.
                    && self.header(name, false, None).await?.count <= seen
                {
                    return Ok(Some(seen));
                }
            }
            Ok(None)
        });
        let (job, wanted) = (self.job.id(), seen.saturating_add(1));
        let action = || {
            let names = names.join("', '");
            format!("wait for the value {wanted} of the result '{names}' of the job '{job}'")
        };
        let timeout = timeout.duration();
        more.await?.ok_or_else(|| Error::WaitTimeout { action: action(), timeout })
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
            Ok(status) if status.state == State::Error => {
                format!("the job failed: {}", status.details.errors.join("; "))
            }
            Ok(status) if status.state == State::Canceled => "the job was cancelled".to_owned(),
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

/// Looks for the end of a result while its values are waited for.
///
/// The header tells the end as well; gateways for which that is an older way are asked for the state
/// too, now and then.
pub(crate) struct Ends(Mutex<Instant>);

impl Ends {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// Whether no more values come, and then whether the result was closed before its end.
    pub(crate) async fn look(
        &self,
        results: &Results,
        name: &str,
        header: &Header,
    ) -> Result<Option<bool>> {
        if header.done || header.closed {
            return Ok(Some(header.closed));
        }
        let due = {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let due = last.elapsed() >= STATE_EVERY;
            if due {
                *last = Instant::now();
            }
            due
        };
        if !due {
            return Ok(None);
        }
        let state = results.state(Some(name)).await?;
        Ok(state.is_over().then_some(state.closed))
    }
}
