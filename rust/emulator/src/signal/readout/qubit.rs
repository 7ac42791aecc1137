//! The qubit of the readout model: a Bloch vector that pulses turn and that decays.

use std::f64::consts::{PI, TAU};

use super::description::Qubit;
use crate::signal::phase::{Phase, Speed};

/// A pulse that is shorter than this part of the decay times is a turn between two decays.
const SHORT: f64 = 0.01;
/// Half a turn.
const HALF: Phase = Phase(1 << 63);

/// A qubit in the frame that turns with it; the ground state is up.
#[derive(Debug)]
pub(super) struct Bloch {
    /// Before it is swung about z.
    vector: [f64; 3],
    /// How far: a measurement along z does not ask, so that it is worked out by the next pulse only.
    swing: Phase,
    /// Nanoseconds of the last change.
    at: u64,
    /// Hz.
    frequency: f64,
    speed: Speed,
    /// The area of the pulse that turns it by π, volts times nanoseconds.
    pi_area: f64,
    t1: f64,
    t2: f64,
    /// The standard deviation of its frequency from shot to shot, Hz, and what it is now.
    pub(super) wander: f64,
    pub(super) off: f64,
    /// What the last decay left, while it was left alone and while it was driven.
    idling: Decay,
    driven: Decay,
    /// Each pulse that was played, by index of the resolved configuration's.
    turns: Vec<Option<Turn>>,
}

/// What a time leaves of the components of a vector: programs repeat the same times.
#[derive(Clone, Copy, Debug)]
struct Decay {
    /// Nanoseconds.
    time: f64,
    along: f64,
    across: f64,
}

impl Default for Decay {
    fn default() -> Self {
        Self { time: 0.0, along: 1.0, across: 1.0 }
    }
}

impl Decay {
    /// The same again, or another time.
    fn of(self, time: f64, t1: f64, t2: f64) -> Self {
        if time == self.time {
            return self;
        }
        // Without a decay the quotient is -0, and all is left.
        Self { time, along: (-time / t1).exp(), across: (-time / t2).exp() }
    }
}

/// What a pulse as configured does.
#[derive(Clone, Copy, Debug)]
struct Turn {
    area: [f64; 2],
    /// By how much, radians, and about which axis.
    angle: f64,
    axis: Phase,
}

impl Bloch {
    pub(super) fn new(qubit: &Qubit, frequency: f64, pi_area: f64) -> Self {
        let wander = if qubit.t2_star.is_finite() && qubit.t2_star > 0.0 {
            1e9 / (PI * 2f64.sqrt() * qubit.t2_star)
        } else {
            0.0
        };
        Self {
            vector: [0.0, 0.0, 1.0],
            swing: Phase::default(),
            at: 0,
            frequency,
            speed: Speed::from_hz(frequency),
            pi_area,
            t1: qubit.t1,
            t2: qubit.t2.min(2.0 * qubit.t1),
            wander,
            off: 0.0,
            idling: Decay::default(),
            driven: Decay::default(),
            turns: Vec::new(),
        }
    }

    /// Nothing drives it up to now.
    pub(super) fn idle(&mut self, at: u64) {
        let passed = at.saturating_sub(self.at) as f64;
        self.at = self.at.max(at);
        if passed == 0.0 {
            return;
        }
        self.idling = self.idling.of(passed, self.t1, self.t2);
        self.decay(self.idling);
        if self.off != 0.0 {
            self.swing += Phase::from_turns(self.off * passed * 1e-9);
        }
    }

    /// The probability to find it excited.
    pub(super) fn excited(&self) -> f64 {
        (1.0 - self.vector[2]) / 2.0
    }

    /// It was found in one of its states.
    pub(super) fn project(&mut self, excited: bool) {
        self.vector = [0.0, 0.0, if excited { -1.0 } else { 1.0 }];
    }

    /// By how much a pulse turns it, radians, and about which axis: `of` gives the area of the pulse as configured,
    /// `index` is that of the resolved configuration.
    pub(super) fn turn_of(
        &mut self,
        index: u32,
        amplitude: [f64; 4],
        of: impl FnOnce() -> [f64; 2],
    ) -> (f64, Phase) {
        let index = index as usize;
        if self.turns.len() <= index {
            self.turns.resize(index + 1, None);
        }
        let pi_area = self.pi_area;
        let turn = |[x, y]: [f64; 2]| (PI * length(x, y) / pi_area, direction(x, y));
        let known = self.turns[index].get_or_insert_with(|| {
            let area = of();
            let (angle, axis) = turn(area);
            Turn { area, angle, axis }
        });
        let [a00, a01, a10, a11] = amplitude;
        if a01 == 0.0 && a10 == 0.0 && a00 == a11 {
            let back = if a00 < 0.0 { HALF } else { Phase::default() };
            return (known.angle * a00.abs(), known.axis + back);
        }
        let [x, y] = known.area;
        turn([a00 * x + a01 * y, a10 * x + a11 * y])
    }

    fn decay(&mut self, left: Decay) {
        let [x, y, z] = self.vector;
        self.vector = [x * left.across, y * left.across, 1.0 - (1.0 - z) * left.along];
    }

    /// Turns it by a pulse of constant strength, with its decay meanwhile.
    pub(super) fn turn(&mut self, angle: f64, axis: Phase, frequency: f64, length: u64) {
        // The axis in the frame of the qubit, which turns with its own frequency.
        let axis = axis - self.speed.over(self.at);
        let ns = length as f64;
        let detuning = TAU * (frequency - self.frequency - self.off) * ns * 1e-9;
        let [x, y, z] = self.vector;
        if x != 0.0 || y != 0.0 {
            let (x, y) = around_z(x, y, self.swing - axis);
            self.vector = [x, y, z];
        }
        // In the frame of the drive it turns about (angle, 0, -detuning).
        if ns > SHORT * self.t1.min(self.t2) {
            self.damped(angle, detuning, ns);
        } else {
            self.driven = self.driven.of(ns / 2.0, self.t1, self.t2);
            self.decay(self.driven);
            self.rotate(angle, detuning);
            self.decay(self.driven);
        }
        self.swing = axis;
        if frequency != self.frequency {
            self.swing += Phase::from_turns((frequency - self.frequency) * ns * 1e-9);
        }
        self.at += length;
    }

    /// Where it points.
    #[cfg(test)]
    fn points(&self) -> [f64; 3] {
        let [x, y, z] = self.vector;
        let (x, y) = around_z(x, y, self.swing);
        [x, y, z]
    }

    fn rotate(&mut self, angle: f64, detuning: f64) {
        let [x, y, z] = self.vector;
        let size = if detuning == 0.0 { angle } else { length(angle, detuning) };
        if size != 0.0 {
            let (nx, nz) = (angle / size, -detuning / size);
            let (sin, cos) = size.sin_cos();
            let along = (nx * x + nz * z) * (1.0 - cos);
            let (cx, cy, cz) = (-nz * y, nz * x - nx * z, nx * y);
            self.vector = [
                x * cos + cx * sin + nx * along,
                y * cos + cy * sin,
                z * cos + cz * sin + nz * along,
            ];
        }
    }

    /// Bloch's equations with a constant drive, solved by the exponential of their matrix: with long pulses
    /// the state goes to where turning and decaying balance.
    fn damped(&mut self, angle: f64, detuning: f64, ns: f64) {
        let (relaxing, dephasing) = (ns / self.t1, ns / self.t2);
        let flow = exponential([
            [-dephasing, detuning, 0.0, 0.0],
            [-detuning, -dephasing, -angle, 0.0],
            [0.0, angle, -relaxing, relaxing],
            [0.0, 0.0, 0.0, 0.0],
        ]);
        let [x, y, z] = self.vector;
        let row = |row: [f64; 4]| row[0] * x + row[1] * y + row[2] * z + row[3];
        self.vector = [row(flow[0]), row(flow[1]), row(flow[2])];
    }
}

type Matrix4 = [[f64; 4]; 4];

/// The exponential of a matrix: its series where that converges soon, squared as often as needed.
fn exponential(mut matrix: Matrix4) -> Matrix4 {
    let size = matrix.iter().flatten().fold(0.0f64, |most, entry| most.max(entry.abs()));
    // What turns more often than any pulse can is as good as this.
    let halvings = if size > 0.25 { (size / 0.25).log2().ceil().min(60.0) as i32 } else { 0 };
    matrix.iter_mut().flatten().for_each(|entry| *entry *= 0.5f64.powi(halvings));
    let mut sum = IDENTITY;
    let mut term = IDENTITY;
    for order in 1..=12 {
        term = product(&term, &matrix);
        term.iter_mut().flatten().for_each(|entry| *entry /= f64::from(order));
        for (sum, term) in sum.iter_mut().flatten().zip(term.iter().flatten()) {
            *sum += term;
        }
    }
    (0..halvings).for_each(|_| sum = product(&sum, &sum));
    sum
}

const IDENTITY: Matrix4 =
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];

fn product(left: &Matrix4, right: &Matrix4) -> Matrix4 {
    let entry = |row: usize, column: usize| (0..4).map(|k| left[row][k] * right[k][column]).sum();
    std::array::from_fn(|row| std::array::from_fn(|column| entry(row, column)))
}

/// Of a vector. The numbers are of volts and nanoseconds: their squares do not overflow.
pub(super) fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

fn direction(x: f64, y: f64) -> Phase {
    Phase::from_turns(y.atan2(x) / TAU)
}

fn around_z(x: f64, y: f64, turn: Phase) -> (f64, f64) {
    let (cos, sin) = turn.cos_sin();
    (x * cos - y * sin, x * sin + y * cos)
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
        let speed = Speed::from_hz(50e6);
        // Two halves of π, far apart, on resonance: together a π pulse.
        for _ in 0..2 {
            let axis = speed.over(bloch.at);
            bloch.turn(PI / 2.0, axis, 50e6, 20);
            let later = bloch.at + 12_345;
            bloch.idle(later);
        }
        assert!((bloch.points()[2] + 1.0).abs() < 1e-6, "{:?}", bloch.points());
        // And with the second one about the other axis: none.
        let mut bloch = qubit();
        bloch.turn(PI / 2.0, Phase::default(), 50e6, 20);
        let axis = speed.over(bloch.at) + Phase::from_turns(0.25);
        bloch.turn(PI / 2.0, axis, 50e6, 20);
        assert!(bloch.points()[2].abs() < 1e-6);
    }

    #[test]
    fn a_detuned_pulse_follows_rabis_formula() {
        let mut bloch = qubit();
        bloch.turn(PI, Phase::default(), 50e6 + 7e6, 100);
        let detuning = TAU * 0.7;
        let size = PI.hypot(detuning);
        let excited = (PI / size * (size / 2.0).sin()).powi(2);
        assert!(((1.0 - bloch.points()[2]) / 2.0 - excited).abs() < 1e-9);
    }

    #[test]
    fn it_decays_to_the_ground_state() {
        let mut bloch = qubit();
        (bloch.t1, bloch.t2) = (1000.0, 500.0);
        bloch.turn(PI / 2.0, Phase::default(), 50e6, 0);
        bloch.idle(1000);
        let [x, y, z] = bloch.points();
        assert!((z - (1.0 - (-1f64).exp())).abs() < 1e-12);
        assert!((x.hypot(y) - (-2f64).exp()).abs() < 1e-12);
    }

    /// Bloch's equations by small steps.
    fn stepped(mut v: [f64; 3], rate: f64, off: f64, t1: f64, t2: f64, ns: f64) -> [f64; 3] {
        let slope = |[x, y, z]: [f64; 3]| {
            [off * y - x / t2, -off * x - rate * z - y / t2, rate * y + (1.0 - z) / t1]
        };
        let dt = ns / 20_000.0;
        for _ in 0..20_000 {
            let a = slope(v);
            let b = slope(std::array::from_fn(|k| v[k] + a[k] * dt / 2.0));
            let c = slope(std::array::from_fn(|k| v[k] + b[k] * dt / 2.0));
            let d = slope(std::array::from_fn(|k| v[k] + c[k] * dt));
            v = std::array::from_fn(|k| v[k] + dt / 6.0 * (a[k] + 2.0 * (b[k] + c[k]) + d[k]));
        }
        v
    }

    #[test]
    fn a_long_pulse_follows_blochs_equations() {
        for (angle, turns, length) in [(3.0, 0.0, 1_000), (40.0, 0.3, 20_000), (300.0, 2.0, 50_000)]
        {
            let mut bloch = qubit();
            (bloch.t1, bloch.t2) = (10_000.0, 8_000.0);
            let hz = turns / (f64::from(length) * 1e-9);
            bloch.turn(angle, Phase::default(), 50e6 + hz, length as u64);
            let ns = f64::from(length);
            let expected = stepped([0.0, 0.0, 1.0], angle / ns, TAU * turns / ns, 1e4, 8e3, ns);
            assert!(
                (bloch.points()[2] - expected[2]).abs() < 1e-6,
                "{:?} {expected:?}",
                bloch.points()
            );
            let (got, wanted) = (bloch.points(), expected);
            assert!((got[0].hypot(got[1]) - wanted[0].hypot(wanted[1])).abs() < 1e-6);
        }
    }
}
