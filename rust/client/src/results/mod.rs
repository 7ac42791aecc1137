//! Results: what there is, of which type, and the bytes.

mod dtype;
mod fetch;
mod schema;
mod unframe;

pub use dtype::{Dtype, DtypeKind, Field};
pub use fetch::{Fetched, ResultStream, Selection};
pub(crate) use schema::Ends;
pub use schema::{Header, ResultState, Results, Schema};
pub(crate) use unframe::{Layout, Unframer};
