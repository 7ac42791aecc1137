//! Results: what there is, of which type, and the bytes.

mod dtype;
mod fetch;
mod schema;

pub use dtype::{Dtype, DtypeKind, Field};
pub use fetch::{ResultStream, Selection};
pub use schema::{Header, ResultState, Results, Schema};
