//! What goes wrong while a program runs.

/// Something that the real hardware leaves undefined, met while running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What and where.
    pub message: String,
    /// Whether it is worth knowing, and not wrong.
    pub warning: bool,
}
