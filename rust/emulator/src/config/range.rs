//! What an analog output can do.

/// The smallest voltage of an analog output.
pub(crate) const LOWEST: f64 = -0.5;
/// The largest: a step of 16 bits below half a volt.
pub(crate) const HIGHEST: f64 = 0.5 - 1.0 / 65_536.0;
/// How far beyond that a sample may be by rounding.
const ROUNDING: f64 = 1e-9;

/// Whether a voltage is beyond what an output can do.
pub(crate) fn is_beyond(volts: f64) -> bool {
    !(LOWEST - ROUNDING..=HIGHEST + ROUNDING).contains(&volts)
}
