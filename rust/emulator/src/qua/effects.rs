//! What statements read, write and move: the questions that passes and simulations ask of a program.
//!
//! An array is known by its first cell, the IO registers by cells behind all others (from `io` on), an oscillator
//! that several elements have by what stands for it (`shared`, by element).

use super::expr::Expr;
use super::ir::{Block, Stmt};
use super::pulses::{Process, PulseStmt, Rates, Target};
use super::visit;

/// The cells that a process writes.
pub(crate) fn cells_of(process: &Process) -> impl Iterator<Item = u32> + use<> {
    let (values, count) = match process {
        Process::Weighted { target: Target::Scalar(slot), .. } => (*slot, None),
        Process::Weighted {
            target: Target::Cell { array, .. } | Target::Vector { array, .. },
            ..
        } => (array.base, None),
        Process::Tags { target, count, .. } => (target.base, *count),
        Process::Counts { target, .. } => (*target, None),
    };
    std::iter::once(values).chain(count)
}

/// The cells that an expression reads.
pub(crate) fn read(expression: &Expr, io: u32, out: &mut Vec<u32>) {
    match expression {
        Expr::Var(slot) => out.push(*slot),
        Expr::Io(register) => out.push(io + *register as u32),
        Expr::RandomInt { seed, .. } | Expr::RandomFixed { seed } => out.push(*seed),
        Expr::Cell { array, .. } | Expr::Reduce { array, .. } => out.push(array.base),
        Expr::Dot { left, right, .. } => out.extend([left.base, right.base]),
        Expr::Calculate { left, right, .. } => out.extend([left, right]),
        _ => {}
    }
    visit::operands(expression, &mut |operand| read(operand, io, out));
}

/// The cells that a block's statements write, blocks within included.
pub(crate) fn all_writes(block: &Block, io: u32, shared: &[Option<u32>], out: &mut Vec<u32>) {
    for statement in block {
        writes(statement, io, shared, out);
        visit::blocks(statement, &mut |block| all_writes(block, io, shared, out));
    }
}

/// The cells that a statement by itself writes.
pub(crate) fn writes(statement: &Stmt, io: u32, shared: &[Option<u32>], out: &mut Vec<u32>) {
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
    visit::expressions(statement, &mut |value| seeds(value, out));
}

fn seeds(expression: &Expr, out: &mut Vec<u32>) {
    if let Expr::RandomInt { seed, .. } | Expr::RandomFixed { seed } = expression {
        out.push(*seed);
    }
    visit::operands(expression, &mut |operand| seeds(operand, out));
}

/// The cells that a statement by itself reads, as for [`writes`].
pub(crate) fn reads(statement: &Stmt, io: u32, shared: &[Option<u32>], out: &mut Vec<u32>) {
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
    visit::expressions(statement, &mut |value| read(value, io, out));
}

/// Stands for all clocks among those that [`named_clocks`] finds.
pub(crate) const EVERY_CLOCK: u32 = u32::MAX;

/// The clocks that blocks move, each once, when all elements of the program are known.
pub(crate) fn moved_clocks<'b>(
    blocks: impl IntoIterator<Item = &'b [Stmt]>,
    clock_of: &[u32],
) -> Vec<u32> {
    let mut clocks = Vec::new();
    blocks.into_iter().for_each(|block| named_clocks(block, clock_of, &mut clocks));
    if clocks.contains(&EVERY_CLOCK) {
        clocks = clock_of.to_vec();
    }
    clocks.sort_unstable();
    clocks.dedup();
    clocks
}

/// The clocks that a block's statements name, blocks within included; [`EVERY_CLOCK`] for statements that name
/// none and mean all.
pub(crate) fn named_clocks(block: &[Stmt], clock_of: &[u32], out: &mut Vec<u32>) {
    for statement in block {
        match statement {
            Stmt::Wait { clocks, .. } | Stmt::Align { clocks } if clocks.is_empty() => {
                out.push(EVERY_CLOCK);
            }
            Stmt::Wait { clocks, .. } | Stmt::Align { clocks } => out.extend(clocks),
            Stmt::Pulse(pulse, _) => {
                pulse.elements(&mut |element| out.push(clock_of[element as usize]));
            }
            other => visit::blocks(other, &mut |block| named_clocks(block, clock_of, out)),
        }
    }
}
