//! Expressions over the cells of a program.

use super::library::{Binary, Unary};
use super::value;

/// An array (or, in [`Stmt::Advance`], a scalar of length 1): its first cell and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Array {
    /// The first cell.
    pub base: u32,
    /// How many cells.
    pub len: u32,
}

impl Array {
    /// Its cells.
    pub(crate) fn cells(self) -> std::ops::Range<usize> {
        self.base as usize..(self.base + self.len) as usize
    }
}

/// An expression over cells; its kind is known to the compiler alone.
#[derive(Debug)]
pub(crate) enum Expr {
    Const(i32),
    Var(u32),
    Cell {
        array: Array,
        index: Box<Expr>,
        site: u32,
    },
    Io(usize),
    Binary {
        op: Op,
        operands: Box<(Expr, Expr)>,
    },
    /// A [`Self::Binary`] of cells; made by the pass `superinstructions`.
    Calculate {
        op: Op,
        left: u32,
        right: u32,
    },
    /// A quotient, with a fault when the divisor is zero.
    Divide {
        to_fixed: bool,
        operands: Box<(Expr, Expr)>,
        site: u32,
    },
    /// A `fixed` divided by a literal: a product with its reciprocal.
    ByLiteral {
        reciprocal: i64,
        operand: Box<Expr>,
    },
    /// A number as a bool: not zero.
    Truth(Box<Expr>),
    Unary {
        function: Unary,
        operand: Box<Expr>,
        site: u32,
    },
    Binary2 {
        function: Binary,
        operands: Box<(Expr, Expr)>,
        site: u32,
    },
    Integer {
        function: IntegerFunction,
        operand: Box<Expr>,
    },
    Select {
        operands: Box<(Expr, Expr, Expr)>,
    },
    Reduce {
        function: Reduction,
        array: Array,
    },
    Dot {
        left: Array,
        right: Array,
        fixed_point: bool,
    },
    RandomInt {
        seed: u32,
        max: Box<Expr>,
    },
    RandomFixed {
        seed: u32,
    },
}

/// Operators on two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Sub,
    MulInt,
    /// `fixed * fixed`, and `int * fixed` as an int: the same shift.
    MulFixed,
    And,
    Or,
    Xor,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    ShiftLeft,
    ShiftRight,
}

impl Op {
    /// The operator on two cells.
    #[inline(always)]
    pub(crate) fn apply(self, a: i32, b: i32) -> i32 {
        match self {
            Self::Add => a.wrapping_add(b),
            Self::Sub => a.wrapping_sub(b),
            Self::MulInt => a.wrapping_mul(b),
            Self::MulFixed => value::mul_fixed(a, b),
            Self::And => a & b,
            Self::Or => a | b,
            Self::Xor => a ^ b,
            Self::Less => i32::from(a < b),
            Self::LessEqual => i32::from(a <= b),
            Self::Greater => i32::from(a > b),
            Self::GreaterEqual => i32::from(a >= b),
            Self::Equal => i32::from(a == b),
            Self::ShiftLeft => value::shl(a, b),
            Self::ShiftRight => value::shr(a, b),
        }
    }
}

/// Functions of one cell that are exact in integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntegerFunction {
    Abs,
    MsbInt,
    MsbFixed,
    FixedToInt,
    IntToFixed,
    LowestBit,
}

/// Functions of a whole array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    Max,
    Min,
    ArgMax,
    ArgMin,
}
