//! The models of one run: what a resonator and a qubit behind the ports would answer.
//!
//! A readout element answers a measurement with one of two points in the IQ plane, by the state of its qubit; the
//! qubit is a Bloch vector that the pulses of its drive element turn, that decays, and that a measurement
//! projects. All random numbers come from one seeded generator, so that a run repeats.

use std::collections::{HashMap, VecDeque};

use super::description::{ModelError, Models, Qubit, Readout};
use super::noise_plan::{COUNTS, NoisePlan, Shape, rise};
use super::qubit::{Bloch, length};
use super::trace::Trace;
use crate::config::Configuration;
use crate::config::pulses::{Pulse, Wave, Waves};
use crate::config::resolved::ResolvedConfig;
use crate::signal::inputs::{Drive, HIGHEST, LOWEST, Measurement, PlannedInput};
use crate::signal::phase::{Phase, Speed};
use crate::signal::random::Random;

/// Answers that are remembered for the traces of other elements.
const MOST_ANSWERS: usize = 64;

/// The models of one run.
#[derive(Debug)]
pub(super) struct Model {
    /// By index of the resolved configuration's elements.
    resonators: Vec<Option<Resonator>>,
    /// The qubits that an element drives, by index of the resolved configuration's elements.
    driven: Vec<Vec<usize>>,
    qubits: Vec<Bloch>,
    random: Random,
    /// What measure statements compute of an answer, by their place; twice, for one that is not modulated.
    plans: Vec<Option<Box<NoisePlan>>>,
    /// The means of pulses, by index of the resolved configuration's.
    means: Vec<Option<[f64; 2]>>,
    /// What the inputs heard lately.
    answers: VecDeque<ReadoutAnswer>,
    draws: Vec<f64>,
}

#[derive(Debug)]
struct Resonator {
    readout: Readout,
    qubit: Option<usize>,
}

/// A state that was read, and what it answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub excited: bool,
    /// I and Q, volts.
    pub answer: [f64; 2],
}

/// An answer on its way: what inputs hear of it.
#[derive(Clone, Debug)]
pub(super) struct ReadoutAnswer {
    pub element: u32,
    pub read: Read,
    /// Nanoseconds; the time of flight included.
    pub start: u64,
    /// Nanoseconds of the pulse.
    pub length: u64,
    /// The carrier's phase at the start, frame included; still without one.
    pub phase: Phase,
    pub speed: Speed,
}

impl ReadoutAnswer {
    /// What it adds to an input, volts, some nanoseconds behind its start.
    fn volts(&self, shape: Shape, ns: i64, second: bool) -> f64 {
        let size = shape.at(ns as f64);
        if size == 0.0 {
            return 0.0;
        }
        let (cos, sin) = (self.phase + self.speed.over(ns as u64)).cos_sin();
        let [i, q] = self.read.answer;
        size * if second { i * sin + q * cos } else { i * cos - q * sin }
    }
}

impl Model {
    /// The models of one run.
    ///
    /// # Errors
    /// A name that the configuration does not have.
    pub(super) fn start(
        models: &Models,
        config: &Configuration,
        resolved: &ResolvedConfig,
    ) -> Result<Self, ModelError> {
        models.check()?;
        let mut model = Self {
            resonators: Vec::new(),
            driven: vec![Vec::new(); resolved.elements.len()],
            qubits: Vec::new(),
            random: Random::new(models.seed),
            plans: Vec::new(),
            means: vec![None; resolved.pulses.len()],
            answers: VecDeque::new(),
            draws: Vec::new(),
        };
        let mut known: HashMap<&str, usize> = HashMap::new();
        for element in &resolved.elements {
            let Some(readout) = models.readouts.get(&element.name) else {
                model.resonators.push(None);
                continue;
            };
            let qubit = match &readout.qubit {
                None => None,
                Some(qubit) => Some(match known.get(qubit.element.as_str()) {
                    Some(index) => *index,
                    None => {
                        let index = model.add_qubit(qubit, config, resolved)?;
                        known.insert(&qubit.element, index);
                        index
                    }
                }),
            };
            model.resonators.push(Some(Resonator { readout: readout.clone(), qubit }));
        }
        Ok(model)
    }

    /// Adds a qubit that no readout before had; gives its index.
    fn add_qubit(
        &mut self,
        qubit: &Qubit,
        config: &Configuration,
        resolved: &ResolvedConfig,
    ) -> Result<usize, ModelError> {
        let pulse = config
            .pulse(&qubit.element, &qubit.pi)
            .map_err(|error| ModelError::new(format!("the readout model: {error}")))?;
        let area = area(&pulse);
        let pi_area = length(area[0], area[1]);
        if pi_area == 0.0 {
            return Err(ModelError::new(format!(
                "the readout model: the operation '{}' of '{}' plays nothing that turns a qubit",
                qubit.pi, qubit.element
            )));
        }
        let configured = || config.frequency(&qubit.element);
        let frequency = qubit.frequency.or_else(configured).unwrap_or(0.0);
        let mut bloch = Bloch::new(qubit, frequency, pi_area);
        bloch.off = bloch.wander * self.random.normal();
        self.qubits.push(bloch);
        let index = self.qubits.len() - 1;
        let driver = resolved.elements.iter().position(|e| e.name == qubit.element);
        if let Some(driver) = driver {
            self.driven[driver].push(index);
        }
        Ok(index)
    }

    /// Whether an element's pulses turn a qubit.
    pub(super) fn turns(&self, element: u32) -> bool {
        !self.driven[element as usize].is_empty()
    }

    /// A pulse on a drive element: `phase` is that of its oscillator with the frame at the start.
    pub(super) fn drive(
        &mut self,
        element: u32,
        pulse: u32,
        resolved: &ResolvedConfig,
        drive: Drive,
    ) {
        for index in &self.driven[element as usize] {
            let qubit = &mut self.qubits[*index];
            qubit.idle(drive.at);
            let area = || area(&resolved.pulses[pulse as usize]);
            let (angle, axis) = qubit.turn_of(pulse, drive.amplitude, area);
            // A pulse that lasts longer or is cut off turns by as much more or less.
            let (angle, axis) = (drive.part * angle, drive.phase + axis);
            qubit.turn(angle, axis, drive.frequency, drive.length);
        }
    }

    /// A measurement begins: the qubit is projected. `frequency` is the element's, `factor` what its pulse
    /// is multiplied with.
    pub(super) fn read(
        &mut self,
        element: u32,
        at: u64,
        frequency: f64,
        factor: [f64; 2],
    ) -> Option<Read> {
        let resonator = self.resonators[element as usize].as_ref()?;
        let excited = match resonator.qubit {
            None => false,
            Some(index) => {
                let uniform = self.random.uniform();
                let qubit = &mut self.qubits[index];
                let wanders = qubit.wander != 0.0;
                let wander = if wanders { self.random.normal() } else { 0.0 };
                qubit.idle(at);
                let excited = uniform <= qubit.excited();
                qubit.project(excited);
                // The next shot has a frequency of its own.
                qubit.off = qubit.wander * wander;
                excited
            }
        };
        let readout = &resonator.readout;
        let point = if excited { readout.excited } else { readout.ground };
        let answer = match readout.frequency {
            None => point,
            Some(resonance) => {
                let resonance = resonance + if excited { readout.shift } else { 0.0 };
                // A Lorentzian: the point over 1 + 2i(f - f₀)/κ.
                let x = 2.0 * (frequency - resonance) / readout.linewidth;
                let norm = 1.0 + x * x;
                [(point[0] + x * point[1]) / norm, (point[1] - x * point[0]) / norm]
            }
        };
        let ([i, q], [re, im]) = (answer, factor);
        Some(Read { excited, answer: [i * re - q * im, i * im + q * re] })
    }

    /// What an amplitude makes of a pulse, as a factor of its mean: the points are those of the pulse as
    /// it is configured. One that plays nothing has no answer; one without a waveform is not its cause.
    pub(super) fn factor(
        &mut self,
        resolved: &ResolvedConfig,
        pulse: u32,
        amplitude: [f64; 4],
    ) -> [f64; 2] {
        let [a00, a01, a10, a11] = amplitude;
        let known = &mut self.means[pulse as usize];
        let [x, y] = *known.get_or_insert_with(|| {
            let pulse = &resolved.pulses[pulse as usize];
            let [i, q] = if matches!(pulse.waves, Waves::None) { [1.0, 0.0] } else { area(pulse) };
            let size = length(i, q);
            if size == 0.0 { [0.0; 2] } else { [i / size, q / size] }
        });
        // (A · z) / z, with |z| = 1.
        let (i, q) = (a00 * x + a01 * y, a10 * x + a11 * y);
        [i * x + q * y, q * x - i * y]
    }

    /// Notes an answer, for what else listens on the same inputs.
    pub(super) fn note(&mut self, answer: ReadoutAnswer) {
        if self.answers.len() >= MOST_ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(answer);
    }

    /// Whether an input hears an answer within some time.
    pub(super) fn is_heard(
        &self,
        resolved: &ResolvedConfig,
        input: usize,
        from: i64,
        to: i64,
    ) -> bool {
        self.answers.iter().any(|answer| {
            let start = answer.start as i64;
            start < to
                && start + 2 * answer.length as i64 > from
                && resolved.elements[answer.element as usize]
                    .outputs
                    .values()
                    .any(|one| *one == input)
        })
    }

    /// The values that a measure statement computes of an answer: one for each list of inputs. `still` is the
    /// carrier of an element that is not modulated. `None` when the job was halted meanwhile.
    pub(super) fn full<'c>(
        &mut self,
        resolved: &'c ResolvedConfig,
        measurement: &Measurement,
        (read, still): (Read, Option<Phase>),
        inputs: &dyn Fn() -> Vec<Vec<PlannedInput<'c>>>,
        halted: &dyn Fn() -> bool,
        out: &mut Vec<f64>,
    ) -> Option<()> {
        out.clear();
        let Some(resonator) = &self.resonators[measurement.element as usize] else {
            return Some(());
        };
        let index = 2 * measurement.place as usize + usize::from(still.is_some());
        if self.plans.len() <= index {
            self.plans.resize_with(index + 1, || None);
        }
        if self.plans[index].is_none() {
            let length = resolved.pulses[measurement.pulse as usize].length;
            let shape = Shape { rise: rise(&resonator.readout), length: f64::from(length) };
            let plan = NoisePlan::new(resolved, &inputs(), shape, still.is_none(), halted)?;
            self.plans[index] = Some(Box::new(plan));
        }
        let plan = self.plans[index].as_ref()?;
        let noise = resonator.readout.noise;
        self.draws.clear();
        if noise != 0.0 {
            self.draws.extend((0..plan.draws).map(|_| self.random.normal()));
        } else {
            self.draws.resize(plan.draws, 0.0);
        }
        let still = still.map_or((1.0, 0.0), Phase::cos_sin);
        for value in &plan.values {
            let draws = value.noise.iter().zip(&self.draws).map(|(much, draw)| much * draw);
            out.push(value.mean(read.answer, still) + noise * draws.sum::<f64>());
        }
        Some(())
    }

    /// What an input hears within some time: as noisy as the noisiest of the answers.
    pub(super) fn listen(
        &mut self,
        resolved: &ResolvedConfig,
        input: usize,
        from: i64,
        to: i64,
    ) -> Trace {
        let mut noise = 0.0f64;
        for answer in &self.answers {
            let heard =
                resolved.elements[answer.element as usize].outputs.values().any(|i| *i == input);
            let begins = answer.start as i64;
            let within = begins < to && begins + 2 * answer.length as i64 > from;
            if let Some(resonator) = &self.resonators[answer.element as usize]
                && heard
                && within
            {
                noise = noise.max(resonator.readout.noise);
            }
        }
        Trace::new(input, from, to, noise, self.random.bits())
    }

    /// What the converter of an input makes of all answers that it hears, nanosecond by nanosecond.
    pub(super) fn counts(
        &self,
        resolved: &ResolvedConfig,
        input: usize,
        from: i64,
        len: usize,
        noise: f64,
        seed: u64,
    ) -> Vec<f64> {
        let port = &resolved.inputs()[input];
        let gain = 10f64.powf(f64::from(port.gain_db) / 20.0);
        let offset = (port.offset * COUNTS).round();
        let mut volts = vec![0.0; len];
        for answer in &self.answers {
            let outputs = &resolved.elements[answer.element as usize].outputs;
            let Some(place) = outputs.values().position(|one| *one == input) else { continue };
            let Some(resonator) = &self.resonators[answer.element as usize] else { continue };
            let begins = answer.start as i64;
            if begins >= from + len as i64 || begins + 2 * answer.length as i64 <= from {
                continue;
            }
            let shape = Shape { rise: rise(&resonator.readout), length: answer.length as f64 };
            for (volts, ns) in volts.iter_mut().zip(from - begins..) {
                *volts += answer.volts(shape, ns, place > 0);
            }
        }
        let mut random = Random::new(seed);
        let mut one = |volts: f64| {
            let noisy = volts + if noise > 0.0 { noise * random.normal() } else { 0.0 };
            let counts = (noisy * gain * COUNTS).trunc().clamp(LOWEST, HIGHEST);
            (counts + offset).clamp(LOWEST, HIGHEST)
        };
        volts.into_iter().map(&mut one).collect()
    }

    /// Times of photons within a window, nanoseconds: each is followed by a time in which none is seen.
    /// The last is beyond the window, or they are as many as may be.
    pub(super) fn photons(
        &mut self,
        element: u32,
        read: Read,
        window: u64,
        dead: u64,
        most: usize,
    ) -> Vec<f64> {
        let Some(resonator) = &self.resonators[element as usize] else { return Vec::new() };
        let rate = resonator.readout.photons[usize::from(read.excited)] * 1e-3;
        let mut times = Vec::new();
        let mut at = 0.0;
        while rate > 0.0 && times.len() < most {
            at -= self.random.uniform().ln() / rate;
            if at >= window as f64 {
                break;
            }
            times.push(at);
            at += dead as f64;
        }
        times
    }
}

/// The area of a pulse's waveforms, volts times nanoseconds.
fn area(pulse: &Pulse) -> [f64; 2] {
    let of = |wave: &Wave| match wave {
        Wave::Constant(value) => value * f64::from(pulse.length),
        Wave::Samples(samples) => samples.iter().sum(),
    };
    match &pulse.waves {
        Waves::None => [0.0; 2],
        Waves::Single(wave) => [of(wave), 0.0],
        Waves::Mixed { i, q } => [of(i), of(q)],
    }
}
