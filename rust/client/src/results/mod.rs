//! Results: what there is, how it stands, and the bytes.

mod end_detector;
mod fetch;
mod header_cache;
mod schema;

pub(crate) use end_detector::EndDetector;
pub use fetch::{Fetched, ResultStream, Selection, Sink};
pub use schema::Results;
