//! Simulations: what is asked for, and what comes back.

/// What is to be simulated, besides the program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SimulateOptions {
    /// Clock cycles of 4 ns.
    pub cycles: u32,
    /// Whether the answer lists the waveforms of analog outputs.
    pub analog_waveforms: bool,
    /// Whether the answer lists those of digital outputs.
    pub digital_waveforms: bool,
    /// What analog inputs see.
    pub interface: Interface,
    /// How controllers are connected.
    pub connections: Vec<ControllerConnection>,
    /// Milliseconds that stream processing may take longer; -1 for the gateway's own choice.
    pub extra_processing_ms: i32,
    /// Flags of the compiler.
    pub flags: Vec<String>,
}

/// What analog inputs see.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Interface {
    /// Nothing.
    #[default]
    None,
    /// Outputs that are connected to them.
    Loopback {
        /// Which.
        connections: Vec<LoopbackConnection>,
        /// Nanoseconds.
        latency: u32,
        /// The variance of gaussian noise, V².
        noise_power: f64,
    },
    /// Samples.
    Raw {
        /// Of which inputs.
        connections: Vec<RawConnection>,
        /// The variance of gaussian noise, V².
        noise_power: f64,
    },
}

/// An output that is connected to an input: controller, module and port of each; negative numbers where a
/// connection is by element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopbackConnection {
    /// The output.
    pub from: (String, i32, i32),
    /// The input.
    pub to: (String, i32, i32),
}

/// Samples of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct RawConnection {
    /// Controller, module and port.
    pub input: (String, i32, i32),
    /// Volts, one a nanosecond.
    pub samples: Vec<f64>,
}

/// A connection between two controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControllerConnection {
    /// By address: the controller, and whether it is its left connection.
    Addresses((String, bool), (String, bool)),
    /// By channel: the controller, and its channel.
    Channels((String, i32), (String, i32)),
}

/// One port of a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamplePort {
    /// The controller.
    pub controller: String,
    /// Whether it is analog; digital otherwise.
    pub analog: bool,
    /// Its name: a number, or `fem-port`.
    pub port: String,
    /// The type of its samples, as numpy knows it.
    pub dtype: String,
    /// Bytes of a sample.
    pub size: usize,
}
