//! What the analog inputs of a simulation are connected to.

use std::sync::Arc;

use super::errors::SimulationError;
use crate::config::ports::Port;
use crate::config::resolved::ResolvedConfig;
use crate::config::{ANALOG_INPUTS, ANALOG_OUTPUTS, Configuration};
use crate::signal::inputs::{InputSamples, InputSource, Loopback, Raw, Silent};
use crate::signal::random::Noise;

/// The seed of the noise of loopbacks and raw samples.
const NOISE_SEED: u64 = 0x70_756c_7365;

/// What a simulation connects to analog inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Interface {
    /// Nothing.
    #[default]
    None,
    /// Outputs.
    Loopback {
        connections: Vec<Connection>,
        /// Nanoseconds.
        latency: u32,
        /// The variance of gaussian noise, V².
        noise_power: f64,
    },
    /// Samples, volts, by controller and input.
    Raw {
        samples: Vec<(String, i32, Vec<f64>)>,
        /// The variance of gaussian noise, V².
        noise_power: f64,
    },
}

/// An output that is connected to an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// By controller and port.
    Ports { from: (String, i32), to: (String, i32) },
    /// All outputs of an element to an input of the other's controller.
    Elements { from: String, to: String, port: i32 },
}

/// The inputs of a simulation.
pub(super) struct InterfaceInputs {
    pub(super) inputs: Inputs,
    /// Connections of ports that the hardware has and the configuration does not.
    pub(super) unused: Vec<String>,
}

/// The source of what inputs see.
pub(super) enum Inputs {
    Silent,
    Loopback(Loopback),
    Raw(Raw),
}

impl Inputs {
    pub(super) fn loopback(&mut self) -> Option<&mut Loopback> {
        match self {
            Self::Loopback(loopback) => Some(loopback),
            _ => None,
        }
    }

    pub(super) fn are_silent(&self) -> bool {
        matches!(self, Self::Silent)
    }

    pub(super) fn into_source(self) -> Box<dyn InputSource> {
        match self {
            Self::Silent => Box::new(Silent),
            Self::Loopback(loopback) => Box::new(loopback),
            Self::Raw(raw) => Box::new(raw),
        }
    }
}

impl Interface {
    /// The inputs of a simulation; `delay` is by how much windows are moved along with the
    /// outputs.
    ///
    /// # Errors
    /// What cannot be connected.
    pub(super) fn inputs(
        self,
        config: &Configuration,
        resolved: &ResolvedConfig,
        delay: u64,
    ) -> Result<InterfaceInputs, SimulationError> {
        let mut connector = Connector { config, resolved, unused: Vec::new() };
        let inputs = match self {
            Self::None => Inputs::Silent,
            Self::Loopback { connections, latency, noise_power } => {
                let mut made = Vec::new();
                for connection in connections {
                    connector.connect(connection, &mut made)?;
                }
                Inputs::Loopback(Loopback {
                    connections: made,
                    latency: u64::from(latency),
                    delay,
                    noise: noise(noise_power)?,
                    // Silence: what is beyond their end is 0.
                    outputs: Arc::new(vec![Vec::new(); resolved.outputs().len()]),
                })
            }
            Self::Raw { samples, noise_power } => Inputs::Raw(Raw {
                samples: connector.given(samples)?,
                delay,
                noise: noise(noise_power)?,
            }),
        };
        Ok(InterfaceInputs { inputs, unused: connector.unused })
    }
}

fn noise(power: f64) -> Result<Noise, SimulationError> {
    if !(power.is_finite() && power >= 0.0) {
        let sentence = format!("the simulation's noisePower is {power}, not a variance");
        return Err(SimulationError::Interface(sentence));
    }
    Ok(Noise { deviation: power.sqrt(), seed: NOISE_SEED })
}

/// The index of a port, or, of one that the hardware has and the configuration does not, what to say of it.
type Found = Result<usize, String>;

struct Connector<'a> {
    config: &'a Configuration,
    resolved: &'a ResolvedConfig,
    unused: Vec<String>,
}

impl Connector<'_> {
    fn output(&self, controller: &str, port: i32) -> Result<Found, SimulationError> {
        let ports = self.resolved.outputs().iter().map(|output| &output.port);
        place(ports, controller, port, ANALOG_OUTPUTS, "analog output")
    }

    fn input(&self, controller: &str, port: i32) -> Result<Found, SimulationError> {
        let ports = self.resolved.inputs().iter().map(|input| &input.port);
        let outputs = self.resolved.outputs();
        let known = outputs.iter().any(|output| output.port.controller == controller);
        match place(ports, controller, port, ANALOG_INPUTS, "analog input") {
            // A controller without analog inputs has outputs.
            Err(SimulationError::Interface(message))
                if known && (1..=ANALOG_INPUTS as i32).contains(&port) =>
            {
                Ok(Err(message))
            }
            found => found,
        }
    }

    fn connect(
        &mut self,
        connection: Connection,
        made: &mut Vec<(usize, usize)>,
    ) -> Result<(), SimulationError> {
        match connection {
            Connection::Ports { from, to } => {
                let from = self.output(&from.0, from.1)?;
                let to = self.input(&to.0, to.1)?;
                match (from, to) {
                    (Ok(from), Ok(to)) => made.push((from, to)),
                    (Err(message), _) | (_, Err(message)) => self.unused.push(message),
                }
            }
            Connection::Elements { from, to, port } => {
                // Of an element that there is not it is told before the other is looked at.
                let playing = self.config.playing_ports(&from);
                let controller = self.config.reading_controller(&to);
                let ports = match playing {
                    Err(error) if !self.config.has_element(&from) => return Err(error.into()),
                    playing => playing,
                };
                let to = match self.input(&controller?, port)? {
                    Ok(to) => to,
                    Err(message) => {
                        self.unused.push(message);
                        return Ok(());
                    }
                };
                for (controller, number) in ports? {
                    let number = i32::try_from(number).unwrap_or(i32::MAX);
                    match self.output(&controller, number)? {
                        Ok(from) => made.push((from, to)),
                        Err(message) => self.unused.push(message),
                    }
                }
            }
        }
        Ok(())
    }

    fn given(
        &mut self,
        samples: Vec<(String, i32, Vec<f64>)>,
    ) -> Result<Vec<InputSamples>, SimulationError> {
        let mut given = Vec::new();
        for (controller, port, samples) in samples {
            let to = self.input(&controller, port)?;
            if samples.iter().any(|sample| !sample.is_finite()) {
                let sentence = "a raw sample of the simulation is not finite".to_owned();
                return Err(SimulationError::Interface(sentence));
            }
            match to {
                Ok(to) => given.push((to, samples.into())),
                Err(message) => self.unused.push(message),
            }
        }
        Ok(given)
    }
}

fn place<'p>(
    ports: impl Iterator<Item = &'p Port>,
    controller: &str,
    port: i32,
    most: u32,
    what: &str,
) -> Result<Found, SimulationError> {
    let mut known = false;
    for (index, one) in ports.enumerate() {
        if one.controller == controller {
            known = true;
            if i64::from(one.number) == i64::from(port) {
                return Ok(Ok(index));
            }
        }
    }
    let message = format!("the configuration has no {what} {port} of '{controller}'");
    if known && (1..=i64::from(most)).contains(&i64::from(port)) {
        return Ok(Err(message));
    }
    Err(SimulationError::Interface(message))
}
