//! What loops move and write, found once: by that a simulation leaves a loop that plays no more, and knows
//! which values then are not what they would be.

use crate::qua::effects::{EVERY_CLOCK, all_writes, named_clocks};
use crate::qua::expr::Expr;
use crate::qua::ir::{Block, Branch, Program, Scope, Stmt};
use crate::qua::visit;

/// What a value saved weighs, in plain statements.
const SAVED: u64 = 4;
/// What a statement about pulses weighs.
const PLAYED: u64 = 8;

/// Fills the scopes of all loops.
pub(in crate::compiler) fn fill_scopes(program: &mut Program) {
    let finder = Finder {
        io: program.registers,
        shared: &program.shared,
        clock_of: &program.clock_of,
        clocks: program.clocks as u32,
    };
    for statement in &mut program.body {
        finder.statement(statement);
    }
}

struct Finder<'a> {
    /// The cell that stands for IO1.
    io: u32,
    shared: &'a [Option<u32>],
    clock_of: &'a [u32],
    clocks: u32,
}

impl Finder<'_> {
    fn statement(&self, statement: &mut Stmt) {
        // The loops within first.
        visit::walk_mut(statement, &mut |part| {
            if let visit::PartMut::Block(block) = part {
                block.iter_mut().for_each(|inner| self.statement(inner));
            }
        });
        match statement {
            Stmt::For { update, body, scope, .. } => self.fill(scope, &[update, body]),
            Stmt::ForEach { pairs, body, scope, .. } => {
                self.fill(scope, &[body]);
                let mut writes = scope.writes.to_vec();
                writes.extend(pairs.iter().map(|(slot, _)| *slot));
                scope.writes = unique(writes);
            }
            Stmt::Parallel { loops } => {
                for Branch { body, scope } in loops {
                    self.fill(scope, &[body]);
                }
            }
            _ => {}
        }
    }

    fn fill(&self, scope: &mut Scope, blocks: &[&Block]) {
        let (mut clocks, mut writes) = (Vec::new(), Vec::new());
        for block in blocks {
            named_clocks(block, self.clock_of, &mut clocks);
            all_writes(block, self.io, self.shared, &mut writes);
        }
        if clocks.contains(&EVERY_CLOCK) {
            // A wait takes time also where no element has a clock.
            clocks = (0..self.clocks).collect();
        }
        scope.clocks = unique(clocks);
        scope.writes = unique(writes);
        scope.weight = 1 + blocks.iter().map(|block| weight(block)).sum::<u64>();
    }
}

fn unique(mut all: Vec<u32>) -> Box<[u32]> {
    all.sort_unstable();
    all.dedup();
    all.into_boxed_slice()
}

fn weight(block: &Block) -> u64 {
    block.iter().map(weight_of).sum()
}

/// About how long a statement takes, in plain ones; a loop within counts its own rounds.
fn weight_of(statement: &Stmt) -> u64 {
    match statement {
        Stmt::Assign { value, .. } => 1 + size(value),
        Stmt::AssignCell { value, index, .. } => 1 + size(value) + size(index),
        Stmt::Save { .. } => SAVED,
        Stmt::Pulse(..) => PLAYED,
        Stmt::If { arms, otherwise, .. } => {
            1 + arms.iter().map(|(_, body)| 1 + weight(body)).sum::<u64>() + weight(otherwise)
        }
        _ => 1,
    }
}

fn size(expression: &Expr) -> u64 {
    let mut sum = match expression {
        Expr::Const(_) | Expr::Var(_) => return 0,
        Expr::Reduce { array, .. } | Expr::Dot { left: array, .. } => u64::from(array.len),
        _ => 1,
    };
    visit::operands(expression, &mut |operand| sum += size(operand));
    sum
}
