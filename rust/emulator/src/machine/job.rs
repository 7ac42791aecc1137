//! One job: what it runs, how far it is, what came of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::SystemTime;

use pulsewire_wire::qua_config::QuaConfig;
use tokio::sync::watch;

use super::Hub;
use super::correction::{self, CorrectionError, Matrix, first_version, oscillator_of};
use super::simulation::Simulation;
use crate::lock;
use crate::program::Compiled;
use crate::program::run::{Fault, IoRegisters, Pace, Surroundings, run};
use crate::program::timing::Timing;
use crate::pulse::adc::Adc;
use crate::pulse::model::{Model, Models};
use crate::pulse::render::Score;
use crate::pulse::rig::{Parts, Rig};
use crate::pulse::shapes::{Overrides, pulse};
use crate::pulse::tape::Tape;
use crate::pulse::tape::{MOST_LISTED, MOST_STRUCTURED};
use crate::streams::control::Control;
use crate::streams::store::Results;

/// Where a job is in its life (F2.1, F7.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
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
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed { .. } | Self::Canceled { .. } | Self::Error { .. })
    }
}

/// How a job is run.
pub(super) struct Course<'a> {
    /// The machine's registers.
    pub io: &'a IoRegisters,
    pub pace: Pace,
    /// Clock cycles of a simulation.
    pub horizon: Option<u64>,
    /// What the program plays with; `None`: the job's own configuration.
    pub rig: Option<Arc<Rig>>,
    pub adc: Adc,
    pub models: Option<&'a Models>,
    pub timing: Timing,
}

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// What it played, in a simulation.
    pub tape: Tape,
    /// Where it stood, when it did not come to its end.
    pub stood: Option<String>,
}

/// A job; it outlives the client that added it, and its machine.
#[derive(Debug)]
pub struct Job {
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
    pub config: Arc<QuaConfig>,
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

impl Job {
    pub(super) fn new(
        hub: &Hub,
        machine_id: &str,
        added_by: &str,
        compiled: Arc<Compiled>,
        config: Arc<QuaConfig>,
        overrides: Overrides,
        simulated: Option<u32>,
    ) -> Arc<Self> {
        let job = Self::made(hub, machine_id, added_by, compiled, config, overrides, simulated);
        hub.keep(&job);
        job
    }

    /// A job that nobody hears of, but for the end of the emulator.
    pub(super) fn trial(hub: &Hub, compiled: Arc<Compiled>, config: Arc<QuaConfig>) -> Arc<Self> {
        let job = Self::made(hub, "", "", compiled, config, Overrides::default(), Some(0));
        hub.watch_trial(&job);
        job
    }

    fn made(
        hub: &Hub,
        machine_id: &str,
        added_by: &str,
        compiled: Arc<Compiled>,
        config: Arc<QuaConfig>,
        overrides: Overrides,
        simulated: Option<u32>,
    ) -> Arc<Self> {
        let inputs = compiled.program.inputs.clone();
        let results = Arc::new(compiled.plan.results(hub.limits.result_bytes));
        Arc::new(Self {
            id: hub.fresh_id("job"),
            machine_id: machine_id.to_owned(),
            added_by: added_by.to_owned(),
            added: SystemTime::now(),
            control: Control::new(inputs, hub.limits.input_bytes),
            results,
            simulated,
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
    pub fn simulation(&self) -> Option<Arc<Simulation>> {
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

    pub(super) fn set_simulation(&self, simulation: Simulation, structured: bool) {
        let Score { rig, tape, .. } = &*simulation.score;
        if tape.full {
            lock(&self.faults).push(Fault {
                message:
                    "The program plays more than a simulation keeps: its end is missing from the \
                          samples and the report; simulate a shorter time"
                        .to_owned(),
                warning: false,
            });
        }
        if tape.plays.len() > MOST_LISTED {
            lock(&self.faults).push(Fault {
                message: format!(
                    "The waveform report lists the first {MOST_LISTED} of {} pulses",
                    tape.plays.len()
                ),
                warning: true,
            });
        }
        if structured && tape.plays.len() > MOST_STRUCTURED {
            lock(&self.faults).push(Fault {
                message: format!(
                    "The structures of analog and digital waveforms list the first {MOST_STRUCTURED} of {} pulses",
                    tape.plays.len()
                ),
                warning: true,
            });
        }
        for output in simulation.clipped() {
            let port = &rig.outputs[output].port;
            lock(&self.faults).push(Fault {
                message: format!(
                    "Analog output overflow: the analog output {} of '{}' is beyond [-0.5, 0.5) and clipped",
                    port.number, port.controller
                ),
                warning: false,
            });
        }
        *lock(&self.simulation) = Some(Arc::new(simulation));
    }

    /// Where it is now.
    pub fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    /// Follows its life.
    pub fn watch(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// What went wrong while it ran.
    pub fn faults(&self) -> Vec<Fault> {
        lock(&self.faults).clone()
    }

    /// Whether anything of that is an error.
    pub fn has_errors(&self) -> bool {
        lock(&self.faults).iter().any(|fault| !fault.warning)
    }

    /// Whether the program runs.
    pub fn is_running(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Running { .. })
    }

    /// Takes it out of the queue's life: it will never run.
    pub(super) fn cancel(&self) {
        self.control.halt();
        self.results.finish(false);
        lock(&self.compiled).take();
        self.set_phase(Phase::Canceled { at: SystemTime::now() });
    }

    /// Resolves what the program names of its configuration, with its waveforms replaced.
    fn rig(&self, parts: &Parts) -> Result<Arc<Rig>, String> {
        let config = first_version(&self.config).ok_or("the job has no configuration of QOP 2")?;
        Rig::build(config, parts, &self.overrides).map(Arc::new)
    }

    fn model(&self, models: Option<&Models>, rig: &Rig) -> Result<Option<Model>, String> {
        let models = models.filter(|models| models.concern(rig));
        let Some((models, config)) = models.zip(first_version(&self.config)) else {
            return Ok(None);
        };
        let named = |element: &str, operation: &str| {
            pulse(config, element, operation, &Overrides::default())
        };
        let frequency = |element: &str| {
            let element = config.elements.get(element)?;
            oscillator_of(config, element).map(|(frequency, ..)| frequency)
        };
        models.start(rig, named, frequency).map(Some)
    }

    /// Runs the program to its end on this thread, or says why that could not be.
    pub(super) fn run(&self, course: Course<'_>) -> Played {
        let Some(compiled) = lock(&self.compiled).take() else { return Played::default() };
        let perform = std::panic::AssertUnwindSafe(|| self.perform(&compiled, course));
        let outcome = std::panic::catch_unwind(perform).unwrap_or_else(|_| {
            Err("the emulator failed while running the program; please report it".to_owned())
        });
        outcome.unwrap_or_else(|message| {
            self.results.finish(false);
            self.set_phase(Phase::Error { messages: vec![message] });
            Played::default()
        })
    }

    fn perform(&self, compiled: &Compiled, course: Course<'_>) -> Result<Played, String> {
        #[cfg(test)]
        assert!(self.added_by != "panics", "a test asks for it");
        let started = SystemTime::now();
        let Course { io, pace, horizon, rig, adc, models, timing } = course;
        let program = &compiled.program;
        let rig = rig.map_or_else(|| self.rig(&program.parts), Ok)?;
        let model = self.model(models, &rig)?;
        let config = first_version(&self.config);
        let unknown = models.zip(config).map_or_else(Vec::new, |(models, config)| {
            models.unknown(|name| config.elements.contains_key(name))
        });
        // Of an execution it was told when the machine was opened.
        for name in unknown.iter().filter(|_| horizon.is_some()) {
            self.warn(format!(
                "The readout model has an element '{name}', which the configuration does not have"
            ));
        }
        if model.is_some() {
            // Not in the execution report: clients take whatever stands there for an error.
            tracing::info!(
                "measured values of the job '{}' are made by the emulator's readout model, not by an instrument",
                self.id
            );
        }
        self.set_phase(Phase::Running { started });
        let pipelines = compiled.plan.start(program.streams.len(), Arc::clone(&self.results));
        let on_fault = |fault: &Fault| lock(&self.faults).push(fault.clone());
        let surroundings = Surroundings {
            control: &self.control,
            io,
            pipelines,
            pace,
            horizon,
            on_fault: &on_fault,
            rig,
            adc,
            model,
            timing,
        };
        let outcome = run(program, surroundings);
        // A simulation that reaches its duration has done what was asked of it.
        let done = (outcome.finished || horizon.is_some()) && !self.control.is_halted();
        self.results.finish(done);
        self.set_phase(Phase::Completed { started, completed: SystemTime::now() });
        Ok(Played { tape: outcome.tape, stood: outcome.stood })
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
    pub fn correction(&self, element: &str) -> Result<Matrix, CorrectionError> {
        let initial = correction::of_element(&self.config, element)?;
        Ok(lock(&self.corrections).get(element).copied().unwrap_or(initial))
    }

    /// Sets the element's matrix for this job; gives it as rounded to the hardware's step.
    ///
    /// # Errors
    /// [`CorrectionError`]; the matrix stays as it was.
    pub fn set_correction(&self, element: &str, matrix: Matrix) -> Result<Matrix, CorrectionError> {
        correction::of_element(&self.config, element)?;
        let quantized = correction::quantize(element, matrix)?;
        lock(&self.corrections).insert(element.to_owned(), quantized);
        Ok(quantized)
    }
}
