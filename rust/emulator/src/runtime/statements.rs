//! Statements, one after the other.

use super::runner::{Runner, Step};
use crate::qua::expr::Expr;
use crate::qua::ir::{Block, Stmt};

/// The shortest wait of the hardware, in clock cycles; shorter ones take this long.
const SHORTEST_WAIT: i64 = 4;

impl Runner<'_> {
    pub(super) fn all(&mut self) -> Step {
        let program = self.program;
        for (index, statement) in program.body.iter().enumerate() {
            self.top = index;
            self.statement(statement)?;
        }
        self.pace()
    }

    pub(super) fn block(&mut self, block: &Block) -> Step {
        for statement in block {
            // Without a call between: short statements are what loops are made of.
            if self.cut.is_some() {
                self.followed(statement)?;
            } else {
                self.run_statement(statement)?;
            }
        }
        Ok(())
    }

    pub(super) fn statement(&mut self, statement: &Stmt) -> Step {
        if self.cut.is_some() { self.followed(statement) } else { self.run_statement(statement) }
    }

    #[inline(always)]
    pub(super) fn run_statement(&mut self, statement: &Stmt) -> Step {
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
                if let Some(cell) = self.locate(*array, index, *site) {
                    self.memory[cell] = value;
                }
            }
            Stmt::AssignIo { register, value } => {
                let value = self.eval(value);
                self.context.io.set(*register, value);
            }
            Stmt::Save { stream, value, cells, site } => {
                self.place = *site;
                // What a pipeline does with a value can take long.
                self.alive()?;
                self.pace()?;
                let known = self.known_at(cells);
                let value = self.eval(value);
                self.save(*stream, value, known);
            }
            Stmt::If { arms, otherwise, .. } => {
                for (condition, body) in arms {
                    if self.holds(condition) {
                        return self.block(body);
                    }
                }
                return self.block(otherwise);
            }
            other => return self.run_timed(other),
        }
        Ok(())
    }

    /// Statements that move clocks, know of others, or have a body that may.
    #[inline(always)]
    fn run_timed(&mut self, statement: &Stmt) -> Step {
        match statement {
            Stmt::For { init, condition, update, body, scope } => {
                let around = self.place;
                self.block(init)?;
                self.rounds(condition, update, body, scope)?;
                self.place = around;
            }
            Stmt::ForEach { pairs, len, body, scope } => {
                let around = self.place;
                self.each(pairs, *len, body, scope)?;
                self.place = around;
            }
            Stmt::Wait { clocks, cycles, .. } => {
                let cycles = i64::from(self.eval(cycles)).max(SHORTEST_WAIT) as u64;
                self.wait(clocks, cycles)?;
            }
            Stmt::Align { clocks } => self.align(clocks),
            Stmt::Pulse(statement, site) => {
                self.place = *site;
                self.pulse_statement(statement)?;
            }
            Stmt::Parallel { loops } => self.parallel(loops)?,
            Stmt::Carry { to, from } => self.ready[*to as usize] = self.known_at(from),
            Stmt::Known { cells } => self.now = self.now.max(self.known_at(cells)),
            Stmt::Await { clocks, cells } => {
                let known = self.known_at(cells);
                for clock in self.chosen(clocks) {
                    self.clocks[clock] = self.clocks[clock].max(known);
                }
                self.now = self.now.max(known);
            }
            Stmt::Pause(site) => {
                return self.stand_still(*site, |runner| runner.context.control.pause());
            }
            Stmt::Advance { input, target, site } => {
                return self.stand_still(*site, |runner| {
                    let cells = &mut runner.memory[target.cells()];
                    runner.context.control.advance(*input as usize, cells)
                });
            }
            // The others are in `run_statement`.
            _ => {}
        }
        Ok(())
    }

    /// When all of some measured values are known, in clock cycles.
    fn known_at(&self, cells: &[u32]) -> u64 {
        cells.iter().map(|cell| self.ready[*cell as usize]).max().unwrap_or(0)
    }

    /// Waits for something from outside. Nothing of it reaches a simulation, which stands still to its end, but for
    /// what runs beside.
    fn stand_still(&mut self, site: u32, wait: impl FnOnce(&mut Self) -> Step) -> Step {
        if self.context.horizon.is_some() {
            let why =
                "waits for what reaches no simulation from outside: nothing behind it is played";
            self.tell_end(site, why);
            return self.branch_ends();
        }
        wait(self)?;
        self.catch_up();
        Ok(())
    }
}
