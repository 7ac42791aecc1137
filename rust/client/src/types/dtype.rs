//! The grammar of a result's type: JSON that spells a numpy dtype (docs/protocol.md, "Types of results").

use std::collections::HashSet;

use serde_json::Value;

/// Dimensions that a field may have; numpy 1 has 32 for all of an array.
const MOST_DIMS: usize = 31;

/// Why a type cannot be read: a sentence that says what is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DtypeError(String);

/// A type of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dtype {
    /// What an element is.
    pub kind: DtypeKind,
    /// Bytes of one element.
    pub size: usize,
}

/// What an element is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DtypeKind {
    /// A number, by the name that the gateway gives it (`<i8`, `bool8`, `int64`).
    Plain(String),
    /// Named fields, packed.
    Struct(Vec<Field>),
}

/// A field of a structured type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub dtype: Dtype,
    /// Its own dimensions; none for a single element.
    pub shape: Vec<usize>,
}

impl Dtype {
    /// Reads the JSON text that gateways send.
    ///
    /// # Errors
    /// [`DtypeError`].
    pub fn parse(text: &str) -> Result<Self, DtypeError> {
        let value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        Self::from_value(&value)
    }

    /// The name of a plain type as every numpy knows it.
    pub fn numpy_name(name: &str) -> &str {
        // numpy 2 dropped this one.
        if name == "bool8" { "|b1" } else { name }
    }

    /// Whether it is a single field `value` of records of value and timestamp, which the
    /// vendor's client unwraps.
    pub fn is_wrapped_record(&self) -> bool {
        let DtypeKind::Struct(fields) = &self.kind else {
            return false;
        };
        let [outer] = fields.as_slice() else {
            return false;
        };
        let DtypeKind::Struct(inner) = &outer.dtype.kind else {
            return false;
        };
        outer.name == "value"
            && matches!(inner.as_slice(), [a, b] if a.name == "value" && b.name == "timestamp")
    }

    fn from_value(value: &Value) -> Result<Self, DtypeError> {
        match untuple(value) {
            Value::String(name) => Self::plain(name),
            Value::Array(fields) => {
                let fields = fields.iter().map(field).collect::<Result<Vec<_>, _>>()?;
                let size =
                    fields.iter().try_fold(0usize, |sum, field| sum.checked_add(field.size()?));
                // numpy counts the bytes of a type in an int of C.
                let size = size.filter(|size| i32::try_from(*size).is_ok());
                let size = size.ok_or_else(|| wrong("a type too large"))?;
                let names: HashSet<&str> = fields.iter().map(|field| &*field.name).collect();
                if names.len() != fields.len() || names.contains("") || fields.is_empty() {
                    return Err(wrong("a list of fields without names of their own"));
                }
                Ok(Self { kind: DtypeKind::Struct(fields), size })
            }
            other => Err(wrong(format!("{other} is neither a type's name nor a list of fields"))),
        }
    }

    fn plain(name: &str) -> Result<Self, DtypeError> {
        let size = match name {
            "bool" | "bool_" | "bool8" | "int8" | "uint8" => Some(1),
            "int16" | "uint16" | "float16" => Some(2),
            "int32" | "uint32" | "float32" => Some(4),
            "int64" | "uint64" | "float64" | "complex64" => Some(8),
            "complex128" => Some(16),
            short => match short.strip_prefix(['<', '>', '|', '=']).unwrap_or(short) {
                "b1" | "i1" | "u1" => Some(1),
                "i2" | "u2" | "f2" => Some(2),
                "i4" | "u4" | "f4" => Some(4),
                "i8" | "u8" | "f8" | "c8" => Some(8),
                "c16" => Some(16),
                _ => None,
            },
        };
        let size = size.ok_or_else(|| wrong(format!("'{name}' is no type of numbers")))?;
        Ok(Self { kind: DtypeKind::Plain(name.to_owned()), size })
    }
}

impl Field {
    fn size(&self) -> Option<usize> {
        self.shape.iter().try_fold(self.dtype.size, |size, dim| size.checked_mul(*dim))
    }
}

fn wrong(reason: impl Into<String>) -> DtypeError {
    DtypeError(reason.into())
}

/// The list inside a tuple object (`{"__tuple__": true, "items": […]}`), at any depth.
fn untuple(value: &Value) -> &Value {
    match value {
        Value::Object(object) if object.contains_key("__tuple__") => {
            object.get("items").unwrap_or(value)
        }
        other => other,
    }
}

fn field(value: &Value) -> Result<Field, DtypeError> {
    let Value::Array(parts) = untuple(value) else {
        return Err(wrong(format!("the field {value} is not a list")));
    };
    let (name, dtype, shape) = match parts.as_slice() {
        [name, dtype] => (name, dtype, None),
        [name, dtype, shape] => (name, dtype, Some(untuple(shape))),
        _ => return Err(wrong(format!("the field {value} has {} parts", parts.len()))),
    };
    let name = name.as_str().ok_or_else(|| wrong(format!("the field {value} has no name")))?;
    let dim = |dim: &Value| {
        // numpy takes an int of C.
        let size = dim.as_u64().and_then(|size| i32::try_from(size).ok());
        size.map(|size| size as usize).ok_or_else(|| wrong(format!("{dim} is not a dimension")))
    };
    let shape = match shape {
        None => Vec::new(),
        Some(Value::Array(dims)) => dims.iter().map(dim).collect::<Result<_, _>>()?,
        Some(single) => vec![dim(single)?],
    };
    if shape.len() > MOST_DIMS {
        return Err(wrong(format!("the field '{name}' has {} dimensions", shape.len())));
    }
    Ok(Field { name: name.to_owned(), dtype: Dtype::from_value(dtype)?, shape })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_grammar_is_read() {
        for (text, size) in [
            (r#""<i8""#, 8),
            (r#""int64""#, 8),
            (r#""<f8""#, 8),
            (r#""|b1""#, 1),
            (r#""bool8""#, 1),
            (r#"[["value","<i8"]]"#, 8),
            (r#"[["value","<f8",{"__tuple__":true,"items":[3]}]]"#, 24),
            (r#"[["value","<f8",{"__tuple__":true,"items":[2,3]}]]"#, 48),
            (r#"[["value","<i8"],["timestamp","<u8"]]"#, 16),
            (r#"[["value",[["value","<i8"],["timestamp","<u8"]]]]"#, 16),
            (r#"[{"__tuple__":true,"items":["value","<i8"]}]"#, 8),
            (r#"[["value","bool8",{"__tuple__":true,"items":[2]}]]"#, 2),
            (r#"[["a","<f4"],["b","|b1"]]"#, 5),
        ] {
            assert_eq!(Dtype::parse(text).unwrap().size, size, "{text}");
        }
        assert!(
            Dtype::parse(r#"[["value",[["value","<i8"],["timestamp","<u8"]]]]"#)
                .unwrap()
                .is_wrapped_record()
        );
        assert!(
            !Dtype::parse(r#"[["value","<i8"],["timestamp","<u8"]]"#).unwrap().is_wrapped_record()
        );
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for text in [
            "",
            "{",
            "3",
            r#""<i3""#,
            r#""str""#,
            r#"[["value"]]"#,
            r#"[[1,"<i8"]]"#,
            r#"["<i8"]"#,
            r#"[["v","<i8",[-1]]]"#,
            r#"[["v","<i8",["x"]]]"#,
            r#"[["v","<i8",[4294967296,4294967296,4294967296]]]"#,
        ] {
            assert!(!Dtype::parse(text).unwrap_err().to_string().is_empty(), "{text}");
        }
    }
}
