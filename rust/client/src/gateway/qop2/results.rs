//! Results: messages that prost's own types cannot hold, and what a program saves.

use prost_types::value::Kind;
use prost_types::{ListValue, Value};

pulsewire_wire::whole_messages!(WideHeader);

/// A header of a result as it stands on the wire, with the numbers that do not fit an int32 as well.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WideHeader {
    #[prost(int64, tag = "2")]
    pub(super) count_so_far: i64,
    #[prost(string, tag = "3")]
    pub(super) simple_d_type: String,
    #[prost(bool, tag = "4")]
    pub(super) done: bool,
    #[prost(bool, tag = "5")]
    pub(super) closed: bool,
    #[prost(bool, tag = "6")]
    pub(super) has_dataloss: bool,
    #[prost(int64, repeated, tag = "7")]
    pub(super) shape: Vec<i64>,
    #[prost(message, optional, tag = "8")]
    pub(super) has_execution_errors: Option<bool>,
}

/// The result that an entry of a program's stream processing saves, and whether it keeps its last item only.
pub(super) fn saved(entry: &ListValue) -> Option<(String, bool)> {
    let text = |value: &Value| match &value.kind {
        Some(Kind::StringValue(text)) => Some(text.clone()),
        _ => None,
    };
    let [kind, name, ..] = entry.values.as_slice() else { return None };
    Some((text(name)?, text(kind)? == "save"))
}
