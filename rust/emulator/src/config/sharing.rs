//! Which ports a machine has for itself.

use std::collections::BTreeMap;

use pulsewire_wire::qua_config::qua_config as c;

use super::ports::controllers;
use super::validation::Finding;

/// Ports of a configuration, by their path.
pub(crate) type SharedPorts = BTreeMap<String, SharedPort>;

/// A port, and whether other machines may have it too.
#[derive(Clone, Debug)]
pub(crate) struct SharedPort {
    what: String,
    shareable: bool,
}

/// The ports that a configuration lists.
pub(super) fn ports(config: &c::QuaConfigV1) -> SharedPorts {
    let mut ports = SharedPorts::new();
    for (name, controller) in controllers(config) {
        let mut add = |kind: &str, what: &str, number: &u32, shareable: Option<bool>| {
            let what = format!("the {what} {number} of '{name}'");
            let port = SharedPort { what, shareable: shareable.unwrap_or(false) };
            ports.insert(format!("controllers.{name}.{kind}.{number}"), port);
        };
        for (number, port) in &controller.analog_outputs {
            add("analog_outputs", "analog output", number, port.shareable);
        }
        for (number, port) in &controller.analog_inputs {
            add("analog_inputs", "analog input", number, port.shareable);
        }
        for (number, port) in &controller.digital_outputs {
            add("digital_outputs", "digital output", number, port.shareable);
        }
        for (number, port) in &controller.digital_inputs {
            add("digital_inputs", "digital input", number, port.shareable);
        }
    }
    ports
}

/// The ports that both have and that not both share. The words are those of a QOP, which public programs
/// look for.
pub(crate) fn conflicts(wanted: &SharedPorts, taken: &SharedPorts, machine: &str) -> Vec<Finding> {
    let conflict = |(path, port): (&String, &SharedPort)| {
        let other = taken.get(path)?;
        (!(port.shareable && other.shareable)).then(|| Finding {
            path: path.clone(),
            group: "controllers.portsShared",
            message: format!(
                "{} cannot be used because it isn't shareable in other QM. ('{machine}' has it: set shareable for both, or close that machine)",
                port.what
            ),
            physical: true,
        })
    };
    wanted.iter().filter_map(conflict).collect()
}
