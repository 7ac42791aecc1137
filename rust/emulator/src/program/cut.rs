//! Where a simulation ends: loops that play no more are left, and what stands below them and uses what they
//! would have computed is told.

use std::collections::BTreeSet;

use super::ir::{Expr, NO_SITE, Scope, Stmt};
use super::run::{Fault, Runner, Step};
use super::scope::{all_writes, reads, writes};
use crate::streams::control::Halted;

/// About how many plain statements a simulation computes before it is taken to play no more.
const MOST_WORK: u64 = 1 << 24;
/// And how many more for each clock cycle that passes.
const WORK_A_CYCLE: u64 = 64;

/// What loops that were left would have computed.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// Cells whose values are not what they would be.
    cells: BTreeSet<u32>,
    /// Sites that were told.
    told: BTreeSet<u32>,
}

impl Runner<'_> {
    /// Whether the next round of a simulated loop is behind the simulation's end.
    ///
    /// # Errors
    /// [`Halted`] when nothing that stands below is reached in time either.
    pub(super) fn leaves(&mut self, scope: &Scope, endless: bool) -> Result<bool, Halted> {
        let Some(horizon) = self.surroundings.horizon else { return Ok(false) };
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
        self.work += scope.weight;
        if self.work > MOST_WORK + WORK_A_CYCLE * self.now.min(horizon) {
            let site = self.program.sites.get(scope.site as usize);
            if let Some(site) = site {
                let message = format!(
                    "{}: computes for very long while no time passes: the simulation is taken to end here{}",
                    site.statement, site.place
                );
                self.note(&Fault { message, warning: true });
            }
            return self.branch_ends();
        }
        Ok(false)
    }

    /// Nothing behind this is reached, but for what runs beside it.
    pub(super) fn branch_ends<T>(&mut self) -> Result<T, Halted> {
        self.ended = true;
        Err(Halted)
    }

    /// Whether what runs beside a loop that ended goes on; the others may compute as much again.
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

    /// Follows what a statement makes of values that a loop that was left would have computed.
    #[cold]
    pub(super) fn follow(&mut self, statement: &Stmt) {
        let Some(cut) = &mut self.cut else { return };
        let io = self.program.registers;
        let mut used = Vec::new();
        reads(statement, io, &mut used);
        let depends = used.iter().any(|cell| cut.cells.contains(cell));
        let mut written = Vec::new();
        let site = match statement {
            // Looked at when their first statements are through.
            Stmt::For { .. } => return,
            Stmt::ForEach { scope, .. } => scope.site,
            Stmt::If { site, .. } | Stmt::Save { site, .. } | Stmt::Wait { site, .. } => *site,
            Stmt::Pulse(_, site) => *site,
            _ => NO_SITE,
        };
        writes(statement, io, &mut written);
        if depends {
            statement.blocks(&mut |block| all_writes(block, io, &mut written));
            cut.cells.extend(&written);
            self.tell_cut(site);
        } else if !matches!(statement, Stmt::AssignCell { .. } | Stmt::ForEach { .. }) {
            // A whole value takes the place of what it was; of an array only one cell.
            written.iter().for_each(|cell| {
                cut.cells.remove(cell);
            });
        }
    }

    /// The same of a loop, by the condition that its first round meets.
    #[cold]
    pub(super) fn follow_loop(&mut self, condition: &Expr, scope: &Scope) {
        let Some(cut) = &mut self.cut else { return };
        let mut used = Vec::new();
        super::depend::read(condition, self.program.registers, &mut used);
        if used.iter().any(|cell| cut.cells.contains(cell)) {
            cut.cells.extend(&scope.writes);
            self.tell_cut(scope.site);
        }
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
