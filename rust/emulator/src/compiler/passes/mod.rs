//! What is done to a program once all of its names are resolved; `compile.rs` says in which order.

mod loop_scopes;
mod measured_values;
mod releases;
mod superinstructions;

pub(super) use loop_scopes::fill_scopes;
pub(super) use measured_values::insert_waits;
pub(super) use releases::{insert_releases, last_moved};
pub(super) use superinstructions::fuse_operations;
