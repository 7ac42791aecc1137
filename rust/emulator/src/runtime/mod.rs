//! Programs that run: statements, clocks, what plays and what is measured.

mod clocks;
mod context;
mod control;
mod errors;
mod evaluate;
mod executor;
mod flow;
mod measure;
mod play;
mod runner;
mod simulation_end;
mod statements;

pub(crate) use context::{CYCLE_NS, IoRegisters, Pace, RunContext};
pub(crate) use control::{Control, InputEntry, PushError};
pub(crate) use errors::Fault;
pub(crate) use executor::run;
