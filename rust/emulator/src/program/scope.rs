//! What loops move and write, found once: by that a simulation leaves a loop that plays no more, and knows
//! which values then are not what they would be.

use super::depend::{EVERY, arguments, cells_of, gather, read};
use super::ir::{Block, Branch, Expr, Program, Scope, Stmt};
use super::pulse_ir::{Process, PulseStmt, Rates, Target};

/// What a value saved weighs, in plain statements.
const SAVED: u64 = 4;
/// What a statement about pulses weighs.
const PLAYED: u64 = 8;

/// Fills the scopes of all loops.
pub(super) fn scope(program: &mut Program) {
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
        let each = |block: &mut Block| block.iter_mut().for_each(|inner| self.statement(inner));
        match statement {
            Stmt::For { init, update, body, scope, .. } => {
                [init, &mut *update, &mut *body].into_iter().for_each(each);
                self.fill(scope, &[update, body]);
            }
            Stmt::ForEach { pairs, body, scope, .. } => {
                each(body);
                self.fill(scope, &[body]);
                let mut writes = scope.writes.to_vec();
                writes.extend(pairs.iter().map(|(slot, _)| *slot));
                scope.writes = unique(writes);
            }
            Stmt::If { arms, otherwise, .. } => {
                arms.iter_mut().for_each(|(_, body)| each(body));
                each(otherwise);
            }
            Stmt::Parallel { loops } => {
                for Branch { body, scope } in loops {
                    each(body);
                    self.fill(scope, &[body]);
                }
            }
            _ => {}
        }
    }

    fn fill(&self, scope: &mut Scope, blocks: &[&Block]) {
        let (mut clocks, mut writes) = (Vec::new(), Vec::new());
        for block in blocks {
            gather(block, self.clock_of, &mut clocks);
            all_writes(block, self.io, self.shared, &mut writes);
        }
        if clocks.contains(&EVERY) {
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
    expression.operands(&mut |operand| sum += size(operand));
    sum
}

/// The cells that a block's statements write, blocks within included.
pub(super) fn all_writes(block: &Block, io: u32, shared: &[Option<u32>], out: &mut Vec<u32>) {
    for statement in block {
        writes(statement, io, shared, out);
        statement.blocks(&mut |block| all_writes(block, io, shared, out));
    }
}

/// The cells that a statement by itself writes; an array is known by its first, an oscillator that several
/// elements have by what stands for it.
pub(super) fn writes(statement: &Stmt, io: u32, shared: &[Option<u32>], out: &mut Vec<u32>) {
    match statement {
        Stmt::Assign { slot, .. } | Stmt::Calculate { slot, .. } | Stmt::Copy { slot, .. } => {
            out.push(*slot);
        }
        Stmt::AssignCell { array, .. } => out.push(array.base),
        Stmt::AssignIo { register, .. } => out.push(io + *register as u32),
        Stmt::ForEach { pairs, .. } => out.extend(pairs.iter().map(|(slot, _)| *slot)),
        Stmt::Advance { target, .. } => out.push(target.base),
        Stmt::Pulse(pulse, _) => {
            let mut oscillator = |element: &u32| {
                out.extend(shared.get(*element as usize).copied().flatten());
            };
            match &**pulse {
                PulseStmt::Play(play) if play.chirp.is_some() => oscillator(&play.element),
                PulseStmt::Rotate { element, .. }
                | PulseStmt::FastRotate { element, .. }
                | PulseStmt::ResetFrame { element }
                | PulseStmt::ResetPhase { element }
                | PulseStmt::Frequency { element, .. }
                | PulseStmt::Correction { element, .. } => oscillator(element),
                PulseStmt::Measure { processes, .. } => {
                    processes.iter().for_each(|process| out.extend(cells_of(process)));
                }
                PulseStmt::Trigger { tag, .. } => out.extend(tag),
                _ => {}
            }
        }
        _ => {}
    }
    // A random number moves its seed on.
    values(statement, &mut |value| seeds(value, out));
}

fn seeds(expression: &Expr, out: &mut Vec<u32>) {
    if let Expr::RandomInt { seed, .. } | Expr::RandomFixed { seed } = expression {
        out.push(*seed);
    }
    expression.operands(&mut |operand| seeds(operand, out));
}

/// The cells that a statement by itself reads, as for [`writes`].
pub(super) fn reads(statement: &Stmt, io: u32, shared: &[Option<u32>], out: &mut Vec<u32>) {
    match statement {
        Stmt::Calculate { left, right, .. } => out.extend([left, right]),
        Stmt::Copy { from, .. } => out.push(*from),
        Stmt::ForEach { pairs, .. } => out.extend(pairs.iter().map(|(_, array)| array.base)),
        Stmt::Pulse(pulse, _) => {
            if let PulseStmt::Play(play) | PulseStmt::Measure { play, .. } = &**pulse {
                out.extend(shared.get(play.element as usize).copied().flatten());
            }
            if let PulseStmt::Play(play) = &**pulse
                && let Some(chirp) = &play.chirp
                && let Rates::Each(array) = &chirp.rates
            {
                out.push(array.base);
            }
        }
        _ => {}
    }
    values(statement, &mut |value| read(value, io, out));
}

/// The expressions that a statement by itself evaluates.
fn values(statement: &Stmt, visit: &mut dyn FnMut(&Expr)) {
    match statement {
        Stmt::Assign { value, .. } | Stmt::AssignIo { value, .. } | Stmt::Save { value, .. } => {
            visit(value);
        }
        Stmt::AssignCell { index, value, .. } => {
            visit(index);
            visit(value);
        }
        Stmt::For { condition, .. } => visit(condition),
        Stmt::If { arms, .. } => arms.iter().for_each(|(condition, _)| visit(condition)),
        Stmt::Wait { cycles, .. } => visit(cycles),
        Stmt::Pulse(pulse, _) => {
            let mut all = Vec::new();
            arguments(pulse, &mut all);
            all.into_iter().for_each(&mut *visit);
            if let PulseStmt::Measure { processes, .. } = &**pulse {
                for process in processes {
                    if let Process::Weighted { target: Target::Cell { index, .. }, .. } = process {
                        visit(index);
                    }
                }
            }
        }
        _ => {}
    }
}
