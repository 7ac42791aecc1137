//! The operators of stream processing: their parameters and types, checked before a job runs.
//!
//! Semantics are those of docs/1.1.7/API_references/qua/result_stream and Guides/stream_proc.

use super::item::{Element, Scalar, Type};
use super::parse::{Argument, Number};
use super::signal::Signal;

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
    Signal(Signal),
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

pub(super) fn scalar_of(ty: &Type, what: &str) -> Result<Scalar, String> {
    match ty.element {
        Element::Scalar(scalar) => Ok(scalar),
        Element::Record(_) => Err(format!(
            "{what} works on numbers, not on {}; take one field, or the stream without timestamps",
            ty.describe()
        )),
    }
}

fn integral(numbers: &[Number]) -> bool {
    numbers.iter().all(|number| matches!(number, Number::Int(_)))
}

fn number_type(integral: bool) -> Scalar {
    if integral { Scalar::Int } else { Scalar::Float }
}

pub(super) fn only<'a, T>(items: &'a [T], what: &str) -> Result<&'a T, String> {
    match items {
        [one] => Ok(one),
        _ => Err(format!("{what} takes one argument, not {}", items.len())),
    }
}

impl Operator {
    /// Plans an operator with one input; gives it and the type of what it emits.
    pub(super) fn unary(
        name: &str,
        arguments: &[Argument],
        input: &Type,
        most: usize,
    ) -> Result<(Self, Type), String> {
        let sized = |shape: Vec<usize>| {
            let elements = shape.iter().try_fold(1usize, |all, dim| all.checked_mul(*dim));
            match elements {
                Some(0) => Err(format!("{name} of size 0")),
                Some(elements) if elements <= most => Ok((input.with_shape(shape), elements)),
                _ => Err(format!("{name} of shape {shape:?} holds more than {most} values")),
            }
        };
        match name {
            "buffer" => {
                let mut shape =
                    arguments.iter().map(Argument::count).collect::<Result<Vec<_>, _>>()?;
                if shape.is_empty() {
                    return Err("buffer needs a size".to_owned());
                }
                let dims = shape.clone();
                shape.extend_from_slice(&input.shape);
                let (ty, elements) = sized(shape)?;
                let items = dims.iter().product();
                Ok((Self::Buffer { items, elements }, ty))
            }
            "bufferAndSkip" => {
                let [len, step] = arguments else {
                    return Err("buffer_and_skip needs a length and a skip".to_owned());
                };
                let (len, step) = (len.count()?, step.count()?);
                if step == 0 {
                    return Err("buffer_and_skip cannot skip 0 items".to_owned());
                }
                let mut shape = vec![len];
                shape.extend_from_slice(&input.shape);
                let (ty, elements) = sized(shape)?;
                Ok((Self::Windows { len, step, elements }, ty))
            }
            "average" => {
                scalar_of(input, "average")?;
                let ty = Type::scalar(Scalar::Float).with_shape(input.shape.clone());
                Ok((Self::Average, ty))
            }
            "skip" => Ok((Self::Skip(only(arguments, name)?.count()?), input.clone())),
            "skipLast" => match only(arguments, name)?.count()? {
                count if count <= most => Ok((Self::SkipLast(count), input.clone())),
                count => Err(format!("skip_last of {count} holds back more than {most} values")),
            },
            "take" => Ok((Self::Take(only(arguments, name)?.count()?), input.clone())),
            "flatten" => Ok((Self::Flatten, input.with_shape(Vec::new()))),
            "histogram" => {
                scalar_of(input, "histogram")?;
                let Argument::Vector(bins) = only(arguments, name)? else {
                    return Err("histogram needs a list of bins".to_owned());
                };
                let bins = bins
                    .iter()
                    .map(|bin| match bin.vector()?.as_slice() {
                        [low, high] => Ok((low.float(), high.float())),
                        _ => Err("a histogram's bin is a pair of edges".to_owned()),
                    })
                    .collect::<Result<Vec<_>, String>>()?;
                if bins.is_empty() {
                    return Err("histogram needs at least one bin".to_owned());
                }
                let ty = Type::scalar(Scalar::Int).with_shape(vec![bins.len()]);
                Ok((Self::Histogram(bins), ty))
            }
            "map" => match arguments {
                [Argument::Function(function, arguments)] => Self::map(function, arguments, input),
                _ => Err("map needs a function".to_owned()),
            },
            "real" | "image" => {
                // What fft emits: rows of a real and an imaginary part.
                let [rows @ .., 2] = input.shape.as_slice() else {
                    return Err(format!(
                        "{name} works on complex numbers, not on {}",
                        input.describe()
                    ));
                };
                scalar_of(input, name)?;
                let ty = Type::scalar(Scalar::Float).with_shape(rows.to_vec());
                Ok((Self::Part(usize::from(name == "image")), ty))
            }
            other => Err(format!(
                "the operator '{}' is not supported by this emulator",
                other.trim_start_matches("@macro_")
            )),
        }
    }

    fn map(name: &str, arguments: &[Argument], input: &Type) -> Result<(Self, Type), String> {
        match name {
            "booleancast" => match scalar_of(input, "boolean_to_int")? {
                // A stream that nothing is saved to counts as one of ints.
                Scalar::Bool | Scalar::Int => {
                    let ty = Type::scalar(Scalar::Int).with_shape(input.shape.clone());
                    Ok((Self::ToInt, ty))
                }
                _ => Err(format!("boolean_to_int works on bools, not on {}", input.describe())),
            },
            "average" => {
                scalar_of(input, "map(average)")?;
                let mut axes: Vec<usize> = match arguments {
                    // Instruments average along the outermost axis, whatever the manual's words; a
                    // number is its own mean.
                    [] => (0..input.shape.len().min(1)).collect(),
                    [Argument::Vector(axes)] => {
                        axes.iter().map(|axis| axis_of(axis, input)).collect::<Result<_, _>>()?
                    }
                    [axis] => vec![axis_of(axis, input)?],
                    _ => return Err("average takes one axis or a list of them".to_owned()),
                };
                axes.sort_unstable();
                if let Some(pair) = axes.windows(2).find(|pair| pair[0] == pair[1]) {
                    return Err(format!("average along axis {} twice", pair[0]));
                }
                let shape: Vec<usize> = (0..input.shape.len())
                    .filter(|axis| !axes.contains(axis))
                    .map(|axis| input.shape[axis])
                    .collect();
                let ty = Type::scalar(Scalar::Float).with_shape(shape);
                Ok((Self::Mean { shape: input.shape.clone(), axes }, ty))
            }
            "smult" => {
                let by = vec![only(arguments, "multiply_by")?.number()?];
                let integral = scalar_of(input, "multiply_by")? != Scalar::Float && integral(&by);
                let ty = Type::scalar(number_type(integral)).with_shape(input.shape.clone());
                Ok((Self::Multiply { by, integral }, ty))
            }
            "vmult" | "dot" if !(name == "dot" && arguments.is_empty()) => {
                let what = if name == "dot" { "dot_product" } else { "multiply_by" };
                let vector = only(arguments, what)?.vector()?;
                // docs/1.1.7/API_references/qua/result_stream: numbers too are multiplied by a vector.
                let number_by_vector = name == "vmult" && input.shape.is_empty();
                if input.shape != [vector.len()] && !number_by_vector {
                    return Err(format!(
                        "{what} with a vector of {} needs items of that length, not {}",
                        vector.len(),
                        input.describe()
                    ));
                }
                let integral = scalar_of(input, what)? != Scalar::Float && integral(&vector);
                let number = Type::scalar(number_type(integral));
                Ok(if name == "dot" {
                    (Self::Dot { with: vector, integral }, number)
                } else {
                    let ty = number.with_shape(vec![vector.len()]);
                    (Self::Multiply { by: vector, integral }, ty)
                })
            }
            "fft" | "conv" | "demod" | "dot" | "tmult" => {
                let (signal, ty) = Signal::plan(name, arguments, input)?;
                Ok((Self::Signal(signal), ty))
            }
            other => Err(format!("the function '{other}' is not supported by this emulator")),
        }
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
    ) -> Result<(Self, Type), String> {
        let side = |(ty, constant): (Option<&Type>, Option<&Argument>)| match (ty, constant) {
            (Some(ty), _) => {
                let scalar = scalar_of(ty, "arithmetic")?;
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
            (None, None) => Err("arithmetic without an operand".to_owned()),
        };
        if left.0.is_none() && right.0.is_none() {
            return Err("arithmetic of two constants, without a stream".to_owned());
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
                return Err(format!(
                    "arithmetic needs items of one shape, not {a:?} and {b:?}; buffer both the same way"
                ));
            }
        };
        let integral = left_whole && right_whole && symbol != Symbol::Divide;
        let ty = Type::scalar(number_type(integral)).with_shape(shape);
        Ok((Self::Arithmetic { symbol, left, right, integral }, ty))
    }
}

fn axis_of(axis: &Argument, input: &Type) -> Result<usize, String> {
    let rank = input.shape.len();
    let Number::Int(axis) = axis.number()? else {
        return Err("an axis is an int".to_owned());
    };
    let wrapped = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(wrapped)
        .ok()
        .filter(|axis| *axis < rank)
        .ok_or_else(|| format!("axis {axis} of items of {rank} dimensions"))
}
