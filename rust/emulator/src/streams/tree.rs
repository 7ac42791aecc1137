//! Stream processing as a program writes it: trees of operators over sources.

use super::error::StreamError;

/// A pipeline as written: operators with their sources.
#[derive(Debug)]
pub(crate) enum Tree {
    /// `["@re", mode, tag]`
    Source { tag: String, form: SourceForm },
    /// An operator with its textual arguments and its inputs.
    Operator { name: String, arguments: Vec<Argument>, inputs: Vec<Tree> },
    /// A constant operand of arithmetic.
    Constant(Argument),
}

/// What a source's items are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceForm {
    Values,
    Timestamps,
    Both,
}

/// A constant in a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    Text(String),
    Vector(Vec<Argument>),
    /// A function of `map`: its name and its own arguments.
    Function(String, Vec<Argument>),
}

/// A terminal: what is kept under which name.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub name: String,
    pub single: bool,
    pub pipeline: Tree,
}

/// A number: an integer where its text is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    pub(crate) fn float(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

impl Argument {
    pub(crate) fn number(&self) -> Result<Number, StreamError> {
        let Self::Text(text) = self else {
            return Err(StreamError("a vector where a number is needed".to_owned()));
        };
        if let Ok(value) = text.parse() {
            return Ok(Number::Int(value));
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Number::Float(value)),
            _ => Err(StreamError(format!("'{text}' is not a number"))),
        }
    }

    pub(crate) fn count(&self) -> Result<usize, StreamError> {
        match self.number()? {
            Number::Int(value) => {
                usize::try_from(value).map_err(|_| StreamError(format!("{value} is not a count")))
            }
            Number::Float(value) => Err(StreamError(format!("{value} is not a count"))),
        }
    }

    pub(crate) fn vector(&self) -> Result<Vec<Number>, StreamError> {
        match self {
            Self::Vector(items) if !items.is_empty() => items.iter().map(Self::number).collect(),
            Self::Vector(_) => Err(StreamError("an empty vector".to_owned())),
            _ => Err(StreamError("a number where a vector is needed".to_owned())),
        }
    }
}

/// The one argument of an operator.
///
/// # Errors
/// Another number of them.
pub(super) fn only<'a, T>(items: &'a [T], what: &str) -> Result<&'a T, StreamError> {
    match items {
        [one] => Ok(one),
        _ => Err(StreamError(format!("{what} takes one argument, not {}", items.len()))),
    }
}
