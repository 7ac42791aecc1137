//! What `Math.msb` gives of an int.

/// What `Math.msb` gives of an int.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Msb {
    /// The position of its highest bit, as the manual says.
    #[default]
    Manual,
    /// 28 less, as if it were a `fixed`: what public programs of 2025 count on.
    Of2025,
}

impl Msb {
    /// The names that [`Self::named`] knows.
    pub const NAMES: [&str; 2] = ["manual", "2025"];

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "manual" => Some(Self::Manual),
            "2025" => Some(Self::Of2025),
            _ => None,
        }
    }
}
