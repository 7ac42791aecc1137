//! Structures in answers: names and values, as in JSON.

use bytes::Bytes;
use prost_types::value::Kind;
use pulsewire_wire::WholeMessage;

use crate::error::{Error, Result};

pulsewire_wire::whole_messages!(Document);

/// `google.protobuf.Struct`, as this crate's own.
#[derive(Clone, PartialEq, prost::Message)]
struct Document {
    #[prost(btree_map = "string, message", tag = "1")]
    fields: std::collections::BTreeMap<String, prost_types::Value>,
}

/// A structure of a simulation's answer: names and values, as in JSON.
///
/// One of thousands of pulses is large: it stays as it arrived, and is walked with [`Self::fields`].
#[derive(Clone, Debug, PartialEq)]
pub struct Structure(pub(crate) prost_types::Struct);

/// A value of a [`Structure`].
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// Nothing.
    Null,
    /// A number.
    Number(f64),
    /// A text.
    Text(&'a str),
    /// True or false.
    Flag(bool),
    /// Values in their order.
    List(Values<'a>),
    /// Names and values.
    Fields(Fields<'a>),
}

/// The values of a list.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a>(&'a [prost_types::Value]);

/// The names and values of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(&'a prost_types::Struct);

impl Structure {
    /// A structure that another client was given: a `google.protobuf.Struct`.
    ///
    /// # Errors
    /// [`Error::Value`] for bytes that are none.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self> {
        let read = Document::from_bytes(bytes.into());
        let read = read.map_err(|error| Error::Value(format!("it is no structure: {error}")))?;
        Ok(Self(prost_types::Struct { fields: read.fields }))
    }

    /// Its names and values.
    pub fn fields(&self) -> Fields<'_> {
        Fields(&self.0)
    }
}

impl<'a> Values<'a> {
    /// Each value.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Node<'a>> {
        self.0.iter().map(Node::of)
    }
}

impl<'a> Fields<'a> {
    /// Each name and its value.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (&'a str, Node<'a>)> {
        self.0.fields.iter().map(|(name, value)| (name.as_str(), Node::of(value)))
    }
}

impl<'a> Node<'a> {
    fn of(value: &'a prost_types::Value) -> Self {
        match &value.kind {
            None | Some(Kind::NullValue(_)) => Self::Null,
            Some(Kind::NumberValue(number)) => Self::Number(*number),
            Some(Kind::StringValue(text)) => Self::Text(text),
            Some(Kind::BoolValue(flag)) => Self::Flag(*flag),
            Some(Kind::ListValue(list)) => Self::List(Values(&list.values)),
            Some(Kind::StructValue(fields)) => Self::Fields(Fields(fields)),
        }
    }
}
