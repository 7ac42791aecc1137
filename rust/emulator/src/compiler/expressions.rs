//! Expressions: kinds checked, literals given the kind of their context, operators resolved.

use pulsewire_wire::qua::qua_program as q;
use q::any_scalar_expression::ExpressionOneof as E;
use q::binary_expression::BinaryOperator as Operator;

use super::literals::{kind_of, parse_literal};
use super::state::{Compiler, Variable};
use crate::qua::expr::{Expr, Op};
use crate::qua::value::{self, Kind};

/// An expression and its kind. IO registers and literals have none of their own: they take
/// their context's.
pub(super) type Typed = (Expr, Kind);

/// How an operator is written, and what it does to ints.
fn symbol_and_op(operator: Operator) -> (&'static str, Op) {
    match operator {
        Operator::Add => ("+", Op::Add),
        Operator::Sub => ("-", Op::Sub),
        Operator::Mult => ("*", Op::MulInt),
        Operator::Div => ("/", Op::MulInt),
        Operator::And => ("&", Op::And),
        Operator::Or => ("|", Op::Or),
        Operator::Xor => ("^", Op::Xor),
        Operator::Lt => ("<", Op::Less),
        Operator::Let => ("<=", Op::LessEqual),
        Operator::Gt => (">", Op::Greater),
        Operator::Get => (">=", Op::GreaterEqual),
        Operator::Eq => ("==", Op::Equal),
        Operator::Shl => ("<<", Op::ShiftLeft),
        Operator::Shr => (">>", Op::ShiftRight),
    }
}

impl Compiler<'_> {
    /// Compiles an expression that must give a `want`.
    ///
    /// A mistake is reported and answered with `None`, so that the rest is still checked.
    pub(super) fn expression(
        &mut self,
        expression: Option<&q::AnyScalarExpression>,
        want: Kind,
    ) -> Option<Expr> {
        let (compiled, kind) = self.typed(expression, Some(want))?;
        match (kind, want) {
            (a, b) if a == b => Some(compiled),
            // Every non-zero value is considered as true.
            (_, Kind::Bool) => Some(Expr::Truth(Box::new(compiled))),
            _ => {
                self.mistake(
                    format!(
                        "bad type: {} where {} is needed; convert it with Cast.to_{}()",
                        kind.name(),
                        want.name(),
                        want.name()
                    ),
                    "",
                );
                None
            }
        }
    }

    /// Compiles an expression of whatever kind it has; `hint` settles what has none of its own.
    pub(super) fn typed(
        &mut self,
        expression: Option<&q::AnyScalarExpression>,
        hint: Option<Kind>,
    ) -> Option<Typed> {
        let Some(expression) = expression.and_then(|e| e.expression_oneof.as_ref()) else {
            self.mistake("an expression is missing", "");
            return None;
        };
        match expression {
            E::Literal(literal) => self.literal(literal, hint),
            E::Variable(variable) => self.variable(variable, hint),
            E::ArrayCell(cell) => {
                let (variable, index, site) = self.cell(cell)?;
                Some((
                    Expr::Cell { array: variable.cells, index: Box::new(index), site },
                    variable.kind,
                ))
            }
            E::ArrayLength(length) => {
                let variable = self.array(length.array.as_ref())?;
                Some((Expr::Const(variable.cells.len as i32), Kind::Int))
            }
            E::BinaryOperation(operation) => self.operation(operation, hint),
            E::LibFunction(call) => self.library(call, hint),
            E::Function(call) => {
                self.mistake("this function expression belongs to QOP 3", &call.loc);
                None
            }
            E::Broadcast(broadcast) => {
                self.mistake("broadcast belongs to QOP 3 and is not part of QOP 2", &broadcast.loc);
                None
            }
            E::GlobalVariable(_) => {
                self.mistake("global variables belong to QOP 3 and are not part of QOP 2", "");
                None
            }
        }
    }

    fn literal(&mut self, literal: &q::LiteralExpression, hint: Option<Kind>) -> Option<Typed> {
        let Some(own) = kind_of(literal.r#type) else {
            self.mistake(format!("bad literal: type number {}", literal.r#type), &literal.loc);
            return None;
        };
        let kind = hint.unwrap_or(own);
        match parse_literal(&literal.value, own, kind) {
            Ok(value) => Some((Expr::Const(value), kind)),
            Err(error) => {
                self.mistake(error.to_string(), &literal.loc);
                None
            }
        }
    }

    fn variable(&mut self, variable: &q::VarRefExpression, hint: Option<Kind>) -> Option<Typed> {
        use q::var_ref_expression::VarOneof;
        match variable.var_oneof.as_ref() {
            Some(VarOneof::Name(name)) => {
                let found = self.scalar(name, &variable.loc)?;
                Some((Expr::Var(found.cells.base), found.kind))
            }
            Some(VarOneof::IoNumber(number)) => {
                let register = self.io(*number, &variable.loc)?;
                let bits = Expr::Io(register);
                Some(match hint.unwrap_or(Kind::Int) {
                    Kind::Bool => (Expr::Truth(Box::new(bits)), Kind::Bool),
                    kind => (bits, kind),
                })
            }
            None => {
                self.mistake("the variable's name is missing", &variable.loc);
                None
            }
        }
    }

    /// The index of an IO register.
    pub(super) fn io(&mut self, number: i32, loc: &str) -> Option<usize> {
        if matches!(number, 1 | 2) {
            return Some(number as usize - 1);
        }
        self.mistake(format!("there is no IO{number}: the registers are IO1 and IO2"), loc);
        None
    }

    /// An array cell: the array, its index, and the place for a fault.
    pub(super) fn cell(
        &mut self,
        cell: &q::ArrayCellRefExpression,
    ) -> Option<(Variable, Expr, u32)> {
        let variable = self.array(cell.array_var.as_ref());
        let index = self.expression(cell.index.as_deref(), Kind::Int);
        let (variable, index) = (variable?, index?);
        let name = cell.array_var.as_ref().map_or("", |array| array.name.as_str());
        let len = variable.cells.len;
        if let Expr::Const(constant) = index
            && !(0..i64::from(len)).contains(&i64::from(constant))
        {
            self.mistake(
                format!("index {constant} is out of the array '{name}' of {len}"),
                &cell.loc,
            );
            return None;
        }
        let site = self.site(format!("index out of the array '{name}' of {len}"), &cell.loc);
        Some((variable, index, site))
    }

    /// Two operands of one kind: a literal or an IO register takes the kind of the other side.
    pub(super) fn pair(
        &mut self,
        left: Option<&q::AnyScalarExpression>,
        right: Option<&q::AnyScalarExpression>,
        hint: Option<Kind>,
        what: &str,
        loc: &str,
    ) -> Option<(Expr, Expr, Kind)> {
        let ((left, left_kind), (right, right_kind)) = if is_open(left) && !is_open(right) {
            let right = self.typed(right, hint)?;
            (self.typed(left, Some(right.1))?, right)
        } else if is_open(left) {
            // Two literals (or registers): the context decides, or the one that has a fraction.
            let hint = hint.or_else(|| Some(own_kind(left).wider(own_kind(right))));
            (self.typed(left, hint)?, self.typed(right, hint)?)
        } else {
            // Both sides are looked at, so that the mistakes of both are reported.
            let left = self.typed(left, hint);
            let right = self.typed(right, left.as_ref().map_or(hint, |left| Some(left.1)));
            (left?, right?)
        };
        if left_kind == right_kind {
            return Some((left, right, left_kind));
        }
        self.mistake(
            format!(
                "bad type: {} {what} {}; both sides must be of one type, convert one with Cast",
                left_kind.name(),
                right_kind.name()
            ),
            loc,
        );
        None
    }

    fn operation(&mut self, operation: &q::BinaryExpression, hint: Option<Kind>) -> Option<Typed> {
        let Ok(operator) = Operator::try_from(operation.op) else {
            self.mistake(format!("unsupported operator number {}", operation.op), &operation.loc);
            return None;
        };
        let (symbol, op) = symbol_and_op(operator);
        let (left, right) = (operation.left.as_deref(), operation.right.as_deref());
        let loc = operation.loc.as_str();
        let compares =
            matches!(op, Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual | Op::Equal);
        if matches!(op, Op::ShiftLeft | Op::ShiftRight) {
            // Any number on the left, on its raw bits; the distance is an int.
            let value = self.typed(left, hint.filter(|kind| *kind != Kind::Bool));
            let distance = self.expression(right, Kind::Int);
            let ((value, kind), distance) = value.zip(distance)?;
            return self.numeric(kind, symbol, loc).then(|| (binary(op, value, distance), kind));
        }
        if compares && let Some(found) = self.beside_a_fraction(op, left, right, loc) {
            return found;
        }
        // What is compared, or turned into a truth value, has nothing to do with the bool that is
        // wanted; and ints stay ints below a division that gives a fixed.
        let inner = match (operator, hint) {
            _ if compares => None,
            (Operator::And | Operator::Or | Operator::Xor, hint) => hint,
            (_, Some(Kind::Bool)) => None,
            (Operator::Div, hint) if is_open(left) && is_open(right) => hint,
            (Operator::Div, _) => None,
            (_, hint) => hint,
        };
        let (left, right, kind) = self.pair(left, right, inner, symbol, loc)?;
        match operator {
            Operator::Div => {
                if !self.numeric(kind, symbol, loc) {
                    return None;
                }
                Some(self.quotient(left, right, kind, hint, loc))
            }
            Operator::Mult if kind == Kind::Fixed => {
                Some((binary(Op::MulFixed, left, right), kind))
            }
            Operator::And | Operator::Or | Operator::Xor if kind == Kind::Fixed => {
                self.mistake(format!("bad type: '{symbol}' takes ints or bools, not fixed"), loc);
                None
            }
            Operator::Add | Operator::Sub | Operator::Mult if !self.numeric(kind, symbol, loc) => {
                None
            }
            _ => Some((binary(op, left, right), if compares { Kind::Bool } else { kind })),
        }
    }

    /// A number compared with a literal that has a fraction. Beside an int it is what the comparison means
    /// for whole numbers: `n < 22.6` is `n < 23` (loops over log-spaced ints are written so).
    #[expect(clippy::option_option, reason = "the outer one is another case, the inner a mistake")]
    fn beside_a_fraction(
        &mut self,
        op: Op,
        left: Option<&q::AnyScalarExpression>,
        right: Option<&q::AnyScalarExpression>,
        loc: &str,
    ) -> Option<Option<Typed>> {
        let (number, literal, op) = match (fraction(left), fraction(right)) {
            (None, Some(literal)) => (left, literal, op),
            (Some(literal), None) => {
                let mirrored = match op {
                    Op::Less => Op::Greater,
                    Op::LessEqual => Op::GreaterEqual,
                    Op::Greater => Op::Less,
                    Op::GreaterEqual => Op::LessEqual,
                    other => other,
                };
                (right, literal, mirrored)
            }
            _ => return None,
        };
        // What has no kind of its own is a fixed here; ints stay ints, also below a division.
        let hint = is_open(number).then_some(Kind::Fixed);
        let Some((number, kind)) = self.typed(number, hint) else { return Some(None) };
        let bound = match kind {
            Kind::Bool => {
                self.numeric(kind, "a comparison", loc);
                return Some(None);
            }
            Kind::Fixed => value::fixed_from_f64(literal).unwrap_or(0),
            Kind::Int => match op {
                Op::Less | Op::GreaterEqual => literal.ceil() as i32,
                Op::LessEqual | Op::Greater => literal.floor() as i32,
                // No int is equal to it.
                _ => return Some(Some((Expr::Const(0), Kind::Bool))),
            },
        };
        Some(Some((binary(op, number, Expr::Const(bound)), Kind::Bool)))
    }

    pub(super) fn numeric(&mut self, kind: Kind, symbol: &str, loc: &str) -> bool {
        if kind == Kind::Bool {
            self.mistake(format!("bad type: '{symbol}' takes numbers, not bools"), loc);
        }
        kind != Kind::Bool
    }

    /// Ints divided into an int give the floor, into a fixed the
    /// quotient.
    pub(super) fn quotient(
        &mut self,
        left: Expr,
        right: Expr,
        kind: Kind,
        hint: Option<Kind>,
        loc: &str,
    ) -> Typed {
        let to_fixed = kind == Kind::Fixed || hint == Some(Kind::Fixed);
        if let (Kind::Fixed, Expr::Const(literal)) = (kind, &right)
            && !matches!(left, Expr::Const(_))
            && let Some(reciprocal) = value::reciprocal(*literal)
        {
            return (Expr::ByLiteral { reciprocal, operand: Box::new(left) }, Kind::Fixed);
        }
        let site = self.site("division by zero".to_owned(), loc);
        let operands = Box::new((left, right));
        let result = if to_fixed { Kind::Fixed } else { Kind::Int };
        (Expr::Divide { to_fixed, operands, site }, result)
    }
}

/// The value of a REAL literal that is not whole.
fn fraction(expression: Option<&q::AnyScalarExpression>) -> Option<f64> {
    let Some(E::Literal(literal)) = expression?.expression_oneof.as_ref() else { return None };
    let value: f64 = literal.value.parse().ok()?;
    (kind_of(literal.r#type) == Some(Kind::Fixed) && value.is_finite() && value.fract() != 0.0)
        .then_some(value)
}

pub(super) fn binary(op: Op, left: Expr, right: Expr) -> Expr {
    // Constants fold, so that a constant index like `a[-1]` is seen as one.
    if let (Expr::Const(a), Expr::Const(b)) = (&left, &right) {
        return Expr::Const(op.apply(*a, *b));
    }
    Expr::Binary { op, operands: Box::new((left, right)) }
}

/// Whether an expression has no kind of its own: a literal, an IO register, or an operation on
/// nothing but those (`-1` arrives as `0 - 1`).
fn is_open(expression: Option<&q::AnyScalarExpression>) -> bool {
    use q::var_ref_expression::VarOneof;
    match expression.and_then(|e| e.expression_oneof.as_ref()) {
        Some(E::Literal(_)) => true,
        Some(E::Variable(variable)) => matches!(variable.var_oneof, Some(VarOneof::IoNumber(_))),
        Some(E::BinaryOperation(operation)) => {
            !matches!(
                Operator::try_from(operation.op),
                Ok(Operator::Lt | Operator::Let | Operator::Gt | Operator::Get | Operator::Eq)
            ) && is_open(operation.left.as_deref())
                && is_open(operation.right.as_deref())
        }
        _ => false,
    }
}

/// The kind that the literals of an open expression carry themselves.
fn own_kind(expression: Option<&q::AnyScalarExpression>) -> Kind {
    match expression.and_then(|e| e.expression_oneof.as_ref()) {
        Some(E::Literal(literal)) => kind_of(literal.r#type).unwrap_or(Kind::Int),
        Some(E::BinaryOperation(operation)) => {
            own_kind(operation.left.as_deref()).wider(own_kind(operation.right.as_deref()))
        }
        _ => Kind::Int,
    }
}

impl Kind {
    fn wider(self, other: Self) -> Self {
        if self == Self::Fixed || other == Self::Fixed {
            Self::Fixed
        } else if self == Self::Bool {
            other
        } else {
            self
        }
    }
}
