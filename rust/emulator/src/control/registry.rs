//! The open machines of an emulator.

use std::sync::{Arc, Mutex};

use super::errors::OpenError;
use super::job::Job;
use super::jobs::{Jobs, Release, epoch_millis};
use super::machine::QuantumMachine;
use crate::config::{Configuration, Finding, MOST_FINDINGS, conflicts};
use crate::limits::Limits;
use crate::lock::lock;
use crate::runtime::Pace;
use crate::signal::readout::Models;

/// Everything that an emulator holds.
#[derive(Debug)]
pub(crate) struct Registry {
    /// Its jobs, of all machines and of none.
    pub jobs: Arc<Jobs>,
    machines: Mutex<Vec<Arc<QuantumMachine>>>,
    last_machine: Mutex<u128>,
}

/// A machine that was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub id: String,
    /// Jobs of machines that were closed for it.
    pub halted: Vec<Arc<Job>>,
    /// Elements of the readout model that no machine has.
    pub unknown: Vec<String>,
}

impl Registry {
    /// An emulator without machines.
    pub(crate) fn new(limits: Limits, pace: Pace, release: Release, models: Models) -> Arc<Self> {
        Arc::new(Self {
            jobs: Jobs::new(limits, pace, release, models),
            machines: Mutex::default(),
            last_machine: Mutex::new(0),
        })
    }

    /// Opens a machine. Others that have a port which it needs, and which not both share, are closed with
    /// `close_others`, and are in its way without.
    ///
    /// # Errors
    /// [`OpenError`]; the machines that were open still are.
    pub(crate) fn open(
        &self,
        config: Configuration,
        close_others: bool,
    ) -> Result<Opened, OpenError> {
        let findings = config.findings();
        if !findings.is_empty() {
            return Err(OpenError::Config(findings));
        }
        let wanted = config.shared_ports();
        // The documented form is qm- and the time in milliseconds, made unique.
        let id = {
            let mut last = lock(&self.last_machine);
            *last = epoch_millis().max(*last + 1);
            format!("qm-{last}")
        };
        let mut machines = lock(&self.machines);
        if self.jobs.is_closed() {
            return Err(OpenError::Closed);
        }
        let found: Vec<Vec<Finding>> = machines
            .iter()
            .map(|machine| conflicts(&wanted, &machine.ports, &machine.id))
            .collect();
        let in_the_way = found.iter().filter(|found| !found.is_empty()).count();
        if !close_others && in_the_way > 0 {
            let findings = found.into_iter().flatten().take(MOST_FINDINGS);
            return Err(OpenError::Config(findings.collect()));
        }
        // Nobody is closed for a machine that does not open.
        if machines.len() - in_the_way >= self.jobs.limits.machines {
            return Err(OpenError::TooMany(machines.len()));
        }
        let elements = |name: &str| {
            config.has_element(name)
                || machines.iter().any(|machine| machine.config().has_element(name))
        };
        let unknown = self.jobs.models.unknown(elements).into_iter().map(str::to_owned).collect();
        let mut found = found.into_iter();
        let stays = |_: &Arc<QuantumMachine>| found.next().is_none_or(|found| found.is_empty());
        let (kept, closed): (Vec<_>, Vec<_>) = machines.drain(..).partition(stays);
        *machines = kept;
        machines.push(QuantumMachine::new(id.clone(), config, wanted, &self.jobs));
        drop(machines);
        let halted = closed.iter().filter_map(|machine| machine.running()).collect();
        closed.iter().for_each(|machine| machine.shut());
        Ok(Opened { id, halted, unknown })
    }

    /// An open machine.
    pub(crate) fn machine(&self, id: &str) -> Option<Arc<QuantumMachine>> {
        lock(&self.machines).iter().find(|machine| machine.id == id).cloned()
    }

    /// All open machines, oldest first.
    pub(crate) fn machines(&self) -> Vec<Arc<QuantumMachine>> {
        lock(&self.machines).clone()
    }

    /// Closes a machine: its queue is cancelled, its running job halted. False when there is none.
    pub(crate) fn close(&self, id: &str) -> bool {
        let machine = {
            let mut machines = lock(&self.machines);
            let place = machines.iter().position(|machine| machine.id == id);
            place.map(|place| machines.remove(place))
        };
        machine.map(|machine| machine.shut()).is_some()
    }

    /// Closes every machine.
    pub(crate) fn close_all(&self) {
        let machines = std::mem::take(&mut *lock(&self.machines));
        machines.iter().for_each(|machine| machine.shut());
    }

    /// Names of the controllers of the open machines; `con1` when none is open.
    pub(crate) fn controllers(&self) -> Vec<String> {
        let machines = self.machines();
        let mut names: Vec<_> =
            machines.iter().flat_map(|machine| machine.config().controllers()).collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            names.push("con1".to_owned());
        }
        names
    }

    /// Halts everything and waits for the jobs' threads.
    pub(crate) fn shut_down(&self) {
        let machines = {
            let mut machines = lock(&self.machines);
            self.jobs.close();
            std::mem::take(&mut *machines)
        };
        machines.iter().for_each(|machine| machine.shut());
        self.jobs.shut_down();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiler::SourceProgram;
    use crate::control::job::Phase;
    use crate::testing::{configuration, program};

    #[test]
    fn a_job_that_panics_leaves_the_queue_going() {
        let release = Release::default();
        let registry = Registry::new(Limits::default(), Pace::Virtual, release, Models::default());
        let id = registry.open(configuration(), true).unwrap().id;
        let machine = registry.machine(&id).unwrap();
        let source = SourceProgram::from_wire(program(vec![], vec![], &[]));
        let jobs =
            ["panics", "panics", "somebody"].map(|user| machine.add(&source, false, user).unwrap());
        let ends = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !jobs.iter().all(|job| job.phase().is_final()) {
            assert!(std::time::Instant::now() < ends, "the queue stands still");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let failed = jobs.each_ref().map(|job| matches!(job.phase(), Phase::Error { .. }));
        assert_eq!(failed, [true, true, false]);
        registry.shut_down();
    }
}
