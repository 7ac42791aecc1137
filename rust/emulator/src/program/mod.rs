//! QUA programs: from the wire to a checked, slot-resolved form, and its execution.

mod compile;
mod cut;
mod depend;
mod evaluate;
mod expression;
pub mod function;
mod fuse;
pub mod ir;
pub mod library;
mod measure_statement;
mod observe;
mod perform;
pub mod pulse_ir;
mod pulse_statement;
pub mod run;
mod scope;
mod statement;
#[cfg(test)]
pub(crate) mod testing;
pub mod timing;
pub mod value;

pub use compile::{CompileError, Compiled, compile};
