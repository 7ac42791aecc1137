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
// Deprecated for QOP 3: a client of QOP 2 reads and fills them.
#![allow(deprecated)]

mod channel;
mod client;
mod closed_loop;
mod config;
mod correction;
mod error;
mod input_stream;
mod job;
mod link;
mod results;
mod retry;
mod simulation;
mod status;
mod tls;
mod wait;
mod writer;

pub use client::{Client, PendingQuery};
pub use closed_loop::{Answer, ClosedLoop};
pub use config::{ConnectOptions, MESSAGE_BYTES, TlsOptions};
pub use correction::{Matrix, quantize};
pub use error::{CompilerMessage, Error, JobManagerError, Level, Result, ValidationMessage};
pub use input_stream::{Entry, InputStream, Rows, Values};
pub use job::{Acquiring, ExecutionError, Job, JobStatus, Severity, State, StatusDetails};
pub use pulsewire_wire as wire;
pub use results::{
    Dtype, DtypeKind, Fetched, Field, Header, ResultState, ResultStream, Results, Schema, Selection,
};
pub use simulation::{SamplePort, SampleStream, SimulateOptions, Simulated};
pub use wait::{Driven, Timeout, drive};
pub use writer::Writer;
