//! Configurations: read, checked, changed, and resolved for a program. Beside the compiler, the only place that
//! reads the wire's configuration.

// Deprecated for QOP 3: a QOP 2 reads and fills them.
#![allow(deprecated)]

mod changes;
mod configuration;
pub(crate) mod elements;
mod error;
mod interpolation;
mod mixers;
mod oscillators;
mod overrides;
pub(crate) mod ports;
pub(crate) mod pulses;
pub(crate) mod range;
pub(crate) mod resolved;
mod sharing;
mod validation;

pub(crate) use configuration::Configuration;
pub(crate) use error::{ConfigError, VersionError};
pub(crate) use interpolation::stretched;
pub(crate) use mixers::{CorrectionError, quantize};
pub(crate) use overrides::OverrideError;
pub(crate) use sharing::{SharedPorts, conflicts};
pub(crate) use validation::{ANALOG_INPUTS, ANALOG_OUTPUTS, Finding, MOST_FINDINGS};
