//! Dependencies on measured values: what uses one waits until it was measured.
//!
//! A program is run one statement after the other, and each element has a clock of its own. An element
//! whose pulse needs a value that another element measures must not play before the measurement
//! ended (the manual: "unless a dependency delays it"). Which cells depend on
//! measurements is found once, so that programs without such values pay nothing.

use std::collections::BTreeSet;

use crate::qua::effects::{all_writes, cells_of, moved_clocks, read};
use crate::qua::expr::Expr;
use crate::qua::ir::{Block, NO_SITE, Program, Stmt};
use crate::qua::pulses::{PlayStmt, PulseStmt, Rates};
use crate::qua::visit::{Part, blocks, walk};

/// Puts the waits where they are needed; gives whether there are any.
pub(in crate::compiler) fn insert_waits(program: &mut Program) -> bool {
    let mut measured = BTreeSet::new();
    targets(&program.body, &mut measured);
    if measured.is_empty() {
        return false;
    }
    let io = program.registers;
    loop {
        let before = measured.len();
        spread(&program.body, false, io, &mut measured);
        if measured.len() == before {
            break;
        }
    }
    let clock_of = program.clock_of.clone();
    let mut rewriter =
        Rewriter { measured: &measured, clock_of: &clock_of, io, control: Vec::new() };
    rewriter.block(&mut program.body);
    true
}

fn targets(block: &Block, out: &mut BTreeSet<u32>) {
    for statement in block {
        if let Stmt::Pulse(pulse, _) = statement
            && let PulseStmt::Measure { processes, .. } = &**pulse
        {
            processes.iter().for_each(|process| out.extend(cells_of(process)));
        }
        blocks(statement, &mut |block| targets(block, out));
    }
}

/// What is computed from a measured value, or because of one, depends on it too.
fn spread(block: &Block, controlled: bool, io: u32, measured: &mut BTreeSet<u32>) {
    for statement in block {
        let uses = |expression: &Expr, measured: &BTreeSet<u32>| {
            let mut cells = Vec::new();
            read(expression, io, &mut cells);
            cells.iter().any(|cell| measured.contains(cell))
        };
        match statement {
            Stmt::Assign { slot, value } if controlled || uses(value, measured) => {
                measured.insert(*slot);
            }
            Stmt::AssignCell { array, index, value, .. }
                if controlled || uses(value, measured) || uses(index, measured) =>
            {
                measured.insert(array.base);
            }
            Stmt::For { init, condition, update, body, .. } => {
                let controlled = controlled || uses(condition, measured);
                for block in [init, update, body] {
                    spread(block, controlled, io, measured);
                }
            }
            Stmt::AssignIo { register, value } if controlled || uses(value, measured) => {
                measured.insert(io + *register as u32);
            }
            Stmt::ForEach { pairs, body, .. } => {
                for (slot, array) in pairs {
                    if measured.contains(&array.base) {
                        measured.insert(*slot);
                    }
                }
                spread(body, controlled, io, measured);
            }
            Stmt::If { arms, otherwise, .. } => {
                let controlled = controlled || arms.iter().any(|(c, _)| uses(c, measured));
                arms.iter().for_each(|(_, body)| spread(body, controlled, io, measured));
                spread(otherwise, controlled, io, measured);
            }
            other => blocks(other, &mut |block| spread(block, controlled, io, measured)),
        }
    }
}

struct Rewriter<'a> {
    measured: &'a BTreeSet<u32>,
    clock_of: &'a [u32],
    /// The cell that stands for IO1.
    io: u32,
    /// Measured cells that the conditions around depend on.
    control: Vec<u32>,
}

impl Rewriter<'_> {
    fn cells<'e>(&self, expressions: impl IntoIterator<Item = &'e Expr>) -> Vec<u32> {
        let mut cells = Vec::new();
        expressions.into_iter().for_each(|expression| read(expression, self.io, &mut cells));
        cells.retain(|cell| self.measured.contains(cell));
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    fn carry(&self, to: u32, mut from: Vec<u32>, out: &mut Vec<Stmt>) {
        from.extend(&self.control);
        if self.measured.contains(&to) {
            out.push(Stmt::Carry { to, from: from.into_boxed_slice() });
        }
    }

    fn wait(&self, clocks: Vec<u32>, cells: &[u32], out: &mut Vec<Stmt>) {
        if !cells.is_empty() && !clocks.is_empty() {
            let (clocks, cells) = (clocks.into_boxed_slice(), cells.into());
            out.push(Stmt::Await { clocks, cells });
        }
    }

    /// What a choice leaves as it is, too, is known no sooner than the choice.
    fn decided(&self, blocks: &[&Block], cells: &[u32], out: &mut Vec<Stmt>) {
        if cells.is_empty() {
            return;
        }
        let mut written = Vec::new();
        blocks.iter().for_each(|block| all_writes(block, self.io, &[], &mut written));
        written.sort_unstable();
        written.dedup();
        for cell in written {
            let mut from = vec![cell];
            from.extend(cells);
            self.carry(cell, from, out);
        }
    }

    /// The flow of control goes on when a condition is known.
    fn know(&self, cells: &[u32], out: &mut Vec<Stmt>) {
        if !cells.is_empty() {
            out.push(Stmt::Known { cells: cells.into() });
        }
    }

    /// The clocks that a block's statements move.
    fn clocks(&self, blocks: &[&Block]) -> Vec<u32> {
        moved_clocks(blocks.iter().map(|block| &block[..]), self.clock_of)
    }

    fn block(&mut self, block: &mut Block) {
        let mut out = Vec::with_capacity(block.len());
        for mut statement in std::mem::take(block).into_vec() {
            self.statement(&mut statement, &mut out);
        }
        *block = out.into_boxed_slice();
    }

    fn statement(&mut self, statement: &mut Stmt, out: &mut Vec<Stmt>) {
        let mut after = Vec::new();
        match statement {
            Stmt::Assign { slot, value } => self.carry(*slot, self.cells([&*value]), &mut after),
            Stmt::AssignIo { register, value } => {
                self.carry(self.io + *register as u32, self.cells([&*value]), &mut after);
            }
            // What is saved is stamped when it is known.
            Stmt::Save { value, cells, .. } => {
                let mut known = self.cells([&*value]);
                known.extend(&self.control);
                *cells = known.into_boxed_slice();
            }
            Stmt::AssignCell { array, index, value, .. } => {
                // One cell changes: the others stay as late as they were.
                let mut from = self.cells([&*index, &*value]);
                from.push(array.base);
                self.carry(array.base, from, &mut after);
            }
            Stmt::For { .. } => self.counted_loop(statement, out, &mut after),
            Stmt::ForEach { pairs, body, .. } => {
                let mut first = Vec::new();
                for (slot, array) in pairs.iter() {
                    if self.measured.contains(&array.base) {
                        self.carry(*slot, vec![array.base], &mut first);
                    }
                }
                self.block(body);
                prepend(first, body);
            }
            Stmt::If { .. } => self.choice(statement, out, &mut after),
            Stmt::Wait { clocks, cycles, .. } => {
                // Without clocks it is for all of them, and so is this.
                let (clocks, cells) = (clocks.clone(), self.cells([&*cycles]));
                if !cells.is_empty() {
                    out.push(Stmt::Await { clocks, cells: cells.into_boxed_slice() });
                }
            }
            Stmt::Parallel { loops } => {
                loops.iter_mut().for_each(|branch| self.block(&mut branch.body));
            }
            Stmt::Pulse(..) => self.pulse_statement(statement, out),
            _ => {}
        }
        out.push(std::mem::replace(statement, Stmt::Pause(NO_SITE)));
        out.append(&mut after);
    }

    /// A loop: its condition is known before it is entered, before each round, and behind it.
    fn counted_loop(&mut self, statement: &mut Stmt, out: &mut Vec<Stmt>, after: &mut Vec<Stmt>) {
        let Stmt::For { init, condition, update, body, .. } = statement else { return };
        let cells = self.cells([&*condition]);
        let clocks = self.clocks(&[body, update]);
        self.decided(&[body, update], &cells, after);
        self.wait(clocks.clone(), &cells, out);
        let outer = self.control.len();
        self.control.extend(&cells);
        self.block(init);
        self.block(update);
        self.block(body);
        self.control.truncate(outer);
        let mut first = Vec::new();
        self.know(&cells, &mut first);
        self.wait(clocks.clone(), &cells, &mut first);
        prepend(first, body);
        self.know(&cells, after);
        self.wait(clocks, &cells, after);
    }

    /// A choice: its conditions are known before it.
    fn choice(&mut self, statement: &mut Stmt, out: &mut Vec<Stmt>, after: &mut Vec<Stmt>) {
        let Stmt::If { arms, otherwise, .. } = statement else { return };
        let cells = self.cells(arms.iter().map(|(condition, _)| condition));
        let mut blocks: Vec<&Block> = arms.iter().map(|(_, body)| body).collect();
        blocks.push(otherwise);
        self.know(&cells, out);
        self.wait(self.clocks(&blocks), &cells, out);
        self.decided(&blocks, &cells, after);
        let outer = self.control.len();
        self.control.extend(&cells);
        arms.iter_mut().for_each(|(_, body)| self.block(body));
        self.block(otherwise);
        self.control.truncate(outer);
    }

    /// What plays waits for its arguments.
    fn pulse_statement(&self, statement: &Stmt, out: &mut Vec<Stmt>) {
        let Stmt::Pulse(pulse, _) = statement else { return };
        let mut arguments = Vec::new();
        walk(statement, &mut |part| {
            // Where a measured value goes is looked up behind the pulse.
            if let Part::Expr(expression) = part {
                arguments.push(expression);
            }
        });
        let mut cells = self.cells(arguments);
        if let PulseStmt::Play(PlayStmt { chirp: Some(chirp), .. }) = &**pulse
            && let Rates::Each(array) = &chirp.rates
            && self.measured.contains(&array.base)
        {
            cells.push(array.base);
        }
        let mut clocks = Vec::new();
        pulse.elements(&mut |element| clocks.push(self.clock_of[element as usize]));
        self.wait(clocks, &cells, out);
    }
}

/// Puts statements in front of a block.
fn prepend(mut first: Vec<Stmt>, block: &mut Block) {
    first.extend(std::mem::take(block).into_vec());
    *block = first.into_boxed_slice();
}
