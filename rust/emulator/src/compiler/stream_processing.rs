//! The nested lists that a program carries its stream processing in, as trees.

use prost_types::{ListValue, Value, value};

use crate::streams::{Argument, SourceForm, StreamError, Terminal, Tree};

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

/// A terminal and its pipeline.
///
/// # Errors
/// What is malformed.
pub(crate) fn terminal(entry: &ListValue) -> Result<Terminal, StreamError> {
    let (kind, name, pipeline) = match entry.values.as_slice() {
        [kind, name, pipeline] => (text(kind), text(name), pipeline),
        [kind, name, auto, pipeline] if text(auto) == Some("auto") => {
            (text(kind), text(name), pipeline)
        }
        _ => {
            return Err(StreamError::from(
                "a malformed entry: expected a terminal, a name and a pipeline",
            ));
        }
    };
    let name = name.filter(|name| !name.is_empty()).ok_or("a result without a name")?;
    let single = match kind {
        Some("save") => true,
        Some("saveAll") => false,
        other => {
            return Err(StreamError::from(format!(
                "result '{name}': unsupported terminal {}",
                other.unwrap_or("?")
            )));
        }
    };
    let pipeline = tree(pipeline).map_err(|error| format!("result '{name}': {error}"))?;
    Ok(Terminal { name: name.to_owned(), single, pipeline })
}

fn malformed() -> StreamError {
    StreamError::from("a malformed pipeline")
}

fn tree(value: &Value) -> Result<Tree, StreamError> {
    let Some(values) = list(value) else {
        return text(value)
            .map(|text| Tree::Constant(Argument::Text(text.to_owned())))
            .ok_or_else(malformed);
    };
    let (name, rest) = values.split_first().ok_or_else(malformed)?;
    let name = text(name).ok_or_else(malformed)?;
    if name == "@re" {
        let [form, tag] = rest else {
            return Err(malformed());
        };
        let form = match text(form) {
            Some("0") => SourceForm::Values,
            Some("1") => SourceForm::Timestamps,
            Some("2") => SourceForm::Both,
            _ => return Err(StreamError::from("a stream in an unknown form")),
        };
        let tag = text(tag).ok_or_else(malformed)?.to_owned();
        return Ok(Tree::Source { tag, form });
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
        return Err(StreamError::from(format!("the operator '{name}' has no source")));
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

fn argument(value: &Value) -> Result<Argument, StreamError> {
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

fn function(value: &Value) -> Result<Argument, StreamError> {
    let (name, rest) = list(value).and_then(<[Value]>::split_first).ok_or_else(malformed)?;
    let name = text(name).ok_or_else(malformed)?.to_owned();
    Ok(Argument::Function(name, rest.iter().map(argument).collect::<Result<_, _>>()?))
}
