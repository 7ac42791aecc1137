//! Simulations: a program run for a bounded time, and the samples of every port.
//!
//! Programs that compile here play nothing, so each analog output stays at its offset and each
//! digital output is low, for the whole of the simulated time.

use std::sync::Arc;
use std::time::Duration;

use pulsewire_wire::qua::QuaProgram;
use pulsewire_wire::qua_config::QuaConfig;
use pulsewire_wire::qua_config::qua_config::ControllerDec;
use pulsewire_wire::qua_config::qua_config::fem_types::FemTypeOneOf;

use super::Hub;
use super::correction::first_version;
use super::job::Job;
use super::quantum_machine::AddError;
use crate::program::compile;
use crate::program::run::{CYCLE_NS, IoRegisters, Pace};

/// How long a simulation may compute.
const PATIENCE: Duration = Duration::from_secs(60);

/// A column of the samples.
#[derive(Clone, Debug, PartialEq)]
pub enum Simulated {
    /// The volts of an analog output, by `controller:analog:port`.
    Analog { name: String, volts: f64 },
    /// The level of a digital output, by `controller:digital:port`.
    Digital { name: String, high: bool },
}

/// Runs a program for `cycles` clock cycles of its own time, on the caller's thread.
///
/// # Errors
/// [`AddError`]; no job is made then.
pub fn simulate(
    hub: &Hub,
    config: QuaConfig,
    program: &QuaProgram,
    cycles: u32,
    user: &str,
) -> Result<Arc<Job>, AddError> {
    let first = first_version(&config).ok_or(AddError::NoConfig)?;
    let compiled = compile(program, first, &hub.limits).map_err(AddError::Compile)?;
    let job = Job::new(hub, "", user, Arc::new(compiled), Arc::new(config), Some(cycles));
    let registers = IoRegisters::default();
    // A program may compute for ever without its time passing.
    let watched = Arc::clone(&job);
    std::thread::scope(|scope| {
        let (ended, wait) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            if wait
                .recv_timeout(PATIENCE)
                .is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                watched.control.halt();
            }
        });
        job.run(&registers, Pace::Virtual, Some(u64::from(cycles)));
        drop(ended);
    });
    job.settle();
    hub.ended(&job.id);
    Ok(job)
}

impl Job {
    /// The columns of the samples of a simulated job, ports in order.
    pub fn ports(&self, analog: bool, digital: bool) -> Vec<Simulated> {
        let Some(config) = first_version(&self.config) else {
            return Vec::new();
        };
        let mut controllers: Vec<(&String, &ControllerDec)> = config.controllers.iter().collect();
        for (name, device) in &config.control_devices {
            for fem in device.fems.values() {
                if let Some(FemTypeOneOf::Opx(controller)) = fem.fem_type_one_of.as_ref()
                    && !config.controllers.contains_key(name)
                {
                    controllers.push((name, controller));
                }
            }
        }
        controllers.sort_by_key(|(name, _)| name.as_str());
        let mut columns = Vec::new();
        for (name, controller) in controllers {
            let mut outputs: Vec<_> = controller.analog_outputs.iter().collect();
            outputs.sort_by_key(|(port, _)| **port);
            columns.extend(outputs.into_iter().filter(|_| analog).map(|(port, output)| {
                let volts = output.offset.unwrap_or(0.0);
                Simulated::Analog { name: format!("{name}:analog:{port}"), volts }
            }));
            let mut outputs: Vec<_> = controller.digital_outputs.iter().collect();
            outputs.sort_by_key(|(port, _)| **port);
            columns.extend(outputs.into_iter().filter(|_| digital).map(|(port, output)| {
                let high = output.inverted.unwrap_or(false);
                Simulated::Digital { name: format!("{name}:digital:{port}"), high }
            }));
        }
        columns
    }
}

/// Samples of a simulated time: one a nanosecond.
pub fn rows(cycles: u32) -> u64 {
    u64::from(cycles) * CYCLE_NS
}
