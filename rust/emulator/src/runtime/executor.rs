//! Execution: walks the compiled program over its memory.

use std::sync::Arc;
use std::time::Instant;

use super::context::{CYCLE_NS, RunContext};
use super::runner::Runner;
use super::simulation_end::MOST_WORK;
use crate::qua::ir::{NO_SITE, Program};
use crate::signal::engine::Engine;
use crate::signal::inputs::Silent;
use crate::signal::timeline::Timeline;

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Whether the program came to its end.
    pub finished: bool,
    /// What was played, of a simulation.
    pub timeline: Timeline,
    /// The statement at which a simulation that did not finish stood.
    pub stood: Option<String>,
}

/// Runs a program.
pub(crate) fn run(program: &Program, mut context: RunContext<'_>) -> Outcome {
    let horizon = context.horizon.map(|cycles| cycles.saturating_mul(CYCLE_NS));
    let timing = context.timing;
    let engine = Engine::new(Arc::clone(&context.resolved), horizon, timing.origin);
    let widest = context.resolved.widest().div_ceil(CYCLE_NS);
    // Markers of what is played behind the end may begin before it.
    context.horizon = context.horizon.map(|cycles| cycles.saturating_add(widest));
    let inputs = std::mem::replace(&mut context.inputs, Box::new(Silent));
    let mut runner = Runner {
        program,
        memory: program.memory.clone(),
        clocks: vec![timing.start; program.clocks],
        now: timing.start,
        flow: timing.start,
        played: false,
        paced: 0,
        top: 0,
        started: Instant::now(),
        seen: vec![false; program.sites.len()],
        faults: 0,
        ready: if program.awaits { vec![0; program.memory.len()] } else { Vec::new() },
        saved: None,
        fresh: false,
        place: NO_SITE,
        work: 0,
        budget: MOST_WORK,
        ended: false,
        cut: None,
        engine,
        inputs,
        acquisitions: 0,
        computed: Vec::new(),
        context,
    };
    let finished = runner.all().is_ok();
    let site = program.sites.get(runner.place as usize).filter(|_| !finished);
    let stood = site.map(|site| format!("{}{}", site.statement, site.place));
    Outcome { finished, timeline: runner.engine.into_timeline(), stood }
}

#[cfg(test)]
#[path = "executor_tests.rs"]
mod tests;
