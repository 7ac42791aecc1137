//! One job: what it runs, how far it is, what came of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::SystemTime;

use pulsewire_common::correction::Matrix;
use tokio::sync::watch;

use super::simulated::Simulation;
use crate::compiler::Compiled;
use crate::config::pulses::Overrides;
use crate::config::resolved::ResolvedConfig;
use crate::config::{ConfigError, Configuration, CorrectionError, quantize};
use crate::limits::Limits;
use crate::lock::lock;
use crate::qua::timing::Timing;
use crate::runtime::{Control, Fault, IoRegisters, Pace, RunContext, run};
use crate::signal::inputs::InputSource;
use crate::signal::readout::{ModelError, Modelled, Models};
use crate::signal::timeline::{MOST_LISTED, MOST_STRUCTURED, Timeline};
use crate::streams::Results;

/// Where a job is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// In the queue.
    Pending,
    /// At the front of the queue, about to start.
    Loading,
    /// The program runs (or is paused).
    Running { started: SystemTime },
    /// The program ended by itself or was halted.
    Completed { started: SystemTime, completed: SystemTime },
    /// Removed from the queue before it started.
    Canceled { at: SystemTime },
    /// It could not be run.
    Error { messages: Vec<String> },
}

impl Phase {
    /// Whether nothing more will happen.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Completed { .. } | Self::Canceled { .. } | Self::Error { .. })
    }
}

/// How a job is run.
pub(super) struct RunOptions<'a> {
    /// The machine's registers.
    pub io: &'a IoRegisters,
    pub pace: Pace,
    /// Clock cycles of a simulation.
    pub horizon: Option<u64>,
    /// What the program plays with; `None`: the job's own configuration.
    pub resolved: Option<Arc<ResolvedConfig>>,
    /// What analog inputs see, where no model answers.
    pub inputs: Box<dyn InputSource>,
    pub models: Option<&'a Models>,
    pub timing: Timing,
}

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct PlayedTimeline {
    /// What it played, in a simulation.
    pub timeline: Timeline,
    /// Where it stood, when it did not come to its end.
    pub stood: Option<String>,
}

/// A job; it outlives the client that added it, and its machine.
#[derive(Debug)]
pub(crate) struct Job {
    /// Unique among all jobs of all emulators.
    pub id: String,
    /// The machine it was added to; empty for a simulated job.
    pub machine_id: String,
    /// Who added it.
    pub added_by: String,
    /// When it was added.
    pub added: SystemTime,
    /// Halt, pause and input streams.
    pub control: Control,
    /// Its results.
    pub results: Arc<Results>,
    /// The clock cycles of a simulation; `None` for a job that was executed.
    pub simulated: Option<u32>,
    /// The machine's configuration when the job was added.
    pub config: Configuration,
    /// Waveforms replaced for this job.
    pub(super) overrides: Overrides,
    /// Held until the job ended.
    compiled: Mutex<Option<Arc<Compiled>>>,
    /// What it played, when it was simulated.
    simulation: Mutex<Option<Arc<Simulation>>>,
    phase: watch::Sender<Phase>,
    faults: Mutex<Vec<Fault>>,
    corrections: Mutex<HashMap<String, Matrix>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What a job is made of.
pub(super) struct JobRequest<'a> {
    pub id: String,
    pub machine_id: String,
    pub added_by: String,
    pub compiled: Arc<Compiled>,
    pub config: Configuration,
    pub overrides: Overrides,
    pub simulated: Option<u32>,
    pub limits: &'a Limits,
}

/// Why a job could not be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("the emulator failed while running the program; please report it")]
    Panicked,
}

impl Job {
    pub(super) fn new(request: JobRequest<'_>) -> Arc<Self> {
        let JobRequest { id, machine_id, added_by, compiled, config, overrides, .. } = request;
        let inputs = compiled.program.inputs.clone();
        let results = Arc::new(compiled.plan.results(request.limits.result_bytes));
        Arc::new(Self {
            id,
            machine_id,
            added_by,
            added: SystemTime::now(),
            control: Control::new(inputs, request.limits.input_bytes),
            results,
            simulated: request.simulated,
            config,
            overrides,
            compiled: Mutex::new(Some(compiled)),
            simulation: Mutex::default(),
            phase: watch::Sender::new(Phase::Pending),
            faults: Mutex::default(),
            corrections: Mutex::default(),
            thread: Mutex::default(),
        })
    }

    /// What it played, when it was simulated.
    pub(crate) fn simulation(&self) -> Option<Arc<Simulation>> {
        lock(&self.simulation).clone()
    }

    /// Adds to the execution report what is worth knowing.
    pub(super) fn warn(&self, message: String) {
        lock(&self.faults).push(Fault { message, warning: true });
    }

    /// Adds to the execution report what went wrong.
    pub(super) fn fail(&self, message: String) {
        lock(&self.faults).push(Fault { message, warning: false });
    }

    /// Keeps what it played, and tells what is missing of it.
    pub(super) fn set_simulation(
        &self,
        simulation: Simulation,
        clipped: &[usize],
        structured: bool,
    ) {
        let timeline = &simulation.render_input.timeline;
        let plays = timeline.plays.len();
        if timeline.full {
            self.fail(
                "The program plays more than a simulation keeps: its end is missing from the \
                 samples and the report; simulate a shorter time"
                    .to_owned(),
            );
        }
        if plays > MOST_LISTED {
            self.warn(format!(
                "The waveform report lists the first {MOST_LISTED} of {plays} pulses"
            ));
        }
        if structured && plays > MOST_STRUCTURED {
            self.warn(format!(
                "The structures of analog and digital waveforms list the first {MOST_STRUCTURED} of {plays} pulses"
            ));
        }
        for output in clipped {
            let port = &simulation.render_input.resolved.outputs()[*output].port;
            self.fail(format!(
                "Analog output overflow: the analog output {} of '{}' is beyond [-0.5, 0.5) and clipped",
                port.number, port.controller
            ));
        }
        *lock(&self.simulation) = Some(Arc::new(simulation));
    }

    /// Where it is now.
    pub(crate) fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    /// Follows its life.
    pub(crate) fn watch(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// What went wrong while it ran.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        lock(&self.faults).clone()
    }

    /// Whether anything of that is an error.
    pub(crate) fn has_errors(&self) -> bool {
        lock(&self.faults).iter().any(|fault| !fault.warning)
    }

    /// Whether the program runs.
    pub(crate) fn is_running(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Running { .. })
    }

    /// Takes it out of the queue's life: it will never run.
    pub(super) fn cancel(&self) {
        self.control.halt();
        self.results.finish(false);
        lock(&self.compiled).take();
        self.set_phase(Phase::Canceled { at: SystemTime::now() });
    }

    /// Runs the program to its end on this thread, or says why that could not be.
    pub(super) fn run(&self, options: RunOptions<'_>) -> PlayedTimeline {
        let Some(compiled) = lock(&self.compiled).take() else { return PlayedTimeline::default() };
        let execute = std::panic::AssertUnwindSafe(|| self.execute(&compiled, options));
        let outcome = std::panic::catch_unwind(execute).unwrap_or(Err(RunError::Panicked));
        outcome.unwrap_or_else(|error| {
            self.results.finish(false);
            self.set_phase(Phase::Error { messages: vec![error.to_string()] });
            PlayedTimeline::default()
        })
    }

    fn execute(
        &self,
        compiled: &Compiled,
        options: RunOptions<'_>,
    ) -> Result<PlayedTimeline, RunError> {
        #[cfg(test)]
        assert!(self.added_by != "panics", "a test asks for it");
        let started = SystemTime::now();
        let RunOptions { io, pace, horizon, resolved, inputs, models, timing } = options;
        let program = &compiled.program;
        let resolved = match resolved {
            Some(resolved) => resolved,
            None => Arc::new(self.config.resolve(&program.refs, &self.overrides)?),
        };
        let modelled = match models.filter(|models| models.concern(&resolved)) {
            Some(models) => Some(Modelled::new(models, &self.config, &resolved)?),
            None => None,
        };
        // Of an execution it was told when the machine was opened.
        if let Some(models) = models.filter(|_| horizon.is_some()) {
            for name in models.unknown(|name| self.config.has_element(name)) {
                self.warn(format!(
                    "The readout model has an element '{name}', which the configuration does not have"
                ));
            }
        }
        if modelled.is_some() {
            // Not in the execution report: clients take whatever stands there for an error.
            tracing::info!(
                "measured values of the job '{}' are made by the emulator's readout model, not by an instrument",
                self.id
            );
        }
        self.set_phase(Phase::Running { started });
        let pipelines = compiled.plan.start(program.streams.len(), Arc::clone(&self.results));
        let on_fault = |fault: &Fault| lock(&self.faults).push(fault.clone());
        let context = RunContext {
            control: &self.control,
            io,
            pipelines,
            pace,
            horizon,
            on_fault: &on_fault,
            resolved,
            inputs: match modelled {
                Some(modelled) => Box::new(modelled),
                None => inputs,
            },
            timing,
        };
        let outcome = run(program, context);
        // A simulation that reaches its duration has done what was asked of it.
        let done = (outcome.finished || horizon.is_some()) && !self.control.is_halted();
        self.results.finish(done);
        self.set_phase(Phase::Completed { started, completed: SystemTime::now() });
        Ok(PlayedTimeline { timeline: outcome.timeline, stood: outcome.stood })
    }

    /// Keeps the thread for [`Self::join`], unless the job is over already.
    pub(super) fn set_thread(&self, handle: JoinHandle<()>) {
        let mut thread = lock(&self.thread);
        if !self.phase.borrow().is_final() {
            *thread = Some(handle);
        }
    }

    /// Lets go of what only a live job needs.
    pub(super) fn settle(&self) {
        lock(&self.thread).take();
        self.control.clear();
    }

    /// Waits for its thread, if it ever had one.
    pub(super) fn join(&self) {
        let handle = lock(&self.thread).take();
        if let Some(handle) = handle {
            // A panic of the thread was caught and is the job's phase.
            let _ = handle.join();
        }
    }

    /// The correction matrix that the element has in this job.
    ///
    /// # Errors
    /// [`CorrectionError`] when it can have none.
    pub(crate) fn correction(&self, element: &str) -> Result<Matrix, CorrectionError> {
        let initial = self.config.correction(element)?;
        Ok(lock(&self.corrections).get(element).copied().unwrap_or(initial))
    }

    /// Sets the element's matrix for this job; gives it as rounded to the hardware's step.
    ///
    /// # Errors
    /// [`CorrectionError`]; the matrix stays as it was.
    pub(crate) fn set_correction(
        &self,
        element: &str,
        matrix: Matrix,
    ) -> Result<Matrix, CorrectionError> {
        self.config.correction(element)?;
        let quantized = quantize(element, matrix)?;
        lock(&self.corrections).insert(element.to_owned(), quantized);
        Ok(quantized)
    }
}
