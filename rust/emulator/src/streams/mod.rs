//! Stream processing: from saved values to results.

mod error;
mod item;
mod operation;
mod operator;
mod pipeline;
mod source;
mod store;
mod transforms;
mod tree;

pub(crate) use error::StreamError;
pub(crate) use item::Item;
pub(crate) use pipeline::{Pipelines, ProcessingPlan};
pub(crate) use source::Source;
pub(crate) use store::{Output, Progress, Results};
pub(crate) use tree::{Argument, SourceForm, Terminal, Tree};
