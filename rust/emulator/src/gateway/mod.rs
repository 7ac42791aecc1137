//! The gRPC services: wire messages to calls of the control and back, and nothing else.

// Deprecated for QOP 3: a gateway of QOP 2 reads and fills them.
#![allow(deprecated)]

mod fast_path;
mod info;
mod job_manager;
mod job_results;
mod jobs;
mod machines;
mod messages;
mod octave;
mod report;
mod routes;
mod samples;
mod seats;
pub(crate) mod server;
mod service;
mod simulations;
