//! Simulated jobs: the request, and the samples of every port.

use std::io::Write;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;
use pulsewire_wire::frontend as f;
use pulsewire_wire::frontend::execution_request::Simulate;
use pulsewire_wire::frontend::execution_request::simulate::SimulationInterface;
use pulsewire_wire::qua::QuaProgram;
use pulsewire_wire::qua_config::QuaConfig;
use pulsewire_wire::results::simulator_samples_response::Body;
use pulsewire_wire::results::{PullSimulatorSamplesRequest, SimulatorSamplesResponse};
use tokio::time::Instant;

use crate::client::Client;
use crate::error::{CompilerMessage, Error, Level, Result, short};
use crate::job::Job;
use crate::link::{Incoming, PREFIX, framed};
use crate::results::{Dtype, DtypeKind, Layout, Unframer};
use crate::status::compiler_messages;
use crate::wait::FOREVER;

const PULL: &str = "/qm.grpc.frontend.Frontend/PullSimulatorSamples";
/// Bytes that the description of the ports may have.
const MOST_HEADER: usize = 16 << 20;
/// Bytes of rows that are taken apart together: what fits the nearest cache.
const BLOCK: usize = 16 << 10;

/// What is to be simulated, besides the program.
#[derive(Clone, Debug, Default)]
pub struct SimulateOptions {
    /// Clock cycles of 4 ns.
    pub cycles: u32,
    /// Whether the answer lists the waveforms of analog outputs.
    pub analog_waveforms: bool,
    /// Whether the answer lists those of digital outputs.
    pub digital_waveforms: bool,
    /// What analog inputs see; `None`: nothing.
    pub interface: Option<SimulationInterface>,
    /// How controllers are connected.
    pub connections: Vec<f::InterOpxConnection>,
    /// Milliseconds that stream processing may take longer; -1 for the gateway's own choice.
    pub extra_processing_ms: i32,
    /// Flags of the compiler.
    pub flags: Vec<String>,
}

/// A simulation that took place.
#[derive(Debug)]
pub struct Simulated {
    /// The job.
    pub job: Job,
    /// What was played, as the gateway tells it.
    pub part: f::SimulatedResponsePart,
    /// What the compiler says.
    pub messages: Vec<CompilerMessage>,
}

impl Client {
    /// Simulates a program; no machine is needed, and none is touched.
    ///
    /// # Errors
    /// [`Error::Simulation`] with everything that is wrong with the program or the configuration.
    pub async fn simulate(
        &self,
        config: QuaConfig,
        mut program: QuaProgram,
        options: SimulateOptions,
    ) -> Result<Simulated> {
        // Beside those that the program carries itself.
        let of_program = program.compiler_options.get_or_insert_default();
        of_program.flags.extend(options.flags);
        let none = f::execution_request::simulate::simulation_interface::InterfaceOneof::None(
            f::execution_request::simulate::simulation_interface::None {},
        );
        let interface =
            options.interface.unwrap_or(SimulationInterface { interface_oneof: Some(none) });
        let request = f::SimulationRequest {
            config: Some(config),
            high_level_program: Some(program),
            simulate: Some(Simulate {
                duration: options.cycles,
                include_analog_waveforms: options.analog_waveforms,
                include_digital_waveforms: options.digital_waveforms,
                simulation_interface: Some(interface),
                extra_processing_timeout_ms: options.extra_processing_ms,
                ..Default::default()
            }),
            controller_connections: options.connections,
        };
        let mut frontend = self.frontend();
        let call = frontend.simulate(request);
        let cycles = options.cycles;
        let action = || format!("simulate a program for {cycles} clock cycles");
        // Computing takes as long as it takes.
        let response = self.call(action, Some(Duration::MAX), call).await?;
        let mut messages = compiler_messages(response.messages);
        let part = response.simulated.unwrap_or_default();
        if response.success && part.errors.is_empty() {
            let job = self.job(response.job_id, "");
            return Ok(Simulated { job, part, messages });
        }
        let error = |text| CompilerMessage { level: Level::Error, text };
        let of_config = response.config_validation_errors.into_iter();
        messages
            .extend(of_config.map(|e| error(format!("{} [{}]: {}", e.path, e.group, e.message))));
        let physical = response.physical_validation_errors.into_iter();
        messages
            .extend(physical.map(|e| error(format!("{} [{}]: {}", e.path, e.group, e.message))));
        messages.extend(part.errors.into_iter().map(error));
        if response.success {
            let reason = messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>();
            return Err(Error::Samples { job: response.job_id, reason: reason.join("; ") });
        }
        if messages.is_empty() {
            messages.push(error("the gateway gives no reason".to_owned()));
        }
        Err(Error::Simulation { job: response.job_id, messages })
    }
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

/// The samples of a simulated job on their way: rows of one sample of each port.
#[derive(Debug)]
pub struct SampleStream {
    job: Job,
    ports: Vec<SamplePort>,
    count: usize,
    incoming: Incoming,
    unframer: Unframer,
    input: Bytes,
    /// When all must have arrived.
    deadline: Instant,
}

impl Job {
    /// Asks for the samples of a simulated job.
    ///
    /// # Errors
    /// [`Error::Samples`] when the job is no simulation, or its answer is not understood.
    pub async fn pull_samples(&self, analog: bool, digital: bool) -> Result<SampleStream> {
        let request = PullSimulatorSamplesRequest {
            job_id: self.id().to_owned(),
            include_analog: analog,
            include_digital: digital,
            include_all_connections: true,
            ..Default::default()
        };
        let timeout = self.client().options().timeout;
        let deadline = Instant::now() + timeout.min(FOREVER);
        let failed = |status: &tonic::Status| {
            Self::or_missing(self.client().failure(action(self), timeout, status))
        };
        let begin = async {
            let mut incoming = self.client().link().stream(PULL, framed(&request)).await?;
            let header = header(&mut incoming).await?;
            Ok::<_, tonic::Status>((incoming, header))
        };
        let (incoming, header) = tokio::time::timeout(timeout, begin)
            .await
            .map_err(|_| Error::Timeout { action: action(self), timeout })?
            .map_err(|status| failed(&status))?;
        let (response, input) = header.map_err(|reason| self.samples_error(reason))?;
        let ports = match (response.ok, response.body) {
            (true, Some(Body::Header(header))) => {
                let ports = ports(&header.simple_d_type).map_err(|e| self.samples_error(e))?;
                let count = header.count_of_items;
                let row: usize = ports.iter().map(|port| port.size).sum();
                let fits = |count: &usize| {
                    count.checked_mul(row.max(1)).is_some_and(|all| isize::try_from(all).is_ok())
                };
                let known = usize::try_from(count).ok().filter(fits);
                let wrong = || self.samples_error(format!("the gateway counts {count} samples"));
                (ports, known.ok_or_else(wrong)?)
            }
            (false, _) => {
                let reason = "the gateway has none: only simulated jobs have samples";
                return Err(self.samples_error(reason.to_owned()));
            }
            _ => return Err(self.samples_error("the answer describes no ports".to_owned())),
        };
        let (ports, count) = ports;
        let unframer = Unframer::new(Layout::SAMPLES);
        Ok(SampleStream { job: self.clone(), ports, count, incoming, unframer, input, deadline })
    }

    fn samples_error(&self, reason: String) -> Error {
        Error::Samples { job: self.id().to_owned(), reason }
    }
}

fn action(job: &Job) -> String {
    format!("pull the samples of the simulated job '{}'", job.id())
}

/// The first message, and what came behind it.
async fn header(
    incoming: &mut Incoming,
) -> Result<Result<(SimulatorSamplesResponse, Bytes), String>, tonic::Status> {
    let mut bytes = BytesMut::new();
    loop {
        if let Some(prefix) = bytes.first_chunk::<PREFIX>() {
            let [flag, len @ ..] = *prefix;
            let len = u32::from_be_bytes(len) as usize;
            if flag != 0 || len > MOST_HEADER {
                return Ok(Err(format!("its description has {len} bytes")));
            }
            if bytes.len() >= PREFIX + len {
                bytes.advance(PREFIX);
                let message = bytes.split_to(len).freeze();
                return Ok(SimulatorSamplesResponse::decode(message)
                    .map(|message| (message, bytes.freeze()))
                    .map_err(|error| format!("its description cannot be read: {error}")));
            }
        }
        match incoming.data().await? {
            Some(data) => bytes.extend_from_slice(&data),
            None => return Ok(Err("nothing arrived".to_owned())),
        }
    }
}

/// Characters of a type, or of a name, that are told.
const MOST_TOLD: usize = 300;

/// The ports that the type of a row names.
fn ports(dtype: &str) -> Result<Vec<SamplePort>, String> {
    if dtype.trim() == "[]" {
        return Ok(Vec::new());
    }
    let told = short(dtype, MOST_TOLD);
    let row = Dtype::parse(dtype)
        .map_err(|reason| format!("its type {told}: {}", short(&reason, MOST_TOLD)))?;
    let DtypeKind::Struct(fields) = row.kind else {
        return Err(format!("its type {told} names no ports"));
    };
    fields
        .into_iter()
        .map(|field| {
            let unknown = || {
                let name = short(&field.name, MOST_TOLD);
                format!("the port '{name}' of a type that is not known")
            };
            let DtypeKind::Plain(dtype) = &field.dtype.kind else { return Err(unknown()) };
            if !field.shape.is_empty() {
                return Err(unknown());
            }
            let parts: Vec<&str> = field.name.split(':').collect();
            let (controller, analog, port) = match parts.as_slice() {
                [controller, "analog", port] => (controller, true, port),
                [controller, "digital", port] => (controller, false, port),
                _ => return Err(unknown()),
            };
            Ok(SamplePort {
                controller: (*controller).to_owned(),
                analog,
                port: (*port).to_owned(),
                dtype: Dtype::numpy_name(dtype).to_owned(),
                size: field.dtype.size,
            })
        })
        .collect()
}

impl SampleStream {
    /// The ports, in the order of a row.
    pub fn ports(&self) -> &[SamplePort] {
        &self.ports
    }

    /// Samples of each port.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Takes all samples, those of each port to a place of its own.
    ///
    /// # Errors
    /// [`Error::Samples`] when other than the promised number arrives; [`Error::Timeout`] when they have not
    /// all come within the connection's timeout.
    pub async fn take<W: Write>(mut self, places: &mut [W]) -> Result<()> {
        let row: usize = self.ports.iter().map(|port| port.size).sum();
        let whole = self.count as u64 * row as u64;
        let mut columns = Columns::new(&self.ports);
        let mut taken = 0;
        while let Some(piece) = self.piece().await? {
            taken += piece.len() as u64;
            if taken > whole {
                return Err(self.wrong(format!("more than the {whole} bytes promised arrive")));
            }
            columns.take(&piece, places).map_err(|error| self.wrong(error.to_string()))?;
        }
        if taken < whole {
            return Err(self.wrong(format!("{taken} of {whole} bytes arrived; ask again")));
        }
        Ok(())
    }

    fn wrong(&self, reason: String) -> Error {
        self.job.samples_error(reason)
    }

    async fn piece(&mut self) -> Result<Option<Bytes>> {
        let timeout = self.job.client().options().timeout;
        loop {
            match self.unframer.next(&mut self.input) {
                Err(reason) => return Err(self.wrong(reason)),
                Ok(Some(piece)) => return Ok(Some(piece)),
                Ok(None) => {}
            }
            let data = tokio::time::timeout_at(self.deadline, self.incoming.data()).await;
            let data = data.map_err(|_| Error::Timeout { action: action(&self.job), timeout })?;
            let failed = |status: &tonic::Status| {
                self.job.client().failure(action(&self.job), timeout, status)
            };
            match data.map_err(|status| failed(&status))? {
                Some(data) => self.input = data,
                None => return Ok(None),
            }
        }
    }
}

/// Takes rows apart.
struct Columns {
    sizes: Vec<usize>,
    row: usize,
    /// A row that arrived in part.
    partial: Vec<u8>,
    gathered: Vec<u8>,
}

impl Columns {
    fn new(ports: &[SamplePort]) -> Self {
        let sizes: Vec<usize> = ports.iter().map(|port| port.size).collect();
        let row = sizes.iter().sum();
        Self { sizes, row, partial: Vec::new(), gathered: Vec::new() }
    }

    fn take<W: Write>(&mut self, mut piece: &[u8], places: &mut [W]) -> std::io::Result<()> {
        if self.row == 0 {
            return Ok(());
        }
        if !self.partial.is_empty() {
            let missing = (self.row - self.partial.len()).min(piece.len());
            let (end, rest) = piece.split_at(missing);
            self.partial.extend_from_slice(end);
            piece = rest;
            if self.partial.len() < self.row {
                return Ok(());
            }
            let row = std::mem::take(&mut self.partial);
            self.rows(&row, places)?;
        }
        let rows = piece.len() / self.row;
        let (whole, rest) = piece.split_at(rows * self.row);
        let block = (BLOCK / self.row).max(1) * self.row;
        for block in whole.chunks(block) {
            self.rows(block, places)?;
        }
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    /// Whole rows, few enough to stay in the cache while they are read once for each column.
    fn rows<W: Write>(&mut self, block: &[u8], places: &mut [W]) -> std::io::Result<()> {
        let mut from = 0;
        let rows = || block.chunks_exact(self.row);
        for (size, place) in self.sizes.iter().zip(places) {
            let len = block.len() / self.row * size;
            if self.gathered.len() < len {
                self.gathered.resize(len, 0);
            }
            let gathered = &mut self.gathered[..len];
            match size {
                // The usual sizes by themselves, so that their copies are single moves.
                8 => rows().zip(gathered.chunks_exact_mut(8)).for_each(|(row, sample)| {
                    sample.copy_from_slice(&row[from..from + 8]);
                }),
                1 => rows().zip(gathered.iter_mut()).for_each(|(row, level)| *level = row[from]),
                size => rows().zip(gathered.chunks_exact_mut(*size)).for_each(|(row, sample)| {
                    sample.copy_from_slice(&row[from..from + size]);
                }),
            }
            place.write_all(gathered)?;
            from += size;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ports_are_read_from_the_type() {
        let ports = ports(
            r#"[["con1:analog:1","<f8"],["con2:digital:10","bool8"],["con1:analog:1-2","<c16"]]"#,
        )
        .unwrap();
        assert_eq!((ports[0].analog, ports[0].size, &*ports[0].port), (true, 8, "1"));
        assert_eq!((&*ports[1].controller, &*ports[1].dtype, ports[1].size), ("con2", "|b1", 1));
        assert_eq!((&*ports[2].port, ports[2].size), ("1-2", 16));
        assert_eq!(super::ports("[]"), Ok(Vec::new()));
        for bad in [
            "",
            "\"<f8\"",
            r#"[["con1:1","<f8"]]"#,
            r#"[["con1:rf:1","<f8"]]"#,
            r#"[["a:analog:1","?9"]]"#,
        ] {
            assert!(super::ports(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn rows_are_taken_apart_however_they_are_cut(
            rows in 0usize..200, cut in 1usize..400, sizes in proptest::collection::vec(
                prop_oneof![Just(1usize), Just(8), Just(16)], 1..6),
        ) {
            let row: usize = sizes.iter().sum();
            let bytes: Vec<u8> = (0..rows * row).map(|n| (n * 31 % 251) as u8).collect();
            let mut columns =
                Columns { sizes: sizes.clone(), row, partial: Vec::new(), gathered: Vec::new() };
            let mut places = vec![Vec::new(); sizes.len()];
            for piece in bytes.chunks(cut) {
                columns.take(piece, &mut places).unwrap();
            }
            let mut from = 0;
            for (size, place) in sizes.iter().zip(&places) {
                let expected: Vec<u8> =
                    bytes.chunks(row).flat_map(|row| row[from..from + size].to_vec()).collect();
                prop_assert_eq!(place, &expected);
                from += size;
            }
        }
    }
}
