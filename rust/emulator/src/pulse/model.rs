//! The readout model: what a resonator and a qubit behind the ports would answer.
//!
//! It is opt-in (`Emulator(readout=…)`). A readout element answers a measurement with one of two points in
//! the IQ plane, by the state of its qubit; the qubit is a Bloch vector that the pulses of its drive
//! element turn, that decays, and that a measurement projects. All random numbers come from one
//! seeded generator, so that a run repeats.

use std::collections::HashMap;
use std::f64::consts::{PI, TAU};

use super::adc::{mix, uniform};
use super::phase::Phase;
use super::rig::Rig;
use super::shapes::{Pulse, WEIGHT_NS, Wave, Waves, Weights};

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
}

#[derive(Debug)]
struct Resonator {
    readout: Readout,
    qubit: Option<usize>,
    /// What a measurement needs of a pulse's weights, by pulse and name.
    gains: HashMap<(u32, String), Gains>,
}

/// Sums of a pulse's weights with the shape of the answer; of each 4 ns and of all.
#[derive(Clone, Debug, Default)]
struct Gains {
    cosine: Vec<f64>,
    sine: Vec<f64>,
    energy: Vec<f64>,
    all: [f64; 3],
}

/// A qubit: its Bloch vector in the frame that turns with it; the ground state is up.
#[derive(Debug)]
struct Bloch {
    vector: [f64; 3],
    /// Nanoseconds of the last change.
    at: u64,
    /// Hz.
    frequency: f64,
    /// The area of the pulse that turns it by π, volts times nanoseconds.
    pi_area: f64,
    t1: f64,
    t2: f64,
    /// The standard deviation of its frequency from shot to shot, Hz, and what it is now.
    wander: f64,
    off: f64,
    /// The area of each pulse that was played.
    areas: HashMap<u32, [f64; 2]>,
}

/// A state that was read, and the amplitude it was read with.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub excited: bool,
    /// I and Q.
    pub answer: [f64; 2],
}

impl Models {
    /// Whether any of a program's elements is modelled.
    pub fn concern(&self, rig: &Rig) -> bool {
        rig.elements.iter().any(|element| self.readouts.contains_key(&element.name))
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
        let mut model = Model {
            resonators: Vec::new(),
            driven: vec![Vec::new(); rig.elements.len()],
            qubits: Vec::new(),
            random: Random::new(self.seed),
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
                        model.qubits.push(Bloch::new(qubit, frequency, pi_area));
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
            let readout = readout.clone();
            model.resonators.push(Some(Resonator { readout, qubit, gains: HashMap::new() }));
        }
        Ok(model)
    }
}

impl Model {
    /// Whether an element's measurements are modelled.
    pub fn reads(&self, element: u32) -> bool {
        self.resonators[element as usize].is_some()
    }

    /// Whether an element's pulses turn a qubit.
    pub fn turns(&self, element: u32) -> bool {
        !self.driven[element as usize].is_empty()
    }

    /// A pulse on a drive element: `phase` is that of its oscillator with the frame at the start.
    pub fn drive(&mut self, element: u32, pulse: u32, rig: &Rig, drive: Drive) {
        for index in &self.driven[element as usize] {
            let qubit = &mut self.qubits[*index];
            qubit.idle(drive.at);
            let [x, y] =
                *qubit.areas.entry(pulse).or_insert_with(|| area(&rig.pulses[pulse as usize]));
            let [a00, a01, a10, a11] = drive.amplitude;
            let (i, q) = (a00 * x + a01 * y, a10 * x + a11 * y);
            // A pulse that lasts longer or is cut off turns by as much more or less.
            let angle = PI * drive.part * i.hypot(q) / qubit.pi_area;
            let axis = drive.phase + Phase::from_turns(q.atan2(i) / TAU);
            qubit.turn(angle, axis, drive.frequency, drive.length);
        }
    }

    /// A measurement begins: the qubit is projected. `frequency` is the element's, `amplitude` the
    /// factor of its pulse.
    pub fn read(&mut self, element: u32, at: u64, frequency: f64, amplitude: f64) -> Option<Read> {
        let resonator = self.resonators[element as usize].as_ref()?;
        let excited = match resonator.qubit {
            None => false,
            Some(index) => {
                let uniform = self.random.uniform();
                let wander = self.random.normal();
                let qubit = &mut self.qubits[index];
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
        Some(Read { excited, answer: answer.map(|v| v * amplitude) })
    }

    /// What weights make of an answer: the value of all of the window.
    pub fn full(&mut self, element: u32, read: Read, side: Side<'_>) -> f64 {
        let Some((gains, noise)) = self.gains(element, &side) else { return 0.0 };
        let [cosine, sine, energy] = gains.all;
        let value = weighted(read.answer, cosine, sine, side.second);
        let deviation = noise * energy.sqrt();
        value + deviation * self.random.normal()
    }

    /// The same for each 4 ns, added to `sums`.
    pub fn each(&mut self, element: u32, read: Read, side: Side<'_>, sums: &mut [f64]) {
        let Some((gains, noise)) = self.gains(element, &side) else { return };
        let Gains { cosine, sine, energy, .. } = gains.clone();
        for (index, sum) in sums.iter_mut().enumerate() {
            let value = weighted(read.answer, cosine[index], sine[index], side.second);
            *sum += value + noise * energy[index].sqrt() * self.random.normal();
        }
    }

    fn gains(&mut self, element: u32, side: &Side<'_>) -> Option<(&Gains, f64)> {
        let resonator = self.resonators[element as usize].as_mut()?;
        let noise = resonator.readout.noise;
        // Looked up twice to keep the name from being copied each time.
        let key = (side.pulse, side.name);
        let known = resonator.gains.keys().any(|(pulse, name)| (*pulse, name.as_str()) == key);
        if !known {
            let rise = rise(&resonator.readout);
            let gains = Gains::new(side.weights, rise, u64::from(side.length), side.demodulates);
            resonator.gains.insert((side.pulse, side.name.to_owned()), gains);
        }
        let found =
            resonator.gains.iter().find(|((pulse, name), _)| (*pulse, name.as_str()) == key);
        found.map(|(_, gains)| (gains, noise))
    }

    /// The volts of one sample, as the converter shows them.
    pub fn sample(
        &mut self,
        element: u32,
        read: Read,
        at: i64,
        length: u64,
        turn: Phase,
    ) -> [f64; 2] {
        let Some(resonator) = &self.resonators[element as usize] else { return [0.0; 2] };
        let noise = resonator.readout.noise;
        let shape = shape(rise(&resonator.readout), at as f64, length as f64);
        let (cos, sin) = turn.cos_sin();
        let [i, q] = read.answer;
        let mut noisy = |volts: f64| shape * volts + noise * self.random.normal();
        [noisy(i * cos - q * sin), noisy(i * sin + q * cos)]
    }

    /// Times of photons within a window, nanoseconds.
    pub fn photons(&mut self, element: u32, read: Read, window: u64, most: usize) -> Vec<f64> {
        let Some(resonator) = &self.resonators[element as usize] else { return Vec::new() };
        let rate = resonator.readout.photons[usize::from(read.excited)] * 1e-3;
        let mut times = Vec::new();
        if rate <= 0.0 {
            return times;
        }
        let mut at = 0.0;
        loop {
            at -= self.random.uniform().ln() / rate;
            if at >= window as f64 || times.len() >= most {
                return times;
            }
            times.push(at);
        }
    }
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

/// Weights of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub pulse: u32,
    pub name: &'a str,
    pub weights: &'a Weights,
    /// Nanoseconds of the pulse.
    pub length: u32,
    pub demodulates: bool,
    /// Whether it is the second input, which carries the quadrature.
    pub second: bool,
}

/// What an answer gives with sums of weights: the parts of a demodulation that do not oscillate.
fn weighted([i, q]: [f64; 2], cosine: f64, sine: f64, second: bool) -> f64 {
    if second { cosine * q + sine * i } else { cosine * i - sine * q }
}

impl Gains {
    fn new(weights: &Weights, rise: f64, length: u64, demodulates: bool) -> Self {
        let mut gains = Self::default();
        let count = weights.cosine.len().max(weights.sine.len());
        for index in 0..count {
            let of = |values: &[f64]| values.get(index).copied().unwrap_or(0.0);
            let (cosine, sine) = (of(&weights.cosine), of(&weights.sine));
            let from = (index * WEIGHT_NS as usize) as f64;
            let shape: f64 =
                (0..WEIGHT_NS).map(|k| shape(rise, from + f64::from(k), length as f64)).sum();
            // Half of the power is in the part that oscillates.
            let half = if demodulates { 0.5 } else { 0.0 } / 4096.0;
            gains.cosine.push(half * shape * cosine);
            gains.sine.push(half * shape * sine);
            let power =
                if demodulates { 0.5 * (cosine * cosine + sine * sine) } else { cosine * cosine };
            gains.energy.push(f64::from(WEIGHT_NS) * power / 4096.0 / 4096.0);
        }
        gains.all = [&gains.cosine, &gains.sine, &gains.energy].map(|all| all.iter().sum());
        gains
    }
}

/// The time in which an answer rises, nanoseconds.
fn rise(readout: &Readout) -> f64 {
    if readout.linewidth > 0.0 { 1e9 / (PI * readout.linewidth) } else { 0.0 }
}

/// How much of an answer is there: it rises during the pulse and falls behind it.
fn shape(rise: f64, at: f64, length: f64) -> f64 {
    let up = |t: f64| if rise == 0.0 { 1.0 } else { 1.0 - (-t / rise).exp() };
    if at < 0.0 {
        0.0
    } else if at < length {
        up(at)
    } else if rise == 0.0 {
        0.0
    } else {
        up(length) * (-(at - length) / rise).exp()
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

impl Bloch {
    fn new(qubit: &Qubit, frequency: f64, pi_area: f64) -> Self {
        let wander = if qubit.t2_star.is_finite() && qubit.t2_star > 0.0 {
            1e9 / (PI * 2f64.sqrt() * qubit.t2_star)
        } else {
            0.0
        };
        Self {
            vector: [0.0, 0.0, 1.0],
            at: 0,
            frequency,
            pi_area,
            t1: qubit.t1,
            t2: qubit.t2.min(2.0 * qubit.t1),
            wander,
            off: 0.0,
            areas: HashMap::new(),
        }
    }

    /// Nothing happens to it up to now.
    fn idle(&mut self, at: u64) {
        let passed = at.saturating_sub(self.at) as f64;
        self.at = self.at.max(at);
        if passed == 0.0 {
            return;
        }
        let [x, y, z] = &mut self.vector;
        if self.t1.is_finite() && *z != 1.0 {
            *z = 1.0 - (1.0 - *z) * (-passed / self.t1).exp();
        }
        if *x == 0.0 && *y == 0.0 {
            return;
        }
        if self.t2.is_finite() {
            let left = (-passed / self.t2).exp();
            (*x, *y) = (*x * left, *y * left);
        }
        if self.off != 0.0 {
            (*x, *y) = around_z(*x, *y, Phase::from_turns(self.off * passed * 1e-9));
        }
    }

    /// Turns it by a pulse of constant strength.
    fn turn(&mut self, angle: f64, axis: Phase, frequency: f64, length: u64) {
        // The axis in the frame of the qubit, which turns with its own frequency.
        let own = super::phase::Speed::from_hz(self.frequency);
        let axis = axis - own.over(self.at);
        let detuning = TAU * (frequency - self.frequency - self.off) * length as f64 * 1e-9;
        let [mut x, mut y, mut z] = self.vector;
        (x, y) = around_z(x, y, -axis);
        // A turn about (angle, 0, -detuning), in the frame of the drive.
        let size = angle.hypot(detuning);
        if size > 0.0 {
            let (nx, nz) = (angle / size, -detuning / size);
            let (sin, cos) = size.sin_cos();
            let along = (nx * x + nz * z) * (1.0 - cos);
            let (cx, cy, cz) = (-nz * y, nz * x - nx * z, nx * y);
            (x, y, z) = (
                x * cos + cx * sin + nx * along,
                y * cos + cy * sin,
                z * cos + cz * sin + nz * along,
            );
        }
        let back = axis + Phase::from_turns((frequency - self.frequency) * length as f64 * 1e-9);
        (x, y) = around_z(x, y, back);
        self.vector = [x, y, z];
        let end = self.at + length;
        // It decays during the pulse too, but does not turn twice.
        let off = std::mem::take(&mut self.off);
        self.idle(end);
        self.off = off;
    }
}

fn around_z(x: f64, y: f64, turn: Phase) -> (f64, f64) {
    let (cos, sin) = turn.cos_sin();
    (x * cos - y * sin, x * sin + y * cos)
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

    /// In (0, 1].
    fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        uniform(mix(self.state))
    }

    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let (sin, cos) = (TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qubit() -> Bloch {
        let qubit = Qubit {
            element: "q".into(),
            pi: "x180".into(),
            frequency: None,
            t1: f64::INFINITY,
            t2: f64::INFINITY,
            t2_star: f64::INFINITY,
        };
        Bloch::new(&qubit, 50e6, 1.0)
    }

    #[test]
    fn pulses_turn_the_vector() {
        let mut bloch = qubit();
        let speed = super::super::phase::Speed::from_hz(50e6);
        // Two halves of π, far apart, on resonance: together a π pulse.
        for _ in 0..2 {
            let axis = speed.over(bloch.at);
            bloch.turn(PI / 2.0, axis, 50e6, 20);
            let later = bloch.at + 12_345;
            bloch.idle(later);
        }
        assert!((bloch.vector[2] + 1.0).abs() < 1e-6, "{:?}", bloch.vector);
        // And with the second one about the other axis: none.
        let mut bloch = qubit();
        bloch.turn(PI / 2.0, Phase::default(), 50e6, 20);
        let axis = speed.over(bloch.at) + Phase::from_turns(0.25);
        bloch.turn(PI / 2.0, axis, 50e6, 20);
        assert!(bloch.vector[2].abs() < 1e-6);
    }

    #[test]
    fn a_detuned_pulse_follows_rabis_formula() {
        let mut bloch = qubit();
        bloch.turn(PI, Phase::default(), 50e6 + 7e6, 100);
        let detuning = TAU * 0.7;
        let size = PI.hypot(detuning);
        let excited = (PI / size * (size / 2.0).sin()).powi(2);
        assert!(((1.0 - bloch.vector[2]) / 2.0 - excited).abs() < 1e-9);
    }

    #[test]
    fn it_decays_to_the_ground_state() {
        let mut bloch = qubit();
        (bloch.t1, bloch.t2) = (1000.0, 500.0);
        bloch.turn(PI / 2.0, Phase::default(), 50e6, 0);
        bloch.idle(1000);
        let [x, y, z] = bloch.vector;
        assert!((z - (1.0 - (-1f64).exp())).abs() < 1e-12);
        assert!((x.hypot(y) - (-2f64).exp()).abs() < 1e-12);
    }
}
