//! Why machines, programs and simulations are not taken.

use crate::compiler::CompileError;
use crate::config::{ConfigError, Finding, OverrideError, VersionError};

/// Why a machine was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    /// The request carries no configuration of QOP 2.
    #[error("{0}")]
    NoConfig(#[from] VersionError),
    /// The configuration cannot be.
    #[error("the configuration has {} mistakes", .0.len())]
    Config(Vec<Finding>),
    /// Too many machines.
    #[error("{0} quantum machines are open already; close some first")]
    TooMany(usize),
    /// The emulator is being stopped.
    #[error("the emulator is being stopped")]
    Closed,
}

/// Why a job or a program was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddError {
    /// The program has mistakes.
    #[error("the program has {} mistakes", .0.len())]
    Compile(Vec<CompileError>),
    /// No compiled program has that identifier.
    #[error("the machine has no compiled program '{0}'; compile it on this machine first")]
    UnknownProgram(String),
    /// A waveform cannot be overridden so.
    #[error("{0}")]
    Override(#[from] OverrideError),
    /// The queue, or the store of compiled programs, is full.
    #[error("{0}")]
    Full(String),
    /// The machine was closed.
    #[error("the machine is closed")]
    Shut,
    /// There is no such machine.
    #[error("there is no open quantum machine '{0}'")]
    NoMachine(String),
    /// A simulation that cannot be.
    #[error("{0}")]
    Simulation(#[from] SimulationError),
    /// Nobody waits for the simulation any more.
    #[error("the simulation was cancelled")]
    Cancelled,
    /// A simulation with a configuration that cannot be.
    #[error("the configuration has {} mistakes", .0.len())]
    Config(Vec<Finding>),
    /// A simulation without a configuration.
    #[error("{0}")]
    NoConfig(#[from] VersionError),
}

/// Why something cannot be simulated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SimulationError {
    /// The configuration lacks what is named.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What analog inputs are to see cannot be.
    #[error("{0}")]
    Interface(String),
    /// It is longer than the emulator computes.
    #[error(
        "{cycles} clock cycles of {ports} ports are more than {most} samples; simulate a shorter time"
    )]
    TooLong {
        /// Clock cycles.
        cycles: u32,
        /// Ports that are rendered.
        ports: u64,
        /// Samples of all ports together that are computed.
        most: usize,
    },
}
