//! A quantum machine: a configuration, registers, and a queue that runs one job at a time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, Weak};

use pulsewire_wire::qua::QuaProgram;
use pulsewire_wire::qua_config::QuaConfig;
use pulsewire_wire::qua_config::qua_config::waveform_dec::WaveformOneof;

use super::Hub;
use super::correction::first_version;
use super::job::{Course, Job, Phase};
use super::sharing::Ports;
use super::validate::Finding;
use crate::lock;
use crate::program::run::IoRegisters;
use crate::program::{CompileError, Compiled, compile};
use crate::pulse::adc::Adc;
use crate::pulse::shapes::is_in_range;

/// An open machine.
#[derive(Debug)]
pub struct QuantumMachine {
    /// Its identifier.
    pub id: String,
    /// IO1 and IO2.
    pub io: IoRegisters,
    hub: Weak<Hub>,
    /// The ports that it has.
    pub(super) ports: Ports,
    config: Mutex<Arc<QuaConfig>>,
    queue: Mutex<Queue>,
    programs: Mutex<HashMap<String, Arc<Compiled>>>,
}

#[derive(Debug, Default)]
struct Queue {
    pending: VecDeque<Arc<Job>>,
    running: Option<Arc<Job>>,
    shut: bool,
}

/// Which pending jobs are meant; all conditions that are given must hold.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Its identifier.
    pub job_id: Option<String>,
    /// Who added it.
    pub user_id: Option<String>,
    /// Its place, from 1.
    pub position: Option<u32>,
}

/// Why a job or a program was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// The program has mistakes.
    #[error("the program has {} mistakes", .0.len())]
    Compile(Vec<CompileError>),
    /// No compiled program has that identifier.
    #[error("the machine has no compiled program '{0}'; compile it on this machine first")]
    UnknownProgram(String),
    /// A waveform cannot be overridden so.
    #[error("{0}")]
    Override(String),
    /// The queue, or the store of compiled programs, is full.
    #[error("{0}")]
    Full(String),
    /// The machine was closed.
    #[error("the machine is closed")]
    Shut,
    /// There is no such machine.
    #[error("there is no open quantum machine '{0}'")]
    NoMachine(String),
    /// A simulation that cannot be.
    #[error("{0}")]
    Interface(String),
    /// A simulation with a configuration that cannot be.
    #[error("the configuration has {} mistakes", .0.len())]
    Config(Vec<Finding>),
    /// A simulation without a configuration.
    #[error("{0}")]
    NoConfig(&'static str),
}

impl QuantumMachine {
    pub(super) fn new(id: String, config: QuaConfig, ports: Ports, hub: &Arc<Hub>) -> Arc<Self> {
        Arc::new(Self {
            id,
            ports,
            io: IoRegisters::default(),
            hub: Arc::downgrade(hub),
            config: Mutex::new(Arc::new(config)),
            queue: Mutex::default(),
            programs: Mutex::default(),
        })
    }

    /// The configuration as it is now.
    pub fn config(&self) -> Arc<QuaConfig> {
        Arc::clone(&lock(&self.config))
    }

    /// Changes the configuration; running jobs keep theirs.
    ///
    /// # Errors
    /// Those of `change`; nothing is changed then.
    pub fn change<E>(&self, change: impl FnOnce(&mut QuaConfig) -> Result<(), E>) -> Result<(), E> {
        let mut held = lock(&self.config);
        let mut config = QuaConfig::clone(&held);
        change(&mut config)?;
        *held = Arc::new(config);
        Ok(())
    }

    pub(super) fn controllers(&self) -> Vec<String> {
        let config = self.config();
        let Some(config) = first_version(&config) else {
            return Vec::new();
        };
        config.control_devices.keys().chain(config.controllers.keys()).cloned().collect()
    }

    fn compiled(&self, program: &QuaProgram) -> Result<Compiled, AddError> {
        let hub = self.hub.upgrade().ok_or(AddError::Shut)?;
        let config = self.config();
        let config = first_version(&config).ok_or(AddError::Shut)?;
        compile(program, config, &hub.limits, hub.release.msb).map_err(AddError::Compile)
    }

    /// Compiles a program for later; gives its identifier.
    ///
    /// # Errors
    /// [`AddError`].
    pub fn compile(&self, program: &QuaProgram) -> Result<String, AddError> {
        let compiled = Arc::new(self.compiled(program)?);
        let hub = self.hub.upgrade().ok_or(AddError::Shut)?;
        let mut programs = lock(&self.programs);
        if programs.len() >= hub.limits.compiled_programs {
            return Err(AddError::Full(format!(
                "the machine keeps {} compiled programs already; open it anew",
                programs.len()
            )));
        }
        let id = hub.fresh_id("program");
        programs.insert(id.clone(), compiled);
        Ok(id)
    }

    /// Compiles a program and queues it.
    ///
    /// # Errors
    /// [`AddError`].
    pub fn add(
        self: &Arc<Self>,
        program: &QuaProgram,
        to_start: bool,
        user: &str,
    ) -> Result<Arc<Job>, AddError> {
        let compiled = Arc::new(self.compiled(program)?);
        self.enqueue(compiled, HashMap::new(), to_start, user)
    }

    /// Queues a program compiled before, with some waveforms replaced.
    ///
    /// # Errors
    /// [`AddError`].
    pub fn add_compiled(
        self: &Arc<Self>,
        program_id: &str,
        overrides: &HashMap<String, Vec<f64>>,
        to_start: bool,
        user: &str,
    ) -> Result<Arc<Job>, AddError> {
        let compiled = lock(&self.programs).get(program_id).cloned();
        let compiled = compiled.ok_or_else(|| AddError::UnknownProgram(program_id.to_owned()))?;
        let config = self.config();
        for (name, samples) in overrides {
            check_override(&config, name, samples).map_err(AddError::Override)?;
        }
        self.enqueue(compiled, overrides.clone(), to_start, user)
    }

    fn enqueue(
        self: &Arc<Self>,
        compiled: Arc<Compiled>,
        overrides: HashMap<String, Vec<f64>>,
        to_start: bool,
        user: &str,
    ) -> Result<Arc<Job>, AddError> {
        let hub = self.hub.upgrade().ok_or(AddError::Shut)?;
        let mut queue = lock(&self.queue);
        if queue.shut {
            return Err(AddError::Shut);
        }
        if queue.pending.len() >= hub.limits.pending_jobs {
            return Err(AddError::Full(format!(
                "{} jobs wait in the queue already; remove some first",
                queue.pending.len()
            )));
        }
        let job = Job::new(&hub, &self.id, user, compiled, self.config(), overrides, None);
        if to_start {
            queue.pending.push_front(Arc::clone(&job));
        } else {
            queue.pending.push_back(Arc::clone(&job));
        }
        drop(queue);
        self.start_next();
        Ok(job)
    }

    /// Starts the job at the front, when none runs.
    fn start_next(self: &Arc<Self>) {
        let Some(hub) = self.hub.upgrade() else {
            return;
        };
        let mut queue = lock(&self.queue);
        if queue.running.is_some() || queue.shut {
            return;
        }
        let Some(job) = queue.pending.pop_front() else {
            return;
        };
        job.set_phase(Phase::Loading);
        queue.running = Some(Arc::clone(&job));
        drop(queue);
        let (machine, runner) = (Arc::clone(self), Arc::clone(&job));
        let pace = hub.pace;
        let spawned = std::thread::Builder::new().name(job.id.clone()).spawn(move || {
            // Whatever becomes of the job, the next one starts.
            let _release = Release { machine: &machine, job: &runner };
            runner.run(Course {
                io: &machine.io,
                pace,
                horizon: None,
                rig: None,
                adc: Adc::Silent,
                models: Some(&hub.models),
                timing: hub.release.timing,
            });
            drop(hub);
        });
        match spawned {
            Ok(handle) => job.set_thread(handle),
            Err(error) => {
                job.results.finish(false);
                let message = format!("no thread could be started for the job: {error}");
                job.set_phase(Phase::Error { messages: vec![message] });
                self.release(&job);
            }
        }
    }

    fn release(self: &Arc<Self>, job: &Arc<Job>) {
        lock(&self.queue).running = None;
        job.settle();
        if let Some(hub) = self.hub.upgrade() {
            hub.ended(&job.id);
        }
        self.start_next();
    }

    /// The job that runs (or is about to).
    pub fn running(&self) -> Option<Arc<Job>> {
        let running = lock(&self.queue).running.clone();
        // Its thread has yet to give the place back: the job itself is over.
        running.filter(|job| !job.phase().is_final())
    }

    /// The pending jobs that are meant, with their places from 1.
    pub fn pending(&self, query: &Query) -> Vec<(u32, Arc<Job>)> {
        let queue = lock(&self.queue);
        let placed = (1..).zip(queue.pending.iter());
        placed
            .filter(|(place, job)| query.means(*place, job))
            .map(|(place, job)| (place, Arc::clone(job)))
            .collect()
    }

    /// The place of a pending job, from 1.
    pub fn position(&self, job: &Job) -> Option<u32> {
        let queue = lock(&self.queue);
        let place = queue.pending.iter().position(|pending| pending.id == job.id)?;
        u32::try_from(place + 1).ok()
    }

    /// Takes the pending jobs that are meant out of the queue.
    pub fn remove(&self, query: &Query) -> usize {
        let mut removed = Vec::new();
        let mut queue = lock(&self.queue);
        let mut place = 0;
        queue.pending.retain(|job| {
            place += 1;
            let meant = query.means(place, job);
            if meant {
                removed.push(Arc::clone(job));
            }
            !meant
        });
        drop(queue);
        let hub = self.hub.upgrade();
        for job in &removed {
            job.cancel();
            if let Some(hub) = &hub {
                hub.removed(&job.id);
            }
        }
        removed.len()
    }

    /// Cancels the queue and halts the running job, for good.
    pub(super) fn shut(&self) {
        lock(&self.queue).shut = true;
        self.remove(&Query::default());
        if let Some(job) = self.running() {
            job.control.halt();
        }
    }
}

/// Gives a job's place in its machine back when it is dropped.
struct Release<'a> {
    machine: &'a Arc<QuantumMachine>,
    job: &'a Arc<Job>,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.machine.release(self.job);
    }
}

impl Query {
    fn means(&self, place: u32, job: &Job) -> bool {
        self.job_id.as_ref().is_none_or(|id| *id == job.id)
            && self.user_id.as_ref().is_none_or(|user| *user == job.added_by)
            && self.position.is_none_or(|position| position == place)
    }
}

/// docs/1.1.7/Guides/features: constant waveforms, and arbitrary ones that are overridable, of
/// their own length and without a sampling rate or an allowed error.
fn check_override(config: &QuaConfig, name: &str, samples: &[f64]) -> Result<(), String> {
    let waveform = first_version(config).and_then(|config| config.waveforms.get(name));
    let waveform = waveform.and_then(|waveform| waveform.waveform_oneof.as_ref());
    // Also false for NaN.
    if let Some(sample) = samples.iter().find(|sample| !is_in_range(**sample)) {
        return Err(format!(
            "the override of '{name}' has the sample {sample} V; samples lie in [-0.5, 0.5]"
        ));
    }
    match waveform {
        None => Err(format!("the configuration has no waveform '{name}' to override")),
        Some(WaveformOneof::Constant(_)) => match samples {
            [_] => Ok(()),
            _ => {
                Err(format!("the constant waveform '{name}' takes 1 sample, not {}", samples.len()))
            }
        },
        Some(WaveformOneof::Arbitrary(arbitrary)) => {
            if !arbitrary.is_overridable {
                return Err(format!(
                    "the waveform '{name}' is not overridable; set is_overridable in the configuration"
                ));
            }
            if samples.len() != arbitrary.samples.len() {
                return Err(format!(
                    "the override of '{name}' has {} samples, the waveform {}",
                    samples.len(),
                    arbitrary.samples.len()
                ));
            }
            Ok(())
        }
        Some(_) => Err(format!("the waveform '{name}' is of a kind that cannot be overridden")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::machine::Release as SystemRelease;
    use crate::program::run::Pace;
    use crate::program::testing::{config, program};
    use crate::pulse::model::Models;

    #[test]
    fn a_job_that_panics_leaves_the_queue_going() {
        use pulsewire_wire::qua_config::qua_config::ConfigVersion;
        let release = SystemRelease::default();
        let hub = Hub::new(Limits::default(), Pace::Virtual, release, Models::default());
        let config = QuaConfig {
            config_version: Some(ConfigVersion::V1beta(config())),
            ..Default::default()
        };
        let id = hub.open(config, true).unwrap().id;
        let machine = hub.machine(&id).unwrap();
        let source = program(vec![], vec![], &[]);
        let jobs =
            ["panics", "panics", "somebody"].map(|user| machine.add(&source, false, user).unwrap());
        let ends = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !jobs.iter().all(|job| job.phase().is_final()) {
            assert!(std::time::Instant::now() < ends, "the queue stands still");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let failed = jobs.each_ref().map(|job| matches!(job.phase(), Phase::Error { .. }));
        assert_eq!(failed, [true, true, false]);
        hub.shut_down();
    }
}
