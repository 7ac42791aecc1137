//! Loops: one after the other, and infinite ones beside each other.

use super::runner::{Runner, Step};
use crate::qua::expr::{Array, Expr};
use crate::qua::ir::{Block, Branch, Scope};

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
