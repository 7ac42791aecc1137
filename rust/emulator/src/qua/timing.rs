//! What the real system adds to a program's own time.
//!
//! Numbers are those that the vendor's simulator gave (docs/emulator.md, "Time"). Without them, time is
//! that of the manual's formulas: it begins at zero and nothing costs any.

/// Times of a release of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Clock cycles before the first pulse of a program that begins with it.
    pub start: u64,
    /// Clock cycles that each `for_` takes that is entered before the first pulse.
    pub entry: u64,
    /// Nanoseconds from which phases count.
    pub origin: u64,
    /// Nanoseconds by which digital outputs are early.
    pub marker_lead: u64,
    /// Nanoseconds by which the report tells of acquisitions early.
    pub acquisition_lead: u64,
    /// Nanoseconds that a shape whose length is a variable takes beyond it.
    pub stretching: u64,
}

impl Timing {
    /// Nothing but what the program says.
    pub const IDEAL: Self =
        Self { start: 0, entry: 0, origin: 0, marker_lead: 0, acquisition_lead: 0, stretching: 0 };

    /// As the vendor's simulator of QOP 2.4 (2025), up to the first pulse.
    pub const QOP_2_4: Self = Self {
        start: 56,
        entry: 4,
        origin: 48,
        marker_lead: 4,
        acquisition_lead: 36,
        stretching: 68,
    };

    /// The names that [`Self::named`] knows.
    pub const NAMES: [&str; 2] = ["ideal", "qop-2.4"];

    /// The timing of a name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ideal" => Some(Self::IDEAL),
            "qop-2.4" => Some(Self::QOP_2_4),
            _ => None,
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self::QOP_2_4
    }
}
