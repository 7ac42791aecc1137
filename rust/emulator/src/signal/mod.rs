//! Time, pulses and measurement: what elements play, how that is rendered, and what they see.

mod carrier;
pub(crate) mod demodulation;
pub(crate) mod engine;
pub(crate) mod inputs;
pub(crate) mod oscillator;
mod output_line;
pub(crate) mod phase;
pub(crate) mod random;
pub(crate) mod readout;
pub(crate) mod render;
pub(crate) mod timeline;
