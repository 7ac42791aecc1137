//! Messages about results that prost's own types cannot hold.

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
