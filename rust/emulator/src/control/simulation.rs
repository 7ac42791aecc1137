//! Simulations: a program run for a bounded time, and what all ports do in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cancellation::Cancellation;
use super::errors::{AddError, SimulationError};
use super::interface::{Interface, InterfaceInputs};
use super::job::{Job, JobRequest, PlayedTimeline, RunOptions};
use super::jobs::Jobs;
use super::simulated::Simulation;
use crate::compiler::{Compiled, SourceProgram, compile};
use crate::config::Configuration;
use crate::config::pulses::Overrides;
use crate::config::resolved::ResolvedConfig;
use crate::runtime::{CYCLE_NS, IoRegisters, Pace};
use crate::signal::inputs::{InputSource, Loopback};
use crate::signal::render::{Analog, RenderInput};
use crate::signal::timeline::Timeline;

/// How often a program with a loopback is run at most, until what it hears is what it plays.
const MOST_PASSES: usize = 8;

/// What is to be simulated.
#[derive(Debug)]
pub(crate) struct SimulationRequest {
    pub config: Configuration,
    pub program: SourceProgram,
    /// Clock cycles.
    pub cycles: u32,
    pub interface: Interface,
    /// Whether the structures of waveforms are asked for.
    pub structured: bool,
}

/// Runs a program for some clock cycles of its own time, on the caller's thread.
///
/// # Errors
/// [`AddError`]; no job is made then, and none is kept of a simulation that is cancelled.
pub(crate) fn simulate(
    jobs: &Jobs,
    request: SimulationRequest,
    user: &str,
    cancellation: &Cancellation,
) -> Result<Arc<Job>, AddError> {
    let SimulationRequest { config, program, cycles, interface, structured } = request;
    let alive = || if cancellation.is_cancelled() { Err(AddError::Cancelled) } else { Ok(()) };
    // It may have waited for a thread.
    alive()?;
    let findings = config.findings();
    if !findings.is_empty() {
        return Err(AddError::Config(findings));
    }
    let compiled =
        compile(&program, &config, &jobs.limits, jobs.release.msb).map_err(AddError::Compile)?;
    let resolved = config.resolve(&compiled.program.refs, &Overrides::default());
    let resolved = Arc::new(resolved.map_err(SimulationError::from)?);
    let length = length_of(cycles, &resolved, jobs.limits.simulated_samples)?;
    let alignment = compiled.program.alignment;
    let delay = u64::from(resolved.moved(alignment));
    let InterfaceInputs { mut inputs, unused } = interface.inputs(&config, &resolved, delay)?;
    let simulator = Simulator {
        jobs,
        delays: resolved.delays(alignment),
        resolved,
        compiled: Arc::new(compiled),
        config,
        cycles,
        length,
        clock: Clock::new(jobs.limits.simulation_seconds),
        cancellation,
    };
    let settled = match inputs.loopback() {
        Some(loopback) => simulator.loop_back(loopback),
        None => true,
    };
    alive()?;
    let job = simulator.job(jobs.fresh_id("job"), user, cycles);
    jobs.keep(&job);
    let forget = || jobs.forget(&job.id);
    for message in unused {
        job.warn(format!("A connection of the simulation leads nowhere: {message}"));
    }
    if !settled && !simulator.clock.is_over() {
        job.fail(format!(
            "What the program hears by the loopback still changes what it plays after {MOST_PASSES} runs: samples and results are those of the last"
        ));
    }
    let models = inputs.are_silent().then_some(&jobs.models);
    let registers = IoRegisters::default();
    let options = RunOptions { models, ..simulator.options(&registers, inputs.into_source()) };
    let PlayedTimeline { timeline, stood } = simulator.watched(&job, options);
    if simulator.clock.is_over() {
        job.fail(simulator.clock.message(stood.as_deref()));
    }
    let moved = simulator.resolved.moved(alignment);
    let render_input = Arc::new(simulator.render_input(timeline, moved));
    let simulation = Simulation { render_input, length };
    let clipped = simulation.clipped(&|| cancellation.is_cancelled());
    alive().inspect_err(|_| forget())?;
    job.set_simulation(simulation, &clipped, structured);
    job.settle();
    jobs.ended(&job.id);
    cancellation.done();
    Ok(job)
}

/// Samples of each port.
fn length_of(
    cycles: u32,
    resolved: &ResolvedConfig,
    most: usize,
) -> Result<usize, SimulationError> {
    let length = u64::from(cycles) * CYCLE_NS;
    let ports = (resolved.outputs().len() + resolved.digital().len()).max(1) as u64;
    if length.saturating_mul(ports) > most as u64 {
        return Err(SimulationError::TooLong { cycles, ports, most });
    }
    Ok(length as usize)
}

/// How long a simulation may compute, all of its runs together.
struct Clock {
    seconds: usize,
    ends: Instant,
}

impl Clock {
    fn new(seconds: usize) -> Self {
        // A day is as good as for ever, and no sum of times overflows.
        let patience = Duration::from_secs(seconds.min(86_400) as u64);
        Self { seconds, ends: Instant::now() + patience }
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.ends
    }

    fn message(&self, stood: Option<&str>) -> String {
        format!(
            "The simulation was given up after {} s of computing{}: what it plays from there on is missing from samples, report and results. Simulate a shorter time, or raise the limit 'simulation_seconds' of the emulator",
            self.seconds,
            stood.map_or_else(String::new, |stood| format!(", at {stood}"))
        )
    }
}

/// One simulation, of all of its runs.
struct Simulator<'a> {
    jobs: &'a Jobs,
    resolved: Arc<ResolvedConfig>,
    delays: Vec<u32>,
    compiled: Arc<Compiled>,
    config: Configuration,
    cycles: u32,
    length: usize,
    clock: Clock,
    cancellation: &'a Cancellation,
}

impl Simulator<'_> {
    fn job(&self, id: String, user: &str, cycles: u32) -> Arc<Job> {
        Job::new(JobRequest {
            id,
            machine_id: String::new(),
            added_by: user.to_owned(),
            compiled: Arc::clone(&self.compiled),
            config: self.config.clone(),
            overrides: Overrides::default(),
            simulated: Some(cycles),
            limits: &self.jobs.limits,
        })
    }

    fn options<'r>(
        &self,
        registers: &'r IoRegisters,
        inputs: Box<dyn InputSource>,
    ) -> RunOptions<'r> {
        RunOptions {
            io: registers,
            pace: Pace::Virtual,
            horizon: Some(u64::from(self.cycles)),
            resolved: Some(Arc::clone(&self.resolved)),
            inputs,
            models: None,
            timing: self.jobs.release.timing,
        }
    }

    fn render_input(&self, timeline: Timeline, moved: u32) -> RenderInput {
        let (resolved, delays) = (Arc::clone(&self.resolved), self.delays.clone());
        RenderInput { resolved, timeline, delays, moved, timing: self.jobs.release.timing }
    }

    /// Runs a job, and halts it when it computes for too long.
    fn watched(&self, job: &Arc<Job>, options: RunOptions<'_>) -> PlayedTimeline {
        self.cancellation.watch(job);
        let halted = Arc::clone(job);
        let left = self.clock.ends.saturating_duration_since(Instant::now());
        std::thread::scope(|scope| {
            let (ended, wait) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                let late = wait.recv_timeout(left);
                if late.is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout) {
                    halted.control.halt();
                }
            });
            let played = job.run(options);
            drop(ended);
            played
        })
    }

    /// What comes back depends on what is played, also by elements whose statements stand further down:
    /// the program is run until what it hears is what it plays. False when that does not come to be.
    fn loop_back(&self, loopback: &mut Loopback) -> bool {
        for _ in 0..MOST_PASSES {
            // A job that nobody hears of, but for the end of the emulator.
            let trial = self.job(self.jobs.fresh_id("job"), "", 0);
            self.jobs.watch_trial(&trial);
            let registers = IoRegisters::default();
            let options = self.options(&registers, Box::new(loopback.clone()));
            let timeline = self.watched(&trial, options).timeline;
            if trial.control.is_halted() {
                return false;
            }
            let render_input = Arc::new(self.render_input(timeline, 0));
            let is_cancelled = || self.cancellation.is_cancelled();
            let outputs = Analog::new(render_input).all(self.length, &is_cancelled);
            if is_cancelled() {
                return false;
            }
            if *loopback.outputs == outputs {
                return true;
            }
            loopback.outputs = Arc::new(outputs);
        }
        false
    }
}
