//! Time, pulses and measurement: what the elements of a configuration play, and what they see.

pub mod adc;
pub mod engine;
pub mod heard;
pub mod measure;
pub mod model;
mod oscillator;
pub mod phase;
mod plan;
mod qubit;
pub mod render;
pub mod rig;
pub mod shapes;
pub mod stretch;
pub mod tape;
