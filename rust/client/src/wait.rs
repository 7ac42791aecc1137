//! The one policy of waiting: ask at once, then after delays that grow in proportion to the time
//! already waited, between bounds. A wait costs at most about 2 % more than the thing waited
//! for, and a long wait costs few requests.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::error::Result;
use crate::pace::Looks;

const SHORTEST: Duration = Duration::from_micros(200);
const LONGEST: Duration = Duration::from_millis(50);
/// The delay as a part of the time waited so far.
const GROWTH: f64 = 0.02;
/// Delays for which a millisecond more is next to nothing.
const COARSE: Duration = Duration::from_millis(20);
/// What a look takes at most on a connection that is alive.
const FIRST_LOOK: Duration = Duration::from_millis(100);
/// Looks that are under way together, where the gateway is farther than this.
const UNDER_WAY: u32 = 16;
const TOGETHER: Duration = Duration::from_millis(3);
/// Longer than any job; short enough for every clock.
pub(crate) const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How long a call may take in all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timeout(Duration);

impl Timeout {
    /// No bound.
    pub const NONE: Self = Self(FOREVER);

    /// Seconds; zero, negative and NaN mean one look, infinity no bound.
    pub fn from_seconds(seconds: f64) -> Self {
        if seconds >= FOREVER.as_secs_f64() {
            Self::NONE
        } else if seconds > 0.0 {
            Self(Duration::from_secs_f64(seconds))
        } else {
            Self(Duration::ZERO)
        }
    }

    /// As a duration.
    pub fn duration(self) -> Duration {
        self.0
    }
}

/// Asks until the answer is there or the time is over (`None`).
///
/// The bound holds for the whole call: a single slow answer does not pass it. With no time at
/// all it asks exactly once, for as long as one call may take.
///
/// # Errors
/// Those of `ask`, at once.
pub(crate) async fn until<T, F>(timeout: Timeout, mut ask: impl FnMut() -> F) -> Result<Option<T>>
where
    F: Future<Output = Result<Option<T>>>,
{
    if timeout.0.is_zero() {
        return ask().await;
    }
    let started = Instant::now();
    let polling = async {
        loop {
            if let Some(answer) = ask().await? {
                return Ok(Some(answer));
            }
            let left = timeout.0.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            pause(delay(started.elapsed()).min(left)).await;
        }
    };
    within(timeout, polling).await.unwrap_or(Ok(None))
}

/// What comes of a wait within its time; `None` when that is over.
pub(crate) async fn within<T>(timeout: Timeout, wait: impl Future<Output = T>) -> Option<T> {
    // However short the time, the first look is one.
    tokio::time::timeout(timeout.0.max(FIRST_LOOK), wait).await.ok()
}

fn delay(waited: Duration) -> Duration {
    waited.mul_f64(GROWTH).clamp(SHORTEST, LONGEST)
}

/// Whether the looks of a loop do not wait for each other.
pub(crate) fn looks_together(round_trip: Duration) -> bool {
    round_trip > TOGETHER
}

/// When the look that found the answer was sent, and the one before it unless it is the first or the probe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) before: Option<Duration>,
    pub(crate) at: Duration,
}

impl Found {
    /// Counted from so much earlier.
    pub(crate) fn behind(self, earlier: Duration) -> Self {
        Self { before: self.before.map(|before| before + earlier), at: self.at + earlier }
    }
}

/// Asks until the answer is there: at the times of a loop's pace first, then as [`until`] does. Where the gateway
/// is far, looks do not wait for the answers of those before; the delays between them are a part of the round
/// trip then. `ask` is told whether the answer is expected.
///
/// # Errors
/// Those of `ask`, at once.
pub(crate) async fn paced<F>(
    clock: &Clock,
    looks: Looks,
    round_trip: Duration,
    mut ask: impl FnMut(bool) -> F,
) -> Result<Found>
where
    F: Future<Output = Result<Option<()>>>,
{
    let started = std::time::Instant::now();
    let far = looks_together(round_trip);
    let most = if far { UNDER_WAY as usize } else { 1 };
    // Where the first look is likely to find the answer, one more is on its way beside it, and no more.
    let mut gap = if looks.sure { round_trip.mul_f64(0.6) } else { round_trip / UNDER_WAY };
    let (mut under_way, mut sent) = (FuturesUnordered::new(), None);
    let (mut probe, mut next) = (looks.probe.is_some(), looks.probe.unwrap_or(looks.first));
    loop {
        let at = started.elapsed();
        if at >= next && under_way.len() < most {
            let look = ask(!probe && (far || at < looks.first + SHORTEST));
            let before = if probe { None } else { sent.replace(at) };
            under_way.push(async move { (before, at, look.await) });
            next = if std::mem::take(&mut probe) { looks.first } else { at + delay(at).max(gap) };
            if looks.sure && before.is_some() {
                gap = round_trip;
            }
        }
        tokio::select! {
            biased;
            Some((before, at, answer)) = under_way.next(), if !under_way.is_empty() => {
                if answer?.is_some() {
                    return Ok(Found { before, at });
                }
                let now = started.elapsed();
                if !far && now > looks.first {
                    // One at a time: the delay begins with the answer.
                    next = now + delay(now);
                }
            }
            () = clock.sleep_until(started + next), if under_way.len() < most => {}
        }
    }
}

/// Sleeps; precisely so, where the thread's driver can ([`drive`]).
async fn pause(delay: Duration) {
    let until = std::time::Instant::now() + delay;
    // Wakes up at the next tick of tokio's clock, unless the driver is there before.
    let mut coarse = std::pin::pin!(tokio::time::sleep(delay));
    poll_fn(|cx| {
        if std::time::Instant::now() >= until {
            return Poll::Ready(());
        }
        if delay < COARSE {
            NAP.with(|nap| {
                if nap.get().is_some() {
                    nap.set(Some(Some(until)));
                }
            });
        }
        coarse.as_mut().poll(cx)
    })
    .await;
}

thread_local! {
    /// Until when the future that this thread drives wants to sleep; `None` where nobody asks.
    static NAP: Cell<Option<Option<std::time::Instant>>> = const { Cell::new(None) };
}

/// What a future came to when it was driven.
#[derive(Debug)]
pub enum Driven<T> {
    /// Its end.
    Done(T),
    /// It wants to be driven again at that time, which tokio's timer (1 ms) is too coarse for.
    Nap(std::time::Instant),
}

/// Drives a future of this crate on a thread that can sleep precisely outside the runtime.
///
/// Whoever gets a [`Driven::Nap`] should sleep until then and drive the future again; to drive it
/// at another time is not wrong, only late or of no use.
pub async fn drive<T>(mut future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Driven<T> {
    poll_fn(|cx| {
        NAP.set(Some(None));
        let polled = future.as_mut().poll(cx);
        match (polled, NAP.take().flatten()) {
            (Poll::Ready(output), _) => Poll::Ready(Driven::Done(output)),
            (Poll::Pending, Some(until)) => Poll::Ready(Driven::Nap(until)),
            (Poll::Pending, None) => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn delays_grow_between_their_bounds() {
        assert_eq!(delay(Duration::ZERO), SHORTEST);
        assert_eq!(delay(Duration::from_millis(100)), Duration::from_millis(2));
        assert_eq!(delay(Duration::from_secs(60)), LONGEST);
    }

    #[test]
    fn seconds_of_every_kind_are_read() {
        assert_eq!(Timeout::from_seconds(f64::INFINITY), Timeout::NONE);
        assert_eq!(Timeout::from_seconds(1e300), Timeout::NONE);
        for none in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(Timeout::from_seconds(none).duration(), Duration::ZERO);
        }
        assert_eq!(Timeout::from_seconds(0.5).duration(), Duration::from_millis(500));
    }

    #[test]
    fn a_wait_costs_two_percent_more_and_few_requests() {
        for wanted in [0.0, 0.003, 0.1, 2.0, 60.0].map(Duration::from_secs_f64) {
            let (mut waited, mut asked) = (Duration::ZERO, 1);
            while waited < wanted {
                waited += delay(waited);
                asked += 1;
            }
            assert!(waited <= wanted.mul_f64(1.021) + SHORTEST, "{waited:?} for {wanted:?}");
            assert!(asked < 1600, "{asked} requests in {wanted:?}");
        }
    }

    #[tokio::test]
    async fn a_wait_asks_until_the_answer_is_there() {
        let asked = Cell::new(0);
        let found = until(Timeout::NONE, || {
            asked.set(asked.get() + 1);
            let answer = (asked.get() == 4).then_some("there");
            async move { Ok(answer) }
        });
        assert_eq!((found.await, asked.get()), (Ok(Some("there")), 4));
    }

    #[tokio::test]
    async fn a_driver_may_sleep_precisely() {
        let asked = Cell::new(0);
        let wait = until(Timeout::NONE, || {
            asked.set(asked.get() + 1);
            let answer = (asked.get() == 3).then_some("there");
            async move { Ok(answer) }
        });
        let mut wait = std::pin::pin!(wait);
        let mut naps = 0;
        let found = loop {
            match drive(wait.as_mut()).await {
                Driven::Done(found) => break found,
                Driven::Nap(until) => {
                    naps += 1;
                    let left = until.saturating_duration_since(std::time::Instant::now());
                    assert!(left <= SHORTEST);
                    std::thread::sleep(left);
                }
            }
        };
        assert_eq!((found, naps), (Ok(Some("there")), 2));
    }

    #[tokio::test]
    async fn no_time_means_one_look() {
        let asked = Cell::new(0);
        let ask = || {
            asked.set(asked.get() + 1);
            async { Ok(None::<()>) }
        };
        assert_eq!(until(Timeout::from_seconds(-1.0), ask).await, Ok(None));
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test]
    async fn the_bound_holds_for_an_answer_that_never_comes() {
        let never = || async {
            std::future::pending::<()>().await;
            Ok(Some(()))
        };
        assert_eq!(until(Timeout::from_seconds(0.01), never).await, Ok(None));
    }
}
