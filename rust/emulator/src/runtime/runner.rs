//! The state of a run, and what every statement needs of it.

use std::collections::BTreeSet;
use std::time::Instant;

use super::context::RunContext;
use super::control::Halted;
use super::errors::Fault;
use crate::qua::expr::{Array, Expr, Op};
use crate::qua::ir::Program;
use crate::signal::engine::Engine;
use crate::signal::inputs::InputSource;

/// Faults noted for one job; more of them say nothing new.
const MOST_FAULTS: usize = 100;

/// The state of a run. What the statements do is in the files beside this one, each an `impl` of its own.
pub(super) struct Runner<'a> {
    pub(super) program: &'a Program,
    pub(super) memory: Vec<i32>,
    /// Clock cycles of each clock; index 0 is the program's own.
    pub(super) clocks: Vec<u64>,
    /// The latest of the clocks.
    pub(super) now: u64,
    /// Clock cycles of the flow of control, until the first pulse.
    pub(super) flow: u64,
    /// Whether anything was played.
    pub(super) played: bool,
    /// Up to where real time was waited for.
    pub(super) paced: u64,
    /// The statement of the body that runs.
    pub(super) top: usize,
    pub(super) started: Instant,
    pub(super) seen: Vec<bool>,
    pub(super) faults: usize,
    /// When measured values are known, in clock cycles, by cell; empty where nothing waits for one.
    pub(super) ready: Vec<u64>,
    /// The time of the last value that was saved, in clock cycles.
    pub(super) saved: Option<u64>,
    /// Whether another round, a pause or an input stream came since then.
    pub(super) fresh: bool,
    /// The site of the loop or pulse that is being run.
    pub(super) place: u32,
    /// About how many statements a simulation ran.
    pub(super) work: u64,
    /// And how many it may while no time passes.
    pub(super) budget: u64,
    /// Whether what halts the run is the end of one of the loops that run beside each other.
    pub(super) ended: bool,
    /// What loops that were left would have computed.
    pub(super) cut: Option<Box<Cut>>,
    pub(super) engine: Engine,
    pub(super) inputs: Box<dyn InputSource>,
    /// Acquisitions of this measurement so far.
    pub(super) acquisitions: usize,
    /// The values of this measurement that the inputs gave without samples.
    pub(super) computed: Vec<f64>,
    pub(super) context: RunContext<'a>,
}

pub(super) type Step = Result<(), Halted>;

/// What loops that were left would have computed.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// Cells whose values are not what they would be.
    pub(super) cells: BTreeSet<u32>,
    /// Sites that were told.
    pub(super) told: BTreeSet<u32>,
    /// How many choices around the statement would have been others.
    pub(super) controlled: u32,
}

impl Runner<'_> {
    #[inline]
    pub(super) fn calculate(&self, op: Op, left: u32, right: u32) -> i32 {
        op.apply(self.memory[left as usize], self.memory[right as usize])
    }

    #[inline]
    pub(super) fn holds(&mut self, condition: &Expr) -> bool {
        match *condition {
            Expr::Calculate { op, left, right } => self.calculate(op, left, right) != 0,
            _ => self.eval(condition) != 0,
        }
    }

    #[inline]
    pub(super) fn alive(&self) -> Step {
        if self.context.control.is_halted() { Err(Halted) } else { Ok(()) }
    }

    #[inline]
    pub(super) fn locate(&mut self, array: Array, index: i32, site: u32) -> Option<usize> {
        // A negative index is a large one as u32.
        if (index as u32) < array.len {
            return Some((array.base + index as u32) as usize);
        }
        self.fault(site, || format!("index {index}"));
        None
    }

    #[cold]
    pub(super) fn fault(&mut self, site: u32, detail: impl FnOnce() -> String) {
        self.tell(site, false, detail);
    }

    /// Something that is worth knowing, and not wrong.
    #[cold]
    pub(super) fn warn(&mut self, site: u32, detail: impl FnOnce() -> String) {
        self.tell(site, true, detail);
    }

    fn tell(&mut self, site: u32, warning: bool, detail: impl FnOnce() -> String) {
        if std::mem::replace(&mut self.seen[site as usize], true) || self.faults >= MOST_FAULTS {
            return;
        }
        let found = &self.program.sites[site as usize];
        let detail = detail();
        let message = format!("{}: {}{} ({detail})", found.statement, found.what, found.place);
        self.note(&Fault { message, warning });
    }

    /// Tells a fault, unless very many were told.
    pub(super) fn note(&mut self, fault: &Fault) {
        if self.faults < MOST_FAULTS {
            self.faults += 1;
            (self.context.on_fault)(fault);
        }
    }
}
