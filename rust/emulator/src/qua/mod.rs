//! The language: numbers, library functions, and programs with every name resolved. It knows neither the wire nor
//! a configuration.

pub(crate) mod effects;
pub(crate) mod expr;
pub(crate) mod ir;
pub(crate) mod library;
pub(crate) mod pulses;
pub(crate) mod timing;
pub(crate) mod value;
pub(crate) mod visit;
