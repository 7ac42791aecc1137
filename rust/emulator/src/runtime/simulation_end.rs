//! Where a simulation ends: loops that play no more are left, and what stands below them and uses what they
//! would have computed is told.

use super::control::Halted;
use super::errors::Fault;
use super::runner::{Runner, Step};
use crate::qua::effects::{EVERY_CLOCK, all_writes, named_clocks, read, reads, writes};
use crate::qua::expr::Expr;
use crate::qua::ir::{NO_SITE, Scope, Stmt};
use crate::qua::visit;

/// About how many plain statements a simulation computes before it is taken to play no more.
pub(super) const MOST_WORK: u64 = 1 << 24;
/// And how many more for each clock cycle that passes.
const WORK_A_CYCLE: u64 = 64;

impl Runner<'_> {
    /// Whether the next round of a simulated loop is behind the simulation's end.
    ///
    /// # Errors
    /// [`Halted`] when nothing that stands below is reached in time either.
    pub(super) fn leaves(&mut self, scope: &Scope, endless: bool) -> Result<bool, Halted> {
        let Some(horizon) = self.context.horizon else { return Ok(false) };
        self.place = scope.site;
        if scope.clocks.is_empty() {
            self.look_around()?;
        } else if scope.clocks.iter().all(|clock| self.clocks[*clock as usize] >= horizon) {
            if endless {
                return self.branch_ends();
            }
            self.cut.get_or_insert_default().cells.extend(&scope.writes);
            return Ok(true);
        }
        if self.computes_too_long(scope, horizon) {
            return self.branch_ends();
        }
        Ok(false)
    }

    /// Whether a loop computes for very long while no time passes; told, unless all of the time is over.
    pub(super) fn computes_too_long(&mut self, scope: &Scope, horizon: u64) -> bool {
        self.work += scope.weight;
        if self.work <= self.budget + WORK_A_CYCLE * self.now.min(horizon) {
            return false;
        }
        self.tell_end(
            scope.site,
            "computes for very long while no time passes: the simulation is taken to end here",
        );
        true
    }

    /// Told of a statement behind which nothing plays, unless all of the time is over.
    pub(super) fn tell_end(&mut self, site: u32, why: &str) {
        if self.context.horizon.is_some_and(|horizon| self.now < horizon)
            && let Some(site) = self.program.sites.get(site as usize)
        {
            let message = format!("{}: {why}{}", site.statement, site.place);
            self.note(&Fault { message, warning: true });
        }
    }

    /// Nothing behind this is reached, but for what runs beside it.
    pub(super) fn branch_ends<T>(&mut self) -> Result<T, Halted> {
        self.ended = true;
        Err(Halted)
    }

    /// Whether what runs beside a loop that ended goes on; the others may compute their own share.
    pub(super) fn goes_on(&mut self, round: Step) -> Result<bool, Halted> {
        match round {
            Ok(()) => Ok(true),
            Err(Halted) if std::mem::take(&mut self.ended) => {
                self.work = 0;
                Ok(false)
            }
            Err(Halted) => Err(Halted),
        }
    }

    /// Runs a statement, and follows what it makes of values that a loop that was left would have computed.
    #[cold]
    pub(super) fn followed(&mut self, statement: &Stmt) -> Step {
        let controls = self.follow(statement);
        self.control(controls, |runner| runner.run_statement(statement))
    }

    /// Runs something that a value decides upon which is not what it would be, or not.
    pub(super) fn control(&mut self, controls: bool, run: impl FnOnce(&mut Self) -> Step) -> Step {
        if !controls {
            return run(self);
        }
        self.cut.get_or_insert_default().controlled += 1;
        let step = run(self);
        self.cut.get_or_insert_default().controlled -= 1;
        step
    }

    /// Whether what a statement decides upon is not what it would be.
    fn follow(&mut self, statement: &Stmt) -> bool {
        let Some(cut) = &mut self.cut else { return false };
        let (io, shared) = (self.program.registers, &self.program.shared[..]);
        let mut used = Vec::new();
        reads(statement, io, shared, &mut used);
        let depends = used.iter().any(|cell| cut.cells.contains(cell));
        let mut written = Vec::new();
        let site = match statement {
            // Looked at when their first statements are through.
            Stmt::For { .. } => return false,
            Stmt::ForEach { scope, .. } => scope.site,
            Stmt::If { site, .. } | Stmt::Save { site, .. } | Stmt::Wait { site, .. } => *site,
            Stmt::Pulse(_, site) => *site,
            _ => NO_SITE,
        };
        writes(statement, io, shared, &mut written);
        let decides = matches!(statement, Stmt::If { .. } | Stmt::ForEach { .. });
        if depends && decides {
            visit::blocks(statement, &mut |block| all_writes(block, io, shared, &mut written));
        }
        if depends || cut.controlled > 0 {
            cut.cells.extend(&written);
        } else if !matches!(statement, Stmt::AssignCell { .. } | Stmt::ForEach { .. }) {
            // A whole value takes the place of what it was; of an array, or of an oscillator, only a part.
            for cell in written.iter().filter(|cell| !shared.contains(&Some(**cell))) {
                cut.cells.remove(cell);
            }
        }
        if depends && !self.is_behind(statement) {
            self.tell_cut(site);
        }
        depends && decides
    }

    /// Whether all that a statement plays, or waits with, is behind the end.
    fn is_behind(&self, statement: &Stmt) -> bool {
        let Some(horizon) = self.context.horizon else { return false };
        let mut clocks = Vec::new();
        match statement {
            Stmt::Pulse(..) | Stmt::Wait { .. } => {
                let one = std::slice::from_ref(statement);
                named_clocks(one, &self.program.clock_of, &mut clocks);
            }
            _ => return false,
        }
        let over = |clock: &u32| self.clocks.get(*clock as usize).is_none_or(|at| *at >= horizon);
        !clocks.is_empty() && !clocks.contains(&EVERY_CLOCK) && clocks.iter().all(over)
    }

    /// The same of a loop, by the condition that its first round meets.
    #[cold]
    pub(super) fn follow_loop(&mut self, condition: &Expr, scope: &Scope) -> bool {
        let Some(cut) = &mut self.cut else { return false };
        let mut used = Vec::new();
        read(condition, self.program.registers, &mut used);
        let depends = used.iter().any(|cell| cut.cells.contains(cell));
        if depends {
            cut.cells.extend(&scope.writes);
            self.tell_cut(scope.site);
        }
        depends
    }

    fn tell_cut(&mut self, site: u32) {
        let Some(found) = self.program.sites.get(site as usize) else { return };
        if !self.cut.get_or_insert_default().told.insert(site) {
            return;
        }
        let message = format!(
            "{}: depends on what a loop computes behind the end of the simulation, where it was cut{}",
            found.statement, found.place
        );
        self.note(&Fault { message, warning: true });
    }
}
