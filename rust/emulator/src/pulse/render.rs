//! From what was played to the samples of every port (F5.3), block by block.

use std::collections::VecDeque;
use std::sync::Arc;

use super::phase::Phase;
use super::rig::{Output, Rig};
use super::stretch::stretched;
use super::tape::{Carrier, Offset, Outputs, Samples, Segment, Source, Sweep, Tape};
use crate::program::timing::Timing;

/// The smallest voltage of an analog output.
pub const LOWEST: f64 = -0.5;
/// The largest: a step of 16 bits below half a volt.
pub const HIGHEST: f64 = 0.5 - 1.0 / 65_536.0;
/// How far beyond that a sample may be by rounding.
const ROUNDING: f64 = 1e-9;

/// Whether a voltage is beyond what an output can do.
pub fn is_beyond(volts: f64) -> bool {
    !(LOWEST - ROUNDING..=HIGHEST + ROUNDING).contains(&volts)
}

/// Samples that are looked at to find how far a waveform reaches.
const MOST_SEEN: u64 = 65_536;
/// Samples of a segment that are made together.
const BLOCK: usize = 64;
/// Samples of all ports that are made together: what stays in the caches of a core.
pub const STRETCH: usize = 4096;

/// What is rendered: a tape, the rig it was played with, and the delays of its outputs.
#[derive(Debug)]
pub struct Score {
    pub rig: Arc<Rig>,
    pub tape: Tape,
    /// Nanoseconds by which filters and crosstalk delay each output.
    pub delays: Vec<u32>,
    /// Nanoseconds by which digital outputs and acquisitions are moved along.
    pub moved: u32,
    /// What the real system adds to the program's own time.
    pub timing: Timing,
}

/// The analog outputs of a score, from the start on: what elements play together, then crosstalk, filter,
/// delay, offset, and the range of the converter.
#[derive(Debug)]
pub struct Analog {
    score: Arc<Score>,
    /// Segments by their start, and the first that has not begun.
    order: Vec<u32>,
    next: usize,
    active: Vec<Active>,
    /// Nanoseconds of the next sample.
    at: u64,
    ports: Vec<Vec<f64>>,
    lines: Vec<Line>,
    clean: Vec<Vec<f64>>,
}

#[derive(Debug)]
struct Active {
    segment: u32,
    oscillation: Option<Box<Oscillation>>,
}

/// What stands between the sum of the elements and a port.
#[derive(Debug)]
struct Line {
    feedforward: Vec<f64>,
    /// Poles, and their last outputs.
    poles: Vec<(f64, f64)>,
    /// The inputs before, the oldest first: one fewer than taps.
    past: Vec<f64>,
    delayed: VecDeque<f64>,
    /// When the offset changes, and what it is then.
    offsets: Vec<(u64, f64)>,
    offset: f64,
    next_offset: usize,
    clipped: bool,
}

impl Line {
    fn new(index: usize, output: &Output, delay: u32, tape: &Tape) -> Self {
        let changes = tape.offsets.iter().filter(|offset| offset.output == index);
        let ns = output.delay.saturating_add(delay) as usize;
        // An offset changes when what is played from then on leaves the port.
        let late = |change: &Offset| (change.from.saturating_add(ns as u64), change.volts);
        let mut offsets: Vec<_> = changes.map(late).collect();
        offsets.sort_by_key(|(from, _)| *from);
        Self {
            feedforward: output.feedforward.clone(),
            poles: output.feedback.iter().map(|pole| (*pole, 0.0)).collect(),
            past: vec![0.0; output.feedforward.len().saturating_sub(1)],
            delayed: std::iter::repeat_n(0.0, ns).collect(),
            offsets,
            offset: output.offset,
            next_offset: 0,
            clipped: false,
        }
    }

    /// docs/1.1.7/Guides/output_filter: a filter of feedforward taps, then one section for each
    /// feedback tap, y[n] = x[n] + p·y[n−1].
    fn filter(&mut self, port: &mut [f64]) {
        if self.feedforward.is_empty() && self.poles.is_empty() {
            return;
        }
        if !self.feedforward.is_empty() {
            let mut input = std::mem::take(&mut self.past);
            let before = input.len();
            input.extend_from_slice(port);
            for (n, sample) in port.iter_mut().enumerate() {
                let past = input[n..=n + before].iter().rev();
                *sample = self.feedforward.iter().zip(past).map(|(tap, x)| tap * x).sum();
            }
            self.past = input.split_off(input.len() - before);
        }
        for (pole, last) in &mut self.poles {
            for sample in port.iter_mut() {
                *last = *sample + *pole * *last;
                *sample = *last;
            }
        }
        self.clip(port);
    }

    fn delay(&mut self, port: &mut [f64]) {
        if self.delayed.is_empty() {
            return;
        }
        for sample in port {
            self.delayed.push_back(*sample);
            *sample = self.delayed.pop_front().unwrap_or(0.0);
        }
    }

    /// Adds the offset, which may change.
    fn shift(&mut self, at: u64, port: &mut [f64]) {
        let mut rest = port;
        let mut now = at;
        loop {
            let next = self.offsets.get(self.next_offset).copied();
            let until = next.map_or(u64::MAX, |(from, _)| from.max(now));
            let count = usize::try_from(until - now).unwrap_or(usize::MAX).min(rest.len());
            let (here, later) = rest.split_at_mut(count);
            if self.offset != 0.0 {
                here.iter_mut().for_each(|sample| *sample += self.offset);
            }
            rest = later;
            now += count as u64;
            match next {
                Some((from, volts)) if from <= now => {
                    self.offset = volts;
                    self.next_offset += 1;
                }
                _ => return,
            }
        }
    }

    fn clip(&mut self, port: &mut [f64]) {
        let mut over = false;
        for sample in port {
            over |= is_beyond(*sample);
            *sample = sample.clamp(LOWEST, HIGHEST);
        }
        self.clipped |= over;
    }
}

impl Analog {
    /// From the start of the program on.
    pub fn new(score: Arc<Score>) -> Self {
        let Score { rig, tape, delays, .. } = &*score;
        let mut order: Vec<u32> = (0..tape.segments.len() as u32).collect();
        order.sort_by_key(|index| tape.segments[*index as usize].start);
        let lines = rig.outputs.iter().enumerate();
        let lines = lines.map(|(index, output)| Line::new(index, output, delays[index], tape));
        let lines = lines.collect();
        let mixes = rig.outputs.iter().any(|output| !output.crosstalk.is_empty());
        let ports = vec![Vec::new(); rig.outputs.len()];
        let clean = if mixes { ports.clone() } else { Vec::new() };
        Self { score, order, next: 0, active: Vec::new(), at: 0, ports, lines, clean }
    }

    /// The next samples of all ports.
    pub fn next(&mut self, count: usize) -> &[Vec<f64>] {
        for port in &mut self.ports {
            port.clear();
            port.resize(count, 0.0);
        }
        let score = Arc::clone(&self.score);
        let segments = &score.tape.segments;
        let (at, end) = (self.at, self.at + count as u64);
        while let Some(index) = self.order.get(self.next) {
            let segment = &segments[*index as usize];
            if segment.start >= end {
                break;
            }
            self.next += 1;
            let carrier = segment.carrier.clone();
            let oscillation =
                carrier.map(|carrier| Box::new(Oscillation::new(carrier, segment.length)));
            self.active.push(Active { segment: *index, oscillation });
        }
        let ports = &mut self.ports;
        self.active.retain_mut(|active| {
            let segment = &segments[active.segment as usize];
            let stop = segment.start.saturating_add(segment.length);
            let (from, to) = (segment.start.max(at), stop.min(end));
            if from < to {
                let place = (from - at) as usize..(to - at) as usize;
                add(segment, active.oscillation.as_deref_mut(), from - segment.start, place, ports);
            }
            stop > end
        });
        self.leak();
        for (line, port) in self.lines.iter_mut().zip(&mut self.ports) {
            line.filter(port);
            line.delay(port);
            line.shift(at, port);
            line.clip(port);
        }
        self.at = end;
        &self.ports
    }

    /// Adds to each output what the others leak into it.
    fn leak(&mut self) {
        if self.clean.is_empty() {
            return;
        }
        for (clean, port) in self.clean.iter_mut().zip(&self.ports) {
            clean.clone_from(port);
        }
        for (output, port) in self.score.rig.outputs.iter().zip(&mut self.ports) {
            for (from, weight) in &output.crosstalk {
                let leaking = &self.clean[*from];
                port.iter_mut().zip(leaking).for_each(|(to, from)| *to += weight * from);
            }
        }
    }

    /// Outputs that had to be clipped so far.
    pub fn clipped(&self) -> Vec<usize> {
        (0..self.lines.len()).filter(|index| self.lines[*index].clipped).collect()
    }

    /// All samples of all ports.
    pub fn all(mut self, length: usize) -> Vec<Vec<f64>> {
        let mut ports: Vec<Vec<f64>> =
            self.ports.iter().map(|_| Vec::with_capacity(length)).collect();
        for from in (0..length).step_by(STRETCH) {
            let made = self.next(STRETCH.min(length - from));
            ports.iter_mut().zip(made).for_each(|(port, made)| port.extend_from_slice(made));
        }
        ports
    }
}

/// The digital outputs of a score, from the start on.
#[derive(Debug)]
pub struct Digital {
    /// Whether each is inverted.
    inverted: Vec<bool>,
    /// When each is high, in order and apart, and the first that is not over.
    highs: Vec<(Vec<(i64, i64)>, usize)>,
    at: i64,
    ports: Vec<Vec<bool>>,
}

impl Digital {
    /// From the start of the program on.
    pub fn new(score: &Score) -> Self {
        let delay = i64::from(score.moved) - score.timing.marker_lead as i64;
        let mut highs: Vec<(Vec<(i64, i64)>, usize)> =
            vec![(Vec::new(), 0); score.rig.digital.len()];
        for high in &score.tape.markers {
            highs[high.output].0.push((high.from + delay, high.to + delay));
        }
        for (spans, _) in &mut highs {
            spans.sort_unstable();
            // What touches is one: however many overlap, each sample is looked at once.
            spans.dedup_by(|next, last| {
                let touches = next.0 <= last.1;
                last.1 = if touches { last.1.max(next.1) } else { last.1 };
                touches
            });
        }
        let inverted = score.rig.digital.iter().map(|output| output.inverted).collect();
        let ports = vec![Vec::new(); score.rig.digital.len()];
        Self { inverted, highs, at: 0, ports }
    }

    /// The next samples of all ports.
    pub fn next(&mut self, count: usize) -> &[Vec<bool>] {
        let (at, end) = (self.at, self.at + count as i64);
        for ((port, inverted), (spans, next)) in
            self.ports.iter_mut().zip(&self.inverted).zip(&mut self.highs)
        {
            port.clear();
            port.resize(count, *inverted);
            while let Some((from, to)) = spans.get(*next).copied().filter(|(from, _)| *from < end) {
                let (first, last) = (from.max(at), to.min(end));
                if first < last {
                    port[(first - at) as usize..(last - at) as usize].fill(!inverted);
                }
                if to > end {
                    break;
                }
                *next += 1;
            }
        }
        self.at = end;
        &self.ports
    }
}

/// Two different ports at once.
fn both<T>(ports: &mut [Vec<T>], i: usize, q: usize) -> Option<(&mut [T], &mut [T])> {
    match ports.get_disjoint_mut([i, q]) {
        Ok([i, q]) => Some((i, q)),
        Err(_) => None,
    }
}

/// Adds samples of a segment, from its sample `first` on, to a place of its ports.
fn add(
    segment: &Segment,
    mut carrier: Option<&mut Oscillation>,
    first: u64,
    place: std::ops::Range<usize>,
    ports: &mut [Vec<f64>],
) {
    let (first, start, count) = (first as usize, place.start, place.len());
    match &segment.outputs {
        Outputs::Mixed { i, q } => {
            let [c00, c01, c10, c11] = segment.correction;
            let mut one = |at: usize, i_out: &mut [f64], q_out: Option<&mut [f64]>| {
                let n = i_out.len();
                let (mut i, mut q) = ([0.0; BLOCK], [0.0; BLOCK]);
                base(segment, at, &mut i[..n], &mut q[..n]);
                if let Some(carrier) = &mut carrier {
                    let (cos, sin) = carrier.block(at, n);
                    for k in 0..BLOCK {
                        let (x, y) = (i[k], q[k]);
                        i[k] = x * cos[k] - y * sin[k];
                        q[k] = x * sin[k] + y * cos[k];
                    }
                }
                match q_out {
                    Some(q_out) => {
                        let made = i.iter().zip(&q);
                        for ((i_out, q_out), (i, q)) in i_out.iter_mut().zip(q_out).zip(made) {
                            *i_out += c00 * i + c01 * q;
                            *q_out += c10 * i + c11 * q;
                        }
                    }
                    // Both inputs on one port: their sum.
                    None => {
                        for (out, (i, q)) in i_out.iter_mut().zip(i.iter().zip(&q)) {
                            *out += (c00 + c10) * i + (c01 + c11) * q;
                        }
                    }
                }
            };
            match both(ports, *i, *q) {
                Some((i, q)) => {
                    let i = i[place.clone()].chunks_mut(BLOCK);
                    let q = q[place].chunks_mut(BLOCK);
                    for (index, (i, q)) in i.zip(q).enumerate() {
                        one(first + index * BLOCK, i, Some(q));
                    }
                }
                None => {
                    for (index, port) in ports[*i][place].chunks_mut(BLOCK).enumerate() {
                        one(first + index * BLOCK, port, None);
                    }
                }
            }
        }
        Outputs::Single(outputs) => {
            for at in (0..count).step_by(BLOCK) {
                let n = BLOCK.min(count - at);
                let (mut s, mut unused) = ([0.0; BLOCK], [0.0; BLOCK]);
                base(segment, first + at, &mut s[..n], &mut unused[..n]);
                if let Some(carrier) = &mut carrier {
                    let (cos, _) = carrier.block(first + at, n);
                    s.iter_mut().zip(cos).for_each(|(sample, cos)| *sample *= cos);
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
        Samples::Stretched { samples, length } => {
            let to = to.iter_mut().enumerate();
            to.for_each(|(index, to)| *to = stretched(samples, *length, at + index));
        }
        Samples::Each(samples) => {
            let samples = samples.get(at..).unwrap_or_default();
            let n = samples.len().min(to.len());
            to[..n].copy_from_slice(&samples[..n]);
            to[n..].fill(0.0);
        }
    }
}

/// A carrier, block by block.
#[derive(Debug)]
struct Oscillation {
    carrier: Carrier,
    /// Cosine and sine of the first steps of a constant frequency.
    steps: ([f64; BLOCK], [f64; BLOCK]),
    cos: [f64; BLOCK],
    sin: [f64; BLOCK],
    /// The section of a chirp, and the turns and Hz that it begins with.
    section: usize,
    begun: (f64, f64),
}

impl Oscillation {
    /// Of a segment of some nanoseconds.
    fn new(carrier: Carrier, length: u64) -> Self {
        let mut steps = ([0.0; BLOCK], [0.0; BLOCK]);
        if carrier.chirp.is_none() {
            for k in 0..BLOCK.min(usize::try_from(length).unwrap_or(BLOCK)) {
                (steps.0[k], steps.1[k]) = carrier.speed.over(k as u64).cos_sin();
            }
        }
        let (cos, sin) = ([0.0; BLOCK], [0.0; BLOCK]);
        Self { carrier, steps, cos, sin, section: 0, begun: (0.0, 0.0) }
    }

    /// Cosine and sine from the sample `at` on.
    fn block(&mut self, at: usize, n: usize) -> (&[f64; BLOCK], &[f64; BLOCK]) {
        let carrier = &self.carrier;
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

/// The lowest and the highest that the first `length` samples of a source reach on either input; of one
/// that is turned, whatever its phase.
pub fn reach(
    source: &Source,
    length: u64,
    amplitude: &[f64; 4],
    correction: &[f64; 4],
    turned: bool,
) -> ([f64; 2], [f64; 2]) {
    let [a00, a01, a10, a11] = *amplitude;
    let [c00, c01, c10, c11] = *correction;
    let (mut low, mut high) = ([0.0f64; 2], [0.0f64; 2]);
    let mut see = |x: f64, y: f64| {
        let (i, q) = (a00 * x + a01 * y, a10 * x + a11 * y);
        let size = i.hypot(q);
        let sides = if turned {
            [(size * c00.hypot(c01), true), (size * c10.hypot(c11), true)]
        } else {
            [(c00 * i + c01 * q, false), (c10 * i + c11 * q, false)]
        };
        for (side, (value, both)) in sides.into_iter().enumerate() {
            low[side] = low[side].min(if both { -value } else { value });
            high[side] = high[side].max(value);
        }
    };
    match source {
        Source::Constant([x, y]) => see(*x, *y),
        Source::Samples([x, y]) => {
            let all = [x, y].iter().map(|samples| samples.span()).max().unwrap_or(0);
            let count = length.min(all);
            // Of a very long one some are enough.
            let step = (count / MOST_SEEN).max(1);
            for index in (0..count).step_by(step as usize) {
                see(x.at(index as usize), y.at(index as usize));
            }
        }
        Source::Ramp(_) | Source::Fall => {}
    }
    (low, high)
}
