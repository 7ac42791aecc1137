//! Shorter forms of the statements that loops are made of.
//!
//! Constants get cells of their own behind the program's memory, so that an operation on variables
//! and constants is one step from cells to cells, without a walk through a tree.

use std::collections::HashMap;

use crate::qua::expr::Expr;
use crate::qua::ir::{Program, Stmt};
use crate::qua::visit::{PartMut, operands_mut, walk_mut};

/// Puts the shorter forms where they fit.
pub(in crate::compiler) fn fuse_operations(program: &mut Program) {
    let mut fuser = Fuser { memory: &mut program.memory, constants: HashMap::new() };
    program.body.iter_mut().for_each(|statement| fuser.statement(statement));
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

    fn statement(&mut self, statement: &mut Stmt) {
        walk_mut(statement, &mut |part| match part {
            PartMut::Expr(expression) | PartMut::TargetIndex(expression) => {
                self.expression(expression);
            }
            PartMut::Block(block) => block.iter_mut().for_each(|inner| self.statement(inner)),
        });
        if let Stmt::Assign { slot, value } = statement {
            let slot = *slot;
            if let Expr::Calculate { op, left, right } = *value {
                *statement = Stmt::Calculate { slot, op, left, right };
            } else if let Some(from) = self.cell(value) {
                *statement = Stmt::Copy { slot, from };
            }
        }
    }

    fn expression(&mut self, expression: &mut Expr) {
        operands_mut(expression, &mut |operand| self.expression(operand));
        if let Expr::Binary { op, operands } = expression {
            let (left, right) = &**operands;
            if Self::is_cell(left)
                && Self::is_cell(right)
                && let (Some(left), Some(right)) = (self.cell(left), self.cell(right))
            {
                *expression = Expr::Calculate { op: *op, left, right };
            }
        }
    }
}
