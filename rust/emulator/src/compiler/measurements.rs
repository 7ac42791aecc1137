//! What a measure statement computes: outputs, weights and targets checked.

use std::sync::Arc;

use pulsewire_wire::qua::qua_program as q;
use q::analog_measure_process::Process as Analog;
use q::analog_process_target::time_division::TimeDivision;
use q::analog_process_target::{ProcessTarget, scalar_process_target};
use q::digital_measure_process::Process as Digital;

use super::state::Compiler;
use crate::qua::pulses::{Division, Process, TagKind, Tagged, Target, WeightedInput};
use crate::qua::value::Kind;

/// The least chunk of weights that are not constant, in 4 ns.
const LEAST_CHUNK: u32 = 7;
/// The least time of flight of time tags, nanoseconds.
const LEAST_TAGGED_FLIGHT: u32 = 36;

/// Weights and the output they are for.
type Side<'a> = (&'a Option<q::IntegrationWeightReference>, &'a String);

/// The window that weights make.
#[derive(Clone, Copy)]
struct Window {
    ns: u64,
    is_constant: bool,
}

impl Window {
    /// That of two lists of weights.
    fn and(self, other: Self) -> Self {
        Self { ns: self.ns.max(other.ns), is_constant: self.is_constant && other.is_constant }
    }
}

/// Where a measured value goes.
enum AnalogTarget<'a> {
    Scalar(&'a scalar_process_target::Target),
    Vector(&'a q::analog_process_target::VectorProcessTarget),
    None,
}

fn analog_target(target: Option<&q::AnalogProcessTarget>) -> AnalogTarget<'_> {
    match target.and_then(|target| target.process_target.as_ref()) {
        Some(ProcessTarget::ScalarProcess(scalar)) => {
            scalar.target.as_ref().map_or(AnalogTarget::None, AnalogTarget::Scalar)
        }
        Some(ProcessTarget::VectorProcess(vector)) => AnalogTarget::Vector(vector),
        None => AnalogTarget::None,
    }
}

impl Compiler<'_> {
    pub(super) fn process(
        &mut self,
        process: &q::MeasureProcess,
        element: u32,
        pulse: u32,
    ) -> Option<Process> {
        match process.process.as_ref() {
            Some(q::measure_process::Process::Analog(analog)) => {
                self.analog(analog.process.as_ref()?, element, pulse)
            }
            Some(q::measure_process::Process::Digital(digital)) => {
                self.digital(digital.process.as_ref()?)
            }
            None => {
                self.mistake("an empty measure process", "");
                None
            }
        }
    }

    fn analog(&mut self, process: &Analog, element: u32, pulse: u32) -> Option<Process> {
        match process {
            Analog::BareIntegration(p) => {
                let sides = [(&p.integration, &p.element_output)];
                self.weighted(false, &sides, p.target.as_ref(), element, pulse)
            }
            Analog::DemodIntegration(p) => {
                let sides = [(&p.integration, &p.element_output)];
                self.weighted(true, &sides, p.target.as_ref(), element, pulse)
            }
            Analog::DualBareIntegration(p) => {
                let sides =
                    [(&p.integration1, &p.element_output1), (&p.integration2, &p.element_output2)];
                self.weighted(false, &sides, p.target.as_ref(), element, pulse)
            }
            Analog::DualDemodIntegration(p) => {
                let sides =
                    [(&p.integration1, &p.element_output1), (&p.integration2, &p.element_output2)];
                self.weighted(true, &sides, p.target.as_ref(), element, pulse)
            }
            Analog::RawTimeTagging(p) => {
                self.tags_have_time(element)?;
                let output = self.analog_input(element, &p.element_output).map(Tagged::Analog);
                let (target, len) = (p.target.as_ref(), p.target_len.as_ref());
                self.tags(output, target, len, p.max_time, TagKind::Raw)
            }
            Analog::HighResTimeTagging(p) => {
                self.tags_have_time(element)?;
                let output = self.analog_input(element, &p.element_output).map(Tagged::Analog);
                let (target, len) = (p.target.as_ref(), p.target_len.as_ref());
                self.tags(output, target, len, p.max_time, TagKind::HighResolution)
            }
        }
    }

    /// A demodulation or an integration: of one input, or of two.
    fn weighted(
        &mut self,
        demodulates: bool,
        sides: &[Side<'_>],
        target: Option<&q::AnalogProcessTarget>,
        element: u32,
        pulse: u32,
    ) -> Option<Process> {
        let mut checked = Vec::new();
        let mut window = Window { ns: 0, is_constant: true };
        for (weights, output) in sides {
            let input = self.analog_input(element, output);
            let weights = weights.as_ref().map_or(String::new(), |weights| weights.name.clone());
            window = window.and(self.window_of(pulse, &weights)?);
            checked.push(WeightedInput { input: input?, weights });
        }
        let target = match analog_target(target) {
            AnalogTarget::None => {
                self.mistake("a measure process without a target", "");
                None
            }
            AnalogTarget::Scalar(scalar) => self.scalar_target(scalar),
            AnalogTarget::Vector(_) if checked.len() > 1 => {
                self.mistake("dual demodulation and integration are only full", "");
                None
            }
            AnalogTarget::Vector(vector) => self.vector_target(vector, window),
        }?;
        let site = self.site("a measured value overflows and wraps".to_owned(), "");
        let sides = checked.into_boxed_slice();
        Some(Process::Weighted { demodulates, sides, target, window: window.ns, site })
    }

    /// What some weights of a pulse make a window of.
    fn window_of(&mut self, pulse: u32, weights: &str) -> Option<Window> {
        let found = &self.resolved.pulses[pulse as usize];
        if let Some(values) = found.weights.get(weights) {
            let is_flat = |side: &&Arc<[f64]>| side.windows(2).all(|pair| pair[0] == pair[1]);
            let is_constant = [&values.cosine, &values.sine].iter().all(is_flat);
            return Some(Window { ns: values.length(), is_constant });
        }
        let mut known: Vec<_> = found.weights.keys().cloned().collect();
        known.sort_unstable();
        let message = format!(
            "the pulse '{}' has no integration weights '{weights}'; it has: {}",
            found.name,
            known.join(", ")
        );
        self.mistake(message, "");
        None
    }

    fn tags_have_time(&mut self, element: u32) -> Option<()> {
        let owner = &self.resolved.elements[element as usize];
        let tof = owner.time_of_flight;
        if owner.outputs.is_empty() || tof >= LEAST_TAGGED_FLIGHT {
            return Some(());
        }
        let name = owner.name.clone();
        self.mistake(
            format!(
                "the time_of_flight of '{name}' is {tof} ns; with time tagging it is at least {LEAST_TAGGED_FLIGHT}"
            ),
            "",
        );
        None
    }

    /// The input that an element's output leads to.
    fn analog_input(&mut self, element: u32, output: &str) -> Option<usize> {
        let owner = &self.resolved.elements[element as usize];
        let found = match (output, owner.outputs.len()) {
            ("", 1) => owner.outputs.values().next(),
            ("", _) => None,
            (name, _) => owner.outputs.get(name),
        };
        if let Some(input) = found {
            return Some(*input);
        }
        let known: Vec<_> = owner.outputs.keys().cloned().collect();
        let (name, known) = (owner.name.clone(), known.join(", "));
        let message = if output.is_empty() {
            format!("'{name}' has several outputs; choose one: {known}")
        } else {
            format!("the element '{name}' has no output '{output}'; it has: {known}")
        };
        self.mistake(message, "");
        None
    }

    /// Whether a measured value fits its target.
    fn is_fixed(&mut self, kind: Kind) -> bool {
        if kind != Kind::Fixed {
            let name = kind.name();
            let message = format!("bad type: a measured value is fixed, its target is {name}");
            self.mistake(message, "");
        }
        kind == Kind::Fixed
    }

    fn scalar_target(&mut self, target: &scalar_process_target::Target) -> Option<Target> {
        use scalar_process_target::Target as Scalar;
        let (target, kind) = match target {
            Scalar::Variable(variable) => {
                let (slot, kind) = self.target_variable(variable)?;
                (Target::Scalar(slot), kind)
            }
            Scalar::ArrayCell(cell) => {
                let (variable, index, site) = self.cell(cell)?;
                (Target::Cell { array: variable.cells, index, site }, variable.kind)
            }
        };
        self.is_fixed(kind).then_some(target)
    }

    fn vector_target(
        &mut self,
        vector: &q::analog_process_target::VectorProcessTarget,
        window: Window,
    ) -> Option<Target> {
        let array = self.array(vector.array.as_ref())?;
        if !self.is_fixed(array.kind) {
            return None;
        }
        let division = vector.time_division.as_ref().and_then(|d| d.time_division.as_ref());
        let (division, chunk) = self.division(division)?;
        let len = array.cells.len;
        let whole = (u64::from(chunk) * u64::from(len)).saturating_mul(4);
        if chunk == 0 || whole != window.ns {
            let ns = window.ns;
            self.mistake(
                format!(
                    "{len} chunks of {chunk} times 4 ns are {whole} ns, but the integration weights are {ns} ns long; they must be as long"
                ),
                "",
            );
            return None;
        }
        if !window.is_constant && chunk < LEAST_CHUNK {
            self.mistake(
                format!("chunks of {chunk}: with integration weights that are not constant they are at least {LEAST_CHUNK}"),
                "",
            );
            return None;
        }
        Some(Target::Vector { array: array.cells, division })
    }

    /// How a window is divided, and how many times 4 ns a chunk has.
    fn division(&mut self, division: Option<&TimeDivision>) -> Option<(Division, u32)> {
        // What is negative counts as none, which is refused.
        let count = |count: i32| u32::try_from(count).unwrap_or(0);
        let mistake = match division {
            Some(TimeDivision::Sliced(d)) => {
                let chunk = count(d.samples_per_chunk);
                return Some((Division::Sliced { chunk }, chunk));
            }
            Some(TimeDivision::Accumulated(d)) => {
                let chunk = count(d.samples_per_chunk);
                return Some((Division::Accumulated { chunk }, chunk));
            }
            Some(TimeDivision::MovingWindow(d)) => {
                let (chunk, window) = (count(d.samples_per_chunk), count(d.chunks_per_window));
                if window > 0 {
                    return Some((Division::Moving { chunk, window }, chunk));
                }
                "a moving window of 0 chunks"
            }
            None => "a measurement into an array needs sliced, accumulated or moving_window",
        };
        self.mistake(mistake, "");
        None
    }

    /// The cell of a variable that is written, and its kind.
    fn target_variable(&mut self, variable: &q::VarRefExpression) -> Option<(u32, Kind)> {
        match variable.var_oneof.as_ref() {
            Some(q::var_ref_expression::VarOneof::Name(name)) => {
                let found = self.scalar(name, &variable.loc)?;
                Some((found.cells.base, found.kind))
            }
            _ => {
                self.mistake("the target must be a variable", &variable.loc);
                None
            }
        }
    }

    fn tags(
        &mut self,
        side: Option<Tagged>,
        target: Option<&q::ArrayVarRefExpression>,
        len: Option<&q::VarRefExpression>,
        most: i32,
        kind: TagKind,
    ) -> Option<Process> {
        let target = self.array(target)?;
        if target.kind != Kind::Int {
            self.mistake("bad type: time tags are ints", "");
            return None;
        }
        let count = match len {
            None => None,
            Some(variable) => match self.target_variable(variable)? {
                (slot, Kind::Int) => Some(slot),
                _ => {
                    self.mistake("bad type: the number of tags is an int", "");
                    return None;
                }
            },
        };
        let Ok(most_ns) = u32::try_from(most) else {
            self.mistake(format!("max_time {most} is not a time"), "");
            return None;
        };
        Some(Process::Tags { side: side?, target: target.cells, count, most_ns, kind })
    }

    fn digital(&mut self, process: &Digital) -> Option<Process> {
        match process {
            Digital::RawTimeTagging(p) => {
                let (target, len) = (p.target.as_ref(), p.target_len.as_ref());
                self.tags(Some(Tagged::Digital), target, len, p.max_time, TagKind::Raw)
            }
            Digital::Counting(p) => {
                let Some(target) = p.target.as_ref() else {
                    self.mistake("counting without a target", "");
                    return None;
                };
                match self.target_variable(target)? {
                    (target, Kind::Int) => {
                        let Ok(most_ns) = u32::try_from(p.max_time) else {
                            self.mistake(format!("max_time {} is not a time", p.max_time), "");
                            return None;
                        };
                        Some(Process::Counts { target, most_ns })
                    }
                    _ => {
                        self.mistake("bad type: a count is an int", "");
                        None
                    }
                }
            }
        }
    }
}
