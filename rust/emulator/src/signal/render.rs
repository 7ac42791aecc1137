//! From what was played to the samples of every port, block by block.

use std::sync::Arc;

use super::carrier::{BLOCK, Oscillation};
use super::output_line::OutputLine;
use super::timeline::{Outputs, Samples, Segment, Source, Timeline};
use crate::config::resolved::ResolvedConfig;
use crate::config::stretched;
use crate::qua::timing::Timing;

/// Samples of all ports that are made together: what stays in the caches of a core.
pub(crate) const STRETCH: usize = 4096;

/// What is rendered: a timeline, the configuration it was played with, and the delays of its outputs.
#[derive(Debug)]
pub(crate) struct RenderInput {
    pub resolved: Arc<ResolvedConfig>,
    pub timeline: Timeline,
    /// Nanoseconds by which filters and crosstalk delay each output.
    pub delays: Vec<u32>,
    /// Nanoseconds by which digital outputs and acquisitions are moved along.
    pub moved: u32,
    /// What the real system adds to the program's own time.
    pub timing: Timing,
}

/// The analog outputs of what was played, from the start on: what elements play together, then crosstalk, filter,
/// delay, offset, and the range of the converter.
#[derive(Debug)]
pub(crate) struct Analog {
    render_input: Arc<RenderInput>,
    /// Segments by their start, and the first that has not begun.
    order: Vec<u32>,
    next: usize,
    active: Vec<Active>,
    /// Nanoseconds of the next sample.
    at: u64,
    ports: Vec<Vec<f64>>,
    lines: Vec<OutputLine>,
    clean: Vec<Vec<f64>>,
}

#[derive(Debug)]
struct Active {
    segment: u32,
    oscillation: Option<Box<Oscillation>>,
}

impl Analog {
    /// From the start of the program on.
    pub(crate) fn new(render_input: Arc<RenderInput>) -> Self {
        let RenderInput { resolved, timeline, delays, .. } = &*render_input;
        let mut order: Vec<u32> = (0..timeline.segments.len() as u32).collect();
        order.sort_by_key(|index| timeline.segments[*index as usize].start);
        let lines = resolved.outputs().iter().enumerate();
        let lines =
            lines.map(|(index, output)| OutputLine::new(index, output, delays[index], timeline));
        let lines = lines.collect();
        let mixes = resolved.outputs().iter().any(|output| !output.crosstalk.is_empty());
        let ports = vec![Vec::new(); resolved.outputs().len()];
        let clean = if mixes { ports.clone() } else { Vec::new() };
        Self { render_input, order, next: 0, active: Vec::new(), at: 0, ports, lines, clean }
    }

    /// The next samples of all ports.
    pub(crate) fn next(&mut self, count: usize) -> &[Vec<f64>] {
        for port in &mut self.ports {
            port.clear();
            port.resize(count, 0.0);
        }
        let render_input = Arc::clone(&self.render_input);
        let segments = &render_input.timeline.segments;
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
        for (output, port) in self.render_input.resolved.outputs().iter().zip(&mut self.ports) {
            for (from, weight) in &output.crosstalk {
                let leaking = &self.clean[*from];
                port.iter_mut().zip(leaking).for_each(|(to, from)| *to += weight * from);
            }
        }
    }

    /// Outputs that had to be clipped so far.
    pub(crate) fn clipped(&self) -> Vec<usize> {
        (0..self.lines.len()).filter(|index| self.lines[*index].clipped).collect()
    }

    /// All samples of all ports; those so far, where that is cancelled.
    pub(crate) fn all(mut self, length: usize, is_cancelled: &dyn Fn() -> bool) -> Vec<Vec<f64>> {
        let mut ports: Vec<Vec<f64>> =
            self.ports.iter().map(|_| Vec::with_capacity(length)).collect();
        for from in (0..length).step_by(STRETCH) {
            if is_cancelled() {
                break;
            }
            let made = self.next(STRETCH.min(length - from));
            ports.iter_mut().zip(made).for_each(|(port, made)| port.extend_from_slice(made));
        }
        ports
    }
}

/// The digital outputs of what was played, from the start on.
#[derive(Debug)]
pub(crate) struct Digital {
    /// Whether each is inverted.
    inverted: Vec<bool>,
    /// When each is high, in order and apart, and the first that is not over.
    highs: Vec<(Vec<(i64, i64)>, usize)>,
    at: i64,
    ports: Vec<Vec<bool>>,
}

impl Digital {
    /// From the start of the program on.
    pub(crate) fn new(render_input: &RenderInput) -> Self {
        let delay = i64::from(render_input.moved) - render_input.timing.marker_lead as i64;
        let mut highs: Vec<(Vec<(i64, i64)>, usize)> =
            vec![(Vec::new(), 0); render_input.resolved.digital().len()];
        for high in &render_input.timeline.markers {
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
        let inverted =
            render_input.resolved.digital().iter().map(|output| output.inverted).collect();
        let ports = vec![Vec::new(); render_input.resolved.digital().len()];
        Self { inverted, highs, at: 0, ports }
    }

    /// The next samples of all ports.
    pub(crate) fn next(&mut self, count: usize) -> &[Vec<bool>] {
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
    carrier: Option<&mut Oscillation>,
    first: u64,
    place: std::ops::Range<usize>,
    ports: &mut [Vec<f64>],
) {
    let first = first as usize;
    match &segment.outputs {
        Outputs::Mixed { i, q } => add_mixed(segment, carrier, first, place, ports, (*i, *q)),
        Outputs::Single(outputs) => add_single(segment, carrier, first, place, ports, outputs),
    }
}

/// Of an element with a single input.
fn add_single(
    segment: &Segment,
    mut carrier: Option<&mut Oscillation>,
    first: usize,
    place: std::ops::Range<usize>,
    ports: &mut [Vec<f64>],
    outputs: &[usize],
) {
    let (start, count) = (place.start, place.len());
    for at in (0..count).step_by(BLOCK) {
        let n = BLOCK.min(count - at);
        let (mut s, mut unused) = ([0.0; BLOCK], [0.0; BLOCK]);
        base(segment, first + at, &mut s[..n], &mut unused[..n]);
        if let Some(carrier) = &mut carrier {
            let (cos, _) = carrier.block(first + at, n);
            s.iter_mut().zip(cos).for_each(|(sample, cos)| *sample *= cos);
        }
        for output in outputs {
            let port = &mut ports[*output][start + at..start + at + n];
            port.iter_mut().zip(&s).for_each(|(port, sample)| *port += sample);
        }
    }
}

/// Of an element with a pair of inputs.
fn add_mixed(
    segment: &Segment,
    mut carrier: Option<&mut Oscillation>,
    first: usize,
    place: std::ops::Range<usize>,
    ports: &mut [Vec<f64>],
    (i, q): (usize, usize),
) {
    let [c00, c01, c10, c11] = segment.correction;
    let Some((i, q)) = both(ports, i, q) else {
        // Both inputs on one port: their sum.
        for (index, port) in ports[i][place].chunks_mut(BLOCK).enumerate() {
            let at = first + index * BLOCK;
            let (i, q) = turned(segment, carrier.as_deref_mut(), at, port.len());
            for (out, (i, q)) in port.iter_mut().zip(i.iter().zip(&q)) {
                *out += (c00 + c10) * i + (c01 + c11) * q;
            }
        }
        return;
    };
    let (i_ports, q_ports) = (i[place.clone()].chunks_mut(BLOCK), q[place].chunks_mut(BLOCK));
    for (index, (i_out, q_out)) in i_ports.zip(q_ports).enumerate() {
        let at = first + index * BLOCK;
        let (i, q) = turned(segment, carrier.as_deref_mut(), at, i_out.len());
        let made = i.iter().zip(&q);
        for ((i_out, q_out), (i, q)) in i_out.iter_mut().zip(q_out).zip(made) {
            *i_out += c00 * i + c01 * q;
            *q_out += c10 * i + c11 * q;
        }
    }
}

/// A block of I and Q, modulated.
#[inline]
fn turned(
    segment: &Segment,
    carrier: Option<&mut Oscillation>,
    at: usize,
    n: usize,
) -> ([f64; BLOCK], [f64; BLOCK]) {
    let (mut i, mut q) = ([0.0; BLOCK], [0.0; BLOCK]);
    base(segment, at, &mut i[..n], &mut q[..n]);
    if let Some(carrier) = carrier {
        let (cos, sin) = carrier.block(at, n);
        for k in 0..BLOCK {
            let (x, y) = (i[k], q[k]);
            i[k] = x * cos[k] - y * sin[k];
            q[k] = x * sin[k] + y * cos[k];
        }
    }
    (i, q)
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
            // Volts a nanosecond, added to what is held.
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
