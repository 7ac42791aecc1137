//! What stream processing knows of the statements that feed it.

use crate::qua::value::Kind;

/// A stream that `save` statements or measurements write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The tag of the statements.
    pub tag: String,
    /// The kind of the saved values.
    pub kind: Kind,
    /// Of raw samples: how many a measurement gives.
    pub trace: Option<u32>,
    /// The counts of the loops around what is saved, outermost first; `None` where one is not known
    /// when the program is compiled, or where several statements save from different loops.
    pub loops: Option<Vec<usize>>,
}
