//! An emulator of the QOP 2.6 gateway: the same protocol on loopback, real QUA programs executed.
//!
//! ```no_run
//! let emulator = pulsewire_emulator::Emulator::builder().start()?;
//! println!("listening on {}", emulator.address());
//! emulator.stop();
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]

mod arguments;
mod compiler;
mod config;
mod control;
mod emulator;
mod gateway;
mod limits;
mod lock;
mod qua;
mod runtime;
mod signal;
mod streams;
#[cfg(test)]
mod testing;

pub use arguments::{ArgumentError, Command, usage};
pub use compiler::Msb;
pub use emulator::{Builder, Emulator};
pub use limits::Limits;
pub use qua::timing::Timing;
pub use signal::readout::{ModelError, Models, Qubit, Readout};
