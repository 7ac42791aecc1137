//! Execution of statements that play and measure: arguments evaluated, clocks moved, results stored.

use std::sync::Arc;

use pulsewire_common::correction::{HIGHEST, LOWEST, saturate_entry};

use super::context::CYCLE_NS;
use super::control::Halted;
use super::runner::{Runner, Step};
use crate::qua::expr::Expr;
use crate::qua::pulses::{Amplitude, ChirpArgs, PlayStmt, Playable, PulseStmt, Rates};
use crate::qua::value::fixed_to_f64;
use crate::signal::engine::{PlayCommand, PlayKind, UNITY};
use crate::signal::inputs::Drive;
use crate::signal::oscillator::{Chirp, swept, swept_hz};
use crate::signal::phase::Phase;

/// The shortest play, in clock cycles: shorter ones take this long, as waits do.
const SHORTEST_PLAY: i32 = 4;
/// Nanoseconds in which the inputs take a chirp to have one frequency.
const CHIRP_PIECE_NS: u64 = 4;
/// Pieces of one chirp at most; they are longer in a very long one.
const MOST_CHIRP_PIECES: u64 = 1 << 16;
/// The largest factor of an amplitude, as the hardware takes it.
const LARGEST_FACTOR: f64 = 2.0;

impl Runner<'_> {
    pub(super) fn pulse_statement(&mut self, statement: &PulseStmt) -> Step {
        match statement {
            PulseStmt::Play(play) => return self.play(play, false).map(|_| ()),
            PulseStmt::Measure { play, processes, trace } => {
                return self.measure(play, processes, *trace);
            }
            PulseStmt::Rotate { element, turns } => {
                let angle = Phase::from_frame(self.eval(turns));
                let at = self.time(*element);
                self.engine.rotate(*element, angle, at);
            }
            PulseStmt::FastRotate { element, cosine, sine } => {
                let (cosine, sine) = (self.fixed(cosine), self.fixed(sine));
                let turns = sine.atan2(cosine) / std::f64::consts::TAU;
                let at = self.time(*element);
                self.engine.rotate(*element, Phase::from_turns(turns), at);
            }
            PulseStmt::ResetFrame { element } => {
                let at = self.time(*element);
                self.engine.reset_frame(*element, at);
            }
            PulseStmt::ResetPhase { element } => self.engine.reset_phase(*element),
            // Of itself, at the latest time: no play or align is waited for.
            PulseStmt::ResetGlobalPhase => self.engine.reset_all(self.now * CYCLE_NS),
            PulseStmt::Frequency { element, value, keep_phase } => {
                let hz = f64::from(self.eval(&value.value)) * value.unit;
                let at = self.time(*element);
                self.engine.set_frequency(*element, hz, *keep_phase, at);
            }
            PulseStmt::Correction { element, matrix, site } => {
                self.set_correction(*element, matrix, *site);
            }
            PulseStmt::Offset { element, output, volts, site } => {
                let mut value = self.fixed(volts);
                if !(-0.5..0.5).contains(&value) {
                    self.fault(*site, || format!("{value} V"));
                    value = value.clamp(-0.5, 0.5 - 1.0 / 65_536.0);
                }
                let at = self.time(*element);
                self.engine.set_offset(*output, value, at);
            }
            PulseStmt::RampToZero { element, cycles } => {
                return self.ramp_to_zero(*element, *cycles);
            }
            PulseStmt::Release { element } => {
                let at = self.time(*element);
                self.engine.release(*element, at);
            }
            PulseStmt::Trigger { elements, play, tag } => {
                return self.trigger(elements, play.as_deref(), *tag);
            }
        }
        Ok(())
    }

    fn set_correction(&mut self, element: u32, matrix: &[Expr; 4], site: u32) {
        let mut entries = self.four(matrix);
        for entry in &mut entries {
            if !(LOWEST..=HIGHEST).contains(entry) {
                let value = *entry;
                self.fault(site, || format!("{value}"));
            }
            *entry = saturate_entry(*entry);
        }
        let at = self.time(element);
        self.engine.set_correction(element, entries, at);
    }

    fn ramp_to_zero(&mut self, element: u32, cycles: Option<u32>) -> Step {
        let sticky = self.engine.resolved().elements[element as usize].sticky;
        let configured = sticky.map_or(0, |sticky| sticky.duration);
        let cycles = u64::from(cycles.unwrap_or(configured));
        let at = self.time(element);
        self.engine.ramp_to_zero(element, at, cycles * CYCLE_NS);
        self.pass(element, cycles)
    }

    /// Waits for a trigger: nothing is connected, so that it is there at once.
    fn trigger(&mut self, elements: &[u32], play: Option<&PlayStmt>, tag: Option<u32>) -> Step {
        self.alive()?;
        if let Some(tag) = tag {
            self.memory[tag as usize] = 0;
        }
        for element in elements {
            let at = self.time(*element);
            self.engine.settle(*element, at);
        }
        match play {
            Some(play) => self.play(play, false).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Nanoseconds of an element's clock.
    fn time(&self, element: u32) -> u64 {
        self.clocks[self.program.clock_of[element as usize] as usize] * CYCLE_NS
    }

    /// An element is busy for some clock cycles.
    fn pass(&mut self, element: u32, cycles: u64) -> Step {
        let clock = self.program.clock_of[element as usize] as usize;
        self.move_on(clock, cycles);
        self.look_around()
    }

    fn fixed(&mut self, expression: &Expr) -> f64 {
        fixed_to_f64(self.eval(expression))
    }

    fn four(&mut self, all: &[Expr; 4]) -> [f64; 4] {
        let [a, b, c, d] = all;
        [self.fixed(a), self.fixed(b), self.fixed(c), self.fixed(d)]
    }

    fn amplitude(&mut self, amplitude: &Amplitude) -> [f64; 4] {
        match amplitude {
            Amplitude::One => UNITY,
            Amplitude::Scalar { value, site } => {
                let scalar = self.fixed(value);
                let scalar = self.factor(scalar, *site);
                [scalar, 0.0, 0.0, scalar]
            }
            Amplitude::Matrix { all, site } => {
                let entries = self.four(all);
                entries.map(|entry| self.factor(entry, *site))
            }
        }
    }

    #[inline]
    fn factor(&mut self, factor: f64, site: u32) -> f64 {
        if factor.abs() > LARGEST_FACTOR {
            self.fault(site, || format!("{factor}"));
        }
        factor.clamp(-LARGEST_FACTOR, LARGEST_FACTOR)
    }

    fn cycles(&mut self, expression: Option<&Expr>) -> Option<u64> {
        let cycles = self.eval(expression?);
        Some(cycles.max(SHORTEST_PLAY) as u64)
    }

    fn chirp(&mut self, chirp: &ChirpArgs) -> Chirp {
        let rates = match &chirp.rates {
            Rates::None => Vec::new(),
            Rates::One(rate) => vec![f64::from(self.eval(rate)) * chirp.unit],
            Rates::Each(array) => {
                let cells = &self.memory[array.cells()];
                cells.iter().map(|rate| f64::from(*rate) * chirp.unit).collect()
            }
        };
        let times = chirp.times.iter().map(|cycles| u64::from(*cycles) * CYCLE_NS).collect();
        Chirp { rates, times, goes_on: chirp.goes_on }
    }

    /// Plays; gives when it began, in nanoseconds, and the factor of its amplitude.
    pub(super) fn play(
        &mut self,
        play: &PlayStmt,
        measures: bool,
    ) -> Result<(u64, [f64; 4]), Halted> {
        self.alive()?;
        self.played = true;
        let amplitude = self.amplitude(&play.amplitude);
        match self.is_plain(play) {
            Some((pulse, length)) => self.play_plain(play, pulse, amplitude, length),
            None => self.play_with_arguments(play, measures, amplitude),
        }
    }

    #[inline(never)]
    fn play_with_arguments(
        &mut self,
        play: &PlayStmt,
        measures: bool,
        amplitude: [f64; 4],
    ) -> Result<(u64, [f64; 4]), Halted> {
        let what = match &play.what {
            Playable::Pulse(pulse) => PlayKind::Pulse(*pulse),
            Playable::Ramp(slope) => PlayKind::Ramp(self.fixed(slope)),
        };
        let duration = self.cycles(play.duration.as_ref());
        let truncate = self.cycles(play.truncate.as_ref());
        let heard = play.condition.as_ref().is_none_or(|condition| self.holds(condition));
        let chirp = play.chirp.as_ref().map(|chirp| self.chirp(chirp));
        let at = self.time(play.element);
        if let Some(stream) = play.timestamp {
            self.save_time(stream, at / CYCLE_NS);
        }
        let mut arguments = PlayCommand {
            element: play.element,
            what,
            amplitude,
            duration: duration.map(|cycles| cycles * CYCLE_NS),
            truncate: truncate.map(|cycles| cycles * CYCLE_NS),
            chirp,
            target: play.target,
            heard,
            measures,
            scaled: !matches!(play.amplitude, Amplitude::One),
            stretching: None,
        };
        if matches!(&play.duration, Some(cycles) if !matches!(cycles, Expr::Const(_)))
            && self.engine.is_shaped(&arguments)
        {
            arguments.stretching = Some(self.context.timing.stretching);
        }
        if heard
            && let PlayKind::Pulse(pulse) = what
            && self.inputs.follows(play.element)
        {
            self.engine.settle(play.element, at);
            self.drive(&arguments, pulse, at);
        }
        let length = self.engine.play(&arguments, at);
        if heard {
            self.look_for_overflow(&arguments, play.site, at);
        }
        if play.duration.is_some() && self.engine.is_compressed(&arguments) {
            self.warn(play.compressed, || format!("at {at} ns"));
        }
        let length = length + arguments.stretching.unwrap_or(0);
        self.pass(play.element, length.div_ceil(CYCLE_NS))?;
        Ok((at, amplitude))
    }

    /// The pulse of a statement that asks for nothing else, and how long it takes, where playing it changes nothing
    /// in the engine.
    #[inline]
    fn is_plain(&self, play: &PlayStmt) -> Option<(u32, u64)> {
        let Playable::Pulse(pulse) = play.what else { return None };
        let asks = play.duration.is_some()
            || play.truncate.is_some()
            || play.condition.is_some()
            || play.chirp.is_some()
            || play.target.is_some()
            || play.timestamp.is_some();
        let length = self.engine.plain_length(play.element, pulse).filter(|_| !asks)?;
        Some((pulse, length))
    }

    /// What most statements of an execution are: clocks move, inputs hear of it.
    fn play_plain(
        &mut self,
        play: &PlayStmt,
        pulse: u32,
        amplitude: [f64; 4],
        length: u64,
    ) -> Result<(u64, [f64; 4]), Halted> {
        let element = play.element;
        let at = self.time(element);
        if self.inputs.follows(element)
            && let Some((phase, _, frame)) = self.engine.carrier(element, at)
        {
            let frequency = self.engine.frequency(element).unwrap_or(0.0);
            let phase = phase + frame;
            let drive = Drive { at, length, part: 1.0, amplitude, phase, frequency };
            self.inputs.drive(self.engine.resolved(), element, pulse, drive);
        }
        if !self.seen[play.site as usize]
            && self.engine.may_overflow(element, pulse, &amplitude, None)
        {
            let command = PlayCommand::plain(element, pulse, amplitude);
            self.look_for_overflow(&command, play.site, at);
        }
        self.pass(element, length.div_ceil(CYCLE_NS))?;
        Ok((at, amplitude))
    }

    /// Tells of a play that goes beyond the range of its outputs, once for each statement.
    fn look_for_overflow(&mut self, command: &PlayCommand, site: u32, at: u64) {
        if !self.seen[site as usize] && self.engine.overflows(command) {
            self.fault(site, || format!("at {at} ns"));
        }
    }

    /// Tells the inputs of a pulse on an element that they follow.
    fn drive(&mut self, play: &PlayCommand, pulse: u32, at: u64) {
        let Some((phase, speed, frame)) = self.engine.carrier(play.element, at) else { return };
        let frequency = self.engine.frequency(play.element).unwrap_or(0.0);
        let length = self.engine.length(play);
        let resolved = Arc::clone(self.engine.resolved());
        let whole = self.engine.whole(play);
        let configured = f64::from(resolved.pulses[pulse as usize].length.max(1));
        let chirp = play.chirp.as_ref().and_then(|chirp| chirp.sweeps(whole));
        let sweeps = chirp.as_deref().unwrap_or_default();
        // A chirp is taken in pieces of one frequency each.
        let piece =
            if sweeps.is_empty() { length } else { CHIRP_PIECE_NS.max(length / MOST_CHIRP_PIECES) };
        let mut passed = 0;
        while passed < length {
            let ns = piece.min(length - passed);
            let swept = Phase::from_turns(swept(sweeps, passed));
            let drive = Drive {
                at: at + passed,
                length: ns,
                part: ns as f64 / configured,
                amplitude: play.amplitude,
                phase: phase + frame + speed.over(passed) + swept,
                frequency: frequency + swept_hz(sweeps, passed + ns / 2),
            };
            self.inputs.drive(&resolved, play.element, pulse, drive);
            passed += ns;
        }
    }
}
