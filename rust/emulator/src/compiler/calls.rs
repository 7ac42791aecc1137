//! Calls of library functions: which function is meant, and whether its arguments fit.

use pulsewire_wire::qua::qua_program as q;
use q::lib_function_expression::argument::ArgumentOneof;

use super::expressions::{Typed, binary};
use super::msb::Msb;
use super::state::Compiler;
use crate::qua::expr::{Expr, IntegerFunction, Op, Reduction};
use crate::qua::library::{Binary, Unary};
use crate::qua::value::Kind;

impl Compiler<'_> {
    pub(super) fn library(
        &mut self,
        call: &q::LibFunctionExpression,
        hint: Option<Kind>,
    ) -> Option<Typed> {
        let name = format!("{}.{}", call.library_name, call.function_name);
        let args: Vec<Option<&ArgumentOneof>> =
            call.arguments.iter().map(|argument| argument.argument_oneof.as_ref()).collect();
        let scalars: Vec<&q::AnyScalarExpression> = args
            .iter()
            .filter_map(|argument| match argument {
                Some(ArgumentOneof::Scalar(scalar)) => Some(scalar),
                _ => None,
            })
            .collect();
        let arrays: Vec<&q::ArrayVarRefExpression> = args
            .iter()
            .filter_map(|argument| match argument {
                Some(ArgumentOneof::Array(array)) => Some(array),
                _ => None,
            })
            .collect();
        let shape = (scalars.len(), arrays.len());
        let function = call.function_name.as_str();
        let loc = call.loc.as_str();
        let known = if shape.0 + shape.1 == args.len() {
            match call.library_name.as_str() {
                "math" => self.math(function, &scalars, &arrays, hint, loc),
                "cast" => self.cast(function, &scalars),
                "util" if function == "cond" && shape == (3, 0) => {
                    Some(self.select(&scalars, hint, loc))
                }
                "random" => self.random(function, &scalars, loc),
                _ => None,
            }
        } else {
            None
        };
        known.unwrap_or_else(|| {
            self.mistake(
                format!(
                    "unsupported function {name}() with {} scalar and {} array arguments",
                    shape.0, shape.1
                ),
                loc,
            );
            None
        })
    }

    /// `None` when there is no such function with such arguments.
    fn math(
        &mut self,
        function: &str,
        scalars: &[&q::AnyScalarExpression],
        arrays: &[&q::ArrayVarRefExpression],
        hint: Option<Kind>,
        loc: &str,
    ) -> Option<Option<Typed>> {
        match (scalars, arrays) {
            ([x], []) => {
                if let Some(function) = Unary::named(function) {
                    return Some(self.unary(function, x, loc));
                }
                let msb = self.msb;
                let pick = |int, fixed| match function {
                    "abs" => Some((IntegerFunction::Abs, None)),
                    "msb" | "MSB" => {
                        let plain = int && msb == Msb::Manual;
                        Some((if plain { IntegerFunction::MsbInt } else { fixed }, Some(Kind::Int)))
                    }
                    _ => None,
                };
                pick(true, IntegerFunction::MsbFixed)?;
                let Some((operand, kind)) = self.typed(Some(x), None) else {
                    return Some(None);
                };
                if !self.numeric(kind, function, loc) {
                    return Some(None);
                }
                let (function, result) = pick(kind == Kind::Int, IntegerFunction::MsbFixed)?;
                let operand = Box::new(operand);
                Some(Some((Expr::Integer { function, operand }, result.unwrap_or(kind))))
            }
            ([x, y], []) if function == "div" => {
                let pair = self.pair(Some(x), Some(y), None, "divided by", loc);
                let Some((left, right, kind)) = pair else {
                    return Some(None);
                };
                if !self.numeric(kind, "div", loc) {
                    return Some(None);
                }
                Some(Some(self.quotient(left, right, kind, hint, loc)))
            }
            ([x, y], []) => {
                let function = Binary::named(function)?;
                let (x, y) = (self.fixed(x), self.fixed(y));
                let site = self.site(format!("{function:?} outside its domain"), loc);
                Some(x.zip(y).map(|operands| {
                    (Expr::Binary2 { function, operands: Box::new(operands), site }, Kind::Fixed)
                }))
            }
            ([], [array]) => {
                let function = match function {
                    "sum" => Reduction::Sum,
                    "max" => Reduction::Max,
                    "min" => Reduction::Min,
                    "argmax" => Reduction::ArgMax,
                    "argmin" => Reduction::ArgMin,
                    _ => return None,
                };
                Some(self.reduction(function, array))
            }
            ([], [left, right]) if function == "dot" => Some(self.dot(left, right)),
            _ => None,
        }
    }

    fn fixed(&mut self, expression: &q::AnyScalarExpression) -> Option<Expr> {
        self.expression(Some(expression), Kind::Fixed)
    }

    fn unary(&mut self, function: Unary, x: &q::AnyScalarExpression, loc: &str) -> Option<Typed> {
        let operand = Box::new(self.fixed(x)?);
        let site = self.site(format!("{function:?} outside its domain"), loc);
        Some((Expr::Unary { function, operand, site }, Kind::Fixed))
    }

    fn reduction(
        &mut self,
        function: Reduction,
        array: &q::ArrayVarRefExpression,
    ) -> Option<Typed> {
        let variable = self.array(Some(array))?;
        if variable.kind == Kind::Bool || variable.cells.len == 0 {
            self.mistake(
                format!("bad type: '{}' must hold at least one int or fixed", array.name),
                &array.loc,
            );
            return None;
        }
        let kind = match function {
            Reduction::ArgMax | Reduction::ArgMin => Kind::Int,
            _ => variable.kind,
        };
        Some((Expr::Reduce { function, array: variable.cells }, kind))
    }

    fn dot(
        &mut self,
        left: &q::ArrayVarRefExpression,
        right: &q::ArrayVarRefExpression,
    ) -> Option<Typed> {
        let (a, b) = (self.array(Some(left))?, self.array(Some(right))?);
        if a.cells.len != b.cells.len || a.kind == Kind::Bool || b.kind == Kind::Bool {
            self.mistake(
                format!(
                    "Math.dot takes two arrays of numbers of one size, not {} {} and {} {}",
                    a.cells.len,
                    a.kind.name(),
                    b.cells.len,
                    b.kind.name()
                ),
                &left.loc,
            );
            return None;
        }
        let fixed_point = a.kind == Kind::Fixed && b.kind == Kind::Fixed;
        let kind = if a.kind == Kind::Int && b.kind == Kind::Int { Kind::Int } else { Kind::Fixed };
        Some((Expr::Dot { left: a.cells, right: b.cells, fixed_point }, kind))
    }

    fn cast(
        &mut self,
        function: &str,
        scalars: &[&q::AnyScalarExpression],
    ) -> Option<Option<Typed>> {
        match (function, scalars) {
            ("mul_int_by_fixed", [int, fixed]) => {
                let (int, fixed) = (self.expression(Some(int), Kind::Int), self.fixed(fixed));
                Some(int.zip(fixed).map(|(a, b)| (binary(Op::MulFixed, a, b), Kind::Int)))
            }
            ("mul_fixed_by_int", [fixed, int]) => {
                let (fixed, int) = (self.fixed(fixed), self.expression(Some(int), Kind::Int));
                // A 4.28 number times a whole one: the plain product of the cells.
                Some(fixed.zip(int).map(|(a, b)| (binary(Op::MulInt, a, b), Kind::Fixed)))
            }
            (
                "to_int" | "to_fixed" | "to_bool" | "unsafe_cast_int" | "unsafe_cast_fixed"
                | "unsafe_cast_bool",
                [x],
            ) => {
                let Some((operand, kind)) = self.typed(Some(x), None) else {
                    return Some(None);
                };
                let integer =
                    |function, operand| Expr::Integer { function, operand: Box::new(operand) };
                Some(Some(match (function, kind) {
                    ("to_int", Kind::Fixed) => {
                        (integer(IntegerFunction::FixedToInt, operand), Kind::Int)
                    }
                    ("to_int" | "unsafe_cast_int", _) => (operand, Kind::Int),
                    ("to_fixed", Kind::Int | Kind::Bool) => {
                        (integer(IntegerFunction::IntToFixed, operand), Kind::Fixed)
                    }
                    ("to_fixed" | "unsafe_cast_fixed", _) => (operand, Kind::Fixed),
                    ("to_bool", Kind::Bool) => (operand, Kind::Bool),
                    ("to_bool", _) => (Expr::Truth(Box::new(operand)), Kind::Bool),
                    _ => (integer(IntegerFunction::LowestBit, operand), Kind::Bool),
                }))
            }
            _ => None,
        }
    }

    fn select(
        &mut self,
        scalars: &[&q::AnyScalarExpression],
        hint: Option<Kind>,
        loc: &str,
    ) -> Option<Typed> {
        let condition = self.expression(Some(scalars[0]), Kind::Bool);
        let (yes, no, kind) = self.pair(Some(scalars[1]), Some(scalars[2]), hint, "or", loc)?;
        Some((Expr::Select { operands: Box::new((condition?, yes, no)) }, kind))
    }

    fn random(
        &mut self,
        function: &str,
        scalars: &[&q::AnyScalarExpression],
        loc: &str,
    ) -> Option<Option<Typed>> {
        let (seed, max) = match (function, scalars) {
            ("rand_int", [seed, max]) => (seed, Some(max)),
            ("rand_fixed", [seed]) => (seed, None),
            _ => return None,
        };
        let Some((Expr::Var(seed), Kind::Int)) = self.typed(Some(seed), Some(Kind::Int)) else {
            self.mistake("the seed of a random number must be an int variable", loc);
            return Some(None);
        };
        Some(match max {
            Some(max) => self
                .expression(Some(max), Kind::Int)
                .map(|max| (Expr::RandomInt { seed, max: Box::new(max) }, Kind::Int)),
            None => Some((Expr::RandomFixed { seed }, Kind::Fixed)),
        })
    }
}
