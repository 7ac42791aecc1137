//! The readout model: what a resonator and a qubit behind the ports would answer.
//!
//! It is opt-in (`Emulator(readout=…)`). A readout element answers a measurement with one of two points in
//! the IQ plane, by the state of its qubit; the qubit is a Bloch vector that the pulses of its drive
//! element turn, that decays, and that a measurement projects. All random numbers come from one
//! seeded generator, so that a run repeats.

use std::collections::HashMap;
use std::f64::consts::{PI, TAU};

use super::adc::{HIGHEST, LOWEST, mix, uniform};
use super::heard::Heard;
use super::phase::{Phase, Speed};
pub use super::plan::Side;
use super::plan::{Plan, Shape, rise};
use super::qubit::Bloch;
use super::rig::Rig;
use super::shapes::{Pulse, Wave, Waves};

/// Counts of a converter for a volt of what demodulation sees (it inverts what is at the port).
pub(super) const COUNTS: f64 = 4096.0;
/// Answers that are remembered for the traces of other elements.
const MOST_ANSWERS: usize = 64;

/// The model of one readout element, as the user describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    /// I and Q of the ground state in volts, for the measurement pulse as configured.
    pub ground: [f64; 2],
    /// I and Q of the excited state.
    pub excited: [f64; 2],
    /// The standard deviation of a sample, volts.
    pub noise: f64,
    /// The resonance with the qubit in its ground state, Hz; `None`: always on resonance.
    pub frequency: Option<f64>,
    /// The full width of the resonance, Hz; with it the answer also rises and falls slowly.
    pub linewidth: f64,
    /// How far the resonance moves when the qubit is excited, Hz.
    pub shift: f64,
    /// Mean photons in a window of a microsecond, by state, for time tags and counts.
    pub photons: [f64; 2],
    /// The qubit that it reads.
    pub qubit: Option<Qubit>,
}

/// The qubit that a readout element sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Qubit {
    /// The element that drives it.
    pub element: String,
    /// The operation of that element that turns it by π.
    pub pi: String,
    /// Its frequency as an intermediate frequency of the element, Hz; `None`: as configured.
    pub frequency: Option<f64>,
    /// Nanoseconds; infinite for none.
    pub t1: f64,
    /// Nanoseconds; infinite for none beyond `t1`.
    pub t2: f64,
    /// Nanoseconds; the time of a decay that an echo undoes.
    pub t2_star: f64,
}

/// The models of an emulator, by the name of the readout element.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Models {
    pub readouts: HashMap<String, Readout>,
    pub seed: u64,
}

/// The models of one run.
#[derive(Debug)]
pub struct Model {
    /// By index of the rig's elements.
    resonators: Vec<Option<Resonator>>,
    /// The qubits that an element drives, by index of the rig's elements.
    driven: Vec<Vec<usize>>,
    qubits: Vec<Bloch>,
    random: Random,
    /// What measure statements compute of an answer, by their place; twice, for one that is not modulated.
    plans: Vec<Option<Box<Plan>>>,
    /// The means of pulses, by index of the rig's.
    means: Vec<Option<[f64; 2]>>,
    /// What the inputs heard lately.
    answers: Vec<Answer>,
    /// The values of a measurement.
    values: Vec<f64>,
    draws: Vec<f64>,
}

#[derive(Debug)]
struct Resonator {
    readout: Readout,
    qubit: Option<usize>,
}

/// A state that was read, and what it answers.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub excited: bool,
    /// I and Q, volts.
    pub answer: [f64; 2],
}

/// An answer on its way: what inputs hear of it.
#[derive(Clone, Debug)]
pub struct Answer {
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

/// A pulse on a drive element.
#[derive(Clone, Copy, Debug)]
pub struct Drive {
    /// Nanoseconds.
    pub at: u64,
    /// Nanoseconds.
    pub length: u64,
    /// How much of the configured pulse is played: 1 for all of it.
    pub part: f64,
    pub amplitude: [f64; 4],
    pub phase: Phase,
    /// Hz.
    pub frequency: f64,
}

impl Models {
    /// Whether any of a program's elements is modelled.
    pub fn concern(&self, rig: &Rig) -> bool {
        rig.elements.iter().any(|element| self.readouts.contains_key(&element.name))
    }

    /// The elements that a configuration does not have, by name.
    pub fn unknown(&self, known: impl Fn(&str) -> bool) -> Vec<&str> {
        let mut names: Vec<&str> = self.readouts.keys().map(String::as_str).collect();
        names.retain(|name| !known(name));
        names.sort_unstable();
        names
    }

    /// Models that contradict each other.
    ///
    /// # Errors
    /// The names of the elements that do.
    pub fn check(&self) -> Result<(), String> {
        let mut known: HashMap<&str, (&String, &Qubit)> = HashMap::new();
        let mut names: Vec<_> = self.readouts.keys().collect();
        names.sort_unstable();
        for name in names {
            let Some(qubit) = &self.readouts[name].qubit else { continue };
            let (first, before) = known.entry(&qubit.element).or_insert((name, qubit));
            if *before != qubit {
                return Err(format!(
                    "the readouts of '{first}' and '{name}' describe the qubit of '{}' differently",
                    qubit.element
                ));
            }
        }
        Ok(())
    }

    /// The models of one run.
    ///
    /// # Errors
    /// A name that the configuration does not have.
    pub fn start(
        &self,
        rig: &Rig,
        pulse_of: impl Fn(&str, &str) -> Result<Pulse, String>,
        frequency_of: impl Fn(&str) -> Option<f64>,
    ) -> Result<Model, String> {
        self.check()?;
        let mut model = Model {
            resonators: Vec::new(),
            driven: vec![Vec::new(); rig.elements.len()],
            qubits: Vec::new(),
            random: Random::new(self.seed),
            plans: Vec::new(),
            means: vec![None; rig.pulses.len()],
            answers: Vec::new(),
            values: Vec::new(),
            draws: Vec::new(),
        };
        let mut known: HashMap<&str, usize> = HashMap::new();
        for element in &rig.elements {
            let Some(readout) = self.readouts.get(&element.name) else {
                model.resonators.push(None);
                continue;
            };
            let qubit = match &readout.qubit {
                None => None,
                Some(qubit) => Some(match known.get(qubit.element.as_str()) {
                    Some(index) => *index,
                    None => {
                        let pulse = pulse_of(&qubit.element, &qubit.pi)
                            .map_err(|message| format!("the readout model: {message}"))?;
                        let area = area(&pulse);
                        let pi_area = area[0].hypot(area[1]);
                        if pi_area == 0.0 {
                            return Err(format!(
                                "the readout model: the operation '{}' of '{}' plays nothing that turns a qubit",
                                qubit.pi, qubit.element
                            ));
                        }
                        let frequency =
                            qubit.frequency.or_else(|| frequency_of(&qubit.element)).unwrap_or(0.0);
                        let mut bloch = Bloch::new(qubit, frequency, pi_area);
                        bloch.off = bloch.wander * model.random.normal();
                        model.qubits.push(bloch);
                        let index = model.qubits.len() - 1;
                        let driver = rig.elements.iter().position(|e| e.name == qubit.element);
                        if let Some(driver) = driver {
                            model.driven[driver].push(index);
                        }
                        known.insert(&qubit.element, index);
                        index
                    }
                }),
            };
            model.resonators.push(Some(Resonator { readout: readout.clone(), qubit }));
        }
        Ok(model)
    }
}

impl Model {
    /// Whether an element's pulses turn a qubit.
    pub fn turns(&self, element: u32) -> bool {
        !self.driven[element as usize].is_empty()
    }

    /// A pulse on a drive element: `phase` is that of its oscillator with the frame at the start.
    pub fn drive(&mut self, element: u32, pulse: u32, rig: &Rig, drive: Drive) {
        for index in &self.driven[element as usize] {
            let qubit = &mut self.qubits[*index];
            qubit.idle(drive.at);
            let pulse = pulse as usize;
            qubit.areas.resize(qubit.areas.len().max(pulse + 1), None);
            let [x, y] = *qubit.areas[pulse].get_or_insert_with(|| area(&rig.pulses[pulse]));
            let [a00, a01, a10, a11] = drive.amplitude;
            let (i, q) = (a00 * x + a01 * y, a10 * x + a11 * y);
            // A pulse that lasts longer or is cut off turns by as much more or less.
            let angle = PI * drive.part * i.hypot(q) / qubit.pi_area;
            let axis = drive.phase + Phase::from_turns(q.atan2(i) / TAU);
            qubit.turn(angle, axis, drive.frequency, drive.length);
        }
    }

    /// A measurement begins: the qubit is projected. `frequency` is the element's, `factor` what its pulse
    /// is multiplied with.
    pub fn read(
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
                let excited = uniform <= (1.0 - qubit.vector[2]) / 2.0;
                qubit.vector = [0.0, 0.0, if excited { -1.0 } else { 1.0 }];
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
    pub fn factor(&mut self, rig: &Rig, pulse: u32, amplitude: [f64; 4]) -> [f64; 2] {
        let [a00, a01, a10, a11] = amplitude;
        let known = &mut self.means[pulse as usize];
        let [x, y] = *known.get_or_insert_with(|| {
            let pulse = &rig.pulses[pulse as usize];
            let [i, q] = if matches!(pulse.waves, Waves::None) { [1.0, 0.0] } else { area(pulse) };
            let size = i.hypot(q);
            if size == 0.0 { [0.0; 2] } else { [i / size, q / size] }
        });
        // (A · z) / z, with |z| = 1.
        let (i, q) = (a00 * x + a01 * y, a10 * x + a11 * y);
        [i * x + q * y, q * x - i * y]
    }

    /// Notes an answer, for what else listens on the same inputs.
    pub fn note(&mut self, answer: Answer) {
        if self.answers.len() >= MOST_ANSWERS {
            let now = answer.start;
            self.answers.retain(|old| old.start + 2 * old.length > now);
            if self.answers.len() >= MOST_ANSWERS {
                self.answers.remove(0);
            }
        }
        self.answers.push(answer);
    }

    /// Whether an input hears an answer within some time.
    pub fn is_heard(&self, rig: &Rig, input: usize, from: i64, to: i64) -> bool {
        self.answers.iter().any(|answer| {
            let start = answer.start as i64;
            start < to
                && start + 2 * answer.length as i64 > from
                && rig.elements[answer.element as usize].outputs.values().any(|one| *one == input)
        })
    }

    /// The values that a measure statement computes of an answer: one for each list of sides. `place`
    /// tells the statement; `still` is the carrier of an element that is not modulated. `None` when the job
    /// was halted meanwhile.
    #[expect(clippy::too_many_arguments, reason = "the parts of one measurement")]
    pub fn full<'s>(
        &mut self,
        rig: &Rig,
        element: u32,
        place: u32,
        length: u32,
        read: Read,
        still: Option<Phase>,
        sides: impl Fn() -> Vec<Vec<Side<'s>>>,
        halted: &dyn Fn() -> bool,
    ) -> Option<&[f64]> {
        self.values.clear();
        let Some(resonator) = &self.resonators[element as usize] else { return Some(&self.values) };
        let index = 2 * place as usize + usize::from(still.is_some());
        if self.plans.len() <= index {
            self.plans.resize_with(index + 1, || None);
        }
        if self.plans[index].is_none() {
            let shape = Shape { rise: rise(&resonator.readout), length: f64::from(length) };
            let plan = Plan::new(rig, &sides(), shape, still.is_none(), halted)?;
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
        let (cos, sin) = still.map_or((1.0, 0.0), Phase::cos_sin);
        for parts in &plan.values {
            let mut value = 0.0;
            for part in parts {
                value += part.mean(read.answer, cos, sin);
                let draws = part.noise.iter().map(|(draw, much)| much * self.draws[*draw]);
                value += noise * draws.sum::<f64>();
            }
            self.values.push(value);
        }
        Some(&self.values)
    }

    /// What an input hears within some time: as noisy as the noisiest of the answers.
    pub fn listen(&mut self, rig: &Rig, input: usize, from: i64, to: i64) -> Heard {
        let mut noise = 0.0f64;
        for answer in &self.answers {
            let heard = rig.elements[answer.element as usize].outputs.values().any(|i| *i == input);
            let begins = answer.start as i64;
            let within = begins < to && begins + 2 * answer.length as i64 > from;
            if let Some(resonator) = &self.resonators[answer.element as usize]
                && heard
                && within
            {
                noise = noise.max(resonator.readout.noise);
            }
        }
        Heard::new(input, from, to, noise, self.random.bits())
    }

    /// What the converter of an input makes of all answers that it hears, nanosecond by nanosecond.
    pub(super) fn counts(
        &self,
        rig: &Rig,
        input: usize,
        from: i64,
        len: usize,
        noise: f64,
        seed: u64,
    ) -> Vec<f64> {
        let port = &rig.inputs[input];
        let gain = 10f64.powf(f64::from(port.gain_db) / 20.0);
        let offset = (port.offset * COUNTS).round();
        let mut volts = vec![0.0; len];
        for answer in &self.answers {
            let outputs = &rig.elements[answer.element as usize].outputs;
            let Some(place) = outputs.values().position(|one| *one == input) else { continue };
            let Some(resonator) = &self.resonators[answer.element as usize] else { continue };
            let begins = answer.start as i64;
            if begins >= from + len as i64 || begins + 2 * answer.length as i64 <= from {
                continue;
            }
            let shape = Shape { rise: rise(&resonator.readout), length: answer.length as f64 };
            let [i, q] = answer.read.answer;
            for (index, volts) in volts.iter_mut().enumerate() {
                let ns = from + index as i64 - begins;
                let size = shape.at(ns as f64);
                if size != 0.0 {
                    let (cos, sin) = (answer.phase + answer.speed.over(ns as u64)).cos_sin();
                    let second = place > 0;
                    *volts += size * if second { i * sin + q * cos } else { i * cos - q * sin };
                }
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
    pub fn photons(
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

/// Seeded random numbers.
#[derive(Debug)]
struct Random {
    state: u64,
    spare: Option<f64>,
}

impl Random {
    fn new(seed: u64) -> Self {
        Self { state: mix(seed), spare: None }
    }

    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// In (0, 1].
    fn uniform(&mut self) -> f64 {
        uniform(self.bits())
    }

    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // Marsaglia's polar method: a point within the unit circle.
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let size = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(y * size);
                return x * size;
            }
        }
    }
}
