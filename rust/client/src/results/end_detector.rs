//! The end of a result whose values are waited for.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::schema::Results;
use crate::error::Result;
use crate::types::Header;

/// How often a wait for values looks at the state besides the header.
const STATE_EVERY: Duration = Duration::from_millis(20);

/// Looks for the end of a result while its values are waited for.
///
/// The header tells the end as well; gateways for which that is an older way are asked for the state
/// too, now and then.
pub(crate) struct EndDetector(Mutex<Instant>);

impl EndDetector {
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
