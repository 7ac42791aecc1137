//! What may be asked again after a broken connection, and what must not.
//!
//! Reading is idempotent: a status, a header, a count may be asked again. A push, a halt, a
//! queued program may have been taken although the answer was lost, so they are sent once and
//! their failure is the caller's to judge.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::ledger::lock;

/// Before the second try; doubled for each further one.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(500);
/// A reading call that nobody answers is tried again for so long, within its own time: a gateway that is started
/// anew is back by then, and whoever sits before a dead one hears of it soon.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a reading call that failed so may be tried again: its connection broke, or there is none.
pub(crate) fn is_transient(error: &Error) -> bool {
    matches!(error, Error::Connection { status: "UNAVAILABLE", .. })
}

/// Before the try behind so many that failed.
pub(crate) fn backoff(failed: u32) -> Duration {
    (SHORTEST * (1 << failed.saturating_sub(1).min(5))).min(LONGEST)
}

/// The tries of a reading call.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    began: Option<Instant>,
    failed: u32,
}

impl Tries {
    /// How long to wait before the call is tried again, `left` of its time; `None` when it must not be.
    pub(crate) fn pause(&mut self, error: &Error, left: Duration) -> Option<Duration> {
        if !is_transient(error) {
            return None;
        }
        let began = *self.began.get_or_insert_with(Instant::now);
        self.failed = self.failed.saturating_add(1);
        let pause = backoff(self.failed);
        (pause < left && began.elapsed() + pause <= PATIENCE).then_some(pause)
    }

    /// Since when the gateway is away, once that is more than a connection that had to be made anew.
    pub(crate) fn away(&self) -> Option<Instant> {
        self.began.filter(|_| self.failed > 1)
    }
}

/// Whether a gateway is away, so that the log tells it once, however many ask.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    is_on: AtomicBool,
    since: Mutex<Option<Instant>>,
}

impl Outage {
    /// Nobody answered.
    pub(crate) fn begin(&self, address: &str, since: Instant, error: &Error) {
        if !self.is_on.swap(true, Ordering::Relaxed) {
            *lock(&self.since) = Some(since);
            tracing::warn!("nobody answers at {address}, it is asked again: {error}");
        }
    }

    /// An answer came.
    pub(crate) fn end(&self, address: &str) {
        if self.is_on.load(Ordering::Relaxed) && self.is_on.swap(false, Ordering::Relaxed) {
            let lasted =
                lock(&self.since).take().map_or(0.0, |since| since.elapsed().as_secs_f64());
            tracing::warn!("{address} answers again, after {lasted:.1} s");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(status: &'static str) -> Error {
        Error::Connection { action: "test".into(), reason: "cut".into(), status }
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_connection_is_tried_again_for_five_seconds() {
        let (mut tries, began) = (Tries::default(), Instant::now());
        let mut pauses = Vec::new();
        while let Some(pause) = tries.pause(&failing("UNAVAILABLE"), Duration::from_secs(60)) {
            assert_eq!(tries.away().is_some(), !pauses.is_empty());
            pauses.push(pause.as_millis());
            tokio::time::sleep(pause).await;
        }
        assert_eq!(pauses[..7], [20, 40, 80, 160, 320, 500, 500]);
        let took = began.elapsed().as_secs_f64();
        assert!(took > 4.4 && took <= 5.0, "{took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn not_beyond_the_time_of_the_call() {
        let mut tries = Tries::default();
        let mut pause = |ms| tries.pause(&failing("UNAVAILABLE"), Duration::from_millis(ms));
        assert_eq!(pause(21), Some(Duration::from_millis(20)));
        assert_eq!(pause(40), None);
    }

    #[test]
    fn an_answer_is_not_asked_for_again() {
        let second = Duration::from_secs(1);
        let late = Error::Timeout { action: "test".into(), timeout: second };
        for error in [failing("NOT_FOUND"), failing("INTERNAL"), late] {
            assert_eq!(Tries::default().pause(&error, second), None, "{error:?}");
        }
    }
}
