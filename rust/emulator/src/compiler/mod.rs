//! From a program of the wire to one that can be run. Beside [`crate::config`], the only place that reads the wire's
//! programs and configurations.

// Deprecated for QOP 3: a QOP 2 reads and fills them.
#![allow(deprecated)]

mod calls;
mod compile;
mod declarations;
mod errors;
mod expressions;
mod literals;
mod measurements;
mod msb;
mod passes;
mod pulses;
mod state;
mod statements;
mod stream_processing;

pub(crate) use compile::{Compiled, SourceProgram, compile};
pub(crate) use errors::CompileError;
pub use msb::Msb;
#[cfg(test)]
pub(crate) use {compile::compile_first_version, stream_processing::terminal};
