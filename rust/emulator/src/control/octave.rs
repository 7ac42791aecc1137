//! Octaves: up- and downconverters that qm-qua sets itself, beside the gateway. What it sets is kept and told
//! again; signals do not go through them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use bytes::Bytes;

use crate::lock::lock;

/// Octaves that are kept apart.
const MOST_OCTAVES: usize = 64;
/// Settings of a module, and bytes of each: more than any has.
const MOST_SETTINGS: usize = 32;
const MOST_BYTES: usize = 256;

/// A kind of module: its number among updates, and how many of them an octave has.
pub(crate) const MODULES: [(u32, u32); 4] =
    [(RF_UPCONVERTER, 5), (RF_DOWNCONVERTER, 2), (IF_DOWNCONVERTER, 2), (SYNTHESIZER, 6)];
pub(crate) const RF_UPCONVERTER: u32 = 1;
pub(crate) const RF_DOWNCONVERTER: u32 = 2;
pub(crate) const IF_DOWNCONVERTER: u32 = 3;
pub(crate) const SYNTHESIZER: u32 = 4;
pub(crate) const CLOCK: u32 = 5;
pub(crate) const MOTHERBOARD: u32 = 6;

/// A module: kind, and index from 1; 0 where there is one of the kind.
pub(crate) type Module = (u32, u32);
/// Settings of a module, each as it stands on the wire, by its number.
pub(crate) type Settings = BTreeMap<u32, Bytes>;

/// All octaves, by their names.
#[derive(Debug, Default)]
pub(crate) struct Octaves(Mutex<HashMap<String, BTreeMap<Module, Settings>>>);

/// Whether an octave has a module.
fn is_there((kind, index): Module) -> bool {
    match kind {
        CLOCK | MOTHERBOARD => index == 0,
        _ => MODULES.iter().any(|(known, count)| *known == kind && (1..=*count).contains(&index)),
    }
}

impl Octaves {
    /// Sets some settings of a module; the others stay.
    ///
    /// # Errors
    /// What cannot be.
    pub(crate) fn update(
        &self,
        octave: &str,
        module: Module,
        settings: Settings,
    ) -> Result<(), String> {
        if !is_there(module) {
            return Err(format!("an octave has no module {} of kind {}", module.1, module.0));
        }
        if settings.values().any(|setting| setting.len() > MOST_BYTES) {
            return Err(format!("a setting has more than {MOST_BYTES} bytes"));
        }
        let mut octaves = lock(&self.0);
        if !octaves.contains_key(octave) && octaves.len() == MOST_OCTAVES {
            return Err(format!("the emulator keeps {MOST_OCTAVES} octaves, not more"));
        }
        let held = octaves.entry(octave.to_owned()).or_default().entry(module).or_default();
        let more = settings.keys().filter(|number| !held.contains_key(number)).count();
        if held.len() + more > MOST_SETTINGS {
            return Err(format!("a module has {MOST_SETTINGS} settings, not more"));
        }
        held.extend(settings);
        Ok(())
    }

    /// The settings of a module; none before it was set.
    pub(crate) fn settings(&self, octave: &str, module: Module) -> Settings {
        let octaves = lock(&self.0);
        let found = octaves.get(octave).and_then(|modules| modules.get(&module));
        found.cloned().unwrap_or_default()
    }

    /// Forgets what an octave was set to.
    pub(crate) fn reset(&self, octave: &str) {
        lock(&self.0).remove(octave);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(number: u32, bytes: &'static [u8]) -> Settings {
        Settings::from([(number, Bytes::from_static(bytes))])
    }

    #[test]
    fn settings_are_kept_each_by_itself() {
        let octaves = Octaves::default();
        octaves.update("a", (SYNTHESIZER, 3), one(3, b"x")).unwrap();
        octaves.update("a", (SYNTHESIZER, 3), one(4, b"y")).unwrap();
        octaves.update("a", (SYNTHESIZER, 3), one(3, b"z")).unwrap();
        let both = Settings::from([(3, Bytes::from_static(b"z")), (4, Bytes::from_static(b"y"))]);
        assert_eq!(octaves.settings("a", (SYNTHESIZER, 3)), both);
        assert_eq!(octaves.settings("b", (SYNTHESIZER, 3)), Settings::new());
        octaves.reset("a");
        assert_eq!(octaves.settings("a", (SYNTHESIZER, 3)), Settings::new());
    }

    #[test]
    fn what_no_octave_has_is_refused() {
        let octaves = Octaves::default();
        for module in [(SYNTHESIZER, 0), (SYNTHESIZER, 7), (CLOCK, 1), (7, 0), (RF_UPCONVERTER, 6)]
        {
            assert!(octaves.update("a", module, one(1, b"")).is_err(), "{module:?}");
        }
        let long = Settings::from([(1, Bytes::from(vec![0; 257]))]);
        assert!(octaves.update("a", (CLOCK, 0), long).is_err());
        let many = |from: u32| (from..from + 32).map(|number| (number, Bytes::new())).collect();
        octaves.update("a", (CLOCK, 0), many(0)).unwrap();
        assert!(octaves.update("a", (CLOCK, 0), many(1)).is_err());
        for number in 0..MOST_OCTAVES - 1 {
            octaves.update(&number.to_string(), (CLOCK, 0), one(1, b"")).unwrap();
        }
        assert!(octaves.update("one more", (CLOCK, 0), one(1, b"")).is_err());
    }
}
