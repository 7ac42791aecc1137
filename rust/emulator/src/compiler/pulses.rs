//! Statements that play and measure: names checked against the configuration, arguments typed.

use pulsewire_wire::qua::qua_program as q;
use pulsewire_wire::qua_config::qua_config::pulse_dec::Operation;
use q::play_statement::PulseType;

use super::literals::parse_literal;
use super::state::Compiler;
use crate::config::elements::Inputs;
use crate::config::pulses::resolve_pulse;
use crate::qua::expr::Expr;
use crate::qua::ir::{NO_SITE, Stmt};
use crate::qua::pulses::{
    Amplitude, ChirpArgs, Frequency, PlayStmt, Playable, PulseStmt, Rates, Trace,
};
use crate::qua::value::Kind;

/// The shortest pulse, in nanoseconds.
const SHORTEST_PULSE: u32 = 16;

/// Clock cycles of a ramp to zero.
const RAMPS: std::ops::RangeInclusive<u32> = 4..=1 << 24;

/// Samples that one measurement records at most.
const MOST_TRACED: u32 = 1 << 24;

impl Compiler<'_> {
    pub(super) fn play(&mut self, play: &q::PlayStatement) -> Option<Stmt> {
        if play.port_condition.is_some() {
            self.mistake("port_condition belongs to the OPX1000 and is not part of QOP 2", "");
            return None;
        }
        let element = self.player(play.qe.as_ref())?;
        let named = match (&play.pulse_type, &play.pulse) {
            (Some(PulseType::RampPulse(ramp)), _) => Err(ramp),
            (Some(PulseType::NamedPulse(pulse)), _) | (None, Some(pulse)) => Ok(pulse),
            (None, None) => {
                self.mistake("names no pulse", "");
                return None;
            }
        };
        let amplitude = self.amplitude(play.amp.as_ref(), element);
        let duration = self.optional(play.duration.as_ref(), Kind::Int);
        let what = match named {
            Ok(pulse) => self.pulse_index(element, &pulse.name).map(Playable::Pulse),
            Err(ramp) => {
                if play.duration.is_none() {
                    self.mistake("a ramp() needs a duration", "");
                }
                self.expression(ramp.value.as_ref(), Kind::Fixed).map(Playable::Ramp)
            }
        };
        let truncate = self.optional(play.truncate.as_ref(), Kind::Int);
        let condition = self.optional(play.condition.as_ref(), Kind::Bool);
        let chirp = match play.chirp.as_ref() {
            None => Some(None),
            Some(chirp) => self.chirp(chirp, element).map(Some),
        };
        let target = self.target(element, &play.target_input);
        let timestamp = self.timestamp(&play.timestamp_label);
        let site = self.site("the analog output is beyond its range and clipped".to_owned(), "");
        let play = PlayStmt {
            element,
            what: what?,
            amplitude: amplitude?,
            duration: duration?,
            truncate: truncate?,
            condition: condition?,
            chirp: chirp?,
            target: target?,
            timestamp: timestamp?,
            site,
            compressed: if play.duration.is_some() { self.compressed() } else { site },
        };
        self.has_length(&play)?;
        Some(pulse_statement(PulseStmt::Play(play)))
    }

    /// Whether a play's own length, where it is constant, is one that can be.
    fn has_length(&mut self, play: &PlayStmt) -> Option<()> {
        if let (Playable::Pulse(pulse), Some(Expr::Const(cycles))) = (&play.what, &play.duration)
            && *cycles >= 1 << 24
            && self.resolved.pulses[*pulse as usize].waves.are_shaped()
        {
            let message = format!(
                "an arbitrary waveform lasts for at most 2**24 - 1 clock cycles, not {cycles}"
            );
            self.mistake(message, "");
            return None;
        }
        for (cycles, name) in [(&play.duration, "duration"), (&play.truncate, "truncate")] {
            if let Some(Expr::Const(cycles)) = cycles
                && *cycles < 4
            {
                self.mistake(format!("{name} is at least 4 clock cycles, not {cycles}"), "");
                return None;
            }
        }
        Some(())
    }

    fn compressed(&mut self) -> u32 {
        let message = "an arbitrary waveform is played for less than its length, which the hardware does \
                       not support: what it plays is not defined";
        self.site(message.to_owned(), "")
    }

    pub(super) fn measure(&mut self, measure: &q::MeasureStatement) -> Option<Stmt> {
        let element = self.player(measure.qe.as_ref())?;
        let name = measure.pulse.as_ref().map_or("", |pulse| pulse.name.as_str());
        let pulse = self.pulse_index(element, name);
        let amplitude = self.amplitude(measure.amp.as_ref(), element);
        let timestamp = self.timestamp(&measure.timestamp_label);
        let pulse = pulse?;
        self.is_measurement(element, name)?;
        let target = self.target(element, "")?;
        self.can_measure(measure, element)?;
        let trace = if measure.stream_as.is_empty() {
            None
        } else {
            Some(self.trace(&measure.stream_as, element, pulse)?)
        };
        let processes: Vec<_> = measure
            .measure_processes
            .iter()
            .map(|process| self.process(process, element, pulse))
            .collect();
        let processes = processes.into_iter().collect::<Option<Box<[_]>>>()?;
        let site = self.site("the analog output is beyond its range and clipped".to_owned(), "");
        let play = PlayStmt {
            element,
            what: Playable::Pulse(pulse),
            amplitude: amplitude?,
            duration: None,
            truncate: None,
            condition: None,
            chirp: None,
            target,
            timestamp: timestamp?,
            site,
            compressed: site,
        };
        Some(pulse_statement(PulseStmt::Measure { play, processes, trace }))
    }

    /// Whether an element has the outputs and the times that a measurement needs.
    fn can_measure(&mut self, measure: &q::MeasureStatement, element: u32) -> Option<()> {
        let owner = &self.resolved.elements[element as usize];
        let (tof, smearing) = (owner.time_of_flight, owner.smearing);
        let is_analog = |process: &q::MeasureProcess| {
            matches!(process.process, Some(q::measure_process::Process::Analog(_)))
        };
        let needs_outputs =
            !measure.stream_as.is_empty() || measure.measure_processes.iter().any(is_analog);
        let name = &self.elements[element as usize];
        let message = if owner.outputs.is_empty() && needs_outputs {
            format!(
                "the element '{name}' has no outputs to measure; give it outputs in the configuration"
            )
        } else if smearing > 0 && u64::from(smearing) + 8 > u64::from(tof) {
            format!(
                "the smearing of '{name}' is {smearing} ns, more than its time_of_flight less 8"
            )
        } else {
            return Some(());
        };
        self.mistake(message, "");
        None
    }

    /// The samples that a measurement records.
    fn trace(&mut self, stream: &str, element: u32, pulse: u32) -> Option<Trace> {
        let smearing = self.resolved.elements[element as usize].smearing;
        let length = self.resolved.pulses[pulse as usize].length;
        let len = u64::from(length) + 2 * u64::from(smearing);
        let Some(len) = u32::try_from(len).ok().filter(|len| *len <= MOST_TRACED) else {
            self.mistake(
                format!("an ADC trace of {len} samples; at most {MOST_TRACED} are recorded"),
                "",
            );
            return None;
        };
        Some(Trace { stream: self.adc_stream(stream, len)?, len })
    }

    fn is_measurement(&mut self, element: u32, operation: &str) -> Option<()> {
        let config = self.config;
        let owner = config.elements.get(&self.elements[element as usize])?;
        let pulse = config.pulses.get(owner.operations.get(operation)?)?;
        if pulse.operation != Operation::Measurement as u32 {
            self.mistake(
                format!("the operation '{operation}' is a control pulse; measure needs a measurement pulse"),
                "",
            );
            return None;
        }
        Some(())
    }

    /// The index of an element among the program's.
    pub(super) fn player(&mut self, reference: Option<&q::QuantumElementReference>) -> Option<u32> {
        let Some(reference) = reference else {
            self.mistake("names no element", "");
            return None;
        };
        self.element(reference)
    }

    /// The index of an element that is modulated.
    fn oscillating(
        &mut self,
        reference: Option<&q::QuantumElementReference>,
        what: &str,
    ) -> Option<u32> {
        let element = self.player(reference)?;
        if self.resolved.elements[element as usize].oscillator.is_none() {
            let name = self.elements[element as usize].clone();
            self.mistake(
                format!("'{name}' has no intermediate frequency, so not {what}; give it one in the configuration"),
                "",
            );
            return None;
        }
        Some(element)
    }

    /// The index of a pulse among the program's parts.
    fn pulse_index(&mut self, element: u32, operation: &str) -> Option<u32> {
        let key = (element, operation.to_owned());
        if let Some(known) = self.pulses.get(&key) {
            return Some(*known);
        }
        let name = self.elements[element as usize].clone();
        match resolve_pulse(self.config, &name, operation, &Default::default()) {
            Ok(pulse) => {
                let length = pulse.length;
                if length % 4 != 0 || length < SHORTEST_PULSE {
                    self.mistake(
                        format!(
                            "the pulse '{}' is {length} ns long; pulses are multiples of 4 ns, at least {SHORTEST_PULSE}",
                            pulse.name
                        ),
                        "",
                    );
                    return None;
                }
                self.resolved.pulses.push(pulse);
                self.refs.pulses.push(key.clone());
                let index = self.resolved.pulses.len() as u32 - 1;
                self.pulses.insert(key, index);
                Some(index)
            }
            Err(error) => {
                self.mistake(error.to_string(), "");
                None
            }
        }
    }

    fn amplitude(&mut self, amp: Option<&q::AmpMultiplier>, element: u32) -> Option<Amplitude> {
        let Some(amp) = amp else { return Some(Amplitude::One) };
        let matrix = amp.v1.is_some() || amp.v2.is_some() || amp.v3.is_some();
        let site = self.site("amp() is beyond [-2, 2] and clipped".to_owned(), "");
        if !matrix {
            let value = self.expression(amp.v0.as_ref(), Kind::Fixed)?;
            return Some(Amplitude::Scalar { value, site });
        }
        if !matches!(self.resolved.elements[element as usize].inputs, Inputs::Mixed { .. }) {
            let name = self.elements[element as usize].clone();
            self.mistake(
                format!("an amp() matrix needs an element with I and Q; '{name}' has none"),
                "",
            );
            return None;
        }
        let all = [&amp.v0, &amp.v1, &amp.v2, &amp.v3];
        let all = self.four(all.map(Option::as_ref))?;
        Some(Amplitude::Matrix { all, site })
    }

    fn four(&mut self, all: [Option<&q::AnyScalarExpression>; 4]) -> Option<Box<[Expr; 4]>> {
        let [a, b, c, d] = all.map(|one| self.expression(one, Kind::Fixed));
        Some(Box::new([a?, b?, c?, d?]))
    }

    #[expect(clippy::option_option, reason = "the outer one is a mistake, the inner one absence")]
    fn optional(
        &mut self,
        expression: Option<&q::AnyScalarExpression>,
        kind: Kind,
    ) -> Option<Option<Expr>> {
        match expression {
            None => Some(None),
            some => self.expression(some, kind).map(Some),
        }
    }

    /// An int; a literal with a fraction is cut off.
    fn whole(&mut self, expression: Option<&q::AnyScalarExpression>) -> Option<Expr> {
        use q::any_scalar_expression::ExpressionOneof;
        if let Some(ExpressionOneof::Literal(literal)) =
            expression.and_then(|e| e.expression_oneof.as_ref())
            && let Ok(value) = literal.value.parse::<f64>()
            && value.is_finite()
        {
            return match parse_literal(&format!("{}", value.trunc()), Kind::Int, Kind::Int) {
                Ok(value) => Some(Expr::Const(value)),
                Err(error) => {
                    self.mistake(error.to_string(), &literal.loc);
                    None
                }
            };
        }
        self.expression(expression, Kind::Int)
    }

    fn chirp(&mut self, chirp: &q::Chirp, element: u32) -> Option<ChirpArgs> {
        use q::chirp::{Rate, Units};
        if self.resolved.elements[element as usize].oscillator.is_none() {
            let name = self.elements[element as usize].clone();
            self.mistake(
                format!("a chirp needs an intermediate frequency, which '{name}' does not have"),
                "",
            );
            return None;
        }
        let unit = match chirp.units() {
            Units::HzPerNanoSec => 1.0,
            Units::MHzPerNanoSec => 1e-3,
            Units::UHzPerNanoSec => 1e-6,
            Units::NHzPerNanoSec => 1e-9,
            Units::PHzPerNanoSec => 1e-12,
        };
        let rates = match chirp.rate.as_ref() {
            Some(Rate::ScalarRate(rate)) => Rates::One(self.whole(Some(rate))?),
            Some(Rate::ArrayRate(rates)) => {
                let array = self.array(Some(rates))?;
                if array.kind != Kind::Int || array.cells.len == 0 {
                    self.mistake("the rates of a chirp are an array of ints", &chirp.loc);
                    return None;
                }
                Rates::Each(array.cells)
            }
            None if chirp.continue_chirp => Rates::None,
            None => {
                self.mistake("a chirp needs a rate", &chirp.loc);
                return None;
            }
        };
        let sections = match &rates {
            Rates::None => 0,
            Rates::One(_) => 1,
            Rates::Each(array) => array.len as usize,
        };
        let sorted = chirp.times.first().is_none_or(|first| *first == 0)
            && chirp.times.windows(2).all(|pair| pair[0] < pair[1]);
        if !chirp.times.is_empty() && (chirp.times.len() != sections || !sorted) {
            self.mistake(
                format!(
                    "a chirp of {sections} rates needs as many times, from 0 on, each after the one before"
                ),
                &chirp.loc,
            );
            return None;
        }
        Some(ChirpArgs {
            rates,
            unit,
            times: chirp.times.clone().into_boxed_slice(),
            goes_on: chirp.continue_chirp,
        })
    }

    /// The output that `target` means.
    #[expect(clippy::option_option, reason = "the outer one is a mistake, the inner one absence")]
    fn target(&mut self, element: u32, input: &str) -> Option<Option<usize>> {
        let owner = &self.resolved.elements[element as usize];
        let name = owner.name.clone();
        match (&owner.inputs, input) {
            (Inputs::Collection(all), "") => {
                let known: Vec<_> = all.keys().cloned().collect();
                self.mistake(
                    format!(
                        "'{name}' has several inputs; choose one with target=: {}",
                        known.join(", ")
                    ),
                    "",
                );
                None
            }
            (_, "") => Some(None),
            (Inputs::Collection(all), input) => match all.get(input) {
                Some(output) => Some(Some(*output)),
                None => {
                    let known: Vec<_> = all.keys().cloned().collect();
                    self.mistake(
                        format!("'{name}' has no input '{input}'; it has: {}", known.join(", ")),
                        "",
                    );
                    None
                }
            },
            _ => {
                self.mistake(
                    format!(
                        "target= is for elements with a singleInputCollection; '{name}' has none"
                    ),
                    "",
                );
                None
            }
        }
    }

    /// The stream of a timestamp label.
    #[expect(clippy::option_option, reason = "the outer one is a mistake, the inner one absence")]
    fn timestamp(&mut self, label: &str) -> Option<Option<u32>> {
        if label.is_empty() {
            return Some(None);
        }
        self.stream(label, Kind::Int).map(Some)
    }

    pub(super) fn rotation(&mut self, rotation: &q::ZRotationStatement) -> Option<Stmt> {
        let element = self.oscillating(rotation.qe.as_ref(), "a frame to rotate");
        let turns = self.expression(rotation.value.as_ref(), Kind::Fixed);
        Some(pulse_statement(PulseStmt::Rotate { element: element?, turns: turns? }))
    }

    pub(super) fn fast_rotation(
        &mut self,
        rotation: &q::FastFrameRotationStatement,
    ) -> Option<Stmt> {
        let element = self.oscillating(rotation.qe.as_ref(), "a frame to rotate");
        let cosine = self.expression(rotation.cosine.as_ref(), Kind::Fixed);
        let sine = self.expression(rotation.sine.as_ref(), Kind::Fixed);
        Some(pulse_statement(PulseStmt::FastRotate {
            element: element?,
            cosine: cosine?,
            sine: sine?,
        }))
    }

    pub(super) fn frequency(&mut self, update: &q::UpdateFrequencyStatement) -> Option<Stmt> {
        use q::update_frequency_statement::Units;
        let element = self.oscillating(update.qe.as_ref(), "a frequency to update");
        let value = self.whole(update.value.as_ref());
        let (element, value) = (element?, value?);
        let unit = match update.units() {
            Units::Hz => 1.0,
            Units::MHz => 1e-3,
            Units::UHz => 1e-6,
            Units::NHz => 1e-9,
            Units::PHz => 1e-12,
        };
        Some(pulse_statement(PulseStmt::Frequency {
            element,
            value: Frequency { value, unit },
            keep_phase: update.keep_phase,
        }))
    }

    pub(super) fn correction(&mut self, update: &q::UpdateCorrectionStatement) -> Option<Stmt> {
        let element = self.oscillating(update.qe.as_ref(), "a correction to update")?;
        if !matches!(self.resolved.elements[element as usize].inputs, Inputs::Mixed { .. }) {
            let name = self.elements[element as usize].clone();
            self.mistake(format!("'{name}' has no mixer: it has no inputs I and Q"), "");
            return None;
        }
        let entries = update.correction.clone().unwrap_or_default();
        let all = [&entries.c0, &entries.c1, &entries.c2, &entries.c3];
        let matrix = self.four(all.map(Option::as_ref))?;
        let site = self.site("an entry is beyond [-2, 2) and clipped".to_owned(), "");
        Some(pulse_statement(PulseStmt::Correction { element, matrix, site }))
    }

    pub(super) fn offset(&mut self, set: &q::SetDcOffsetStatement) -> Option<Stmt> {
        let element = self.player(set.qe.as_ref())?;
        let volts = self.expression(set.offset.as_ref(), Kind::Fixed)?;
        let owner = &self.resolved.elements[element as usize];
        let input = set.qe_input_reference.as_str();
        let output = match (&owner.inputs, input) {
            (Inputs::Single(output), "single") => Some(*output),
            (Inputs::Mixed { i, .. }, "I") => Some(*i),
            (Inputs::Mixed { q, .. }, "Q") => Some(*q),
            (Inputs::Collection(all) | Inputs::Multiple(all), name) => all.get(name).copied(),
            _ => None,
        };
        let Some(output) = output else {
            let name = owner.name.clone();
            self.mistake(format!("'{name}' has no input '{input}'"), "");
            return None;
        };
        let site = self.site("the offset is beyond [-0.5, 0.5) and clipped".to_owned(), "");
        Some(pulse_statement(PulseStmt::Offset { element, output, volts, site }))
    }

    pub(super) fn ramp_to_zero(&mut self, ramp: &q::RampToZeroStatement) -> Option<Stmt> {
        let element = self.player(ramp.qe.as_ref())?;
        let owner = &self.resolved.elements[element as usize];
        if owner.sticky.is_none() {
            let name = owner.name.clone();
            self.mistake(format!("'{name}' is not sticky: it holds nothing to ramp down"), "");
            return None;
        }
        if let Some(cycles) = ramp.duration
            && !RAMPS.contains(&cycles)
        {
            self.mistake(
                format!(
                    "a ramp takes {} to {} clock cycles, not {cycles}",
                    RAMPS.start(),
                    RAMPS.end()
                ),
                "",
            );
            return None;
        }
        Some(pulse_statement(PulseStmt::RampToZero { element, cycles: ramp.duration }))
    }

    pub(super) fn trigger(&mut self, wait: &q::WaitForTriggerStatement) -> Option<Stmt> {
        let elements: Option<Box<[u32]>> = wait.qe.iter().map(|qe| self.element(qe)).collect();
        let elements = elements?;
        let tag = match wait.time_tag_target.as_ref().map(|variable| &variable.var_oneof) {
            None => None,
            Some(Some(q::var_ref_expression::VarOneof::Name(name))) => {
                Some(self.scalar(name, "")?.cells.base)
            }
            Some(_) => {
                self.mistake("the time tag's target must be a variable", "");
                return None;
            }
        };
        let play = match (wait.pulse_to_play.as_ref(), elements.as_ref()) {
            (None, _) => None,
            (Some(named), [element]) => Some(Box::new(PlayStmt {
                element: *element,
                target: self.target(*element, "")?,
                what: Playable::Pulse(self.pulse_index(*element, &named.name)?),
                amplitude: Amplitude::One,
                duration: None,
                truncate: None,
                condition: None,
                chirp: None,
                timestamp: None,
                site: self.site("the analog output is beyond its range and clipped".to_owned(), ""),
                compressed: 0,
            })),
            _ => {
                self.mistake("pulse_to_play goes with one element", "");
                return None;
            }
        };
        Some(pulse_statement(PulseStmt::Trigger { elements, play, tag }))
    }

    /// An element's statement without arguments.
    pub(super) fn plain(
        &mut self,
        reference: Option<&q::QuantumElementReference>,
        make: impl Fn(u32) -> PulseStmt,
    ) -> Option<Stmt> {
        self.player(reference).map(|element| pulse_statement(make(element)))
    }
}

/// A statement about pulses.
pub(super) fn pulse_statement(statement: PulseStmt) -> Stmt {
    Stmt::Pulse(Box::new(statement), NO_SITE)
}
