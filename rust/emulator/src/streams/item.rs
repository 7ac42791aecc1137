//! The items that flow through stream processing, and their static types.

use std::fmt::Write as _;

use super::error::StreamError;

/// The type of a number in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// 64-bit integer: a saved `int`, a timestamp, a count.
    Int,
    /// Double: a saved `fixed`, a mean.
    Float,
    /// One byte: a saved `bool`.
    Bool,
}

/// What an item is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// Plain numbers.
    Scalar(Scalar),
    /// Named fields: value and timestamp, or the members of a zip.
    Record(Vec<(&'static str, Type)>),
}

/// The type of every item of one stream: known before the program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Type {
    /// What the item is made of.
    pub element: Element,
    /// Its dimensions, outermost first; none for a single element.
    pub shape: Vec<usize>,
}

impl Type {
    /// One number.
    pub(crate) fn scalar(scalar: Scalar) -> Self {
        Self { element: Element::Scalar(scalar), shape: Vec::new() }
    }

    /// What its numbers are.
    ///
    /// # Errors
    /// Items that are no numbers; `what` works on those only.
    pub(super) fn scalar_kind(&self, what: &str) -> Result<Scalar, StreamError> {
        match self.element {
            Element::Scalar(scalar) => Ok(scalar),
            Element::Record(_) => Err(StreamError(format!(
                "{what} works on numbers, not on {}; take one field, or the stream without timestamps",
                self.describe()
            ))),
        }
    }

    /// The same elements in another shape.
    pub(crate) fn with_shape(&self, shape: Vec<usize>) -> Self {
        Self { element: self.element.clone(), shape }
    }

    /// How many elements an item has.
    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Numbers of an item, those of its fields included; `None` for more than can be counted.
    pub(crate) fn numbers(&self) -> Option<usize> {
        let one = match &self.element {
            Element::Scalar(_) => 1,
            Element::Record(fields) => {
                fields.iter().try_fold(0usize, |all, (_, ty)| all.checked_add(ty.numbers()?))?
            }
        };
        self.shape.iter().try_fold(one, |all, dim| all.checked_mul(*dim))
    }

    /// Bytes of one item.
    pub(crate) fn size(&self) -> usize {
        let element = match &self.element {
            Element::Scalar(Scalar::Bool) => 1,
            Element::Scalar(_) => 8,
            Element::Record(fields) => fields.iter().map(|(_, ty)| ty.size()).sum(),
        };
        element * self.elements()
    }

    /// `numbers of shape (2, 3)` and the like, for messages.
    pub(crate) fn describe(&self) -> String {
        let what = match &self.element {
            Element::Scalar(Scalar::Int) => "int".to_owned(),
            Element::Scalar(Scalar::Float) => "float".to_owned(),
            Element::Scalar(Scalar::Bool) => "bool".to_owned(),
            Element::Record(fields) => {
                let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
                format!("({})", names.join(", "))
            }
        };
        if self.shape.is_empty() { what } else { format!("{what} of shape {:?}", self.shape) }
    }

    /// The dtype as JSON text in the structured form: dimensions are part of the type.
    pub(crate) fn structured_dtype(&self) -> String {
        match &self.element {
            Element::Record(_) if self.shape.is_empty() => self.element_dtype(),
            _ => format!("[{}]", field("value", self)),
        }
    }

    /// The dtype and the shape in the flat form: dimensions are part of the shape.
    pub(crate) fn flat(&self) -> (String, Vec<i32>) {
        let shape = if self.shape.is_empty() {
            vec![1]
        } else {
            self.shape.iter().map(|dim| i32::try_from(*dim).unwrap_or(i32::MAX)).collect()
        };
        (self.element_dtype(), shape)
    }

    fn element_dtype(&self) -> String {
        match &self.element {
            Element::Scalar(Scalar::Int) => "\"<i8\"".to_owned(),
            Element::Scalar(Scalar::Float) => "\"<f8\"".to_owned(),
            Element::Scalar(Scalar::Bool) => "\"bool8\"".to_owned(),
            Element::Record(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, ty)| field(name, ty)).collect();
                format!("[{}]", fields.join(","))
            }
        }
    }
}

fn field(name: &str, ty: &Type) -> String {
    let mut text = format!("[\"{name}\",{}", ty.element_dtype());
    if !ty.shape.is_empty() {
        let dims: Vec<_> = ty.shape.iter().map(usize::to_string).collect();
        let _ = write!(text, ",{{\"__tuple__\":true,\"items\":[{}]}}", dims.join(","));
    }
    text.push(']');
    text
}

/// One item. Its variant follows from its [`Type`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Int(i64),
    Float(f64),
    Bool(bool),
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Bools(Vec<bool>),
    /// The fields of one record.
    Record(Vec<Item>),
    /// An array of records.
    Many(Vec<Item>),
}

impl Item {
    /// Appends the item as it is sent: little-endian, row-major, packed.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => out.extend_from_slice(&value.to_le_bytes()),
            Self::Float(value) => out.extend_from_slice(&value.to_le_bytes()),
            Self::Bool(value) => out.push(u8::from(*value)),
            Self::Ints(values) => {
                values.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes()))
            }
            Self::Floats(values) => {
                values.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
            }
            Self::Bools(values) => out.extend(values.iter().map(|value| u8::from(*value))),
            Self::Record(items) | Self::Many(items) => {
                items.iter().for_each(|item| item.write(out))
            }
        }
    }

    /// How many elements it holds.
    pub(crate) fn elements(&self) -> usize {
        match self {
            Self::Ints(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Bools(values) => values.len(),
            Self::Many(items) => items.len(),
            _ => 1,
        }
    }

    /// What it weighs against the limit of held values: its numbers, and for a record what the
    /// record itself takes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Record(items) => 4 + items.iter().map(Self::weight).sum::<usize>(),
            Self::Many(items) => items.iter().map(Self::weight).sum(),
            other => other.elements(),
        }
    }

    /// Its numbers as doubles; a bool counts as 0 or 1. Records have none.
    pub(crate) fn floats(&self) -> Vec<f64> {
        match self {
            Self::Int(value) => vec![*value as f64],
            Self::Float(value) => vec![*value],
            Self::Bool(value) => vec![f64::from(u8::from(*value))],
            Self::Ints(values) => values.iter().map(|value| *value as f64).collect(),
            Self::Floats(values) => values.clone(),
            Self::Bools(values) => values.iter().map(|value| f64::from(u8::from(*value))).collect(),
            Self::Record(_) | Self::Many(_) => Vec::new(),
        }
    }

    /// Its numbers as integers, for items whose type is int or bool.
    pub(crate) fn ints(&self) -> Vec<i64> {
        match self {
            Self::Int(value) => vec![*value],
            Self::Bool(value) => vec![i64::from(*value)],
            Self::Ints(values) => values.clone(),
            Self::Bools(values) => values.iter().map(|value| i64::from(*value)).collect(),
            Self::Float(_) | Self::Floats(_) | Self::Record(_) | Self::Many(_) => Vec::new(),
        }
    }

    /// The item of a type with these doubles.
    pub(crate) fn from_floats(mut values: Vec<f64>, scalar: bool) -> Self {
        if scalar { Self::Float(values.pop().unwrap_or(f64::NAN)) } else { Self::Floats(values) }
    }

    /// The item of a type with these integers.
    pub(crate) fn from_ints(mut values: Vec<i64>, scalar: bool) -> Self {
        if scalar { Self::Int(values.pop().unwrap_or(0)) } else { Self::Ints(values) }
    }

    /// An empty array that items of this one's kind can be appended to.
    pub(crate) fn empty_array(&self, capacity: usize) -> Self {
        match self {
            Self::Int(_) | Self::Ints(_) => Self::Ints(Vec::with_capacity(capacity)),
            Self::Float(_) | Self::Floats(_) => Self::Floats(Vec::with_capacity(capacity)),
            Self::Bool(_) | Self::Bools(_) => Self::Bools(Vec::with_capacity(capacity)),
            Self::Record(_) | Self::Many(_) => Self::Many(Vec::with_capacity(capacity)),
        }
    }

    /// Appends the elements of an item of the same kind to an array.
    pub(crate) fn append(&mut self, item: Self) {
        match (self, item) {
            (Self::Ints(all), Self::Int(one)) => all.push(one),
            (Self::Ints(all), Self::Ints(mut more)) => all.append(&mut more),
            (Self::Floats(all), Self::Float(one)) => all.push(one),
            (Self::Floats(all), Self::Floats(mut more)) => all.append(&mut more),
            (Self::Bools(all), Self::Bool(one)) => all.push(one),
            (Self::Bools(all), Self::Bools(mut more)) => all.append(&mut more),
            (Self::Many(all), Self::Many(mut more)) => all.append(&mut more),
            (Self::Many(all), record) => all.push(record),
            // The types of a pipeline are checked when it is planned.
            _ => debug_assert!(false, "an item of another type"),
        }
    }

    /// Its elements one by one.
    pub(crate) fn into_elements(self) -> Vec<Self> {
        match self {
            Self::Ints(values) => values.into_iter().map(Self::Int).collect(),
            Self::Floats(values) => values.into_iter().map(Self::Float).collect(),
            Self::Bools(values) => values.into_iter().map(Self::Bool).collect(),
            Self::Many(items) => items,
            single => vec![single],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dtypes_have_the_forms_that_the_clients_decode() {
        let int = Type::scalar(Scalar::Int);
        let float = Type::scalar(Scalar::Float);
        assert_eq!(int.structured_dtype(), r#"[["value","<i8"]]"#);
        assert_eq!(Type::scalar(Scalar::Bool).structured_dtype(), r#"[["value","bool8"]]"#);
        let matrix = float.with_shape(vec![2, 3]);
        assert_eq!(
            matrix.structured_dtype(),
            r#"[["value","<f8",{"__tuple__":true,"items":[2,3]}]]"#
        );
        assert_eq!(matrix.flat(), ("\"<f8\"".to_owned(), vec![2, 3]));
        assert_eq!(int.flat(), ("\"<i8\"".to_owned(), vec![1]));
        let stamped = Type {
            element: Element::Record(vec![("value", float), ("timestamp", int)]),
            shape: Vec::new(),
        };
        assert_eq!(stamped.structured_dtype(), r#"[["value","<f8"],["timestamp","<i8"]]"#);
        assert_eq!(
            stamped.with_shape(vec![2]).structured_dtype(),
            r#"[["value",[["value","<f8"],["timestamp","<i8"]],{"__tuple__":true,"items":[2]}]]"#
        );
        assert_eq!((stamped.size(), stamped.with_shape(vec![2]).size()), (16, 32));
    }

    #[test]
    fn items_are_written_packed() {
        let mut out = Vec::new();
        Item::Many(vec![
            Item::Record(vec![Item::Bool(true), Item::Int(2)]),
            Item::Record(vec![Item::Bool(false), Item::Int(-1)]),
        ])
        .write(&mut out);
        assert_eq!(out.len(), 18);
        assert_eq!(&out[..9], &[1, 2, 0, 0, 0, 0, 0, 0, 0]);
    }
}
