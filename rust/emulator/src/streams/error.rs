//! Why stream processing cannot be done as it is written.

/// A sentence that says what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StreamError(pub(super) String);

impl From<String> for StreamError {
    fn from(sentence: String) -> Self {
        Self(sentence)
    }
}

impl From<&str> for StreamError {
    fn from(sentence: &str) -> Self {
        Self(sentence.to_owned())
    }
}
