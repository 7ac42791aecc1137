//! What both sides of the wire must agree on: the framing of gRPC, the numbers that a `fixed` and a mixer's
//! correction can hold.
#![forbid(unsafe_code)]

pub mod correction;
pub mod fixed;
pub mod frame;
