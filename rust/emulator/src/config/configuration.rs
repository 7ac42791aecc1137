//! A configuration as the rest of the emulator sees it.

use std::sync::Arc;

use pulsewire_common::correction::Matrix;
use pulsewire_wire::qm_api::high_qm_api_request::ApiOneof;
use pulsewire_wire::qua_config::QuaConfig;
use pulsewire_wire::qua_config::qua_config::element_dec::ElementInputsOneOf;
use pulsewire_wire::qua_config::qua_config::{ConfigVersion, ElementDec, QuaConfigV1};

use super::changes::{ChangeError, apply_change};
use super::error::{ConfigError, VersionError};
use super::mixers::{self, CorrectionError};
use super::oscillators::oscillator_of;
use super::overrides::{OverrideError, check_override};
use super::pulses::{Overrides, Pulse, resolve_pulse};
use super::resolved::ResolvedConfig;
use super::sharing::{self, SharedPorts};
use super::validation::{Finding, validate};
use crate::qua::ir::ProgramRefs;

/// A configuration of QOP 2; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    first: Arc<QuaConfigV1>,
    revision: i32,
}

impl Configuration {
    /// A configuration as a client sends it.
    ///
    /// # Errors
    /// [`VersionError`] for one that is none of QOP 2.
    pub(crate) fn from_wire(config: QuaConfig) -> Result<Self, VersionError> {
        let revision = config.revision;
        match config.config_version {
            Some(ConfigVersion::V1beta(first)) => Ok(Self { first: Arc::new(first), revision }),
            Some(ConfigVersion::V2(_)) => Err(VersionError::Second),
            None => Err(VersionError::Missing),
        }
    }

    /// The same as a client reads it.
    pub(crate) fn to_wire(&self) -> QuaConfig {
        QuaConfig {
            config_version: Some(ConfigVersion::V1beta(QuaConfigV1::clone(&self.first))),
            revision: self.revision,
        }
    }

    /// The message itself, for the compiler.
    pub(crate) fn first_version(&self) -> &QuaConfigV1 {
        &self.first
    }

    /// Everything that is wrong with it, in the order of its sections and names.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        validate(&self.first)
    }

    /// The ports that it lists.
    pub(crate) fn shared_ports(&self) -> SharedPorts {
        sharing::ports(&self.first)
    }

    /// Whether it has an element.
    pub(crate) fn has_element(&self, name: &str) -> bool {
        self.first.elements.contains_key(name)
    }

    /// The names of its controllers.
    pub(crate) fn controllers(&self) -> Vec<String> {
        self.first.control_devices.keys().chain(self.first.controllers.keys()).cloned().collect()
    }

    /// With one change.
    ///
    /// # Errors
    /// [`ChangeError`] with what does not exist or cannot be.
    pub(crate) fn changed(&self, change: &ApiOneof) -> Result<Self, ChangeError> {
        let mut first = QuaConfigV1::clone(&self.first);
        apply_change(&mut first, change)?;
        Ok(Self { first: Arc::new(first), revision: self.revision })
    }

    /// Whether some waveforms may be replaced so.
    ///
    /// # Errors
    /// [`OverrideError`] with the first that may not.
    pub(crate) fn check_overrides(&self, overrides: &Overrides) -> Result<(), OverrideError> {
        let mut each = overrides.iter();
        each.try_for_each(|(name, samples)| check_override(&self.first, name, samples))
    }

    /// The correction that it gives an element; the identity when it names none.
    ///
    /// # Errors
    /// [`CorrectionError`] when the element can have none.
    pub(crate) fn correction(&self, element: &str) -> Result<Matrix, CorrectionError> {
        mixers::of_element(&self.first, element)
    }

    /// What a program names of it, with some waveforms replaced.
    ///
    /// # Errors
    /// What it lacks or cannot mean.
    pub(crate) fn resolve(
        &self,
        refs: &ProgramRefs,
        overrides: &Overrides,
    ) -> Result<ResolvedConfig, ConfigError> {
        ResolvedConfig::build(&self.first, refs, overrides)
    }

    /// The pulse that an operation of an element is.
    ///
    /// # Errors
    /// The name that is missing, or the length that cannot be.
    pub(crate) fn pulse(&self, element: &str, operation: &str) -> Result<Pulse, ConfigError> {
        resolve_pulse(&self.first, element, operation, &Overrides::default())
    }

    /// The intermediate frequency of an element, Hz; `None` for one that is not modulated.
    pub(crate) fn frequency(&self, element: &str) -> Option<f64> {
        let element = self.first.elements.get(element)?;
        oscillator_of(&self.first, element).map(|(frequency, ..)| frequency)
    }

    /// The controller of an element's first output, for what is looped back to it.
    ///
    /// # Errors
    /// An element that there is not, or that has no outputs.
    pub(crate) fn reading_controller(&self, element: &str) -> Result<String, ConfigError> {
        let reader = self.looped_element(element)?;
        let reads = reader.outputs.values().next();
        let controller = reads.map(|output| output.controller.clone());
        Ok(controller.ok_or_else(|| format!("the element '{element}' has no outputs"))?)
    }

    /// The ports that an element plays to, as controller and number, for what is looped back from it.
    ///
    /// # Errors
    /// An element that there is not, or that plays to several outputs.
    pub(crate) fn playing_ports(&self, element: &str) -> Result<Vec<(String, u32)>, ConfigError> {
        let player = self.looped_element(element)?;
        let ports = match player.element_inputs_one_of.as_ref() {
            Some(ElementInputsOneOf::SingleInput(single)) => vec![single.port.clone()],
            Some(ElementInputsOneOf::MixInputs(mix)) => vec![mix.i.clone(), mix.q.clone()],
            _ => {
                return Err(ConfigError(format!(
                    "the element '{element}' has no single output to loop back"
                )));
            }
        };
        Ok(ports.into_iter().flatten().map(|port| (port.controller, port.number)).collect())
    }

    fn looped_element(&self, name: &str) -> Result<&ElementDec, ConfigError> {
        let found = self.first.elements.get(name);
        Ok(found.ok_or_else(|| format!("the loopback names an unknown element '{name}'"))?)
    }
}
