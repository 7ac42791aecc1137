//! How results stand.

use super::dtype::Dtype;

/// A named result, as announced.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The name it is saved under.
    pub name: String,
    /// Its type.
    pub dtype: Dtype,
    /// Whether only the last item is kept.
    pub is_single: bool,
    /// What the gateway expects in all; 0 where it does not know.
    pub expected_count: i32,
    /// Dimensions of an item.
    pub shape: Vec<usize>,
}

/// A named result, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Its type, in the form that was asked for.
    pub dtype: Dtype,
    /// Dimensions of an item beside those in the type.
    pub shape: Vec<usize>,
    /// Items so far.
    pub count: u64,
    /// Whether items were lost.
    pub has_dataloss: bool,
    /// Whether the job met runtime errors.
    pub has_execution_errors: bool,
    /// Whether everything is there.
    pub done: bool,
    /// Whether nothing more comes although the program did not come to its end.
    pub closed: bool,
}

impl Schema {
    /// Bytes of one item, as far as that can be.
    pub(crate) fn item_size(&self) -> usize {
        self.shape.iter().fold(self.dtype.size, |size, dim| size.saturating_mul(*dim))
    }
}

impl Header {
    /// Bytes of one item.
    pub fn item_size(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.size
    }

    /// The dimensions of an array of `count` items with an axis for them, also for a single one.
    pub fn rows_shape(&self, count: u64) -> Vec<usize> {
        let item = if self.shape == [1] { &[] } else { self.shape.as_slice() };
        [&[count as usize], item].concat()
    }

    /// The dimensions of an array of `count` items.
    pub fn array_shape(&self, count: u64) -> Vec<usize> {
        let count = count as usize;
        match (count, self.shape.as_slice()) {
            (1, shape) => shape.to_vec(),
            (count, [1]) => vec![count],
            (count, shape) => [&[count], shape].concat(),
        }
    }
}

/// How all results of a job stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResultState {
    /// Everything is there.
    pub done: bool,
    /// Nothing more comes although the program did not come to its end.
    pub closed: bool,
    /// Items were lost.
    pub has_dataloss: bool,
}

impl ResultState {
    /// Whether nothing more comes.
    pub fn is_over(self) -> bool {
        self.done || self.closed
    }
}

/// A result as a gateway announces it, its type not read yet.
#[derive(Clone, Debug, Default)]
pub struct AnnouncedResult {
    /// The name.
    pub name: String,
    /// The type of an item, in the gateway's words (JSON).
    pub dtype: String,
    /// Whether its last value only is kept.
    pub is_single: bool,
    /// What is expected in all; 0 where that is not known.
    pub expected_count: i32,
    /// The shape of an item.
    pub shape: Vec<i64>,
}

/// Items of a result that were fetched before anybody wanted them, with how the result stood.
#[derive(Clone, Debug)]
pub(crate) struct Ahead {
    pub(crate) header: Header,
    pub(crate) first: u64,
    pub(crate) items: u64,
    pub(crate) bytes: Vec<u8>,
}

/// What was asked of a job before anybody wanted it.
#[derive(Clone, Debug)]
pub(crate) struct JobAhead {
    /// Its results.
    pub(crate) announced: Vec<AnnouncedResult>,
    /// How they stand, and what there is, once all are done.
    pub(crate) done: Option<(ResultState, Vec<(String, Ahead)>)>,
}
