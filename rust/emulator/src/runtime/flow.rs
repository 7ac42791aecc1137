//! Loops: one after the other, and infinite ones beside each other.

use super::runner::{Runner, Step};
use crate::qua::expr::{Array, Expr, Op};
use crate::qua::ir::{Block, Branch, Scope, Stmt};

/// Rounds of a loop that only calculates, between two looks whether the job was halted.
const ROUNDS_TOGETHER: u32 = 1024;

/// Statements of such a loop, at most.
const MOST_CALCULATIONS: usize = 16;

/// An operation from cells to a cell.
#[derive(Clone, Copy, Debug)]
struct Calculation {
    op: Op,
    to: u32,
    left: u32,
    right: u32,
}

impl Calculation {
    const NONE: Self = Self { op: Op::Or, to: 0, left: 0, right: 0 };

    /// Those that statements are, if they are nothing else and not too many: put where no memory need be asked for,
    /// as such loops are short and stand in others.
    fn all<'a, 's>(
        statements: impl Iterator<Item = &'s Stmt>,
        into: &'a mut [Self],
    ) -> Option<&'a [Self]> {
        let mut count = 0;
        for statement in statements {
            *into.get_mut(count)? = Self::of(statement)?;
            count += 1;
        }
        Some(&into[..count])
    }

    /// A statement that is nothing else.
    fn of(statement: &Stmt) -> Option<Self> {
        match *statement {
            Stmt::Calculate { slot, op, left, right } => Some(Self { op, to: slot, left, right }),
            // a | a is a.
            Stmt::Copy { slot, from } => {
                Some(Self { op: Op::Or, to: slot, left: from, right: from })
            }
            _ => None,
        }
    }

    #[inline]
    fn value(self, memory: &[i32]) -> i32 {
        self.op.apply(memory[self.left as usize], memory[self.right as usize])
    }
}

impl Runner<'_> {
    /// The rounds of a walk over arrays.
    pub(super) fn each(
        &mut self,
        pairs: &[(u32, Array)],
        len: u32,
        body: &Block,
        scope: &Scope,
    ) -> Step {
        for index in 0..len {
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
        Ok(())
    }

    /// The rounds of a loop.
    pub(super) fn rounds(
        &mut self,
        condition: &Expr,
        update: &Block,
        body: &Block,
        scope: &Scope,
    ) -> Step {
        let simulated = self.context.horizon.is_some();
        let endless = matches!(condition, Expr::Const(value) if *value != 0);
        if simulated && endless && scope.clocks.is_empty() {
            // Nothing in it takes time, nothing stands behind it.
            return self.branch_ends();
        }
        let controls = self.cut.is_some() && self.follow_loop(condition, scope);
        self.control(controls, |runner| runner.all_rounds(condition, update, body, scope))
    }

    pub(super) fn all_rounds(
        &mut self,
        condition: &Expr,
        update: &Block,
        body: &Block,
        scope: &Scope,
    ) -> Step {
        let simulated = self.context.horizon.is_some();
        let endless = matches!(condition, Expr::Const(value) if *value != 0);
        let mut holds = self.holds(condition);
        if holds && scope.counted && !self.played {
            self.enter();
        }
        if holds && !simulated && self.cut.is_none() {
            let mut steps = [Calculation::NONE; MOST_CALCULATIONS];
            let found = Calculation::all(body.iter().chain(update), &mut steps);
            if let (Expr::Calculate { op, left, right }, Some(steps)) = (condition, found) {
                let condition = Calculation { op: *op, to: 0, left: *left, right: *right };
                return self.calculations(steps, condition);
            }
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

    /// The rounds of a loop that does nothing but calculate, while `condition` holds, which it does at first.
    fn calculations(&mut self, steps: &[Calculation], condition: Calculation) -> Step {
        self.fresh = true;
        loop {
            let memory = &mut self.memory[..];
            let mut holds = true;
            // So many of them are over before anybody who halts it gets impatient.
            for _ in 0..ROUNDS_TOGETHER {
                for step in steps {
                    memory[step.to as usize] = step.value(memory);
                }
                holds = condition.value(memory) != 0;
                if !holds {
                    break;
                }
            }
            if !holds {
                return Ok(());
            }
            self.alive()?;
        }
    }

    /// A `for_` is entered before anything was played. The flow of control runs beside waits that go on
    /// already, so that it shows only where these end sooner.
    pub(super) fn enter(&mut self) {
        self.flow += self.context.timing.entry;
        for clock in &mut self.clocks {
            *clock = self.flow.max(*clock);
        }
        self.now = self.now.max(self.flow);
    }

    /// Infinite loops beside each other: the one whose clocks are furthest behind is next.
    pub(super) fn parallel(&mut self, loops: &[Branch]) -> Step {
        // How late each is; a round that takes no time counts as a little, so that all have their turns.
        let mut times = vec![0u64; loops.len()];
        // Those that play no more.
        let mut over = vec![false; loops.len()];
        let horizon = self.context.horizon;
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
}
