//! Expressions, evaluated over a program's memory.

use super::runner::Runner;
use crate::qua::expr::{Expr, IntegerFunction, Op, Reduction};
use crate::qua::library;
use crate::qua::value::{self, ONE};

/// `None` for a division by zero.
fn quotient(to_fixed: bool, left: i32, right: i32) -> Option<i32> {
    if to_fixed { value::div_to_fixed(left, right) } else { value::div_int(left, right) }
}

fn integer(function: IntegerFunction, operand: i32) -> i32 {
    match function {
        IntegerFunction::Abs => operand.wrapping_abs(),
        IntegerFunction::MsbInt => library::msb_int(operand),
        IntegerFunction::MsbFixed => library::msb_fixed(operand),
        IntegerFunction::FixedToInt => library::fixed_to_int(operand),
        IntegerFunction::IntToFixed => library::int_to_fixed(operand),
        IntegerFunction::LowestBit => operand & 1,
    }
}

impl Runner<'_> {
    #[inline]
    pub(super) fn eval(&mut self, expression: &Expr) -> i32 {
        match *expression {
            Expr::Const(value) => value,
            Expr::Var(slot) => self.memory[slot as usize],
            _ => self.eval_operation(expression),
        }
    }

    fn eval_operation(&mut self, expression: &Expr) -> i32 {
        match expression {
            Expr::Const(value) => *value,
            Expr::Var(slot) => self.memory[*slot as usize],
            Expr::Cell { array, index, site } => {
                let index = self.eval(index);
                self.locate(*array, index, *site).map_or(0, |cell| self.memory[cell])
            }
            Expr::Io(register) => self.context.io.get(*register),
            Expr::Binary { op, operands } => {
                let (left, right) = &**operands;
                let left = self.eval(left);
                let right = self.eval(right);
                op.apply(left, right)
            }
            Expr::Calculate { op, left, right } => self.calculate(*op, *left, *right),
            Expr::Divide { to_fixed, operands, site } => {
                let (left, right) = (self.eval(&operands.0), self.eval(&operands.1));
                quotient(*to_fixed, left, right).unwrap_or_else(|| {
                    self.fault(*site, || "the result is taken as 0".to_owned());
                    0
                })
            }
            Expr::ByLiteral { reciprocal, operand } => {
                value::mul_reciprocal(self.eval(operand), *reciprocal)
            }
            Expr::Truth(operand) => i32::from(self.eval(operand) != 0),
            Expr::Unary { function, operand, site } => {
                let operand = self.eval(operand);
                function.apply(operand).unwrap_or_else(|| self.outside(*site, &[operand]))
            }
            Expr::Binary2 { function, operands, site } => {
                let (first, second) = (self.eval(&operands.0), self.eval(&operands.1));
                function
                    .apply(first, second)
                    .unwrap_or_else(|| self.outside(*site, &[first, second]))
            }
            Expr::Integer { function, operand } => {
                let operand = self.eval(operand);
                integer(*function, operand)
            }
            Expr::Select { operands } => {
                let (condition, yes, no) = &**operands;
                if self.eval(condition) != 0 { self.eval(yes) } else { self.eval(no) }
            }
            Expr::Reduce { function, array } => reduce(*function, &self.memory[array.cells()]),
            Expr::Dot { left, right, fixed_point } => {
                let pairs = self.memory[left.cells()].iter().zip(&self.memory[right.cells()]);
                let op = if *fixed_point { Op::MulFixed } else { Op::MulInt };
                pairs.fold(0i32, |sum, (a, b)| sum.wrapping_add(op.apply(*a, *b)))
            }
            Expr::RandomInt { seed, max } => {
                let max = self.eval(max);
                let state = self.draw(*seed);
                library::random_int(state, max)
            }
            // The state is a fraction of 2²⁸, as fixed is.
            Expr::RandomFixed { seed } => self.draw(*seed),
        }
    }

    fn draw(&mut self, seed: u32) -> i32 {
        let state = library::random_next(self.memory[seed as usize]);
        self.memory[seed as usize] = state;
        state
    }

    fn outside(&mut self, site: u32, operands: &[i32]) -> i32 {
        let operands: Vec<_> =
            operands.iter().map(|raw| f64::from(*raw) / f64::from(ONE)).collect();
        self.fault(site, || format!("of {operands:?}; the result is taken as 0"));
        0
    }
}

fn reduce(function: Reduction, cells: &[i32]) -> i32 {
    let extreme = |larger: bool| {
        // The first of equal ones.
        let mut best = 0;
        for (index, cell) in cells.iter().enumerate() {
            if (larger && *cell > cells[best]) || (!larger && *cell < cells[best]) {
                best = index;
            }
        }
        best
    };
    match function {
        Reduction::Sum => cells.iter().fold(0i32, |sum, cell| sum.wrapping_add(*cell)),
        Reduction::Max => cells[extreme(true)],
        Reduction::Min => cells[extreme(false)],
        Reduction::ArgMax => extreme(true) as i32,
        Reduction::ArgMin => extreme(false) as i32,
    }
}
