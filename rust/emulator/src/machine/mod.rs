//! Quantum machines, their queues and the life of a job. No I/O here: the gateway translates.

mod configuration;
pub mod correction;
mod job;
mod quantum_machine;
mod sharing;
mod simulation;
mod validate;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

pub use configuration::{ChangeError, apply_change};
pub use correction::{CorrectionError, Matrix};
pub use job::{Job, Phase};
pub use quantum_machine::{AddError, QuantumMachine, Query};
pub use simulation::{Request, Simulation, simulate};
pub use validate::Finding;

use pulsewire_wire::qua_config::QuaConfig;

use correction::{first_version, no_config};
use validate::{MOST_FINDINGS, validate};

use crate::limits::Limits;
use crate::lock;
use crate::program::function::Msb;
use crate::program::run::Pace;
use crate::program::timing::Timing;
use crate::pulse::model::Models;

/// Everything that an emulator holds.
#[derive(Debug)]
pub struct Hub {
    /// What clients may make it hold.
    pub limits: Limits,
    /// Virtual or real time.
    pub pace: Pace,
    /// Which release of the system it is like.
    pub release: Release,
    /// What answers in the place of an instrument.
    pub models: Models,
    machines: Mutex<Vec<Arc<QuantumMachine>>>,
    jobs: Mutex<HashMap<String, Arc<Job>>>,
    /// Runs of simulations that nobody hears of.
    trials: Mutex<Vec<Weak<Job>>>,
    ended: Mutex<VecDeque<String>>,
    removed: Mutex<VecDeque<String>>,
    /// Distinguishes this emulator from every other.
    nonce: String,
    counter: AtomicU64,
    last_machine: Mutex<u128>,
    /// Set once, under the lock of the machines: nothing is opened or run from then on.
    closed: AtomicBool,
}

/// What differs from release to release of the system, and by what is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Release {
    pub timing: Timing,
    pub msb: Msb,
}

/// A machine that was opened.
#[derive(Debug)]
pub struct Opened {
    pub id: String,
    /// Jobs of machines that were closed for it.
    pub halted: Vec<Arc<Job>>,
    /// Elements of the readout model that no machine has.
    pub unknown: Vec<String>,
}

/// How many emulators this process has had.
static HUBS: AtomicU64 = AtomicU64::new(0);

fn epoch_millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

/// Why a machine was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The request carries no configuration of QOP 2.
    #[error("{0}")]
    NoConfig(&'static str),
    /// The configuration cannot be.
    #[error("the configuration has {} mistakes", .0.len())]
    Config(Vec<Finding>),
    /// Too many machines.
    #[error("{0} quantum machines are open already; close some first")]
    TooMany(usize),
    /// The emulator is being stopped.
    #[error("the emulator is being stopped")]
    Closed,
}

impl Hub {
    /// An emulator without machines.
    pub fn new(limits: Limits, pace: Pace, release: Release, models: Models) -> Arc<Self> {
        Arc::new(Self {
            limits,
            pace,
            release,
            models,
            machines: Mutex::default(),
            jobs: Mutex::default(),
            trials: Mutex::default(),
            ended: Mutex::default(),
            removed: Mutex::default(),
            nonce: format!(
                "{}-{:x}-{}",
                epoch_millis(),
                std::process::id(),
                HUBS.fetch_add(1, Ordering::Relaxed)
            ),
            counter: AtomicU64::new(1),
            last_machine: Mutex::new(0),
            closed: AtomicBool::new(false),
        })
    }

    /// An identifier that no other of this or an earlier emulator has; they sort by age.
    pub(crate) fn fresh_id(&self, prefix: &str) -> String {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        format!("{prefix}-{}-{number:09}", self.nonce)
    }

    /// Opens a machine. Others that have a port which it needs, and which not both share, are closed with
    /// `close_others`, and are in its way without.
    ///
    /// # Errors
    /// [`OpenError`]; the machines that were open still are.
    pub fn open(
        self: &Arc<Self>,
        config: QuaConfig,
        close_others: bool,
    ) -> Result<Opened, OpenError> {
        let first = first_version(&config);
        let first = first.ok_or_else(|| OpenError::NoConfig(no_config(&config)))?;
        let findings = validate(first);
        if !findings.is_empty() {
            return Err(OpenError::Config(findings));
        }
        let wanted = sharing::ports(first);
        // The documented form is qm- and the time in milliseconds (F1.13), made unique.
        let id = {
            let mut last = lock(&self.last_machine);
            *last = epoch_millis().max(*last + 1);
            format!("qm-{last}")
        };
        let mut machines = lock(&self.machines);
        if self.is_closed() {
            return Err(OpenError::Closed);
        }
        let found: Vec<Vec<Finding>> = machines
            .iter()
            .map(|machine| sharing::conflicts(&wanted, &machine.ports, &machine.id))
            .collect();
        let in_the_way = found.iter().filter(|found| !found.is_empty()).count();
        if !close_others && in_the_way > 0 {
            let findings = found.into_iter().flatten().take(MOST_FINDINGS);
            return Err(OpenError::Config(findings.collect()));
        }
        // Nobody is closed for a machine that does not open.
        if machines.len() - in_the_way >= self.limits.machines {
            return Err(OpenError::TooMany(machines.len()));
        }
        let elements = |name: &str| {
            let has = |config: &QuaConfig| {
                first_version(config).is_some_and(|first| first.elements.contains_key(name))
            };
            has(&config) || machines.iter().any(|machine| has(&machine.config()))
        };
        let unknown = self.models.unknown(elements).into_iter().map(str::to_owned).collect();
        let mut found = found.into_iter();
        let stays = |_: &Arc<QuantumMachine>| found.next().is_none_or(|found| found.is_empty());
        let (kept, closed): (Vec<_>, Vec<_>) = machines.drain(..).partition(stays);
        *machines = kept;
        machines.push(QuantumMachine::new(id.clone(), config, wanted, self));
        drop(machines);
        let halted = closed.iter().filter_map(|machine| machine.running()).collect();
        closed.iter().for_each(|machine| machine.shut());
        Ok(Opened { id, halted, unknown })
    }

    /// An open machine.
    pub fn machine(&self, id: &str) -> Option<Arc<QuantumMachine>> {
        lock(&self.machines).iter().find(|machine| machine.id == id).cloned()
    }

    /// All open machines, oldest first.
    pub fn machines(&self) -> Vec<Arc<QuantumMachine>> {
        lock(&self.machines).clone()
    }

    /// Closes a machine: its queue is cancelled, its running job halted. False when there is none.
    pub fn close(&self, id: &str) -> bool {
        let machine = {
            let mut machines = lock(&self.machines);
            let place = machines.iter().position(|machine| machine.id == id);
            place.map(|place| machines.remove(place))
        };
        machine.map(|machine| machine.shut()).is_some()
    }

    /// Closes every machine.
    pub fn close_all(&self) {
        let machines = std::mem::take(&mut *lock(&self.machines));
        machines.iter().for_each(|machine| machine.shut());
    }

    /// A job, whatever became of its machine.
    pub fn job(&self, id: &str) -> Option<Arc<Job>> {
        lock(&self.jobs).get(id).cloned()
    }

    pub(crate) fn keep(&self, job: &Arc<Job>) {
        lock(&self.jobs).insert(job.id.clone(), Arc::clone(job));
        if self.is_closed() {
            job.control.halt();
        }
    }

    /// Halts a run that nobody hears of when the emulator ends.
    fn watch_trial(&self, trial: &Arc<Job>) {
        let mut trials = lock(&self.trials);
        trials.retain(|trial| trial.strong_count() > 0);
        trials.push(Arc::downgrade(trial));
        // Under the lock: whoever shuts down sees it, or has closed already.
        if self.is_closed() {
            trial.control.halt();
        }
    }

    /// Notes that a job ended; the oldest ended ones are forgotten past the limit.
    pub(crate) fn ended(&self, id: &str) {
        self.remember(&self.ended, id);
    }

    /// Notes that a pending job was removed; these have no results, and push out none.
    pub(crate) fn removed(&self, id: &str) {
        self.remember(&self.removed, id);
    }

    fn remember(&self, list: &Mutex<VecDeque<String>>, id: &str) {
        let mut list = lock(list);
        list.push_back(id.to_owned());
        while list.len() > self.limits.ended_jobs {
            if let Some(oldest) = list.pop_front() {
                lock(&self.jobs).remove(&oldest);
            }
        }
    }

    fn all_jobs(&self) -> Vec<Arc<Job>> {
        lock(&self.jobs).values().cloned().collect()
    }

    /// Drops the stored results of all jobs.
    pub fn clear_results(&self) {
        self.all_jobs().iter().for_each(|job| job.results.clear());
    }

    /// Drops the result processing of all running jobs: their results end where they are.
    pub fn reset_processing(&self) {
        let jobs = self.all_jobs();
        jobs.iter().filter(|job| job.is_running()).for_each(|job| job.results.finish(false));
    }

    /// Names of the controllers of the open machines; `con1` when none is open.
    pub fn controllers(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.machines().iter().flat_map(|machine| machine.controllers()).collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            names.push("con1".to_owned());
        }
        names
    }

    /// Halts everything and waits for the jobs' threads.
    pub fn shut_down(&self) {
        let machines = {
            let mut machines = lock(&self.machines);
            self.closed.store(true, Ordering::SeqCst);
            std::mem::take(&mut *machines)
        };
        machines.iter().for_each(|machine| machine.shut());
        // Whatever is kept from here on is halted by whoever keeps it.
        let jobs = self.all_jobs();
        jobs.iter().for_each(|job| job.control.halt());
        let trials = std::mem::take(&mut *lock(&self.trials));
        trials.iter().filter_map(Weak::upgrade).for_each(|trial| trial.control.halt());
        jobs.iter().for_each(|job| job.join());
    }

    /// Whether the emulator is being stopped.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}
