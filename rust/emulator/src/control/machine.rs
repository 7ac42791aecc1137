//! A quantum machine: a configuration, registers, and a queue that runs one job at a time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use super::errors::AddError;
use super::job::{Job, JobRequest, Phase, RunOptions};
use super::jobs::Jobs;
use crate::compiler::{Compiled, SourceProgram, compile};
use crate::config::pulses::Overrides;
use crate::config::{Configuration, SharedPorts};
use crate::lock::lock;
use crate::runtime::IoRegisters;
use crate::signal::inputs::Silent;

/// An open machine.
#[derive(Debug)]
pub(crate) struct QuantumMachine {
    /// Its identifier.
    pub id: String,
    /// IO1 and IO2.
    pub io: IoRegisters,
    jobs: Arc<Jobs>,
    /// The ports that it has.
    pub(super) ports: SharedPorts,
    config: Mutex<Configuration>,
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
pub(crate) struct Query {
    /// Its identifier.
    pub job_id: Option<String>,
    /// Who added it.
    pub user_id: Option<String>,
    /// Its place, from 1.
    pub position: Option<u32>,
}

impl QuantumMachine {
    pub(super) fn new(
        id: String,
        config: Configuration,
        ports: SharedPorts,
        jobs: &Arc<Jobs>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            ports,
            io: IoRegisters::default(),
            jobs: Arc::clone(jobs),
            config: Mutex::new(config),
            queue: Mutex::default(),
            programs: Mutex::default(),
        })
    }

    /// The configuration as it is now.
    pub(crate) fn config(&self) -> Configuration {
        lock(&self.config).clone()
    }

    /// Changes the configuration; running jobs keep theirs.
    ///
    /// # Errors
    /// Those of `change`; nothing is changed then.
    pub(crate) fn change<E>(
        &self,
        change: impl FnOnce(&Configuration) -> Result<Configuration, E>,
    ) -> Result<(), E> {
        let mut held = lock(&self.config);
        *held = change(&held)?;
        Ok(())
    }

    fn compiled(&self, program: &SourceProgram) -> Result<Compiled, AddError> {
        let jobs = &self.jobs;
        compile(program, &self.config(), &jobs.limits, jobs.release.msb).map_err(AddError::Compile)
    }

    /// Compiles a program for later; gives its identifier.
    ///
    /// # Errors
    /// [`AddError`].
    pub(crate) fn compile(&self, program: &SourceProgram) -> Result<String, AddError> {
        let compiled = Arc::new(self.compiled(program)?);
        let mut programs = lock(&self.programs);
        if programs.len() >= self.jobs.limits.compiled_programs {
            return Err(AddError::Full(format!(
                "the machine keeps {} compiled programs already; open it anew",
                programs.len()
            )));
        }
        let id = self.jobs.fresh_id("program");
        programs.insert(id.clone(), compiled);
        Ok(id)
    }

    /// Compiles a program and queues it.
    ///
    /// # Errors
    /// [`AddError`].
    pub(crate) fn add(
        self: &Arc<Self>,
        program: &SourceProgram,
        to_start: bool,
        user: &str,
    ) -> Result<Arc<Job>, AddError> {
        let compiled = Arc::new(self.compiled(program)?);
        self.enqueue(compiled, Overrides::default(), to_start, user)
    }

    /// Queues a program compiled before, with some waveforms replaced.
    ///
    /// # Errors
    /// [`AddError`].
    pub(crate) fn add_compiled(
        self: &Arc<Self>,
        program_id: &str,
        overrides: Overrides,
        to_start: bool,
        user: &str,
    ) -> Result<Arc<Job>, AddError> {
        let compiled = lock(&self.programs).get(program_id).cloned();
        let compiled = compiled.ok_or_else(|| AddError::UnknownProgram(program_id.to_owned()))?;
        self.config().check_overrides(&overrides)?;
        self.enqueue(compiled, overrides, to_start, user)
    }

    fn enqueue(
        self: &Arc<Self>,
        compiled: Arc<Compiled>,
        overrides: Overrides,
        to_start: bool,
        user: &str,
    ) -> Result<Arc<Job>, AddError> {
        let mut queue = lock(&self.queue);
        if queue.shut {
            return Err(AddError::Shut);
        }
        if queue.pending.len() >= self.jobs.limits.pending_jobs {
            return Err(AddError::Full(format!(
                "{} jobs wait in the queue already; remove some first",
                queue.pending.len()
            )));
        }
        let job = Job::new(JobRequest {
            id: self.jobs.fresh_id("job"),
            machine_id: self.id.clone(),
            added_by: user.to_owned(),
            compiled,
            config: self.config(),
            overrides,
            simulated: None,
            limits: &self.jobs.limits,
        });
        self.jobs.keep(&job);
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
        let spawned = std::thread::Builder::new().name(job.id.clone()).spawn(move || {
            // Whatever becomes of the job, the next one starts.
            let _place = Place { machine: &machine, job: &runner };
            let jobs = &machine.jobs;
            runner.run(RunOptions {
                io: &machine.io,
                pace: jobs.pace,
                horizon: None,
                resolved: None,
                inputs: Box::new(Silent),
                models: Some(&jobs.models),
                timing: jobs.release.timing,
            });
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
        self.jobs.ended(&job.id);
        self.start_next();
    }

    /// The job that runs (or is about to).
    pub(crate) fn running(&self) -> Option<Arc<Job>> {
        let running = lock(&self.queue).running.clone();
        // Its thread has yet to give the place back: the job itself is over.
        running.filter(|job| !job.phase().is_final())
    }

    /// The pending jobs that are meant, with their places from 1.
    pub(crate) fn pending(&self, query: &Query) -> Vec<(u32, Arc<Job>)> {
        let queue = lock(&self.queue);
        let placed = (1..).zip(queue.pending.iter());
        placed
            .filter(|(place, job)| query.means(*place, job))
            .map(|(place, job)| (place, Arc::clone(job)))
            .collect()
    }

    /// The place of a pending job, from 1.
    pub(crate) fn position(&self, job: &Job) -> Option<u32> {
        let queue = lock(&self.queue);
        let place = queue.pending.iter().position(|pending| pending.id == job.id)?;
        u32::try_from(place + 1).ok()
    }

    /// Takes the pending jobs that are meant out of the queue.
    pub(crate) fn remove(&self, query: &Query) -> usize {
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
        for job in &removed {
            job.cancel();
            self.jobs.removed(&job.id);
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
struct Place<'a> {
    machine: &'a Arc<QuantumMachine>,
    job: &'a Arc<Job>,
}

impl Drop for Place<'_> {
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
