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
    pub(super) values: Vec<Vec<Part>>,
    pub(super) draws: usize,
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
    /// Draws of noise, and how much of each.
    pub(super) noise: Vec<(usize, f64)>,
}

impl Part {
    /// Its value without noise.
    pub(super) fn mean(&self, [i, q]: [f64; 2], cos: f64, sin: f64) -> f64 {
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
    fn new(
        port: &AnalogInput,
        side: &PlannedInput<'_>,
        shape: Shape,
        modulated: bool,
        noise: Row,
    ) -> Self {
        let gain = 10f64.powf(f64::from(port.gain_db) / 20.0);
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
            gain,
            noise: noise.into_iter().map(|(draw, much)| (draw, gain * much / COUNTS)).collect(),
        }
    }
}

/// How much of each draw goes into a value.
type Row = Vec<(usize, f64)>;

/// Noise as sums of independent draws.
struct Draws {
    /// Of each input that is listened to.
    rows: Vec<Row>,
    count: usize,
}

/// The draws that give inputs the noise that they share (Cholesky); `None` when the job was halted.
fn independent_draws(
    all: &[PlannedInput<'_>],
    modulated: bool,
    halted: &dyn Fn() -> bool,
) -> Option<Draws> {
    let of = |row: &Row, draw: usize| {
        row.iter().find(|(one, _)| *one == draw).map_or(0.0, |(_, much)| *much)
    };
    let mut rows: Vec<Row> = Vec::new();
    // Those that brought a draw of their own, in the order of the draws.
    let mut owners: Vec<usize> = Vec::new();
    for (index, side) in all.iter().enumerate() {
        let mut row = Row::new();
        let whole = common(side, side, modulated);
        let mut left = whole;
        for (draw, owner) in owners.iter().enumerate() {
            if halted() {
                return None;
            }
            let known: f64 = (0..draw).map(|one| of(&row, one) * of(&rows[*owner], one)).sum();
            let shared = common(side, &all[*owner], modulated);
            let much = (shared - known) / of(&rows[*owner], draw);
            if much != 0.0 {
                row.push((draw, much));
                left -= much * much;
            }
        }
        if left > 1e-12 * whole {
            row.push((owners.len(), left.sqrt()));
            owners.push(index);
        }
        rows.push(row);
    }
    Some(Draws { rows, count: owners.len() })
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
        let all: Vec<PlannedInput<'_>> = values.iter().flatten().copied().collect();
        let Draws { rows, count } = independent_draws(&all, modulated, halted)?;
        let mut rows = rows.into_iter();
        let mut part = |side: &PlannedInput<'_>| {
            let noise = rows.next().unwrap_or_default();
            Part::new(&resolved.inputs()[side.input], side, shape, modulated, noise)
        };
        let mut made = Vec::with_capacity(values.len());
        for sides in values {
            if halted() {
                return None;
            }
            made.push(sides.iter().map(&mut part).collect());
        }
        Some(Self { values: made, draws: count })
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
        let row = |index: usize| &plan.values[index][0].noise;
        assert!(row(3).len() == 1 && (row(3)[0].1 - row(0)[0].1).abs() < 1e-12);
        assert!(
            (row(2)[0].1 - 0.6 * size).abs() < 1e-12 && (row(2)[1].1 - 0.8 * size).abs() < 1e-12
        );
        assert!(row(4)[0].0 == 2 && (row(4)[0].1 - size).abs() < 1e-12);
        assert!((row(0)[0].1 - size).abs() < 1e-12);
    }
}
