//! What may be asked again after a broken connection, and what must not.
//!
//! Reading is idempotent: a status, a header, a count may be asked again. A push, a halt, a
//! queued program may have been taken although the answer was lost, so they are sent once and
//! their failure is the caller's to judge.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How often a reading call is tried in all.
const TRIES: u32 = 3;
/// Before the second try; before each further one as much longer.
const PAUSE: Duration = Duration::from_millis(20);

/// No further try after this long: a connection that broke late leaves no time for more.
const WINDOW: Duration = Duration::from_secs(2);

/// Runs a reading call, again when the connection broke under it.
pub(crate) async fn reading<T, F>(mut call: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let (mut tried, started) = (0, Instant::now());
    loop {
        tried += 1;
        let error = match call().await {
            Err(error) if started.elapsed() < WINDOW => error,
            outcome => return outcome,
        };
        match pause(&error, tried) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(error),
        }
    }
}

/// How long to wait before a reading call that failed is tried again; `None` when it must not be.
pub(crate) fn pause(error: &Error, tried: u32) -> Option<Duration> {
    let transient = matches!(error, Error::Connection { status: "UNAVAILABLE", .. });
    (transient && tried < TRIES).then(|| PAUSE * tried)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(status: &'static str) -> Error {
        Error::Connection { action: "test".into(), reason: "cut".into(), status }
    }

    #[tokio::test]
    async fn only_broken_connections_are_tried_again() {
        for (status, tries) in [("UNAVAILABLE", 3), ("NOT_FOUND", 1), ("INTERNAL", 1)] {
            let mut calls = 0;
            let cut = async || Err(failing(status));
            let outcome: Result<()> = reading(|| {
                calls += 1;
                cut()
            })
            .await;
            assert_eq!((outcome, calls), (Err(failing(status)), tries));
        }
    }
}
