//! Waits that outlive an outage: a look that nobody answers is repeated within the wait's own time, and a wait
//! that ends in silence says so instead of speaking for the job.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Result, Silence};
use crate::ledger::lock;
use crate::retry;
use crate::wait::{self, Timeout};

/// A look that is under way for so long counts as silence.
const SILENT: Duration = Duration::from_secs(1);
/// A wait without a bound of its own gives up after so much of it.
const MOST: Duration = Duration::from_secs(60);

/// Asks as [`wait::until`] does, through outages.
///
/// # Errors
/// [`Error::WaitTimeout`]; those of `ask` that are answers; those of a silence of a minute, where the wait has no
/// bound; any of a wait that has time for one look only.
pub(crate) async fn outlive<T, F>(
    address: &str,
    action: impl Fn() -> String,
    timeout: Timeout,
    mut ask: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let gateway = Heard::new(address, timeout);
    let answer = wait::until(timeout, || gateway.look(ask())).await?;
    answer.ok_or_else(|| Error::WaitTimeout {
        action: action(),
        timeout: timeout.duration(),
        silence: gateway.silence(),
    })
}

/// Whether an error says that no answer came, rather than being one.
fn is_silence(error: &Error) -> bool {
    retry::is_transient(error) || matches!(error, Error::Timeout { .. })
}

/// What a wait has heard of its gateway.
struct Heard<'a> {
    address: &'a str,
    timeout: Timeout,
    began: Instant,
    since: Mutex<Since>,
}

#[derive(Clone, Copy, Default)]
struct Since {
    /// The last answer.
    answer: Option<Instant>,
    /// Looks that failed since.
    failed: u32,
}

impl<'a> Heard<'a> {
    fn new(address: &'a str, timeout: Timeout) -> Self {
        Self { address, timeout, began: Instant::now(), since: Mutex::default() }
    }

    async fn look<T>(&self, look: impl Future<Output = Result<Option<T>>>) -> Result<Option<T>> {
        let answer = look.await;
        let error = match answer {
            Err(error) if is_silence(&error) => error,
            answer => {
                *self.since() = Since { answer: Some(Instant::now()), failed: 0 };
                return answer;
            }
        };
        let endless = self.timeout == Timeout::NONE;
        if self.timeout.duration().is_zero() || endless && self.lasts() >= MOST {
            return Err(error);
        }
        let failed = {
            let mut since = self.since();
            since.failed = since.failed.saturating_add(1);
            since.failed
        };
        tokio::time::sleep(retry::backoff(failed)).await;
        Ok(None)
    }

    fn since(&self) -> MutexGuard<'_, Since> {
        lock(&self.since)
    }

    /// How long nothing was heard.
    fn lasts(&self) -> Duration {
        self.since().answer.unwrap_or(self.began).elapsed()
    }

    /// What to say of the silence at the end of the wait, if there was one.
    fn silence(&self) -> Option<Silence> {
        let lasts = self.lasts();
        let since = *self.since();
        let silent = since.answer.is_none() || since.failed > 0 || lasts >= SILENT;
        silent.then(|| Silence { address: self.address.to_owned(), lasts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Error {
        Error::Connection { action: "ask".into(), reason: "refused".into(), status: "UNAVAILABLE" }
    }

    async fn waited(seconds: f64, answers: Vec<Result<Option<u8>>>) -> (Result<u8>, usize) {
        let total = answers.len();
        let mut answers = answers.into_iter();
        let timeout = Timeout::from_seconds(seconds);
        let outcome = outlive(
            "lab:9510",
            || "wait".to_owned(),
            timeout,
            || {
                let answer = answers.next();
                async move {
                    match answer {
                        Some(answer) => answer,
                        None => std::future::pending().await,
                    }
                }
            },
        );
        let outcome = outcome.await;
        (outcome, total - answers.len())
    }

    #[tokio::test(start_paused = true)]
    async fn looks_that_nobody_answers_are_repeated() {
        let late = Error::Timeout { action: "ask".into(), timeout: Duration::from_secs(2) };
        let mut answers = vec![Ok(None); 2];
        answers.extend(vec![Err(lost()); 9]);
        answers.extend([Err(late), Ok(None), Ok(Some(7))]);
        assert_eq!(waited(30.0, answers).await, (Ok(7), 14));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_an_error_ends_the_wait() {
        let refused = Error::Value("no such job".into());
        let answers = vec![Err(lost()), Err(refused.clone()), Ok(Some(7))];
        assert_eq!(waited(30.0, answers).await, (Err(refused), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_ends_in_silence_tells_how_long() {
        let (outcome, _) = waited(3.0, vec![Ok(None), Err(lost())]).await;
        let Err(Error::WaitTimeout { silence: Some(silence), .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(silence.address, "lab:9510");
        // Tokio's clock counts milliseconds.
        assert_eq!(silence.lasts.as_millis() / 10, 300);
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_answers_speaks_for_the_job() {
        let (outcome, _) = waited(0.05, vec![Ok(None); 10_000]).await;
        assert!(matches!(outcome, Err(Error::WaitTimeout { silence: None, .. })), "{outcome:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_without_a_bound_gives_up_after_a_minute() {
        let began = Instant::now();
        let (outcome, _) = waited(f64::INFINITY, vec![Err(lost()); 10_000]).await;
        assert_eq!(outcome, Err(lost()));
        let took = began.elapsed();
        assert!(took >= MOST && took <= MOST + Duration::from_millis(600), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_look_fails_at_once() {
        assert_eq!(waited(0.0, vec![Err(lost()), Ok(Some(7))]).await, (Err(lost()), 1));
    }
}
