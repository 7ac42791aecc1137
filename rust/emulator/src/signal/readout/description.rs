//! The readout model as the user describes it.

use std::collections::HashMap;

use crate::config::resolved::ResolvedConfig;

/// Why models cannot be: a sentence with the names of what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ModelError(String);

impl ModelError {
    pub(crate) fn new(reason: String) -> Self {
        Self(reason)
    }
}

/// The model of one readout element, as the user describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    /// I and Q of the ground state in volts, for the measurement pulse as configured.
    pub ground: [f64; 2],
    /// I and Q of the excited state.
    pub excited: [f64; 2],
    /// The standard deviation of a sample, volts.
    pub noise: f64,
    /// The resonance with the qubit in its ground state, Hz; `None`: always on resonance.
    pub frequency: Option<f64>,
    /// The full width of the resonance, Hz; with it the answer also rises and falls slowly.
    pub linewidth: f64,
    /// How far the resonance moves when the qubit is excited, Hz.
    pub shift: f64,
    /// Mean photons in a window of a microsecond, by state, for time tags and counts.
    pub photons: [f64; 2],
    /// The qubit that it reads.
    pub qubit: Option<Qubit>,
}

/// The most photons in a microsecond: one a nanosecond.
const MOST_PHOTONS: f64 = 1000.0;
/// The converter's range, volts.
const RANGE: f64 = 0.5;

impl Readout {
    /// Whether its numbers can be.
    fn check(&self, name: &str) -> Result<(), ModelError> {
        let wrong = |what: &str| Err(ModelError(format!("the readout of '{name}' {what}")));
        let points = || self.ground.iter().chain(&self.excited);
        if !points().chain(&self.photons).all(|number| number.is_finite()) {
            return wrong("has points that are not pairs of numbers");
        }
        if points().any(|volts| volts.abs() > RANGE) {
            return wrong("has a point beyond the converter's range, 0.5 V");
        }
        let detuning = self.qubit.as_ref().and_then(|qubit| qubit.frequency);
        let others = [self.noise, self.linewidth, self.shift];
        let frequencies = [self.frequency, detuning].into_iter().flatten();
        if !others.into_iter().chain(frequencies).all(f64::is_finite) {
            return wrong("has a number that is not finite");
        }
        if self.frequency.is_some() && self.linewidth <= 0.0 {
            return wrong("has a frequency but no linewidth");
        }
        if self.shift != 0.0 && self.frequency.is_none() {
            return wrong("has a shift of no frequency");
        }
        if self.noise < 0.0 || self.linewidth < 0.0 || self.photons.iter().any(|n| *n < 0.0) {
            return wrong("has a negative noise, width or rate");
        }
        if self.photons.iter().any(|rate| *rate > MOST_PHOTONS) {
            return wrong("has more photons than one a nanosecond, 1000");
        }
        let takes_time = |time: f64| time > 0.0;
        match &self.qubit {
            Some(qubit) if ![qubit.t1, qubit.t2, qubit.t2_star].into_iter().all(takes_time) => {
                Err(ModelError(format!("the qubit of '{name}' has a decay that takes no time")))
            }
            _ => Ok(()),
        }
    }
}

/// The qubit that a readout element sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Qubit {
    /// The element that drives it.
    pub element: String,
    /// The operation of that element that turns it by π.
    pub pi: String,
    /// Its frequency as an intermediate frequency of the element, Hz; `None`: as configured.
    pub frequency: Option<f64>,
    /// Nanoseconds; infinite for none.
    pub t1: f64,
    /// Nanoseconds; infinite for none beyond `t1`.
    pub t2: f64,
    /// Nanoseconds; the time of a decay that an echo undoes.
    pub t2_star: f64,
}

/// The models of an emulator, by the name of the readout element.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Models {
    /// By the name of the readout element.
    pub readouts: HashMap<String, Readout>,
    /// Of the random numbers.
    pub seed: u64,
}

impl Models {
    /// Whether any of a program's elements is modelled.
    pub fn concern(&self, resolved: &ResolvedConfig) -> bool {
        resolved.elements.iter().any(|element| self.readouts.contains_key(&element.name))
    }

    /// The elements that a configuration does not have, by name.
    pub fn unknown(&self, known: impl Fn(&str) -> bool) -> Vec<&str> {
        let mut names: Vec<&str> = self.readouts.keys().map(String::as_str).collect();
        names.retain(|name| !known(name));
        names.sort_unstable();
        names
    }

    /// Whether there can be such models.
    ///
    /// # Errors
    /// What is wrong with the numbers of one, or the names of elements whose models contradict each other.
    pub fn check(&self) -> Result<(), ModelError> {
        let mut known: HashMap<&str, (&String, &Qubit)> = HashMap::new();
        let mut names: Vec<_> = self.readouts.keys().collect();
        names.sort_unstable();
        for name in names {
            self.readouts[name].check(name)?;
            let Some(qubit) = &self.readouts[name].qubit else { continue };
            let (first, before) = known.entry(&qubit.element).or_insert((name, qubit));
            if *before != qubit {
                return Err(ModelError(format!(
                    "the readouts of '{first}' and '{name}' describe the qubit of '{}' differently",
                    qubit.element
                )));
            }
        }
        Ok(())
    }
}
