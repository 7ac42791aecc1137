//! Clocks: where each element is in time, when values are saved, and time that passes as in reality.

use std::time::Duration;

use super::context::{CYCLE_NS, Pace};
use super::control::Halted;
use super::errors::Fault;
use super::runner::{Runner, Step};
use crate::streams::Item;

/// Clock cycles after which a program ends (146 years): times in nanoseconds stay below 2⁶³.
const MOST_CYCLES: u64 = 1 << 60;

/// Clock cycles that may pass in real time before they are waited for: less than a system's sleep.
const UNPACED: u64 = 5_000;

impl Runner<'_> {
    /// The clocks that a statement names: all of them when it names none.
    pub(super) fn chosen<'c>(&self, clocks: &'c [u32]) -> impl Iterator<Item = usize> + 'c {
        let all = if clocks.is_empty() { 0..self.clocks.len() } else { 0..0 };
        all.chain(clocks.iter().map(|clock| *clock as usize))
    }

    pub(super) fn align(&mut self, clocks: &[u32]) {
        let latest = if clocks.is_empty() {
            let latest = self.clocks.iter().copied().max().unwrap_or(0);
            self.clocks.fill(latest);
            latest
        } else {
            let time = |clock: &u32| self.clocks[*clock as usize];
            let latest = clocks.iter().map(time).max().unwrap_or(0);
            clocks.iter().for_each(|clock| self.clocks[*clock as usize] = latest);
            latest
        };
        if self.engine.waits_for_reset() {
            for element in 0..self.program.clock_of.len() {
                let clock = self.program.clock_of[element];
                if clocks.is_empty() || clocks.contains(&clock) {
                    self.engine.settle(element as u32, latest * CYCLE_NS);
                }
            }
        }
    }

    /// The time of a value that is saved, in nanoseconds: it is known, and all that was saved before was
    /// saved before it. In another round, or behind a pause or an input stream, time has gone on.
    pub(super) fn stamp(&mut self, known: u64) -> i64 {
        let mut time = self.now.max(known);
        if self.context.pace == Pace::Realtime {
            time = time.max(self.passed());
        }
        if let Some(saved) = self.saved {
            time = time.max(saved + u64::from(self.fresh));
        }
        self.saved = Some(time);
        self.fresh = false;
        i64::try_from(time.saturating_mul(CYCLE_NS)).unwrap_or(i64::MAX)
    }

    /// Saves a value that is known from some clock cycle on.
    pub(super) fn save(&mut self, stream: u32, value: i32, known: u64) {
        let stream = stream as usize;
        let kind = self.program.streams[stream];
        let timestamp = self.stamp(known);
        self.context.pipelines.save(stream, kind, value, timestamp);
    }

    /// Saves when something was played, in clock cycles: more of them than an int holds in ten seconds.
    pub(super) fn save_time(&mut self, stream: u32, cycles: u64) {
        let timestamp = self.stamp(cycles);
        let time = Item::Int(i64::try_from(cycles).unwrap_or(i64::MAX));
        self.context.pipelines.put(stream as usize, &time, timestamp);
    }

    /// A clock moves on.
    #[inline]
    pub(super) fn move_on(&mut self, clock: usize, cycles: u64) {
        self.clocks[clock] = self.clocks[clock].saturating_add(cycles).min(MOST_CYCLES + 1);
        self.now = self.now.max(self.clocks[clock]);
    }

    pub(super) fn wait(&mut self, clocks: &[u32], cycles: u64) -> Step {
        self.alive()?;
        self.chosen(clocks).for_each(|clock| self.move_on(clock, cycles));
        self.look_around()?;
        self.pace()
    }

    /// After time passed: a simulation ends once nothing more can happen before its horizon.
    #[inline]
    pub(super) fn look_around(&mut self) -> Step {
        if self.now > MOST_CYCLES {
            return self.out_of_time();
        }
        if let Some(horizon) = self.context.horizon
            && self.now >= horizon
            && self.is_over(horizon)
        {
            return Err(Halted);
        }
        if self.context.pace == Pace::Realtime && self.now > self.paced + UNPACED {
            return self.pace();
        }
        Ok(())
    }

    /// Whether nothing more can happen before the horizon.
    fn is_over(&self, horizon: u64) -> bool {
        let moves = |clock: usize| self.program.last_moved[clock] > self.top;
        let named = 1..self.clocks.len();
        if named.clone().any(moves) {
            named.into_iter().filter(|clock| moves(*clock)).all(|c| self.clocks[c] >= horizon)
        } else {
            self.clocks[0] >= horizon
        }
    }

    #[cold]
    fn out_of_time(&mut self) -> Step {
        let message = "The program's time has passed 146 years: it ends here".to_owned();
        self.note(&Fault { message, warning: false });
        Err(Halted)
    }

    /// In real time: waits until it is as late as the program thinks.
    #[inline]
    pub(super) fn pace(&mut self) -> Step {
        if self.context.pace == Pace::Virtual || self.now == self.paced {
            return Ok(());
        }
        self.paced = self.now;
        let due = Duration::from_nanos(self.now.saturating_mul(CYCLE_NS));
        // A wait too long for the machine's clock ends with the job.
        let far = Duration::from_secs(100 * 365 * 86_400);
        self.context.control.sleep_until(self.started + due.min(far))
    }

    /// Clock cycles that passed in reality.
    pub(super) fn passed(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64 / CYCLE_NS
    }

    /// After the program stood still for something outside: in real time, all clocks moved on.
    pub(super) fn catch_up(&mut self) {
        self.fresh = true;
        if self.context.pace == Pace::Realtime {
            self.now = self.now.max(self.passed());
            self.paced = self.now;
            self.clocks.fill(self.now);
        }
    }
}
