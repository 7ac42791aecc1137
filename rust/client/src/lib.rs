//! The Job API of a Quantum Machines controller (QOP 2.x), as a Rust library.
//!
//! [`Client::connect`] does what the vendor's client does: it follows a cluster's redirection,
//! asks for the gateway's capabilities and its health. From a [`Client`] come machines, queues
//! and [`Job`]s; from a job its status, its input streams, its corrections and its [`Results`].
//!
//! ```no_run
//! # async fn example() -> Result<(), pulsewire_client::Error> {
//! use pulsewire_client::{Client, ConnectOptions, Values};
//!
//! let client = Client::connect(ConnectOptions::new("127.0.0.1", 9510)).await?;
//! let job = client.job("job-1", "");
//! job.input_stream("tau")?.push(Values::Ints(&[25])).await?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod client;
mod clock;
mod closed_loop;
mod config;
mod error;
mod execution;
mod gateway;
mod input_stream;
mod job;
mod ledger;
mod machine;
mod outage;
mod pace;
mod queue;
mod results;
mod retry;
mod round_trip;
mod simulation;
mod transport;
mod types;
mod varint;
mod wait;
mod writer;

pub use client::Client;
pub use closed_loop::{ClosedLoop, LoopItem};
pub use config::{ConnectOptions, MESSAGE_BYTES, TlsOptions};
pub use error::{Error, LoopStream, Result};
pub use gateway::{Fields, Node, NodeValues, Structure};
pub use input_stream::{Entry, InputStream, Rows, Values};
pub use job::Job;
pub use pulsewire_common::correction::{Matrix, OutOfRange, quantize};
pub use results::{Fetched, ResultStream, Results, Selection, Sink};
pub use simulation::{SampleStream, Simulated};
pub use types::{
    Acquiring, AnnouncedResult, CompilerMessage, Configuration, ControllerConnection, DigitalInput,
    DigitalPolarity, Dtype, DtypeError, DtypeKind, ElementSettings, ExecutionError, Field, Header,
    Interface, IoValue, IoValues, JobManagerError, JobState, JobStatus, Level, LoopbackConnection,
    MachineChange, MachineError, MachineSettings, MixerEntry, Opened, PendingQuery, Program,
    RawConnection, ResultState, SamplePort, Schema, Severity, SimulateOptions, StatusDetails,
    ValidationMessage,
};
pub use wait::{Driven, Timeout, drive};
pub use writer::Writer;
