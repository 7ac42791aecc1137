//! The nested lists that a program carries its stream processing in, as a tree (F3).

use prost_types::{ListValue, Value, value};

/// A pipeline as written: operators with their sources.
#[derive(Debug)]
pub(super) enum Tree {
    /// `["@re", mode, tag]`
    Source { tag: String, mode: Mode },
    /// An operator with its textual arguments and its inputs.
    Operator { name: String, arguments: Vec<Argument>, inputs: Vec<Tree> },
    /// A constant operand of arithmetic.
    Constant(Argument),
}

/// What a source's items are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Values,
    Timestamps,
    Both,
}

/// A constant in a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Argument {
    Text(String),
    Vector(Vec<Argument>),
    /// A function of `map`: its name and its own arguments.
    Function(String, Vec<Argument>),
}

/// A terminal: what is kept under which name.
#[derive(Debug)]
pub(super) struct Terminal {
    pub(super) name: String,
    pub(super) single: bool,
    pub(super) pipeline: Tree,
}

fn text(value: &Value) -> Option<&str> {
    match value.kind.as_ref()? {
        value::Kind::StringValue(text) => Some(text),
        _ => None,
    }
}

fn list(value: &Value) -> Option<&[Value]> {
    match value.kind.as_ref()? {
        value::Kind::ListValue(list) => Some(&list.values),
        _ => None,
    }
}

pub(super) fn terminal(entry: &ListValue) -> Result<Terminal, String> {
    let (kind, name, pipeline) = match entry.values.as_slice() {
        [kind, name, pipeline] => (text(kind), text(name), pipeline),
        [kind, name, auto, pipeline] if text(auto) == Some("auto") => {
            (text(kind), text(name), pipeline)
        }
        _ => {
            return Err("a malformed entry: expected a terminal, a name and a pipeline".to_owned());
        }
    };
    let name = name.filter(|name| !name.is_empty()).ok_or("a result without a name")?;
    let single = match kind {
        Some("save") => true,
        Some("saveAll") => false,
        other => {
            return Err(format!("result '{name}': unsupported terminal {}", other.unwrap_or("?")));
        }
    };
    let pipeline = tree(pipeline).map_err(|message| format!("result '{name}': {message}"))?;
    Ok(Terminal { name: name.to_owned(), single, pipeline })
}

fn malformed() -> String {
    "a malformed pipeline".to_owned()
}

fn tree(value: &Value) -> Result<Tree, String> {
    let Some(values) = list(value) else {
        return text(value)
            .map(|text| Tree::Constant(Argument::Text(text.to_owned())))
            .ok_or_else(malformed);
    };
    let (name, rest) = values.split_first().ok_or_else(malformed)?;
    let name = text(name).ok_or_else(malformed)?;
    if name == "@re" {
        let [mode, tag] = rest else {
            return Err(malformed());
        };
        let mode = match text(mode) {
            Some("0") => Mode::Values,
            Some("1") => Mode::Timestamps,
            Some("2") => Mode::Both,
            _ => return Err("a stream in an unknown form".to_owned()),
        };
        let tag = text(tag).ok_or_else(malformed)?.to_owned();
        return Ok(Tree::Source { tag, mode });
    }
    if name == "@array" {
        return Ok(Tree::Constant(argument(value)?));
    }
    // The sources stand last; everything before them are the operator's arguments.
    let inputs = match name {
        "zip" | "+" | "-" | "*" | "/" => 2,
        _ => 1,
    };
    if rest.len() < inputs {
        return Err(format!("the operator '{name}' has no source"));
    }
    let (arguments, sources) = rest.split_at(rest.len() - inputs);
    let arguments = if name == "map" {
        arguments.iter().map(function).collect::<Result<_, _>>()?
    } else {
        arguments.iter().map(argument).collect::<Result<_, _>>()?
    };
    let inputs = sources.iter().map(tree).collect::<Result<_, _>>()?;
    Ok(Tree::Operator { name: name.to_owned(), arguments, inputs })
}

fn argument(value: &Value) -> Result<Argument, String> {
    if let Some(text) = text(value) {
        return Ok(Argument::Text(text.to_owned()));
    }
    match list(value).and_then(<[Value]>::split_first) {
        Some((name, items)) if text(name) == Some("@array") => {
            Ok(Argument::Vector(items.iter().map(argument).collect::<Result<_, _>>()?))
        }
        _ => Err(malformed()),
    }
}

fn function(value: &Value) -> Result<Argument, String> {
    let (name, rest) = list(value).and_then(<[Value]>::split_first).ok_or_else(malformed)?;
    let name = text(name).ok_or_else(malformed)?.to_owned();
    Ok(Argument::Function(name, rest.iter().map(argument).collect::<Result<_, _>>()?))
}

/// A number: an integer where its text is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    pub(super) fn float(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

impl Argument {
    pub(super) fn number(&self) -> Result<Number, String> {
        let Self::Text(text) = self else {
            return Err("a vector where a number is needed".into());
        };
        if let Ok(value) = text.parse() {
            return Ok(Number::Int(value));
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Number::Float(value)),
            _ => Err(format!("'{text}' is not a number")),
        }
    }

    pub(super) fn count(&self) -> Result<usize, String> {
        match self.number()? {
            Number::Int(value) => {
                usize::try_from(value).map_err(|_| format!("{value} is not a count"))
            }
            Number::Float(value) => Err(format!("{value} is not a count")),
        }
    }

    pub(super) fn vector(&self) -> Result<Vec<Number>, String> {
        match self {
            Self::Vector(items) if !items.is_empty() => items.iter().map(Self::number).collect(),
            Self::Vector(_) => Err("an empty vector".to_owned()),
            _ => Err("a number where a vector is needed".to_owned()),
        }
    }
}
