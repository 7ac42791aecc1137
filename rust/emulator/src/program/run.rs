//! Execution: walks the compiled program over its memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use super::cut::{Cut, MOST_WORK};
use super::ir::{Array, Block, Branch, Expr, NO_SITE, Op, Program, Scope, Stmt};
use super::timing::Timing;

use crate::pulse::adc::Adc;
use crate::pulse::engine::Engine;
use crate::pulse::heard::Heard;
use crate::pulse::model::Model;
use crate::pulse::rig::Rig;
use crate::pulse::tape::Tape;
use crate::streams::control::{Control, Halted};
use crate::streams::item::Item;
use crate::streams::pipeline::Pipelines;

/// Nanoseconds of a clock cycle.
pub const CYCLE_NS: u64 = 4;
/// The shortest wait of the hardware, in clock cycles; shorter ones take this long.
const SHORTEST_WAIT: i64 = 4;
/// Clock cycles after which a program ends (146 years): times in nanoseconds stay below 2⁶³.
const MOST_CYCLES: u64 = 1 << 60;
/// Faults noted for one job; more of them say nothing new.
const MOST_FAULTS: usize = 100;

/// The IO registers of a machine: raw bits, read as whatever kind the reader wants.
#[derive(Debug, Default)]
pub struct IoRegisters([AtomicI32; 2]);

impl IoRegisters {
    /// The bits of IO1 (0) or IO2 (1).
    pub fn get(&self, register: usize) -> i32 {
        self.0[register].load(Ordering::Relaxed)
    }

    /// Sets the bits of IO1 (0) or IO2 (1).
    pub fn set(&self, register: usize, bits: i32) {
        self.0[register].store(bits, Ordering::Relaxed);
    }
}

/// Something that the real hardware leaves undefined, met while running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What and where.
    pub message: String,
    /// Whether it is worth knowing, and not wrong.
    pub warning: bool,
}

/// Whether time passes as in reality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Pace {
    /// As fast as the machine can; waits take no time.
    #[default]
    Virtual,
    /// Waits last as long as they would on the hardware.
    Realtime,
}

/// What a run may touch.
pub struct Surroundings<'a> {
    /// Halt, pause, input streams.
    pub control: &'a Control,
    /// The machine's registers.
    pub io: &'a IoRegisters,
    /// Where saved values go.
    pub pipelines: Pipelines,
    /// Virtual or real time.
    pub pace: Pace,
    /// Stop when the program's time passes this many cycles (a simulation).
    pub horizon: Option<u64>,
    /// Called with each fault as it is first met, so that readers see it at once.
    pub on_fault: &'a dyn Fn(&Fault),
    /// What the program plays with.
    pub rig: Arc<Rig>,
    /// What analog inputs see.
    pub adc: Adc,
    /// What answers in the place of an instrument.
    pub model: Option<Model>,
    /// What the real system adds to the program's own time.
    pub timing: Timing,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Whether the program came to its end.
    pub finished: bool,
    /// What was played, of a simulation.
    pub tape: Tape,
    /// The statement at which a simulation that did not finish stood.
    pub stood: Option<String>,
}

/// Runs a program.
pub fn run(program: &Program, surroundings: Surroundings<'_>) -> Outcome {
    let Surroundings { ref rig, ref adc, .. } = surroundings;
    let horizon = surroundings.horizon.map(|cycles| cycles.saturating_mul(CYCLE_NS));
    let timing = surroundings.timing;
    let (engine, adc) = (Engine::new(Arc::clone(rig), horizon, timing.origin), adc.clone());
    let widest = rig.widest().div_ceil(CYCLE_NS);
    let mut surroundings = surroundings;
    // Markers of what is played behind the end may begin before it.
    surroundings.horizon = surroundings.horizon.map(|cycles| cycles.saturating_add(widest));
    let model = surroundings.model.take();
    let mut runner = Runner {
        program,
        memory: program.memory.clone(),
        clocks: vec![timing.start; program.clocks],
        now: timing.start,
        flow: timing.start,
        played: false,
        paced: 0,
        top: 0,
        started: Instant::now(),
        seen: vec![false; program.sites.len()],
        faults: 0,
        ready: if program.awaits { vec![0; program.memory.len()] } else { Vec::new() },
        saved: None,
        fresh: false,
        place: NO_SITE,
        work: 0,
        budget: MOST_WORK,
        ended: false,
        cut: None,
        engine,
        adc,
        model,
        heard: Vec::new(),
        acquisitions: 0,
        modelled: Vec::new(),
        surroundings,
    };
    let finished = runner.all().is_ok();
    let site = program.sites.get(runner.place as usize).filter(|_| !finished);
    let stood = site.map(|site| format!("{}{}", site.statement, site.place));
    Outcome { finished, tape: runner.engine.into_tape(), stood }
}

pub(super) struct Runner<'a> {
    pub(super) program: &'a Program,
    pub(super) memory: Vec<i32>,
    /// Clock cycles of each clock; index 0 is the program's own.
    pub(super) clocks: Vec<u64>,
    /// The latest of the clocks.
    pub(super) now: u64,
    /// Clock cycles of the flow of control, until the first pulse.
    flow: u64,
    /// Whether anything was played.
    pub(super) played: bool,
    /// Up to where real time was waited for.
    paced: u64,
    /// The statement of the body that runs.
    top: usize,
    started: Instant,
    seen: Vec<bool>,
    faults: usize,
    /// When measured values are known, in clock cycles, by cell; empty where nothing waits for one.
    pub(super) ready: Vec<u64>,
    /// The time of the last value that was saved, in clock cycles.
    saved: Option<u64>,
    /// Whether another round, a pause or an input stream came since then.
    fresh: bool,
    /// The site of the loop or pulse that is being run.
    pub(super) place: u32,
    /// About how many statements a simulation ran.
    pub(super) work: u64,
    /// And how many it may while no time passes.
    pub(super) budget: u64,
    /// Whether what halts the run is the end of one of the loops that run beside each other.
    pub(super) ended: bool,
    /// What loops that were left would have computed.
    pub(super) cut: Option<Box<Cut>>,
    pub(super) engine: Engine,
    pub(super) adc: Adc,
    pub(super) model: Option<Model>,
    /// What inputs heard of the model in this measurement.
    pub(super) heard: Vec<Heard>,
    /// Acquisitions of this measurement so far.
    pub(super) acquisitions: usize,
    /// What the model makes of the values of this measurement.
    pub(super) modelled: Vec<f64>,
    pub(super) surroundings: Surroundings<'a>,
}

pub(super) type Step = Result<(), Halted>;

/// Clock cycles that may pass in real time before they are waited for: less than a system's sleep.
const UNPACED: u64 = 5_000;

impl Runner<'_> {
    fn all(&mut self) -> Step {
        let program = self.program;
        for (index, statement) in program.body.iter().enumerate() {
            self.top = index;
            self.statement(statement)?;
        }
        self.pace()
    }

    fn block(&mut self, block: &Block) -> Step {
        for statement in block {
            // The shortest ones without a call: they are what loops are made of.
            match *statement {
                Stmt::Calculate { slot, op, left, right } if self.cut.is_none() => {
                    self.memory[slot as usize] = self.calculate(op, left, right);
                }
                Stmt::Copy { slot, from } if self.cut.is_none() => {
                    self.memory[slot as usize] = self.memory[from as usize];
                }
                _ => self.statement(statement)?,
            }
        }
        Ok(())
    }

    #[inline]
    pub(super) fn calculate(&self, op: Op, left: u32, right: u32) -> i32 {
        op.apply(self.memory[left as usize], self.memory[right as usize])
    }

    #[inline]
    pub(super) fn holds(&mut self, condition: &Expr) -> bool {
        match *condition {
            Expr::Calculate { op, left, right } => self.calculate(op, left, right) != 0,
            _ => self.eval(condition) != 0,
        }
    }

    #[inline]
    pub(super) fn alive(&self) -> Step {
        if self.surroundings.control.is_halted() { Err(Halted) } else { Ok(()) }
    }

    fn statement(&mut self, statement: &Stmt) -> Step {
        if self.cut.is_some() { self.followed(statement) } else { self.perform(statement) }
    }

    pub(super) fn perform(&mut self, statement: &Stmt) -> Step {
        match statement {
            Stmt::Assign { slot, value } => {
                if matches!(value, Expr::Reduce { .. } | Expr::Dot { .. }) {
                    self.alive()?;
                }
                let value = self.eval(value);
                self.memory[*slot as usize] = value;
            }
            Stmt::Calculate { slot, op, left, right } => {
                self.memory[*slot as usize] = self.calculate(*op, *left, *right);
            }
            Stmt::Copy { slot, from } => self.memory[*slot as usize] = self.memory[*from as usize],
            Stmt::AssignCell { array, index, value, site } => {
                let index = self.eval(index);
                let value = self.eval(value);
                match self.locate(*array, index, *site) {
                    Some(cell) => self.memory[cell] = value,
                    None => return Ok(()),
                }
            }
            Stmt::AssignIo { register, value } => {
                let value = self.eval(value);
                self.surroundings.io.set(*register, value);
            }
            Stmt::Save { stream, value, cells, site } => {
                self.place = *site;
                // What a pipeline does with a value can take long.
                self.alive()?;
                self.pace()?;
                let known = cells.iter().map(|cell| self.ready[*cell as usize]).max();
                let value = self.eval(value);
                self.save(*stream, value, known.unwrap_or(0));
            }
            Stmt::For { init, condition, update, body, scope } => {
                let around = self.place;
                self.block(init)?;
                self.rounds(condition, update, body, scope)?;
                self.place = around;
            }
            Stmt::ForEach { pairs, len, body, scope } => {
                let around = self.place;
                for index in 0..*len {
                    self.alive()?;
                    if self.leaves(scope, false)? {
                        break;
                    }
                    self.fresh = true;
                    for (slot, array) in pairs {
                        self.memory[*slot as usize] = self.memory[(array.base + index) as usize];
                    }
                    self.block(body)?;
                }
                self.place = around;
            }
            Stmt::If { arms, otherwise, .. } => {
                for (condition, body) in arms {
                    if self.holds(condition) {
                        return self.block(body);
                    }
                }
                return self.block(otherwise);
            }
            Stmt::Wait { clocks, cycles, .. } => {
                let cycles = i64::from(self.eval(cycles)).max(SHORTEST_WAIT) as u64;
                self.wait(clocks, cycles)?;
            }
            Stmt::Align { clocks } => self.align(clocks),
            Stmt::Pulse(statement, site) => {
                self.place = *site;
                self.pulse(statement)?;
            }
            Stmt::Parallel { loops } => self.parallel(loops)?,
            Stmt::Carry { to, from } => {
                let known = from.iter().map(|cell| self.ready[*cell as usize]).max();
                self.ready[*to as usize] = known.unwrap_or(0);
            }
            Stmt::Known { cells } => {
                let known = cells.iter().map(|cell| self.ready[*cell as usize]).max();
                self.now = self.now.max(known.unwrap_or(0));
            }
            Stmt::Await { clocks, cells } => {
                let known = cells.iter().map(|cell| self.ready[*cell as usize]).max().unwrap_or(0);
                for clock in self.chosen(clocks) {
                    self.clocks[clock] = self.clocks[clock].max(known);
                }
                self.now = self.now.max(known);
            }
            // Nothing reaches a simulation from outside: it stands still to its end, but for what runs beside.
            Stmt::Pause(site) | Stmt::Advance { site, .. }
                if self.surroundings.horizon.is_some() =>
            {
                let why = "waits for what reaches no simulation from outside: nothing behind it is played";
                self.tell_end(*site, why);
                return self.branch_ends();
            }
            Stmt::Pause(_) => {
                self.surroundings.control.pause()?;
                self.catch_up();
            }
            Stmt::Advance { input, target, .. } => {
                let cells = &mut self.memory[target.cells()];
                self.surroundings.control.advance(*input as usize, cells)?;
                self.catch_up();
            }
        }
        Ok(())
    }

    /// The rounds of a loop.
    fn rounds(&mut self, condition: &Expr, update: &Block, body: &Block, scope: &Scope) -> Step {
        let simulated = self.surroundings.horizon.is_some();
        let endless = matches!(condition, Expr::Const(value) if *value != 0);
        if simulated && endless && scope.clocks.is_empty() {
            // Nothing in it takes time, nothing stands behind it.
            return self.branch_ends();
        }
        let controls = self.cut.is_some() && self.follow_loop(condition, scope);
        self.control(controls, |runner| runner.all_rounds(condition, update, body, scope))
    }

    fn all_rounds(
        &mut self,
        condition: &Expr,
        update: &Block,
        body: &Block,
        scope: &Scope,
    ) -> Step {
        let simulated = self.surroundings.horizon.is_some();
        let endless = matches!(condition, Expr::Const(value) if *value != 0);
        let mut holds = self.holds(condition);
        if holds && scope.counted && !self.played {
            self.enter();
        }
        while holds {
            self.alive()?;
            if simulated && self.leaves(scope, endless)? {
                break;
            }
            self.fresh = true;
            self.block(body)?;
            self.block(update)?;
            holds = self.holds(condition);
        }
        Ok(())
    }

    /// A `for_` is entered before anything was played. The flow of control runs beside waits that go on
    /// already, so that it shows only where these end sooner.
    fn enter(&mut self) {
        self.flow += self.surroundings.timing.entry;
        for clock in &mut self.clocks {
            *clock = self.flow.max(*clock);
        }
        self.now = self.now.max(self.flow);
    }

    /// The clocks that a statement names: all of them when it names none.
    fn chosen<'c>(&self, clocks: &'c [u32]) -> impl Iterator<Item = usize> + 'c {
        let all = if clocks.is_empty() { 0..self.clocks.len() } else { 0..0 };
        all.chain(clocks.iter().map(|clock| *clock as usize))
    }

    fn align(&mut self, clocks: &[u32]) {
        let latest = self.chosen(clocks).map(|clock| self.clocks[clock]).max().unwrap_or(0);
        for clock in self.chosen(clocks) {
            self.clocks[clock] = latest;
        }
        if self.engine.waits_for_reset() {
            for element in 0..self.program.clock_of.len() {
                let clock = self.program.clock_of[element];
                if clocks.is_empty() || clocks.contains(&clock) {
                    self.engine.settle(element as u32, latest * CYCLE_NS);
                }
            }
        }
    }

    /// Infinite loops beside each other: the one whose clocks are furthest behind is next.
    fn parallel(&mut self, loops: &[Branch]) -> Step {
        // How late each is; a round that takes no time counts as a little, so that all have their turns.
        let mut times = vec![0u64; loops.len()];
        // Those that play no more.
        let mut over = vec![false; loops.len()];
        let horizon = self.surroundings.horizon;
        // What all may compute while no time passes is theirs together.
        let budget = self.budget;
        self.budget = (budget / loops.len() as u64).max(1);
        loop {
            self.alive()?;
            let left = (0..loops.len()).filter(|index| !over[*index]);
            let Some(next) = left.min_by_key(|index| times[*index]) else { break };
            let Branch { body, scope } = &loops[next];
            self.place = scope.site;
            if let Some(horizon) = horizon {
                let clocks = &scope.clocks;
                let passed = clocks.iter().all(|clock| self.clocks[*clock as usize] >= horizon);
                if (passed && !clocks.is_empty()) || self.computes_too_long(scope, horizon) {
                    over[next] = true;
                    self.work = 0;
                    continue;
                }
            }
            let round = self.block(body);
            if !self.goes_on(round)? {
                over[next] = true;
                continue;
            }
            self.fresh = true;
            let latest = scope.clocks.iter().map(|clock| self.clocks[*clock as usize]).max();
            let others = times.iter().enumerate();
            let others = others.filter(|(index, _)| *index != next && !over[*index]);
            let least = others.map(|(_, time)| *time).min().unwrap_or(0);
            let moved = latest.unwrap_or(0);
            times[next] = if moved > times[next] { moved } else { times[next].max(least) + 1 };
        }
        self.budget = budget;
        // Nothing stands behind them.
        self.branch_ends()
    }

    /// The time of a value that is saved, in nanoseconds: it is known, and all that was saved before was
    /// saved before it. In another round, or behind a pause or an input stream, time has gone on.
    fn stamp(&mut self, known: u64) -> i64 {
        let mut time = self.now.max(known);
        if self.surroundings.pace == Pace::Realtime {
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
    fn save(&mut self, stream: u32, value: i32, known: u64) {
        let stream = stream as usize;
        let kind = self.program.streams[stream].kind;
        let timestamp = self.stamp(known);
        self.surroundings.pipelines.save(stream, kind, value, timestamp);
    }

    /// Saves when something was played, in clock cycles: more of them than an int holds in ten seconds.
    pub(super) fn save_time(&mut self, stream: u32, cycles: u64) {
        let timestamp = self.stamp(cycles);
        let time = Item::Int(i64::try_from(cycles).unwrap_or(i64::MAX));
        self.surroundings.pipelines.put(stream as usize, &time, timestamp);
    }

    /// A clock moves on.
    #[inline]
    pub(super) fn move_on(&mut self, clock: usize, cycles: u64) {
        self.clocks[clock] = self.clocks[clock].saturating_add(cycles).min(MOST_CYCLES + 1);
        self.now = self.now.max(self.clocks[clock]);
    }

    fn wait(&mut self, clocks: &[u32], cycles: u64) -> Step {
        self.alive()?;
        for clock in self.chosen(clocks) {
            self.move_on(clock, cycles);
        }
        self.look_around()?;
        self.pace()
    }

    /// After time passed: a simulation ends once nothing more can happen before its horizon.
    #[inline]
    pub(super) fn look_around(&mut self) -> Step {
        if self.now > MOST_CYCLES {
            let message = "The program's time has passed 146 years: it ends here".to_owned();
            self.note(&Fault { message, warning: false });
            return Err(Halted);
        }
        if let Some(horizon) = self.surroundings.horizon
            && self.now >= horizon
        {
            let moves = |clock: usize| self.program.last_moved[clock] > self.top;
            let named = 1..self.clocks.len();
            let over = if named.clone().any(moves) {
                named.into_iter().filter(|clock| moves(*clock)).all(|c| self.clocks[c] >= horizon)
            } else {
                self.clocks[0] >= horizon
            };
            if over {
                return Err(Halted);
            }
        }
        if self.surroundings.pace == Pace::Realtime && self.now > self.paced + UNPACED {
            return self.pace();
        }
        Ok(())
    }

    /// In real time: waits until it is as late as the program thinks.
    #[inline]
    fn pace(&mut self) -> Step {
        if self.surroundings.pace == Pace::Virtual || self.now == self.paced {
            return Ok(());
        }
        self.paced = self.now;
        let due = Duration::from_nanos(self.now.saturating_mul(CYCLE_NS));
        // A wait too long for the machine's clock ends with the job.
        let far = Duration::from_secs(100 * 365 * 86_400);
        self.surroundings.control.sleep_until(self.started + due.min(far))
    }

    /// Clock cycles that passed in reality.
    fn passed(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64 / CYCLE_NS
    }

    /// After the program stood still for something outside: in real time, all clocks moved on.
    fn catch_up(&mut self) {
        self.fresh = true;
        if self.surroundings.pace == Pace::Realtime {
            self.now = self.now.max(self.passed());
            self.paced = self.now;
            self.clocks.fill(self.now);
        }
    }

    #[inline]
    pub(super) fn locate(&mut self, array: Array, index: i32, site: u32) -> Option<usize> {
        // A negative index is a large one as u32.
        if (index as u32) < array.len {
            return Some((array.base + index as u32) as usize);
        }
        self.fault(site, || format!("index {index}"));
        None
    }

    #[cold]
    pub(super) fn fault(&mut self, site: u32, detail: impl FnOnce() -> String) {
        self.tell(site, false, detail);
    }

    /// Something that is worth knowing, and not wrong.
    #[cold]
    pub(super) fn warn(&mut self, site: u32, detail: impl FnOnce() -> String) {
        self.tell(site, true, detail);
    }

    fn tell(&mut self, site: u32, warning: bool, detail: impl FnOnce() -> String) {
        if std::mem::replace(&mut self.seen[site as usize], true) || self.faults >= MOST_FAULTS {
            return;
        }
        let found = &self.program.sites[site as usize];
        let detail = detail();
        let message = format!("{}: {}{} ({detail})", found.statement, found.what, found.place);
        self.note(&Fault { message, warning });
    }

    /// Tells a fault, unless very many were told.
    pub(super) fn note(&mut self, fault: &Fault) {
        if self.faults < MOST_FAULTS {
            self.faults += 1;
            (self.surroundings.on_fault)(fault);
        }
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
