//! Shorter forms of the statements that loops are made of.
//!
//! Constants get cells of their own behind the program's memory, so that an operation on variables
//! and constants is one step from cells to cells, without a walk through a tree.

use std::collections::HashMap;

use super::ir::{Block, Expr, Program, Stmt};

/// Puts the shorter forms where they fit.
pub(super) fn fuse(program: &mut Program) {
    let mut fuser = Fuser { memory: &mut program.memory, constants: HashMap::new() };
    fuser.block(&mut program.body);
}

struct Fuser<'a> {
    memory: &'a mut Vec<i32>,
    constants: HashMap<i32, u32>,
}

impl Fuser<'_> {
    /// The cell of a variable or a constant.
    fn cell(&mut self, expression: &Expr) -> Option<u32> {
        match expression {
            Expr::Var(slot) => Some(*slot),
            Expr::Const(value) => Some(*self.constants.entry(*value).or_insert_with(|| {
                self.memory.push(*value);
                self.memory.len() as u32 - 1
            })),
            _ => None,
        }
    }

    fn is_cell(expression: &Expr) -> bool {
        matches!(expression, Expr::Var(_) | Expr::Const(_))
    }

    fn block(&mut self, block: &mut Block) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &mut Stmt) {
        match statement {
            Stmt::Assign { slot, value } => {
                self.expression(value);
                let slot = *slot;
                if let Expr::Calculate { op, left, right } = *value {
                    *statement = Stmt::Calculate { slot, op, left, right };
                } else if let Some(from) = self.cell(value) {
                    *statement = Stmt::Copy { slot, from };
                }
            }
            Stmt::AssignCell { index, value, .. } => {
                self.expression(index);
                self.expression(value);
            }
            Stmt::AssignIo { value, .. } | Stmt::Save { value, .. } => self.expression(value),
            Stmt::For { init, condition, update, body, .. } => {
                self.expression(condition);
                for block in [init, update, body] {
                    self.block(block);
                }
            }
            Stmt::ForEach { body, .. } => self.block(body),
            Stmt::If { arms, otherwise, .. } => {
                for (condition, body) in arms {
                    self.expression(condition);
                    self.block(body);
                }
                self.block(otherwise);
            }
            Stmt::Wait { cycles, .. } => self.expression(cycles),
            Stmt::Pulse(pulse, _) => {
                pulse.expressions(&mut |expression| self.expression(expression))
            }
            Stmt::Parallel { loops } => {
                loops.iter_mut().for_each(|branch| self.block(&mut branch.body));
            }
            Stmt::Calculate { .. }
            | Stmt::Copy { .. }
            | Stmt::Align { .. }
            | Stmt::Carry { .. }
            | Stmt::Known { .. }
            | Stmt::Await { .. }
            | Stmt::Pause(_)
            | Stmt::Advance { .. } => {}
        }
    }

    fn expression(&mut self, expression: &mut Expr) {
        match expression {
            Expr::Binary { op, operands } => {
                let (left, right) = &mut **operands;
                self.expression(left);
                self.expression(right);
                if Self::is_cell(left)
                    && Self::is_cell(right)
                    && let (Some(left), Some(right)) = (self.cell(left), self.cell(right))
                {
                    *expression = Expr::Calculate { op: *op, left, right };
                }
            }
            Expr::Divide { operands, .. } | Expr::Binary2 { operands, .. } => {
                self.expression(&mut operands.0);
                self.expression(&mut operands.1);
            }
            Expr::Select { operands } => {
                let (condition, yes, no) = &mut **operands;
                for operand in [condition, yes, no] {
                    self.expression(operand);
                }
            }
            Expr::Cell { index: operand, .. }
            | Expr::ByLiteral { operand, .. }
            | Expr::Truth(operand)
            | Expr::Unary { operand, .. }
            | Expr::Integer { operand, .. }
            | Expr::RandomInt { max: operand, .. } => self.expression(operand),
            Expr::Const(_)
            | Expr::Var(_)
            | Expr::Io(_)
            | Expr::Calculate { .. }
            | Expr::Reduce { .. }
            | Expr::Dot { .. }
            | Expr::RandomFixed { .. } => {}
        }
    }
}
