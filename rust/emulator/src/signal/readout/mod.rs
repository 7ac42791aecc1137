//! The readout model: what a resonator and a qubit behind the ports would answer. It is opt-in
//! (`Emulator(readout=…)`).

mod description;
mod model;
mod noise_plan;
mod qubit;
mod source;
mod trace;

pub use description::{ModelError, Models, Qubit, Readout};
pub(crate) use source::Modelled;
pub(crate) use trace::PIECE;
