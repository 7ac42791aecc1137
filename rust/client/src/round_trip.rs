//! How far away the gateway is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Farther than this, a request in vain costs less than one more round trip.
pub(crate) const FAR: Duration = Duration::from_millis(1);

/// Nearer than this, a sleep is not worth while: threads are woken up no sooner.
pub(crate) const NEXT_DOOR: Duration = Duration::from_micros(100);

/// What an answer takes at least: near the fastest of late, as others had to be made first.
#[derive(Debug, Default)]
pub(crate) struct RoundTrip(AtomicU64);

impl RoundTrip {
    /// A call took so long.
    pub(crate) fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
        let known = self.0.load(Ordering::Relaxed);
        let now = if known == 0 || took < known {
            took
        } else {
            // Slowly: most calls that take longer waited for something.
            known + ((took - known) / 32).min(known / 8)
        };
        self.0.store(now, Ordering::Relaxed);
    }

    /// What is known; zero where nothing is.
    pub(crate) fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_is_near_the_fastest_call() {
        let known = RoundTrip::default();
        assert_eq!(known.get(), Duration::ZERO);
        for took in [50, 41, 40, 44, 10_000] {
            known.note(Duration::from_millis(took));
        }
        assert!((40..46).contains(&known.get().as_millis()), "{:?}", known.get());
        // The gateway is farther away now: known after some calls.
        for _ in 0..200 {
            known.note(Duration::from_millis(80));
        }
        assert!(known.get() > Duration::from_millis(75), "{:?}", known.get());
    }
}
