//! Short sleeps while answers are on their way.
//!
//! tokio's timer counts milliseconds, and a thread that sleeps by itself reads no socket meanwhile. Here another
//! thread sleeps, and wakes the one that reads.

use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Wakes sleepers in time; its thread begins with the first one and ends with the clock.
#[derive(Debug, Default)]
pub(crate) struct Clock(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    sleepers: Mutex<Sleepers>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Sleepers {
    /// Few at a time.
    waiting: Vec<(u64, Instant, Waker)>,
    /// How many there were.
    numbered: u64,
    runs: bool,
    over: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut sleepers = self.lock();
        while !sleepers.over {
            let now = Instant::now();
            sleepers.waiting.retain(|(_, until, waker)| {
                let due = *until <= now;
                if due {
                    waker.wake_by_ref();
                }
                !due
            });
            let next = sleepers.waiting.iter().map(|(_, until, _)| *until).min();
            sleepers = match next {
                Some(next) => {
                    let left = next.saturating_duration_since(now);
                    let waited = self.changed.wait_timeout(sleepers, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(sleepers).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_one();
    }
}

impl Clock {
    /// Sleeps until then, to some ten microseconds.
    pub(crate) fn sleep_until(&self, until: Instant) -> Sleep {
        Sleep { shared: Arc::clone(&self.0), until, number: None, coarse: None }
    }
}

/// A sleep; dropped, it is over.
#[derive(Debug)]
pub(crate) struct Sleep {
    shared: Arc<Shared>,
    until: Instant,
    number: Option<u64>,
    /// Where the system has no thread for the clock.
    coarse: Option<Pin<Box<tokio::time::Sleep>>>,
}

/// From here on tokio's own timer is exact enough, and costs no thread.
const COARSE: Duration = Duration::from_millis(20);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if now >= self.until {
            return Poll::Ready(());
        }
        if let Some(coarse) = &mut self.coarse {
            return coarse.as_mut().poll(cx);
        }
        let left = self.until - now;
        if left > COARSE || !self.shared.start() {
            let mut coarse = Box::pin(tokio::time::sleep(left));
            let polled = coarse.as_mut().poll(cx);
            self.coarse = Some(coarse);
            return polled;
        }
        let shared = Arc::clone(&self.shared);
        let mut sleepers = shared.lock();
        let known = sleepers.waiting.iter_mut().find(|(number, ..)| Some(*number) == self.number);
        if let Some((_, _, waker)) = known {
            waker.clone_from(cx.waker());
        } else {
            sleepers.numbered += 1;
            let number = sleepers.numbered;
            sleepers.waiting.push((number, self.until, cx.waker().clone()));
            drop(sleepers);
            self.number = Some(number);
            self.shared.changed.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(mine) = self.number {
            self.shared.lock().waiting.retain(|(number, ..)| *number != mine);
        }
    }
}

impl Shared {
    /// Starts the clock's thread unless it runs; false where there is none to be had.
    fn start(self: &Arc<Self>) -> bool {
        let mut sleepers = self.lock();
        if !sleepers.runs {
            let shared = Arc::clone(self);
            let name = "pulsewire-clock".to_owned();
            let thread = std::thread::Builder::new().name(name).spawn(move || shared.run());
            sleepers.runs = thread.is_ok();
        }
        sleepers.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_their_order_and_not_early() {
        let clock = Clock::default();
        let began = Instant::now();
        let sleep = |ms| {
            let until = began + Duration::from_millis(ms);
            let sleep = clock.sleep_until(until);
            async move {
                sleep.await;
                assert!(Instant::now() >= until);
                ms
            }
        };
        let mut woken = futures_util::stream::FuturesUnordered::from_iter([30, 3, 9].map(sleep));
        let mut order = Vec::new();
        while let Some(ms) = futures_util::StreamExt::next(&mut woken).await {
            order.push(ms);
        }
        assert_eq!(order, [3, 9, 30]);
        drop(clock.sleep_until(began + Duration::from_secs(1000)));
        assert!(clock.0.lock().waiting.is_empty());
    }
}
