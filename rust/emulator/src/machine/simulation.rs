//! Simulations: a program run for a bounded time, and what all ports do in it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pulsewire_wire::frontend::execution_request::simulate::SimulationInterface;
use pulsewire_wire::frontend::execution_request::simulate::simulation_interface::{
    InterfaceOneof, Loopback as WireLoopback, RawInterface,
};
use pulsewire_wire::qua::QuaProgram;
use pulsewire_wire::qua_config::QuaConfig;

use super::Hub;
use super::correction::{first_version, no_config};
use super::job::{Course, Job, Played};
use super::quantum_machine::AddError;
use super::validate::{ANALOG_INPUTS, ANALOG_OUTPUTS, validate};
use crate::program::run::{CYCLE_NS, IoRegisters, Pace};
use crate::program::{Compiled, compile};
use crate::pulse::adc::{Adc, Loopback, Noise, Raw};
use crate::pulse::render::{Analog, STRETCH, Score};
use crate::pulse::rig::{Port, Rig};

/// How often a program with a loopback is run at most, until what it hears is what it plays.
const MOST_PASSES: usize = 8;
/// The seed of the noise of loopbacks and raw samples.
const NOISE_SEED: u64 = 0x70_756c_7365;

/// What is to be simulated.
#[derive(Debug, Default)]
pub struct Request {
    pub config: QuaConfig,
    pub program: QuaProgram,
    /// Clock cycles.
    pub cycles: u32,
    pub interface: Option<SimulationInterface>,
    /// Whether the structures of waveforms are asked for.
    pub structured: bool,
}

/// What a simulation played.
#[derive(Debug)]
pub struct Simulation {
    pub score: Arc<Score>,
    /// Samples of each port.
    pub length: usize,
}

impl Simulation {
    /// The analog outputs that have to be clipped.
    pub fn clipped(&self) -> Vec<usize> {
        let mut analog = Analog::new(Arc::clone(&self.score));
        for from in (0..self.length).step_by(STRETCH) {
            analog.next(STRETCH.min(self.length - from));
        }
        analog.clipped()
    }
}

/// Runs a program for some clock cycles of its own time, on the caller's thread.
///
/// # Errors
/// [`AddError`]; no job is made then.
pub fn simulate(hub: &Hub, request: Request, user: &str) -> Result<Arc<Job>, AddError> {
    let Request { config, program, cycles, interface, structured } = request;
    let first = first_version(&config).ok_or_else(|| AddError::NoConfig(no_config(&config)))?;
    let findings = validate(first);
    if !findings.is_empty() {
        return Err(AddError::Config(findings));
    }
    let compiled =
        compile(&program, first, &hub.limits, hub.release.msb).map_err(AddError::Compile)?;
    let rig = Rig::build(first, &compiled.program.parts, &HashMap::new());
    let rig = Arc::new(rig.map_err(AddError::Interface)?);
    let length = u64::from(cycles) * CYCLE_NS;
    let ports = (rig.outputs.len() + rig.digital.len()).max(1) as u64;
    if length.saturating_mul(ports) > hub.limits.simulated_samples as u64 {
        return Err(AddError::Interface(format!(
            "{cycles} clock cycles of {ports} ports are more than {} samples; simulate a shorter time",
            hub.limits.simulated_samples
        )));
    }
    let length = length as usize;
    let mut unused = Vec::new();
    let mut adc = adc(interface.as_ref(), first, &rig, length, &mut unused)?;
    let delays = rig.delays(compiled.program.alignment);
    let moved = rig.moved(compiled.program.alignment);
    match &mut adc {
        Adc::Silent => {}
        Adc::Loopback(loopback) => loopback.delay = u64::from(moved),
        Adc::Raw(raw) => raw.delay = u64::from(moved),
    }
    let compiled = Arc::new(compiled);
    let clock = Clock::new(hub.limits.simulation_seconds);
    let mut settled = true;
    if let Adc::Loopback(loopback) = &mut adc {
        settled = loop_back(hub, &compiled, &rig, loopback, &delays, cycles, length, &clock);
    }
    let config = Arc::new(config);
    let job = Job::new(hub, "", user, compiled, config, HashMap::new(), Some(cycles));
    for message in unused {
        job.warn(format!("A connection of the simulation leads nowhere: {message}"));
    }
    if !settled && !clock.is_over() {
        job.fail(format!(
            "What the program hears by the loopback still changes what it plays after {MOST_PASSES} runs: samples and results are those of the last"
        ));
    }
    let registers = IoRegisters::default();
    let models = matches!(adc, Adc::Silent).then_some(&hub.models);
    let course = Course {
        io: &registers,
        pace: Pace::Virtual,
        horizon: Some(u64::from(cycles)),
        rig: Some(Arc::clone(&rig)),
        adc,
        models,
        timing: hub.release.timing,
    };
    let Played { tape, stood } = watched(&job, course, &clock);
    if clock.is_over() {
        job.fail(clock.message(stood.as_deref()));
    }
    let timing = hub.release.timing;
    let score = Arc::new(Score { rig, tape, delays, moved, timing });
    job.set_simulation(Simulation { score, length }, structured);
    job.settle();
    hub.ended(&job.id);
    Ok(job)
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

/// Runs a job, and halts it when it computes for too long.
fn watched(job: &Arc<Job>, course: Course<'_>, clock: &Clock) -> Played {
    let halted = Arc::clone(job);
    let left = clock.ends.saturating_duration_since(Instant::now());
    std::thread::scope(|scope| {
        let (ended, wait) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            let late = wait.recv_timeout(left);
            if late.is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout) {
                halted.control.halt();
            }
        });
        let played = job.run(course);
        drop(ended);
        played
    })
}

/// What comes back depends on what is played, also by elements whose statements stand further down:
/// the program is run until what it hears is what it plays. False when that does not come to be.
#[expect(clippy::too_many_arguments, reason = "the parts of one simulation")]
fn loop_back(
    hub: &Hub,
    compiled: &Arc<Compiled>,
    rig: &Arc<Rig>,
    loopback: &mut Loopback,
    delays: &[u32],
    cycles: u32,
    length: usize,
    clock: &Clock,
) -> bool {
    for _ in 0..MOST_PASSES {
        let config = Arc::new(QuaConfig::default());
        let trial = Job::trial(hub, Arc::clone(compiled), config);
        let registers = IoRegisters::default();
        let course = Course {
            io: &registers,
            pace: Pace::Virtual,
            horizon: Some(u64::from(cycles)),
            rig: Some(Arc::clone(rig)),
            adc: Adc::Loopback(loopback.clone()),
            models: None,
            timing: hub.release.timing,
        };
        let tape = watched(&trial, course, clock).tape;
        if trial.control.is_halted() {
            return false;
        }
        let (rig, delays) = (Arc::clone(rig), delays.to_vec());
        let score = Score { rig, tape, delays, moved: 0, timing: hub.release.timing };
        let outputs = Analog::new(Arc::new(score)).all(length);
        if *loopback.outputs == outputs {
            return true;
        }
        loopback.outputs = Arc::new(outputs);
    }
    false
}

/// The analog inputs of a simulation.
fn adc(
    interface: Option<&SimulationInterface>,
    config: &pulsewire_wire::qua_config::qua_config::QuaConfigV1,
    rig: &Rig,
    length: usize,
    unused: &mut Vec<String>,
) -> Result<Adc, AddError> {
    match interface.and_then(|interface| interface.interface_oneof.as_ref()) {
        None | Some(InterfaceOneof::None(_)) => Ok(Adc::Silent),
        Some(InterfaceOneof::Loopback(loopback)) => looped(loopback, config, rig, length, unused),
        Some(InterfaceOneof::Raw(raw)) => given(raw, rig, unused),
    }
    .map_err(AddError::Interface)
}

fn noise(power: f64) -> Result<Noise, String> {
    if !(power.is_finite() && power >= 0.0) {
        return Err(format!("the simulation's noisePower is {power}, not a variance"));
    }
    Ok(Noise { deviation: power.sqrt(), seed: NOISE_SEED })
}

/// The index of a port, or, of one that the hardware has and the configuration does not, what to say of it.
type Found = Result<usize, String>;

fn output(rig: &Rig, controller: &str, port: i32) -> Result<Found, String> {
    let ports = rig.outputs.iter().map(|output| &output.port);
    place(ports, controller, port, ANALOG_OUTPUTS, "analog output")
}

fn input(rig: &Rig, controller: &str, port: i32) -> Result<Found, String> {
    let ports = rig.inputs.iter().map(|input| &input.port);
    let known = rig.outputs.iter().any(|output| output.port.controller == controller);
    match place(ports, controller, port, ANALOG_INPUTS, "analog input") {
        // A controller without analog inputs has outputs.
        Err(message) if known && (1..=ANALOG_INPUTS as i32).contains(&port) => Ok(Err(message)),
        found => found,
    }
}

fn place<'p>(
    ports: impl Iterator<Item = &'p Port>,
    controller: &str,
    port: i32,
    most: u32,
    what: &str,
) -> Result<Found, String> {
    let mut known = false;
    for (index, one) in ports.enumerate() {
        if one.controller == controller {
            known = true;
            if i64::from(one.number) == i64::from(port) {
                return Ok(Ok(index));
            }
        }
    }
    let message = format!("the configuration has no {what} {port} of '{controller}'");
    if known && (1..=i64::from(most)).contains(&i64::from(port)) {
        return Ok(Err(message));
    }
    Err(message)
}

fn looped(
    loopback: &WireLoopback,
    config: &pulsewire_wire::qua_config::qua_config::QuaConfigV1,
    rig: &Rig,
    length: usize,
    unused: &mut Vec<String>,
) -> Result<Adc, String> {
    use pulsewire_wire::qua_config::qua_config::element_dec::ElementInputsOneOf;
    let mut connections = Vec::new();
    for connection in &loopback.connections {
        if connection.from_port >= 0 {
            let from = output(rig, &connection.from_controller, connection.from_port)?;
            let to = input(rig, &connection.to_controller, connection.to_port)?;
            match (from, to) {
                (Ok(from), Ok(to)) => connections.push((from, to)),
                (Err(message), _) | (_, Err(message)) => unused.push(message),
            }
            continue;
        }
        // By elements: all outputs of one to an input of the other's controller.
        let missing = |name: &str| format!("the loopback names an unknown element '{name}'");
        let from = &connection.from_controller;
        let element = config.elements.get(from).ok_or_else(|| missing(from))?;
        let to = &connection.to_controller;
        let reader = config.elements.get(to).ok_or_else(|| missing(to))?;
        let reads = reader.outputs.values().next();
        let controller = reads.map(|output| output.controller.clone());
        let controller = controller.ok_or_else(|| format!("the element '{to}' has no outputs"))?;
        let to = match input(rig, &controller, connection.to_port)? {
            Ok(to) => to,
            Err(message) => {
                unused.push(message);
                continue;
            }
        };
        let ports = match element.element_inputs_one_of.as_ref() {
            Some(ElementInputsOneOf::SingleInput(single)) => vec![single.port.clone()],
            Some(ElementInputsOneOf::MixInputs(mix)) => vec![mix.i.clone(), mix.q.clone()],
            _ => return Err(format!("the element '{from}' has no single output to loop back")),
        };
        for port in ports.into_iter().flatten() {
            let number = i32::try_from(port.number).unwrap_or(i32::MAX);
            match output(rig, &port.controller, number)? {
                Ok(from) => connections.push((from, to)),
                Err(message) => unused.push(message),
            }
        }
    }
    Ok(Adc::Loopback(Loopback {
        connections,
        latency: u64::from(loopback.latency),
        delay: 0,
        noise: noise(loopback.noise_power)?,
        outputs: Arc::new(vec![vec![0.0; length]; rig.outputs.len()]),
    }))
}

fn given(raw: &RawInterface, rig: &Rig, unused: &mut Vec<String>) -> Result<Adc, String> {
    let mut samples = Vec::new();
    for connection in &raw.connections {
        let to = input(rig, &connection.from_controller, connection.from_port)?;
        if connection.to_samples.iter().any(|sample| !sample.is_finite()) {
            return Err("a raw sample of the simulation is not finite".to_owned());
        }
        match to {
            Ok(to) => samples.push((to, connection.to_samples.clone().into())),
            Err(message) => unused.push(message),
        }
    }
    Ok(Adc::Raw(Raw { samples, delay: 0, noise: noise(raw.noise_power)? }))
}
