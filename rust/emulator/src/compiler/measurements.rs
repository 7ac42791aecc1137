//! What a measure statement computes: outputs, weights and targets checked.

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
        let one = |weights: &Option<q::IntegrationWeightReference>, output: &str| {
            (weights.as_ref().map_or(String::new(), |w| w.name.clone()), output.to_owned())
        };
        let (demodulates, sides, target) = match process {
            Analog::BareIntegration(p) => {
                (false, vec![one(&p.integration, &p.element_output)], &p.target)
            }
            Analog::DemodIntegration(p) => {
                (true, vec![one(&p.integration, &p.element_output)], &p.target)
            }
            Analog::DualBareIntegration(p) => (
                false,
                vec![
                    one(&p.integration1, &p.element_output1),
                    one(&p.integration2, &p.element_output2),
                ],
                &p.target,
            ),
            Analog::DualDemodIntegration(p) => (
                true,
                vec![
                    one(&p.integration1, &p.element_output1),
                    one(&p.integration2, &p.element_output2),
                ],
                &p.target,
            ),
            Analog::RawTimeTagging(p) => {
                self.tags_have_time(element)?;
                let output = self.analog_input(element, &p.element_output);
                let (target, len) = (p.target.as_ref(), p.target_len.as_ref());
                return self.tags(
                    output.map(Tagged::Analog),
                    target,
                    len,
                    p.max_time,
                    TagKind::Raw,
                );
            }
            Analog::HighResTimeTagging(p) => {
                self.tags_have_time(element)?;
                let output = self.analog_input(element, &p.element_output).map(Tagged::Analog);
                let (target, len) = (p.target.as_ref(), p.target_len.as_ref());
                return self.tags(output, target, len, p.max_time, TagKind::HighResolution);
            }
        };
        let mut checked = Vec::new();
        let mut window = 0;
        let mut constant = true;
        for (weights, output) in sides {
            let input = self.analog_input(element, &output);
            let found = &self.resolved.pulses[pulse as usize];
            let Some(values) = found.weights.get(&weights) else {
                let mut known: Vec<_> = found.weights.keys().cloned().collect();
                known.sort_unstable();
                let name = found.name.clone();
                self.mistake(
                    format!(
                        "the pulse '{name}' has no integration weights '{weights}'; it has: {}",
                        known.join(", ")
                    ),
                    "",
                );
                return None;
            };
            window = window.max(values.length());
            constant &= [&values.cosine, &values.sine]
                .iter()
                .all(|side| side.windows(2).all(|pair| pair[0] == pair[1]));
            checked.push(WeightedInput { input: input?, weights });
        }
        let dual = checked.len() > 1;
        let target = self.analog_target(target.as_ref(), dual, window, constant)?;
        let site = self.site("a measured value overflows and wraps".to_owned(), "");
        let sides = checked.into_boxed_slice();
        Some(Process::Weighted { demodulates, sides, target, window, site })
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

    fn analog_target(
        &mut self,
        target: Option<&q::AnalogProcessTarget>,
        dual: bool,
        window: u64,
        constant: bool,
    ) -> Option<Target> {
        use scalar_process_target::Target as Scalar;
        let fixed = |compiler: &mut Self, kind: Kind| {
            if kind != Kind::Fixed {
                compiler.mistake(
                    format!("bad type: a measured value is fixed, its target is {}", kind.name()),
                    "",
                );
            }
            kind == Kind::Fixed
        };
        let vector = match target.and_then(|target| target.process_target.as_ref()) {
            Some(ProcessTarget::ScalarProcess(scalar)) => match scalar.target.as_ref() {
                Some(Scalar::Variable(variable)) => {
                    let slot = self.target_variable(variable)?;
                    return fixed(self, slot.1).then_some(Target::Scalar(slot.0));
                }
                Some(Scalar::ArrayCell(cell)) => {
                    let (variable, index, site) = self.cell(cell)?;
                    let target = Target::Cell { array: variable.cells, index, site };
                    return fixed(self, variable.kind).then_some(target);
                }
                None => None,
            },
            Some(ProcessTarget::VectorProcess(vector)) => Some(vector),
            None => None,
        };
        let Some(vector) = vector else {
            self.mistake("a measure process without a target", "");
            return None;
        };
        if dual {
            self.mistake("dual demodulation and integration are only full", "");
            return None;
        }
        let array = self.array(vector.array.as_ref())?;
        if !fixed(self, array.kind) {
            return None;
        }
        // What is negative counts as none, which is refused.
        let count = |count: i32| u32::try_from(count).unwrap_or(0);
        let division = vector.time_division.as_ref().and_then(|d| d.time_division.as_ref());
        let (division, chunk) = match division {
            Some(TimeDivision::Sliced(d)) => {
                let chunk = count(d.samples_per_chunk);
                (Division::Sliced { chunk }, chunk)
            }
            Some(TimeDivision::Accumulated(d)) => {
                let chunk = count(d.samples_per_chunk);
                (Division::Accumulated { chunk }, chunk)
            }
            Some(TimeDivision::MovingWindow(d)) => {
                let (chunk, window) = (count(d.samples_per_chunk), count(d.chunks_per_window));
                if window == 0 {
                    self.mistake("a moving window of 0 chunks", "");
                    return None;
                }
                (Division::Moving { chunk, window }, chunk)
            }
            None => {
                self.mistake(
                    "a measurement into an array needs sliced, accumulated or moving_window",
                    "",
                );
                return None;
            }
        };
        let len = array.cells.len;
        let whole = (u64::from(chunk) * u64::from(len)).saturating_mul(4);
        if chunk == 0 || whole != window {
            self.mistake(
                format!(
                    "{len} chunks of {chunk} times 4 ns are {whole} ns, but the integration weights are {window} ns long; they must be as long"
                ),
                "",
            );
            return None;
        }
        if !constant && chunk < LEAST_CHUNK {
            self.mistake(
                format!("chunks of {chunk}: with integration weights that are not constant they are at least {LEAST_CHUNK}"),
                "",
            );
            return None;
        }
        Some(Target::Vector { array: array.cells, division })
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
