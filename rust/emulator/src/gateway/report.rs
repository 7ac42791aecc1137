//! What a simulation played, as the structures of its answer.

use std::collections::BTreeMap;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};

use crate::config::elements::Inputs;
use crate::config::ports::Port;
use crate::config::pulses::{Pulse, Wave, Waves};
use crate::config::stretched;
use crate::signal::engine::markers::highs;
use crate::signal::oscillator::swept_hz;
use crate::signal::phase::{Phase, TURN};
use crate::signal::render::RenderInput;
use crate::signal::timeline::{MOST_LISTED, MOST_STRUCTURED, Outputs, Played};

/// Values that the structure of analog waveforms lists in all: each takes about 50 bytes, twice.
const MOST_VALUES: usize = 1 << 18;

fn number(value: f64) -> Value {
    Value { kind: Some(Kind::NumberValue(value)) }
}

fn text(value: &str) -> Value {
    Value { kind: Some(Kind::StringValue(value.to_owned())) }
}

fn boolean(value: bool) -> Value {
    Value { kind: Some(Kind::BoolValue(value)) }
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value { kind: Some(Kind::ListValue(ListValue { values: values.into_iter().collect() })) }
}

fn numbers(values: impl IntoIterator<Item = f64>) -> Value {
    list(values.into_iter().map(number))
}

fn structure<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Struct {
    Struct { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value { kind: Some(Kind::StructValue(structure(fields))) }
}

/// One row of the report: an output of a pulse.
struct Row {
    output: usize,
    /// The row's place in a pair of I and Q.
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Single,
    I,
    Q,
}

impl Part {
    fn iq_info(self, group: usize) -> Value {
        object([
            ("isPartOfIq", boolean(self != Self::Single)),
            ("iqGroupId", number(group as f64)),
            ("isI", boolean(self == Self::I)),
            ("isQ", boolean(self == Self::Q)),
        ])
    }

    fn offset(self) -> usize {
        usize::from(self == Self::Q)
    }
}

struct Report<'a> {
    render_input: &'a RenderInput,
    /// The first pulser of each element: one for each of its inputs.
    pulsers: Vec<usize>,
    /// The number of each element among those with I and Q.
    groups: Vec<usize>,
}

/// The rows of a report's matrices.
struct Matrices {
    amplitude: [f64; 2],
    frame: [f64; 2],
    correction: [f64; 2],
}

fn matrices(played: &Played, part: Part) -> Matrices {
    let (cos, sin) = played.frame.cos_sin();
    let [a00, a01, a10, a11] = played.amplitude;
    let [c00, c01, c10, c11] = played.correction;
    match part {
        Part::Q => Matrices {
            // Without an amplitude, both have that of one.
            amplitude: if played.scaled { [a10, a11] } else { [a00, a01] },
            frame: [sin, cos],
            correction: [c10, c11],
        },
        // Not -0.
        _ => Matrices { amplitude: [a00, a01], frame: [cos, 0.0 - sin], correction: [c00, c01] },
    }
}

impl<'a> Report<'a> {
    fn new(render_input: &'a RenderInput) -> Self {
        let (mut next, mut pairs) = (0, 0);
        let (mut pulsers, mut groups) = (Vec::new(), Vec::new());
        for element in &render_input.resolved.elements {
            let mixed = matches!(element.inputs, Inputs::Mixed { .. });
            pulsers.push(next);
            groups.push(if mixed { pairs } else { 0 });
            next += if mixed { 2 } else { 1 };
            pairs += usize::from(mixed);
        }
        Self { render_input, pulsers, groups }
    }

    fn pulser(&self, element: u32, part: Part, controller: &str) -> Value {
        object([
            ("controllerName", text(controller)),
            ("femId", number(0.0)),
            ("pulserIndex", number((self.pulsers[element as usize] + part.offset()) as f64)),
        ])
    }

    fn controller_of(&self, element: u32) -> String {
        let resolved = &self.render_input.resolved;
        let element = &resolved.elements[element as usize];
        let analog = match &element.inputs {
            Inputs::None => None,
            Inputs::Single(output) | Inputs::Mixed { i: output, .. } => Some(*output),
            Inputs::Collection(all) | Inputs::Multiple(all) => all.values().next().copied(),
        };
        let digital =
            || element.markers.first().map(|marker| &resolved.digital()[marker.output].port);
        let input = || element.outputs.values().next().map(|input| &resolved.inputs()[*input].port);
        let port =
            analog.map(|output| &resolved.outputs()[output].port).or_else(digital).or_else(input);
        port.map_or_else(String::new, |port| port.controller.clone())
    }

    fn names(&self, played: &Played, part: Part) -> (String, String) {
        let Some(pulse) = played.pulse else { return ("ramp".to_owned(), "ramp".to_owned()) };
        let pulse = &self.render_input.resolved.pulses[pulse as usize];
        let mut waveform = pulse.waveforms.get(part.offset()).cloned().unwrap_or_default();
        let wave = match (&pulse.waves, part) {
            (Waves::Mixed { q, .. }, Part::Q) => Some(q),
            (Waves::Mixed { i: wave, .. } | Waves::Single(wave), _) => Some(wave),
            (Waves::None, _) => None,
        };
        if played.stretched && matches!(wave, Some(Wave::Samples(_))) {
            waveform.push_str("%stretchable");
        }
        (waveform, named(played, pulse).to_owned())
    }

    fn analog(&self, played: &Played) -> Vec<Value> {
        let rows = match &played.outputs {
            None => Vec::new(),
            Some(Outputs::Single(outputs)) => outputs
                .first()
                .map(|o| vec![Row { output: *o, part: Part::Single }])
                .unwrap_or_default(),
            Some(Outputs::Mixed { i, q }) => {
                vec![Row { output: *i, part: Part::I }, Row { output: *q, part: Part::Q }]
            }
        };
        rows.into_iter().map(|row| self.waveform(played, row)).collect()
    }

    /// What one output, or one of a pair, played.
    fn waveform(&self, played: &Played, Row { output, part }: Row) -> Value {
        let resolved = &self.render_input.resolved;
        let port = &resolved.outputs()[output].port;
        let ports: Vec<usize> = match &played.outputs {
            Some(Outputs::Single(outputs)) => outputs.to_vec(),
            _ => vec![output],
        };
        let number_of = |output: &usize| resolved.outputs()[*output].port.number;
        let all = played.outputs.as_ref().map(Outputs::all).unwrap_or_default();
        let offset = |output: &usize| {
            let place = all.iter().position(|one| one == output);
            place.map_or(0.0, |place| played.offsets[place])
        };
        let offsets =
            ports.iter().map(|output| (number_of(output).to_string(), number(offset(output))));
        let offsets = Struct { fields: offsets.collect() };
        let Matrices { amplitude, frame, correction } = matrices(played, part);
        let (waveform, pulse) = self.names(played, part);
        let delay = f64::from(self.render_input.delays[output]);
        let ports = ports.iter().map(|output| f64::from(number_of(output)));
        object([
            ("waveformName", text(&waveform)),
            ("pulseName", text(&format!("OriginPulseName={pulse}"))),
            ("timestamp", number(played.start as f64 + delay)),
            ("length", number(played.told as f64)),
            ("endsAt", number((played.start + played.told) as f64 + delay)),
            ("iqInfo", part.iq_info(self.groups[played.element as usize])),
            ("quantumElements", text(&resolved.elements[played.element as usize].name)),
            ("outputPorts", numbers(ports)),
            ("pulser", self.pulser(played.element, part, &port.controller)),
            ("currentGMatrixElements", numbers(amplitude)),
            ("currentDCOffsetByPort", Value { kind: Some(Kind::StructValue(offsets)) }),
            ("currentIntermediateFrequency", number(played.frequency)),
            ("currentFrame", numbers(frame)),
            ("currentCorrectionElements", numbers(correction)),
            ("currentPhase", number(angle(played.phase - played.frame))),
            ("chirpInfo", chirp(played)),
        ])
    }

    fn digital(&self, played: &Played) -> Vec<Value> {
        let resolved = &self.render_input.resolved;
        let element = &resolved.elements[played.element as usize];
        let Some(pulse) = played.pulse.filter(|_| played.marker) else { return Vec::new() };
        let pulse = &resolved.pulses[pulse as usize];
        let parts = match &element.inputs {
            Inputs::Mixed { .. } if played.measured => vec![Part::I],
            Inputs::Mixed { .. } => vec![Part::I, Part::Q],
            _ => vec![Part::Single],
        };
        let mut rows = Vec::new();
        for marker in &element.markers {
            let port = &resolved.digital()[marker.output].port;
            // When it rises, in whole clock cycles; how long it stays up is that of the pulse.
            let lead = self.render_input.timing.marker_lead as i64;
            let shift = i64::from(marker.delay) - i64::from(marker.buffer) - lead;
            let shift = shift.div_euclid(4) * 4 + i64::from(self.render_input.moved);
            let start = played.start as i64 + shift;
            let length = played.told;
            for part in &parts {
                rows.push(object([
                    ("waveformName", text(&pulse.marker_name)),
                    ("pulseName", text(&format!("OriginPulseName={}", named(played, pulse)))),
                    ("timestamp", number(start as f64)),
                    ("length", number(length as f64)),
                    ("endsAt", number((start + length as i64) as f64)),
                    ("iqInfo", part.iq_info(self.groups[played.element as usize])),
                    ("quantumElements", text(&element.name)),
                    ("outputPorts", numbers([f64::from(port.number)])),
                    ("pulser", self.pulser(played.element, *part, &port.controller)),
                ]));
            }
        }
        rows
    }
}

/// What the report calls a pulse: a measurement's by its own name, any other by its operation's.
fn named<'p>(played: &Played, pulse: &'p Pulse) -> &'p str {
    if played.measured { &pulse.name } else { &pulse.operation }
}

/// An angle in radians, from -π on and below π; never -0.
fn angle(phase: Phase) -> f64 {
    (phase.0 as i64) as f64 / TURN * std::f64::consts::TAU
}

fn chirp(played: &Played) -> Value {
    let none = played.chirp.is_none();
    let sweeps = played.chirp.as_deref().unwrap_or_default();
    let end = played.frequency + swept_hz(sweeps, played.length);
    let at = |hz: f64| number(if none { 0.0 } else { hz });
    object([
        ("rate", numbers(sweeps.iter().map(|sweep| sweep.rate))),
        ("times", numbers(sweeps.iter().map(|sweep| (sweep.from / 4) as f64))),
        ("units", text(if none { "" } else { "Hz/nsec" })),
        ("startFrequency", at(played.frequency)),
        ("endFrequency", at(end)),
    ])
}

/// The waveform report.
pub(super) fn waveforms(render_input: &RenderInput) -> Struct {
    let report = Report::new(render_input);
    let RenderInput { resolved, timeline, .. } = render_input;
    let acquisitions = timeline.acquisitions.iter().take(MOST_LISTED).map(|acquisition| {
        let ports: Vec<&Port> = acquisition
            .inputs
            .iter()
            .flatten()
            .map(|input| &resolved.inputs()[*input].port)
            .collect();
        let delay = f64::from(render_input.moved) - render_input.timing.acquisition_lead as f64;
        let mixed =
            matches!(resolved.elements[acquisition.element as usize].inputs, Inputs::Mixed { .. });
        let part = if mixed && acquisition.place % 2 == 1 { Part::Q } else { Part::I };
        let controller = ports.first().map_or("", |port| &port.controller);
        object([
            ("startTime", number(acquisition.from as f64 + delay)),
            ("endTime", number(acquisition.to as f64 + delay)),
            ("process", text(acquisition.process)),
            ("pulser", report.pulser(acquisition.element, part, controller)),
            ("quantumElement", text(&resolved.elements[acquisition.element as usize].name)),
            ("adc", numbers(ports.iter().map(|port| f64::from(port.number) - 1.0))),
        ])
    });
    let events = timeline.resets.iter().take(MOST_LISTED).map(|reset| {
        let controller = report.controller_of(reset.element);
        let mixed =
            matches!(resolved.elements[reset.element as usize].inputs, Inputs::Mixed { .. });
        object([
            ("eventMessage", text("phase_reset")),
            ("timestamp", number(reset.at as f64 + f64::from(render_input.moved))),
            ("quantumElement", text(&resolved.elements[reset.element as usize].name)),
            ("sourcePulser", report.pulser(reset.element, Part::Single, &controller)),
            ("sourcePulserIqInfo", object([("isI", boolean(mixed)), ("isQ", boolean(false))])),
        ])
    });
    let listed = || timeline.plays.iter().take(MOST_LISTED);
    structure([
        ("analogWaveforms", list(listed().flat_map(|played| report.analog(played)))),
        (
            "digitalWaveforms",
            list(listed().flat_map(|played| report.digital(played)).take(MOST_LISTED)),
        ),
        ("adcAcquisitions", list(acquisitions)),
        ("events", list(events)),
    ])
}

/// Lists of entries, by element and by port of a controller.
#[derive(Default)]
struct Lists {
    elements: BTreeMap<String, Vec<Value>>,
    controllers: BTreeMap<String, BTreeMap<String, Vec<Value>>>,
}

impl Lists {
    fn add(&mut self, element: &str, port: &Port, entry: Value) {
        self.elements.entry(element.to_owned()).or_default().push(entry.clone());
        let ports = self.controllers.entry(port.controller.clone()).or_default();
        ports.entry(port.number.to_string()).or_default().push(entry);
    }

    fn into_struct(self) -> Struct {
        let lists = |lists: BTreeMap<String, Vec<Value>>| {
            let fields = lists.into_iter().map(|(name, entries)| (name, list(entries))).collect();
            Value { kind: Some(Kind::StructValue(Struct { fields })) }
        };
        let controllers = self.controllers.into_iter();
        let controllers =
            controllers.map(|(name, ports)| (name, object([("ports", lists(ports))]))).collect();
        let controllers = Value { kind: Some(Kind::StructValue(Struct { fields: controllers })) };
        structure([(
            "waveforms",
            object([("elements", lists(self.elements)), ("controllers", controllers)]),
        )])
    }
}

/// Samples as the structure has them: runs of equal ones, for as long as they are played. What is listed
/// comes off `left`.
fn runs(played: &Played, waves: &Waves, second: bool, left: &mut usize) -> Value {
    let [a00, a01, a10, a11] = played.amplitude;
    let (x, y) = match waves {
        Waves::None => return list([]),
        Waves::Single(wave) => (wave, None),
        Waves::Mixed { i, q } => (i, Some(q)),
    };
    let (of_x, of_y) = if second { (a10, a11) } else { (a00, a01) };
    let one = |wave: &Wave, at: u64| match wave {
        Wave::Constant(value) => *value,
        Wave::Samples(samples) => stretched(samples, played.whole, at as usize),
    };
    let at =
        |at: u64| of_x * one(x, at) + y.filter(|_| of_y != 0.0).map_or(0.0, |y| of_y * one(y, at));
    let changes = |wave: &Wave| matches!(wave, Wave::Samples(_));
    let run = |value: f64, count: u64| {
        object([("duration", number(count as f64)), ("value", number(value))])
    };
    if !changes(x) && !y.is_some_and(changes) {
        *left = left.saturating_sub(1);
        return list([run(at(0), played.length)]);
    }
    let mut listed = Vec::new();
    let (mut value, mut count) = (at(0), 0);
    for index in 0..played.length.min(MOST_VALUES as u64) {
        let next = at(index);
        if next != value {
            listed.push(run(value, count));
            (value, count) = (next, 0);
            if listed.len() >= *left {
                break;
            }
        }
        count += 1;
    }
    listed.push(run(value, count));
    *left = left.saturating_sub(listed.len());
    list(listed)
}

/// The waveforms of analog outputs, before modulation.
pub(super) fn analog_outputs(render_input: &RenderInput) -> Struct {
    let mut lists = Lists::default();
    let mut left = MOST_VALUES;
    let resolved = &render_input.resolved;
    for played in render_input.timeline.plays.iter().take(MOST_STRUCTURED) {
        let element = &resolved.elements[played.element as usize].name;
        let pulse = played.pulse.map(|pulse| &resolved.pulses[pulse as usize]);
        let waves = match pulse.map(|pulse| &pulse.waves) {
            None | Some(Waves::None) => continue,
            Some(waves) => waves,
        };
        let outputs = played.outputs.as_ref().map(Outputs::all).unwrap_or_default();
        let phase = played.frame.turns();
        let phase = if phase > 0.5 { phase - 1.0 } else { phase } * std::f64::consts::TAU;
        for (index, output) in outputs.iter().enumerate() {
            let place = index.min(usize::from(matches!(waves, Waves::Mixed { .. })));
            if left == 0 {
                return lists.into_struct();
            }
            let samples = runs(played, waves, place == 1, &mut left);
            let name = pulse.and_then(|pulse| pulse.waveforms.get(place));
            let entry = object([
                ("name", text(name.map_or("", String::as_str))),
                (
                    "timestamp",
                    number((played.start + u64::from(render_input.delays[*output])) as f64),
                ),
                ("duration", number(played.length as f64)),
                ("frequency", number(played.frequency)),
                ("phase", number(phase)),
                ("samples", samples),
            ]);
            lists.add(element, &resolved.outputs()[*output].port, entry);
        }
    }
    lists.into_struct()
}

/// The markers of digital outputs.
pub(super) fn digital_outputs(render_input: &RenderInput) -> Struct {
    let mut lists = Lists::default();
    let resolved = &render_input.resolved;
    for played in render_input.timeline.plays.iter().take(MOST_STRUCTURED) {
        let element = &resolved.elements[played.element as usize];
        let Some(pulse) = played.pulse.map(|pulse| &resolved.pulses[pulse as usize]) else {
            continue;
        };
        let Some(marker) = &pulse.marker else { continue };
        let highs = highs(marker, u64::from(pulse.length), played.length);
        for input in &element.markers {
            let (delay, buffer) = (u64::from(input.delay), u64::from(input.buffer));
            let mut levels = Vec::new();
            let mut at = 0;
            for (from, to) in &highs {
                let (from, to) = (*from, *to + 2 * buffer);
                if from > at {
                    levels.push((from - at, false));
                }
                levels.push((to - from.max(at), true));
                at = to;
            }
            let whole = played.length + 2 * buffer;
            if at < whole {
                levels.push((whole - at, false));
            }
            let samples = list(levels.into_iter().map(|(duration, value)| {
                object([("duration", number(duration as f64)), ("value", boolean(value))])
            }));
            let lead = render_input.timing.marker_lead as i64;
            let start = (played.start + delay) as i64 - buffer as i64 - lead
                + i64::from(render_input.moved);
            let entry = object([
                ("name", text(&pulse.marker_name)),
                ("timestamp", number(start as f64)),
                ("duration", number((played.length + 2 * buffer) as f64)),
                ("samples", samples),
            ]);
            lists.add(&element.name, &resolved.digital()[input.output].port, entry);
        }
    }
    lists.into_struct()
}
