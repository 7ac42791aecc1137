//! What a run is given: registers, pace, and everything that it may touch.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use super::control::Control;
use super::errors::Fault;
use crate::config::resolved::ResolvedConfig;
use crate::qua::timing::Timing;
use crate::signal::inputs::InputSource;
use crate::streams::Pipelines;

/// Nanoseconds of a clock cycle.
pub(crate) const CYCLE_NS: u64 = 4;

/// The IO registers of a machine: raw bits, read as whatever kind the reader wants.
#[derive(Debug, Default)]
pub(crate) struct IoRegisters([AtomicI32; 2]);

impl IoRegisters {
    /// The bits of IO1 (0) or IO2 (1).
    pub(crate) fn get(&self, register: usize) -> i32 {
        self.0[register].load(Ordering::Relaxed)
    }

    /// Sets the bits of IO1 (0) or IO2 (1).
    pub(crate) fn set(&self, register: usize, bits: i32) {
        self.0[register].store(bits, Ordering::Relaxed);
    }
}

/// Whether time passes as in reality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Pace {
    /// As fast as the machine can; waits take no time.
    #[default]
    Virtual,
    /// Waits last as long as they would on the hardware.
    Realtime,
}

/// What a run may touch.
pub(crate) struct RunContext<'a> {
    /// Halt, pause, input streams.
    pub control: &'a Control,
    /// The machine's registers.
    pub io: &'a IoRegisters,
    /// Where saved values go.
    pub pipelines: Pipelines,
    /// Virtual or real time.
    pub pace: Pace,
    /// Stop when the program's time passes this many cycles (a simulation).
    pub horizon: Option<u64>,
    /// Called with each fault as it is first met, so that readers see it at once.
    pub on_fault: &'a dyn Fn(&Fault),
    /// What the program plays with.
    pub resolved: Arc<ResolvedConfig>,
    /// What analog inputs see.
    pub inputs: Box<dyn InputSource>,
    /// What the real system adds to the program's own time.
    pub timing: Timing,
}
