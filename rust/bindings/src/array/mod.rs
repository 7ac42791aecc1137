//! numpy and bytes: the only unsafe code of the project.
#![allow(unsafe_code)]

mod copy;
mod input;
mod output;

pub(crate) use input::{entries, matrices, with_entry};
pub(crate) use output::{Destination, Memory, doubles};
