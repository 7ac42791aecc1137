//! The end of a result whose values are waited for.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a wait for values looks at the state besides the header.
const STATE_EVERY: Duration = Duration::from_millis(20);

/// Tells when to look for the end of a result whose values are waited for.
///
/// The header tells the end as well; gateways for which that is an older way are asked for the state
/// too, now and then.
pub(crate) struct EndDetector(Mutex<Instant>);

impl EndDetector {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// Whether the state is to be asked for now.
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.elapsed() >= STATE_EVERY;
        if due {
            *last = Instant::now();
        }
        due
    }
}
