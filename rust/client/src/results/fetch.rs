//! The bytes of a result, from the gateway into memory that the caller owns.

use std::time::Duration;

use bytes::Bytes;
use pulsewire_wire::results as r;
use tokio::time::Instant;
use tonic::Streaming;

use super::schema::{Header, Results};
use crate::error::{Error, Result};

/// Which items of a result; ends may be negative and count from the end, as in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The first item.
    pub start: i64,
    /// The item after the last; `None` for all there are.
    pub stop: Option<i64>,
}

impl Selection {
    /// Everything so far.
    pub const ALL: Self = Self { start: 0, stop: None };

    /// A single item.
    pub fn item(index: i64) -> Self {
        // -1 has no item behind it to stop at.
        Self { start: index, stop: index.checked_add(1).filter(|stop| *stop != 0) }
    }

    /// The first item and how many, of `count` there are.
    pub fn resolve(self, count: u64) -> (u64, u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let place = |at: i64| {
            if at < 0 { (count.saturating_add(at)).max(0) } else { at.min(count) }
        };
        let start = place(self.start);
        let stop = self.stop.map_or(count, place);
        (start as u64, (stop - start).max(0) as u64)
    }
}

/// The answer to a request for items, piece by piece.
#[derive(Debug)]
pub struct ResultStream {
    inner: Option<Streaming<r::GetJobNamedResultResponse>>,
    name: String,
    job: String,
    items: u64,
    bytes: u64,
    received: (u64, u64),
    deadline: Instant,
    timeout: Duration,
}

impl ResultStream {
    fn error(&self, reason: String) -> Error {
        Error::Fetch { name: self.name.clone(), job: self.job.clone(), reason }
    }

    /// The next piece; `None` at the end, once everything that was promised has arrived.
    ///
    /// # Errors
    /// [`Error::Fetch`] when more or less arrives than was promised; those of any call.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let action = format!("fetch the result '{}' of the job '{}'", self.name, self.job);
        let Some(inner) = &mut self.inner else {
            return Ok(None);
        };
        let message = match tokio::time::timeout_at(self.deadline, inner.message()).await {
            Err(_) => {
                return Err(Error::Timeout { action, timeout: self.timeout });
            }
            Ok(Err(status)) => {
                return Err(crate::client::failure(action, self.timeout, &status));
            }
            Ok(Ok(message)) => message,
        };
        let Some(message) = message else {
            self.inner = None;
            if self.received != (self.items, self.bytes) {
                return Err(self.error(format!(
                    "{} items of {} bytes arrived, not {} of {}; fetch again",
                    self.received.0, self.received.1, self.items, self.bytes
                )));
            }
            return Ok(None);
        };
        self.received.0 += u64::try_from(message.count_of_items).unwrap_or(0);
        self.received.1 += message.data.len() as u64;
        if self.received.1 > self.bytes {
            return Err(self.error(format!("more than the {} bytes promised arrive", self.bytes)));
        }
        Ok(Some(message.data))
    }

    /// Everything, into memory of exactly the promised size.
    ///
    /// # Errors
    /// Those of [`Self::next`].
    pub async fn read_into(&mut self, destination: &mut [u8]) -> Result<()> {
        if destination.len() as u64 != self.bytes {
            let len = destination.len();
            return Err(self.error(format!("{} bytes do not fit a buffer of {len}", self.bytes)));
        }
        let mut at = 0;
        while let Some(piece) = self.next().await? {
            destination[at..at + piece.len()].copy_from_slice(&piece);
            at += piece.len();
        }
        Ok(())
    }
}

impl Results {
    /// Asks for items of a result that stands as `header` says.
    ///
    /// # Errors
    /// [`Error::DataLoss`] when items were lost; those of any call.
    pub async fn fetch(
        &self,
        name: &str,
        header: &Header,
        start: u64,
        count: u64,
        timeout: Option<Duration>,
    ) -> Result<ResultStream> {
        let client = self.job().client();
        let job = self.job().id();
        if header.has_dataloss {
            return Err(Error::DataLoss { name: name.to_owned(), job: job.to_owned() });
        }
        let timeout = timeout.unwrap_or(client.options().timeout);
        let deadline = Instant::now() + timeout;
        let inner = if count == 0 {
            None
        } else {
            let mut service = client.results_service();
            let limit = i32::try_from(count).unwrap_or(i32::MAX);
            let call = service.get_job_named_result(r::GetJobNamedResultRequest {
                job_id: job.to_owned(),
                output_name: name.to_owned(),
                offset: 0,
                limit,
                long_offset: Some(start as i64),
            });
            let action = || format!("fetch the result '{name}' of the job '{job}'");
            Some(client.call(action, Some(timeout), call).await?)
        };
        Ok(ResultStream {
            inner,
            name: name.to_owned(),
            job: job.to_owned(),
            items: count,
            bytes: count * header.item_size() as u64,
            received: (0, 0),
            deadline,
            timeout,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_are_those_of_python() {
        let of = |start, stop, count| Selection { start, stop }.resolve(count);
        assert_eq!(of(0, None, 5), (0, 5));
        assert_eq!(of(1, Some(3), 5), (1, 2));
        assert_eq!(of(3, Some(1), 5), (3, 0));
        assert_eq!(of(-2, None, 5), (3, 2));
        assert_eq!(of(0, Some(-1), 5), (0, 4));
        assert_eq!(of(-9, Some(99), 5), (0, 5));
        assert_eq!(of(7, None, 5), (5, 0));
        assert_eq!(Selection::item(-1).resolve(5), (4, 1));
        assert_eq!(Selection::item(5).resolve(5), (5, 0));
        assert_eq!(Selection::item(2).resolve(5), (2, 1));
        assert_eq!(of(i64::MIN, Some(i64::MAX), 5), (0, 5));
    }
}
