//! Why a configuration is not taken.

/// What a configuration lacks, or cannot mean: a sentence with the name that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(super) String);

impl From<String> for ConfigError {
    fn from(sentence: String) -> Self {
        Self(sentence)
    }
}

/// Why a configuration is none of QOP 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VersionError {
    /// It is of the second version.
    #[error(
        "the configuration is of the second version, which belongs to QOP 3 (OPX1000 and its FEMs); this is a QOP 2"
    )]
    Second,
    /// There is none.
    #[error("the request carries no configuration of the first version (QOP 2)")]
    Missing,
}
