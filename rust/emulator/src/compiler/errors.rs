//! Mistakes in programs.

use crate::streams::StreamError;

/// One mistake, with the place in the user's source where the client saw the statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CompileError {
    /// A mistake in a statement or a declaration.
    #[error("{statement}: {message}{}", place(.loc))]
    Statement {
        /// The statement as users call it.
        statement: String,
        /// What is wrong and what to do.
        message: String,
        /// `File "…", line N: text`, or empty.
        loc: String,
    },
    /// A mistake in stream processing, which carries no location on the wire.
    #[error("stream_processing: {0}")]
    Stream(StreamError),
}

/// A location as messages show it.
pub(super) fn place(loc: &str) -> String {
    // The client leaves the line's own end in.
    let loc = loc.trim_end();
    if loc.is_empty() { String::new() } else { format!(" [{loc}]") }
}
