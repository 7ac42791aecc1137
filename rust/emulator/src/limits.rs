//! What a client may make the emulator hold, so that no request takes the process down.

/// Limits of an emulator; each has a default that real work does not meet.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Clients connected at once; further ones are refused. Default 256.
    pub clients: usize,
    /// Bytes of one message. Default 100 MiB, as the vendor's client (docs/protocol.md, "Connection").
    pub message_bytes: usize,
    /// Quantum machines open at once. Default 64.
    pub machines: usize,
    /// Jobs waiting in one queue. Default 1,000.
    pub pending_jobs: usize,
    /// Ended jobs whose results are kept; older ones are forgotten. Default 1,000.
    pub ended_jobs: usize,
    /// Compiled programs kept by one machine. Default 10,000.
    pub compiled_programs: usize,
    /// Cells of a program's variables. Default 16 Mi.
    pub program_memory: usize,
    /// Bytes of results of one job; what comes after is dropped and the job has data loss.
    /// Default 8 GiB.
    pub result_bytes: usize,
    /// Values that the operators of one job may hold back (the manual's limit is 100e6).
    pub buffered_values: usize,
    /// Bytes of entries that wait in the input streams of one job. Default 1 GiB.
    pub input_bytes: usize,
    /// Samples of one simulation, of all ports together. Default 256 Mi.
    pub simulated_samples: usize,
    /// Seconds that one simulation may compute. Default 60.
    pub simulation_seconds: usize,
}

impl Limits {
    /// The names that [`Self::by_name`] knows.
    pub const NAMES: [&str; 12] = [
        "clients",
        "message_bytes",
        "machines",
        "pending_jobs",
        "ended_jobs",
        "compiled_programs",
        "program_memory",
        "result_bytes",
        "buffered_values",
        "input_bytes",
        "simulated_samples",
        "simulation_seconds",
    ];

    /// The limit of a name.
    pub fn by_name(&mut self, name: &str) -> Option<&mut usize> {
        Some(match name {
            "clients" => &mut self.clients,
            "message_bytes" => &mut self.message_bytes,
            "machines" => &mut self.machines,
            "pending_jobs" => &mut self.pending_jobs,
            "ended_jobs" => &mut self.ended_jobs,
            "compiled_programs" => &mut self.compiled_programs,
            "program_memory" => &mut self.program_memory,
            "result_bytes" => &mut self.result_bytes,
            "buffered_values" => &mut self.buffered_values,
            "input_bytes" => &mut self.input_bytes,
            "simulated_samples" => &mut self.simulated_samples,
            "simulation_seconds" => &mut self.simulation_seconds,
            _ => return None,
        })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 256,
            message_bytes: 100 << 20,
            machines: 64,
            pending_jobs: 1_000,
            ended_jobs: 1_000,
            compiled_programs: 10_000,
            program_memory: 16 << 20,
            result_bytes: 8 << 30,
            buffered_values: 100_000_000,
            input_bytes: 1 << 30,
            simulated_samples: 1 << 28,
            simulation_seconds: 60,
        }
    }
}
