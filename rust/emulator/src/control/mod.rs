//! Quantum machines, their queues, jobs and simulations. No I/O here: the gateway translates.

mod cancellation;
mod errors;
mod interface;
mod job;
mod jobs;
mod machine;
pub(crate) mod octave;
mod registry;
mod simulated;
mod simulation;

pub(crate) use cancellation::Cancellation;
pub(crate) use errors::{AddError, OpenError};
pub(crate) use interface::{Connection, Interface};
pub(crate) use job::{Job, Phase};
pub(crate) use jobs::Release;
pub(crate) use machine::{QuantumMachine, Query};
pub(crate) use registry::Registry;
pub(crate) use simulated::Simulation;
pub(crate) use simulation::{SimulationRequest, simulate};
