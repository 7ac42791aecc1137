//! From what was played to the samples of every port (F5.3).

use super::phase::Phase;
use super::rig::{Output, Rig};
use super::tape::{Carrier, Outputs, Samples, Segment, Source, Sweep, Tape};

/// The smallest voltage of an analog output.
const LOWEST: f64 = -0.5;
/// The largest: a step of 16 bits below half a volt.
const HIGHEST: f64 = 0.5 - 1.0 / 65_536.0;
/// Samples that are made together.
const BLOCK: usize = 64;

/// Makes the samples of all analog outputs for `length` nanoseconds: what elements play together, then
/// crosstalk, filter, delay, offset, and the range of the converter.
pub fn analog(
    rig: &Rig,
    tape: &Tape,
    delays: &[u32],
    length: usize,
) -> (Vec<Vec<f64>>, Vec<usize>) {
    let mut ports: Vec<Vec<f64>> = rig.outputs.iter().map(|_| vec![0.0; length]).collect();
    for segment in &tape.segments {
        add(segment, &mut ports, length);
    }
    leak(rig, &mut ports);
    let mut clipped = Vec::new();
    for (index, (output, port)) in rig.outputs.iter().zip(&mut ports).enumerate() {
        filter(output, port);
        delay(output.delay.saturating_add(delays[index]), port);
        let changes = tape.offsets.iter().filter(|offset| offset.output == index);
        let changes = changes.map(|change| (change.from, change.volts)).collect();
        shift(output.offset, changes, port);
        let mut over = false;
        for sample in port.iter_mut() {
            over |= *sample < LOWEST || *sample > HIGHEST;
            *sample = sample.clamp(LOWEST, HIGHEST);
        }
        if over {
            clipped.push(index);
        }
    }
    (ports, clipped)
}

/// Makes the samples of all digital outputs for `length` nanoseconds.
pub fn digital(rig: &Rig, tape: &Tape, delay: u32, length: usize) -> Vec<Vec<bool>> {
    let mut ports: Vec<Vec<bool>> =
        rig.digital.iter().map(|output| vec![output.inverted; length]).collect();
    for high in &tape.markers {
        let bound = |ns: i64| usize::try_from(ns + i64::from(delay)).unwrap_or(0).min(length);
        let (from, to) = (bound(high.from), bound(high.to));
        let level = !rig.digital[high.output].inverted;
        ports[high.output][from..to.max(from)].fill(level);
    }
    ports
}

/// Two different ports at once.
fn both<T>(ports: &mut [Vec<T>], i: usize, q: usize) -> Option<(&mut [T], &mut [T])> {
    match ports.get_disjoint_mut([i, q]) {
        Ok([i, q]) => Some((i, q)),
        Err(_) => None,
    }
}

/// Adds a segment to its ports.
fn add(segment: &Segment, ports: &mut [Vec<f64>], length: usize) {
    let start = usize::try_from(segment.start).unwrap_or(usize::MAX).min(length);
    let end = usize::try_from(segment.start.saturating_add(segment.length)).unwrap_or(usize::MAX);
    let count = end.min(length) - start;
    if count == 0 {
        return;
    }
    let mut carrier = segment.carrier.as_ref().map(Oscillation::new);
    match &segment.outputs {
        Outputs::Mixed { i, q } => {
            let [c00, c01, c10, c11] = segment.correction;
            let mut one = |at: usize, i_out: &mut [f64], q_out: Option<&mut [f64]>| {
                let n = i_out.len();
                let (mut i, mut q) = ([0.0; BLOCK], [0.0; BLOCK]);
                base(segment, at, &mut i[..n], &mut q[..n]);
                if let Some(carrier) = &mut carrier {
                    let (cos, sin) = carrier.block(at, n);
                    for k in 0..n {
                        let (x, y) = (i[k], q[k]);
                        i[k] = x * cos[k] - y * sin[k];
                        q[k] = x * sin[k] + y * cos[k];
                    }
                }
                match q_out {
                    Some(q_out) => {
                        for k in 0..n {
                            i_out[k] += c00 * i[k] + c01 * q[k];
                            q_out[k] += c10 * i[k] + c11 * q[k];
                        }
                    }
                    // Both inputs on one port: their sum.
                    None => {
                        for k in 0..n {
                            i_out[k] += (c00 + c10) * i[k] + (c01 + c11) * q[k];
                        }
                    }
                }
            };
            match both(ports, *i, *q) {
                Some((i, q)) => {
                    let i = i[start..start + count].chunks_mut(BLOCK);
                    let q = q[start..start + count].chunks_mut(BLOCK);
                    for (index, (i, q)) in i.zip(q).enumerate() {
                        one(index * BLOCK, i, Some(q));
                    }
                }
                None => {
                    let port = ports[*i][start..start + count].chunks_mut(BLOCK);
                    for (index, port) in port.enumerate() {
                        one(index * BLOCK, port, None);
                    }
                }
            }
        }
        Outputs::Single(outputs) => {
            for at in (0..count).step_by(BLOCK) {
                let n = BLOCK.min(count - at);
                let (mut s, mut unused) = ([0.0; BLOCK], [0.0; BLOCK]);
                base(segment, at, &mut s[..n], &mut unused[..n]);
                if let Some(carrier) = &mut carrier {
                    let (cos, _) = carrier.block(at, n);
                    for k in 0..n {
                        s[k] *= cos[k];
                    }
                }
                for output in outputs.iter() {
                    let port = &mut ports[*output][start + at..start + at + n];
                    port.iter_mut().zip(&s).for_each(|(port, sample)| *port += sample);
                }
            }
        }
    }
}

/// The samples of a segment before modulation, from its sample `at` on.
fn base(segment: &Segment, at: usize, i: &mut [f64], q: &mut [f64]) {
    let [a00, a01, a10, a11] = segment.amplitude;
    let [level_i, level_q] = segment.level;
    match &segment.source {
        Source::Constant([x, y]) => {
            i.fill(level_i + a00 * x + a01 * y);
            q.fill(level_q + a10 * x + a11 * y);
        }
        Source::Samples([x, y]) => {
            copy(x, at, i);
            copy(y, at, q);
            for (i, q) in i.iter_mut().zip(q.iter_mut()) {
                let (x, y) = (*i, *q);
                *i = level_i + a00 * x + a01 * y;
                *q = level_q + a10 * x + a11 * y;
            }
        }
        Source::Ramp(slope) => {
            // docs/1.1.7/Guides/features: volts a nanosecond, added to what is held.
            for (index, i) in i.iter_mut().enumerate() {
                *i = level_i + slope * (at + index + 1) as f64;
            }
            q.fill(level_q);
        }
        Source::Fall => {
            let length = segment.length as f64;
            for (index, (i, q)) in i.iter_mut().zip(q.iter_mut()).enumerate() {
                let left = 1.0 - (at + index + 1) as f64 / length;
                *i = level_i * left;
                *q = level_q * left;
            }
        }
    }
}

fn copy(from: &Samples, at: usize, to: &mut [f64]) {
    match from {
        Samples::Constant(value) => to.fill(*value),
        Samples::Each(samples) => {
            let samples = samples.get(at..).unwrap_or_default();
            let n = samples.len().min(to.len());
            to[..n].copy_from_slice(&samples[..n]);
            to[n..].fill(0.0);
        }
    }
}

/// A carrier, block by block.
struct Oscillation<'a> {
    carrier: &'a Carrier,
    /// Cosine and sine of the first steps of a constant frequency.
    steps: ([f64; BLOCK], [f64; BLOCK]),
    cos: [f64; BLOCK],
    sin: [f64; BLOCK],
    /// The section of a chirp, and the turns and Hz that it begins with.
    section: usize,
    begun: (f64, f64),
}

impl<'a> Oscillation<'a> {
    fn new(carrier: &'a Carrier) -> Self {
        let mut steps = ([0.0; BLOCK], [0.0; BLOCK]);
        if carrier.chirp.is_none() {
            for k in 0..BLOCK {
                (steps.0[k], steps.1[k]) = carrier.speed.over(k as u64).cos_sin();
            }
        }
        let (cos, sin) = ([0.0; BLOCK], [0.0; BLOCK]);
        Self { carrier, steps, cos, sin, section: 0, begun: (0.0, 0.0) }
    }

    /// Cosine and sine from the sample `at` on.
    fn block(&mut self, at: usize, n: usize) -> (&[f64; BLOCK], &[f64; BLOCK]) {
        let carrier = self.carrier;
        match &carrier.chirp {
            None => {
                // The first exactly, the others by what they are beyond it.
                let (c, s) = (carrier.phase + carrier.speed.over(at as u64)).cos_sin();
                for k in 0..BLOCK {
                    self.cos[k] = c * self.steps.0[k] - s * self.steps.1[k];
                    self.sin[k] = s * self.steps.0[k] + c * self.steps.1[k];
                }
            }
            Some(sweeps) => {
                for k in 0..n {
                    let t = (at + k) as u64;
                    while sweeps.get(self.section + 1).is_some_and(|next| next.from <= t) {
                        let (now, next) = (sweeps[self.section], sweeps[self.section + 1]);
                        self.begun = after(self.begun, now.rate, next.from - now.from);
                        self.section += 1;
                    }
                    let sweep = sweeps[self.section];
                    let turns = after(self.begun, sweep.rate, t - sweep.from).0;
                    let phase = carrier.phase + carrier.speed.over(t) + Phase::from_turns(turns);
                    (self.cos[k], self.sin[k]) = phase.cos_sin();
                }
            }
        }
        (&self.cos, &self.sin)
    }
}

/// Turns that a chirp adds to those of its first frequency within `t` nanoseconds.
///
/// docs/1.1.7/Guides/features: with one rate `a`, the phase is 2π(f₀t + a(t + 1)t/2).
pub fn swept(sweeps: &[Sweep], t: u64) -> f64 {
    over(sweeps, t).0
}

/// Turns and Hz within `t` nanoseconds.
fn over(sweeps: &[Sweep], t: u64) -> (f64, f64) {
    let mut reached = (0.0, 0.0);
    for (index, sweep) in sweeps.iter().enumerate() {
        let end = sweeps.get(index + 1).map_or(t, |next| next.from.min(t));
        reached = after(reached, sweep.rate, end.saturating_sub(sweep.from));
    }
    reached
}

/// Turns and Hz after some nanoseconds more at a rate.
fn after((turns, hz): (f64, f64), rate: f64, ns: u64) -> (f64, f64) {
    let n = ns as f64;
    (turns + 1e-9 * (hz * n + rate * (n + 1.0) * n / 2.0), hz + rate * n)
}

/// Hz that a chirp added within `t` nanoseconds.
pub fn swept_hz(sweeps: &[Sweep], t: u64) -> f64 {
    over(sweeps, t).1
}

/// How far from zero a source reaches on either input, whatever its phase.
pub fn reach(
    source: &Source,
    amplitude: &[f64; 4],
    correction: &[f64; 4],
    turned: bool,
) -> [f64; 2] {
    let [a00, a01, a10, a11] = *amplitude;
    let [c00, c01, c10, c11] = *correction;
    let mut reach = [0.0f64; 2];
    let mut see = |x: f64, y: f64| {
        let (i, q) = (a00 * x + a01 * y, a10 * x + a11 * y);
        let size = i.hypot(q);
        let (one, other) = if turned {
            (size * c00.hypot(c01), size * c10.hypot(c11))
        } else {
            ((c00 * i + c01 * q).abs(), (c10 * i + c11 * q).abs())
        };
        reach = [reach[0].max(one), reach[1].max(other)];
    };
    match source {
        Source::Constant([x, y]) => see(*x, *y),
        Source::Samples([x, y]) => {
            let len = [x, y].iter().map(|samples| samples.len()).max().unwrap_or(0);
            (0..len).for_each(|index| see(x.at(index), y.at(index)));
        }
        Source::Ramp(_) | Source::Fall => {}
    }
    reach
}

/// Adds to each output what the others leak into it.
fn leak(rig: &Rig, ports: &mut [Vec<f64>]) {
    if rig.outputs.iter().all(|output| output.crosstalk.is_empty()) {
        return;
    }
    let clean = ports.to_vec();
    for (output, port) in rig.outputs.iter().zip(ports) {
        for (from, weight) in &output.crosstalk {
            port.iter_mut().zip(&clean[*from]).for_each(|(to, from)| *to += weight * from);
        }
    }
}

/// docs/1.1.7/Guides/output_filter: a filter of feedforward taps, then one section for each feedback
/// tap, y[n] = x[n] + p·y[n−1].
fn filter(output: &Output, port: &mut [f64]) {
    let Output { feedforward, feedback, .. } = output;
    if feedforward.is_empty() && feedback.is_empty() {
        return;
    }
    if !feedforward.is_empty() {
        let input = port.to_vec();
        for n in 0..port.len() {
            let past = input[..=n].iter().rev();
            port[n] = feedforward.iter().zip(past).map(|(tap, sample)| tap * sample).sum();
        }
    }
    for pole in feedback {
        let mut last = 0.0;
        for sample in port.iter_mut() {
            last = *sample + pole * last;
            *sample = last;
        }
    }
    port.iter_mut().for_each(|sample| *sample = sample.clamp(LOWEST, HIGHEST));
}

/// Adds the offset, which may change.
fn shift(first: f64, mut changes: Vec<(u64, f64)>, port: &mut [f64]) {
    changes.sort_by_key(|(from, _)| *from);
    let mut rest = port;
    let (mut at, mut volts) = (0, first);
    for (from, next) in changes.into_iter().chain([(u64::MAX, 0.0)]) {
        let count = usize::try_from(from - at).unwrap_or(usize::MAX).min(rest.len());
        let (now, later) = rest.split_at_mut(count);
        if volts != 0.0 {
            now.iter_mut().for_each(|sample| *sample += volts);
        }
        (rest, at, volts) = (later, from, next);
    }
}

/// Moves the samples later.
fn delay(ns: u32, port: &mut [f64]) {
    let ns = (ns as usize).min(port.len());
    port.rotate_right(ns);
    port[..ns].fill(0.0);
}
