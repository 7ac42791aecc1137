//! One job: what it runs, how far it is, what came of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::SystemTime;

use pulsewire_wire::qua_config::QuaConfig;
use tokio::sync::watch;

use super::Hub;
use super::correction::{self, CorrectionError, Matrix};
use crate::lock;
use crate::program::Compiled;
use crate::program::run::{Fault, IoRegisters, Pace, Surroundings, run};
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
    /// Held until the job ended.
    compiled: Mutex<Option<Arc<Compiled>>>,
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
        simulated: Option<u32>,
    ) -> Arc<Self> {
        let inputs = compiled.program.inputs.clone();
        let results = Arc::new(compiled.plan.results(hub.limits.result_bytes));
        let job = Arc::new(Self {
            id: hub.fresh_id("job"),
            machine_id: machine_id.to_owned(),
            added_by: added_by.to_owned(),
            added: SystemTime::now(),
            control: Control::new(inputs, hub.limits.input_bytes),
            results,
            simulated,
            config,
            compiled: Mutex::new(Some(compiled)),
            phase: watch::Sender::new(Phase::Pending),
            faults: Mutex::default(),
            corrections: Mutex::default(),
            thread: Mutex::default(),
        });
        hub.keep(&job);
        job
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

    /// Runs the program to its end on this thread.
    pub(super) fn run(&self, io: &IoRegisters, pace: Pace, horizon: Option<u64>) {
        let Some(compiled) = lock(&self.compiled).take() else { return };
        let started = SystemTime::now();
        self.set_phase(Phase::Running { started });
        let program = &compiled.program;
        let pipelines = compiled.plan.start(program.streams.len(), Arc::clone(&self.results));
        let on_fault = |fault: &Fault| lock(&self.faults).push(fault.clone());
        let surroundings = Surroundings {
            control: &self.control,
            io,
            pipelines,
            pace,
            horizon,
            on_fault: &on_fault,
        };
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(program, surroundings)));
        match outcome {
            Ok(finished) => {
                // A simulation that reaches its duration has done what was asked of it.
                let done = (finished || horizon.is_some()) && !self.control.is_halted();
                self.results.finish(done);
                self.set_phase(Phase::Completed { started, completed: SystemTime::now() });
            }
            Err(_) => {
                self.results.finish(false);
                let message = "the emulator failed while running the program; please report it";
                self.set_phase(Phase::Error { messages: vec![message.to_owned()] });
            }
        }
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
