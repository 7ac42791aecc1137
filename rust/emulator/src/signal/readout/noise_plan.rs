//! What the readout model computes of an answer, without samples: sums of weights, and noise that the values
//! of one measurement share.

use std::f64::consts::PI;

use super::description::Readout;
use crate::config::ports::AnalogInput;
use crate::config::pulses::WEIGHT_NS;
use crate::config::resolved::ResolvedConfig;
use crate::signal::inputs::PlannedInput;

/// Counts of a converter for a volt of what demodulation sees (it inverts what is at the port).
pub(super) const COUNTS: f64 = 4096.0;

/// What a measure statement computes: sums of its weights with the shape of the answer, and how the noise
/// of one value goes with that of another.
#[derive(Debug)]
pub(super) struct NoisePlan {
    pub(super) values: Vec<Value>,
    pub(super) draws: usize,
}

/// One value of a measure statement.
#[derive(Debug)]
pub(super) struct Value {
    sides: Vec<Part>,
    /// Of a modulated element, whose carrier's phase does not matter: how much of I, of Q, and of neither it is.
    line: Option<[f64; 3]>,
    /// How much of each draw of noise; those behind it have no part in it.
    pub(super) noise: Vec<f64>,
}

impl Value {
    fn new(sides: Vec<Part>, modulated: bool, noise: Vec<f64>) -> Self {
        let line = modulated.then(|| {
            let at = |answer| sides.iter().map(|side| side.mean(answer, 1.0, 0.0)).sum::<f64>();
            let neither = at([0.0; 2]);
            [at([1.0, 0.0]) - neither, at([0.0, 1.0]) - neither, neither]
        });
        Self { sides, line, noise }
    }

    /// Its value without noise; `still` is the carrier of an element that is not modulated.
    #[inline]
    pub(super) fn mean(&self, [i, q]: [f64; 2], (cos, sin): (f64, f64)) -> f64 {
        match self.line {
            Some([of_i, of_q, neither]) => of_i * i + of_q * q + neither,
            None => self.sides.iter().map(|side| side.mean([i, q], cos, sin)).sum(),
        }
    }
}

/// One side of a value.
#[derive(Debug)]
pub(super) struct Part {
    second: bool,
    modulated: bool,
    demodulates: bool,
    /// Sums of the weights with the shape of the answer, over 4096.
    shaped: [f64; 2],
    /// Sums of the weights with the input's offset, over 4096.
    offset: [f64; 2],
    gain: f64,
}

impl Part {
    /// Its value without noise.
    fn mean(&self, [i, q]: [f64; 2], cos: f64, sin: f64) -> f64 {
        let [cosine, sine] = self.shaped;
        let (one, other) = if self.second { (q, i) } else { (i, -q) };
        let answer = match (self.modulated, self.demodulates) {
            // Half of the power is in the part that oscillates.
            (true, true) => 0.5 * (cosine * one + sine * other),
            // A carrier sums up to nothing.
            (true, false) => 0.0,
            (false, true) => (one * cos + other * sin) * (cosine * cos + sine * sin),
            (false, false) => (one * cos + other * sin) * cosine,
        };
        let offset = match (self.modulated, self.demodulates) {
            (true, true) => 0.0,
            (false, true) => self.offset[0] * cos + self.offset[1] * sin,
            (_, false) => self.offset[0],
        };
        self.gain * answer + offset
    }
}

impl Part {
    fn new(port: &AnalogInput, side: &PlannedInput<'_>, shape: Shape, modulated: bool) -> Self {
        let sum = |values: &[f64], shaped: bool| {
            let each = values.iter().enumerate().map(|(index, value)| {
                let from = index as f64 * f64::from(WEIGHT_NS);
                let shape = |k| if shaped { shape.at(from + f64::from(k)) } else { 1.0 };
                value * (0..WEIGHT_NS).map(shape).sum::<f64>()
            });
            each.sum::<f64>() / COUNTS
        };
        let offset = port.offset;
        Self {
            second: side.second,
            modulated,
            demodulates: side.demodulates,
            shaped: [sum(&side.weights.cosine, true), sum(&side.weights.sine, true)],
            offset: [&side.weights.cosine, &side.weights.sine]
                .map(|weights| if offset == 0.0 { 0.0 } else { offset * sum(weights, false) }),
            gain: gain(port),
        }
    }
}

/// What the gain of an input multiplies with.
fn gain(port: &AnalogInput) -> f64 {
    10f64.powf(f64::from(port.gain_db) / 20.0)
}

/// How much of each independent draw goes into each value, so that they have in common what `shared` tells of any
/// two (Cholesky); `None` when the job was halted.
fn independent_draws(
    count: usize,
    shared: impl Fn(usize, usize) -> f64,
    halted: &dyn Fn() -> bool,
) -> Option<Vec<Vec<f64>>> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(count);
    // Those that brought a draw of their own, in the order of the draws.
    let mut owners: Vec<usize> = Vec::new();
    for index in 0..count {
        let mut row: Vec<f64> = Vec::with_capacity(owners.len() + 1);
        let whole = shared(index, index);
        let mut left = whole;
        for owner in &owners {
            if halted() {
                return None;
            }
            // The last of the owner's row is its own draw.
            let Some((own, before)) = rows[*owner].split_last() else { continue };
            let known: f64 = row.iter().zip(before).map(|(a, b)| a * b).sum();
            let much = (shared(index, *owner) - known) / own;
            row.push(much);
            left -= much * much;
        }
        if left > 1e-12 * whole {
            row.push(left.sqrt());
            owners.push(index);
        }
        rows.push(row);
    }
    Some(rows)
}

impl NoisePlan {
    /// `None` when the job was halted meanwhile: the sums of many long weights take their time.
    pub(super) fn new(
        resolved: &ResolvedConfig,
        values: &[Vec<PlannedInput<'_>>],
        shape: Shape,
        modulated: bool,
        halted: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let port = |side: &PlannedInput<'_>| &resolved.inputs()[side.input];
        let shared = |one: usize, other: usize| {
            let pairs = values[one].iter().flat_map(|a| values[other].iter().map(move |b| (a, b)));
            let each = pairs.map(|(a, b)| gain(port(a)) * gain(port(b)) * common(a, b, modulated));
            each.sum::<f64>() / (COUNTS * COUNTS)
        };
        let rows = independent_draws(values.len(), shared, halted)?;
        let draws = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut made = Vec::with_capacity(values.len());
        for (sides, noise) in values.iter().zip(rows) {
            if halted() {
                return None;
            }
            let part = |side| Part::new(port(side), side, shape, modulated);
            made.push(Value::new(sides.iter().map(part).collect(), modulated, noise));
        }
        Some(Self { values: made, draws })
    }
}

/// How much noise two sides have in common, in samples: the sum of the products of their weights. The
/// carrier's half of it is in the part that oscillates.
fn common(one: &PlannedInput<'_>, other: &PlannedInput<'_>, modulated: bool) -> f64 {
    if one.input != other.input || (modulated && one.demodulates != other.demodulates) {
        return 0.0;
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (a, b) = (one.weights, other.weights);
    f64::from(WEIGHT_NS)
        * if modulated && one.demodulates {
            0.5 * (dot(&a.cosine, &b.cosine) + dot(&a.sine, &b.sine))
        } else {
            dot(&a.cosine, &b.cosine)
        }
}

/// How much of an answer is there: it rises during the pulse and falls behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Nanoseconds; 0 for at once.
    pub(super) rise: f64,
    /// Nanoseconds of the pulse.
    pub(super) length: f64,
}

impl Shape {
    pub(super) fn at(self, ns: f64) -> f64 {
        let Self { rise, length } = self;
        let up = |t: f64| if rise == 0.0 { 1.0 } else { 1.0 - (-t / rise).exp() };
        if ns < 0.0 {
            0.0
        } else if ns < length {
            up(ns)
        } else if rise == 0.0 {
            0.0
        } else {
            up(length) * (-(ns - length) / rise).exp()
        }
    }
}

/// The time in which an answer rises, nanoseconds.
pub(super) fn rise(readout: &Readout) -> f64 {
    if readout.linewidth > 0.0 { 1e9 / (PI * readout.linewidth) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ports::{AnalogInput, Port};
    use crate::config::pulses::Weights;

    #[test]
    fn values_of_one_measurement_share_their_noise() {
        let weights = |cosine: f64, sine: f64| Weights {
            cosine: vec![cosine; 100].into(),
            sine: vec![sine; 100].into(),
        };
        let (cos, sin, both) = (weights(1.0, 0.0), weights(0.0, 1.0), weights(0.6, 0.8));
        let side = |weights, second| PlannedInput {
            weights,
            demodulates: true,
            input: usize::from(second),
            second,
        };
        let input = |number| AnalogInput {
            port: Port { controller: "con1".into(), number },
            offset: 0.0,
            gain_db: 0,
        };
        let resolved = ResolvedConfig::of_inputs(vec![input(1), input(2)]);
        let values = [
            vec![side(&cos, false)],
            vec![side(&sin, false)],
            vec![side(&both, false)],
            vec![side(&cos, false)],
            vec![side(&cos, true)],
        ];
        let shape = Shape { rise: 0.0, length: 400.0 };
        let plan = NoisePlan::new(&resolved, &values, shape, true, &|| false).unwrap();
        // The third is made of the first two, the fourth is the first again.
        assert_eq!(plan.draws, 3);
        let size = (0.5f64 * 400.0).sqrt() / COUNTS;
        let near = |row: &[f64], expected: &[f64]| {
            row.len() == expected.len()
                && row.iter().zip(expected).all(|(a, b)| (a - b * size).abs() < 1e-12)
        };
        let row = |index: usize| &plan.values[index].noise[..];
        assert!(near(row(0), &[1.0]) && near(row(1), &[0.0, 1.0]), "{:?}", plan.values);
        assert!(near(row(2), &[0.6, 0.8]) && near(row(3), &[1.0, 0.0]), "{:?}", plan.values);
        assert!(near(row(4), &[0.0, 0.0, 1.0]), "{:?}", plan.values);
        // Values of two sides each, as dual demodulation has them: their noise adds up in squares.
        let dual =
            [vec![side(&cos, false), side(&sin, true)], vec![side(&both, false), side(&sin, true)]];
        let plan = NoisePlan::new(&resolved, &dual, shape, true, &|| false).unwrap();
        assert_eq!(plan.draws, 2);
        let row = |index: usize| &plan.values[index].noise[..];
        let shared = 1.6 / 2f64.sqrt();
        assert!(near(row(0), &[2f64.sqrt()]), "{:?}", plan.values);
        assert!(near(row(1), &[shared, (2.0 - shared * shared).sqrt()]), "{:?}", plan.values);
    }
}
