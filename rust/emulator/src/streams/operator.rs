//! The operators of stream processing: their parameters and types, checked before a job runs.
//!
//! What each does is documented; docs/protocol.md, "Stream processing", has what is not.

use super::error::StreamError;
use super::item::{Element, Scalar, Type};
use super::transforms::Transform;
use super::tree::{Argument, Number, only};

/// A planned operator: parameters checked against the types of its inputs, no state yet.
#[derive(Clone, Debug)]
pub(super) enum Operator {
    Buffer {
        items: usize,
        elements: usize,
    },
    Windows {
        len: usize,
        step: usize,
        elements: usize,
    },
    Average,
    Skip(usize),
    SkipLast(usize),
    Take(usize),
    Flatten,
    ToInt,
    Mean {
        shape: Vec<usize>,
        axes: Vec<usize>,
    },
    Multiply {
        by: Vec<Number>,
        integral: bool,
    },
    Dot {
        with: Vec<Number>,
        integral: bool,
    },
    Histogram(Vec<(f64, f64)>),
    Arithmetic {
        symbol: Symbol,
        left: Operand,
        right: Operand,
        integral: bool,
    },
    Zip,
    /// The real (0) or the imaginary (1) parts of complex numbers.
    Part(usize),
    Transform(Transform),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// A side of an arithmetic operator.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Stream,
    Constant(Vec<Number>),
}

fn integral(numbers: &[Number]) -> bool {
    numbers.iter().all(|number| matches!(number, Number::Int(_)))
}

fn number_type(integral: bool) -> Scalar {
    if integral { Scalar::Int } else { Scalar::Float }
}

impl Operator {
    /// Plans an operator with one input; gives it and the type of what it emits.
    pub(super) fn unary(
        name: &str,
        arguments: &[Argument],
        input: &Type,
        most: usize,
    ) -> Result<(Self, Type), StreamError> {
        match name {
            "buffer" => {
                let dims = arguments.iter().map(Argument::count).collect::<Result<Vec<_>, _>>()?;
                if dims.is_empty() {
                    return Err("buffer needs a size".into());
                }
                let (ty, elements) = sized(name, &dims, input, most)?;
                Ok((Self::Buffer { items: dims.iter().product(), elements }, ty))
            }
            "bufferAndSkip" => {
                let [len, step] = arguments else {
                    return Err("buffer_and_skip needs a length and a skip".into());
                };
                let (len, step) = (len.count()?, step.count()?);
                if step == 0 {
                    return Err("buffer_and_skip cannot skip 0 items".into());
                }
                let (ty, elements) = sized(name, &[len], input, most)?;
                Ok((Self::Windows { len, step, elements }, ty))
            }
            "average" => {
                input.scalar_kind("average")?;
                let ty = Type::scalar(Scalar::Float).with_shape(input.shape.clone());
                Ok((Self::Average, ty))
            }
            "skip" => Ok((Self::Skip(only(arguments, name)?.count()?), input.clone())),
            "skipLast" => match only(arguments, name)?.count()? {
                count if count <= most => Ok((Self::SkipLast(count), input.clone())),
                count => {
                    Err(format!("skip_last of {count} holds back more than {most} values").into())
                }
            },
            "take" => Ok((Self::Take(only(arguments, name)?.count()?), input.clone())),
            "flatten" => Ok((Self::Flatten, input.with_shape(Vec::new()))),
            "histogram" => Self::histogram(only(arguments, name)?, input),
            "map" => match arguments {
                [Argument::Function(function, arguments)] => Self::map(function, arguments, input),
                _ => Err("map needs a function".into()),
            },
            "real" | "image" => Self::part(name, input),
            other => {
                let name = other.trim_start_matches("@macro_");
                Err(format!("the operator '{name}' is not supported by this emulator").into())
            }
        }
    }

    fn histogram(bins: &Argument, input: &Type) -> Result<(Self, Type), StreamError> {
        input.scalar_kind("histogram")?;
        let Argument::Vector(bins) = bins else {
            return Err("histogram needs a list of bins".into());
        };
        let bin = |bin: &Argument| match bin.vector()?.as_slice() {
            [low, high] => Ok((low.float(), high.float())),
            _ => Err(StreamError::from("a histogram's bin is a pair of edges")),
        };
        let bins = bins.iter().map(bin).collect::<Result<Vec<_>, _>>()?;
        if bins.is_empty() {
            return Err("histogram needs at least one bin".into());
        }
        let ty = Type::scalar(Scalar::Int).with_shape(vec![bins.len()]);
        Ok((Self::Histogram(bins), ty))
    }

    /// One part of complex numbers, as a Fourier transform gives them: rows of a real and an imaginary part.
    fn part(name: &str, input: &Type) -> Result<(Self, Type), StreamError> {
        let [rows @ .., 2] = input.shape.as_slice() else {
            let found = input.describe();
            return Err(format!("{name} works on complex numbers, not on {found}").into());
        };
        input.scalar_kind(name)?;
        let ty = Type::scalar(Scalar::Float).with_shape(rows.to_vec());
        Ok((Self::Part(usize::from(name == "image")), ty))
    }

    fn map(name: &str, arguments: &[Argument], input: &Type) -> Result<(Self, Type), StreamError> {
        match name {
            "booleancast" => match input.scalar_kind("boolean_to_int")? {
                // A stream that nothing is saved to counts as one of ints.
                Scalar::Bool | Scalar::Int => {
                    let ty = Type::scalar(Scalar::Int).with_shape(input.shape.clone());
                    Ok((Self::ToInt, ty))
                }
                _ => Err(StreamError(format!(
                    "boolean_to_int works on bools, not on {}",
                    input.describe()
                ))),
            },
            "average" => Self::mean(arguments, input),
            "smult" => {
                let by = vec![only(arguments, "multiply_by")?.number()?];
                let integral = input.scalar_kind("multiply_by")? != Scalar::Float && integral(&by);
                let ty = Type::scalar(number_type(integral)).with_shape(input.shape.clone());
                Ok((Self::Multiply { by, integral }, ty))
            }
            "vmult" | "dot" if !(name == "dot" && arguments.is_empty()) => {
                let what = if name == "dot" { "dot_product" } else { "multiply_by" };
                let vector = only(arguments, what)?.vector()?;
                // docs/protocol.md, "Stream processing": numbers too are multiplied by a vector.
                let number_by_vector = name == "vmult" && input.shape.is_empty();
                if input.shape != [vector.len()] && !number_by_vector {
                    return Err(StreamError(format!(
                        "{what} with a vector of {} needs items of that length, not {}",
                        vector.len(),
                        input.describe()
                    )));
                }
                let integral = input.scalar_kind(what)? != Scalar::Float && integral(&vector);
                let number = Type::scalar(number_type(integral));
                Ok(if name == "dot" {
                    (Self::Dot { with: vector, integral }, number)
                } else {
                    let ty = number.with_shape(vec![vector.len()]);
                    (Self::Multiply { by: vector, integral }, ty)
                })
            }
            "fft" | "conv" | "demod" | "dot" | "tmult" => {
                let (transform, ty) = Transform::plan(name, arguments, input)?;
                Ok((Self::Transform(transform), ty))
            }
            other => Err(StreamError(format!(
                "the function '{other}' is not supported by this emulator"
            ))),
        }
    }

    /// The mean along some axes.
    fn mean(arguments: &[Argument], input: &Type) -> Result<(Self, Type), StreamError> {
        input.scalar_kind("map(average)")?;
        let mut axes: Vec<usize> = match arguments {
            // Instruments average along the outermost axis, whatever the manual's words; a
            // number is its own mean.
            [] => (0..input.shape.len().min(1)).collect(),
            [Argument::Vector(axes)] => {
                axes.iter().map(|axis| axis_of(axis, input)).collect::<Result<_, _>>()?
            }
            [axis] => vec![axis_of(axis, input)?],
            _ => return Err(StreamError("average takes one axis or a list of them".to_owned())),
        };
        axes.sort_unstable();
        if let Some(pair) = axes.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(StreamError(format!("average along axis {} twice", pair[0])));
        }
        let shape: Vec<usize> = (0..input.shape.len())
            .filter(|axis| !axes.contains(axis))
            .map(|axis| input.shape[axis])
            .collect();
        let ty = Type::scalar(Scalar::Float).with_shape(shape);
        Ok((Self::Mean { shape: input.shape.clone(), axes }, ty))
    }

    /// Plans `a.zip(b)`, whose members are `value_0` (a) and `value_1` (b).
    pub(super) fn zip(first: &Type, second: &Type) -> (Self, Type) {
        let fields = vec![("value_0", first.clone()), ("value_1", second.clone())];
        (Self::Zip, Type { element: Element::Record(fields), shape: Vec::new() })
    }

    /// Plans arithmetic; a side without a type is a constant.
    pub(super) fn arithmetic(
        symbol: Symbol,
        left: (Option<&Type>, Option<&Argument>),
        right: (Option<&Type>, Option<&Argument>),
    ) -> Result<(Self, Type), StreamError> {
        let side = |(ty, constant): (Option<&Type>, Option<&Argument>)| match (ty, constant) {
            (Some(ty), _) => {
                let scalar = ty.scalar_kind("arithmetic")?;
                Ok((Operand::Stream, ty.shape.clone(), scalar != Scalar::Float))
            }
            (None, Some(vector @ Argument::Vector(_))) => {
                let numbers = vector.vector()?;
                let whole = integral(&numbers);
                Ok((Operand::Constant(numbers.clone()), vec![numbers.len()], whole))
            }
            (None, Some(number)) => {
                let number = number.number()?;
                Ok((Operand::Constant(vec![number]), Vec::new(), matches!(number, Number::Int(_))))
            }
            (None, None) => Err(StreamError("arithmetic without an operand".to_owned())),
        };
        if left.0.is_none() && right.0.is_none() {
            return Err(StreamError("arithmetic of two constants, without a stream".to_owned()));
        }
        let (left, left_shape, left_whole) = side(left)?;
        let (right, right_shape, right_whole) = side(right)?;
        let scalar_constant = |operand: &Operand, shape: &[usize]| {
            matches!(operand, Operand::Constant(_)) && shape.is_empty()
        };
        let shape = match (left_shape.as_slice(), right_shape.as_slice()) {
            (a, b) if a == b => left_shape,
            (a, _) if scalar_constant(&left, a) => right_shape,
            (_, b) if scalar_constant(&right, b) => left_shape,
            (a, b) => {
                return Err(StreamError(format!(
                    "arithmetic needs items of one shape, not {a:?} and {b:?}; buffer both the same way"
                )));
            }
        };
        let integral = left_whole && right_whole && symbol != Symbol::Divide;
        let ty = Type::scalar(number_type(integral)).with_shape(shape);
        Ok((Self::Arithmetic { symbol, left, right, integral }, ty))
    }
}

fn axis_of(axis: &Argument, input: &Type) -> Result<usize, StreamError> {
    let rank = input.shape.len();
    let Number::Int(axis) = axis.number()? else {
        return Err(StreamError("an axis is an int".to_owned()));
    };
    let wrapped = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(wrapped)
        .ok()
        .filter(|axis| *axis < rank)
        .ok_or_else(|| StreamError(format!("axis {axis} of items of {rank} dimensions")))
}

/// The type of items of an input that are put together in some dimensions, and how many values that are.
fn sized(
    name: &str,
    dims: &[usize],
    input: &Type,
    most: usize,
) -> Result<(Type, usize), StreamError> {
    let shape = [dims, &input.shape].concat();
    let elements = shape.iter().try_fold(1usize, |all, dim| all.checked_mul(*dim));
    match elements {
        Some(0) => Err(format!("{name} of size 0").into()),
        Some(elements) if elements <= most => Ok((input.with_shape(shape), elements)),
        _ => Err(format!("{name} of shape {shape:?} holds more than {most} values").into()),
    }
}
