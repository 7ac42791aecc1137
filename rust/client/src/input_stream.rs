//! Entries of input streams.

use std::sync::atomic::{AtomicU64, Ordering};

use pulsewire_wire::job_manager::insert_input_stream_request::StreamDataOneof;
use pulsewire_wire::job_manager::{
    BoolStreamData, FixedStreamData, InsertInputStreamRequest, IntStreamData,
};

use crate::client::call_job_manager;
use crate::error::{Error, Result};
use crate::job::{Job, check};

/// Half of 2⁻²⁸, the step of a `fixed`.
const HALF_STEP: f64 = 1.0 / (1u64 << 29) as f64;

/// The values of one entry; its variant is the stream's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// For a stream of `int`.
    Ints(Vec<i32>),
    /// For a stream of `fixed`, each within [-8, 8).
    Fixed(Vec<f64>),
    /// For a stream of `bool`.
    Bools(Vec<bool>),
}

impl Values {
    /// Refuses what the controller cannot represent.
    fn check(&self, stream: &str) -> Result<()> {
        let Self::Fixed(values) = self else {
            return Ok(());
        };
        // Half a step above the largest one the nearest would be 8, which wraps. False for NaN.
        let fits = |value: &f64| (-8.0..8.0 - HALF_STEP).contains(value);
        match values.iter().position(|value| !fits(value)) {
            None => Ok(()),
            Some(at) => Err(Error::Value(format!(
                "the input stream '{stream}': {} (value {at}) does not fit a fixed, [-8, 8)",
                values[at]
            ))),
        }
    }

    fn into_wire(self) -> StreamDataOneof {
        match self {
            Self::Ints(data) => StreamDataOneof::IntStreamData(IntStreamData { data }),
            Self::Fixed(data) => StreamDataOneof::FixedStreamData(FixedStreamData { data }),
            Self::Bools(data) => StreamDataOneof::BoolStreamData(BoolStreamData { data }),
        }
    }
}

impl Job {
    /// Pushes one entry to an input stream of the program; it is sent once, whatever happens.
    ///
    /// # Errors
    /// [`Error::Value`] for a value that cannot be represented, before anything is sent;
    /// [`Error::JobManager`] when the gateway refuses. After any other error nobody knows whether
    /// the entry was taken.
    pub async fn push(&self, stream: &str, values: &Values) -> Result<()> {
        let action = || format!("push to the input stream '{stream}' of the job '{}'", self.id());
        self.client().require(action, "qm.input_stream")?;
        values.check(stream)?;
        let request = InsertInputStreamRequest {
            job_id: self.id().to_owned(),
            stream_name: format!("input_stream_{stream}"),
            stream_data_oneof: Some(values.clone().into_wire()),
        };
        let client = self.client();
        let response = call_job_manager!(client, action, insert_input_stream(request));
        check(response.job_manager_response_header, action, "", [0.0; 4])
    }

    /// Pushes entries one after another, each once the one before was taken; `acknowledged` counts
    /// them, also when the call fails or is dropped.
    ///
    /// # Errors
    /// The first failure. Values are checked before the first entry is sent.
    pub async fn push_many(
        &self,
        stream: &str,
        entries: &[Values],
        acknowledged: &AtomicU64,
    ) -> Result<()> {
        entries.iter().try_for_each(|entry| entry.check(stream))?;
        for entry in entries {
            self.push(stream, entry).await?;
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_fixed_can_hold_is_sent() {
        let largest = 8.0 - 2f64.powi(-28);
        let fits = |value| Values::Fixed(vec![0.0, value]).check("x").is_ok();
        assert!(fits(largest) && fits(-8.0) && fits(-1e-300));
        // The nearest fixed of this one would be 8, which wraps to -8.
        assert!(!fits(8.0 - 2f64.powi(-30)));
        for bad in [8.0, -8.0000001, f64::NAN, f64::INFINITY] {
            let error = Values::Fixed(vec![0.0, bad]).check("x").unwrap_err();
            assert!(error.to_string().contains("'x'") && error.to_string().contains("value 1"));
        }
    }
}
