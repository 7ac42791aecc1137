//! An emulator of the QOP 2.6 gateway: the same protocol on loopback, real QUA programs executed.
//!
//! ```no_run
//! let emulator = pulsewire_emulator::Emulator::builder().start()?;
//! println!("listening on {}", emulator.address());
//! emulator.stop();
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]
// Deprecated for QOP 3: a gateway of QOP 2 reads and fills them.
#![allow(deprecated, missing_docs)]

mod emulator;
pub mod gateway;
pub mod limits;
pub mod machine;
pub mod program;
pub mod pulse;
pub mod streams;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use emulator::{Builder, Emulator};
pub use limits::Limits;
pub use program::function::Msb;
pub use program::run::Pace;
pub use program::timing::Timing;
pub use pulse::model::{Models, Qubit, Readout};

/// Data stays consistent between statements: a panic elsewhere does not spoil it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
