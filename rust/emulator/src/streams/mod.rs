//! Stream processing: from saved values to results.

pub mod control;
pub mod item;
mod operate;
mod operator;
mod parse;
pub mod pipeline;
mod signal;
pub mod store;
