//! Simulated jobs: the request, and the samples of every port.

use std::io::Write;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use pulsewire_common::frame::PREFIX;
use tokio::time::Instant;

use crate::client::Client;
use crate::error::{Error, Result, short};
use crate::gateway::{SamplesHeader, SimulationAnswer, Structure, Unreadable};
use crate::job::Job;
use crate::transport::{Incoming, UnframeError, Unframer};
use crate::types::{
    CompilerMessage, Configuration, Dtype, DtypeKind, Program, SamplePort, SimulateOptions,
};
use crate::wait::FOREVER;

/// Bytes that the description of the ports may have.
const MOST_HEADER: usize = 16 << 20;
/// Bytes of rows that are taken apart together: what fits the nearest cache.
const BLOCK: usize = 16 << 10;

/// A simulation that took place.
#[derive(Debug)]
pub struct Simulated {
    /// The job.
    pub job: Job,
    /// The waveform report.
    pub report: Option<Structure>,
    /// The waveforms of analog outputs, when they were asked for.
    pub analog: Option<Structure>,
    /// Those of digital outputs, when they were asked for.
    pub digital: Option<Structure>,
    /// What the compiler says.
    pub messages: Vec<CompilerMessage>,
}

impl Client {
    /// Simulates a program; no machine is needed, and none is touched.
    ///
    /// # Errors
    /// [`Error::Simulation`] with everything that is wrong with the program or the configuration;
    /// [`Error::Samples`] when the simulation itself failed; [`Error::Value`] for bytes that are none of the two;
    /// [`Error::Connection`] as of every call.
    pub async fn simulate(
        &self,
        config: &Configuration,
        program: &Program,
        options: SimulateOptions,
    ) -> Result<Simulated> {
        let cycles = options.cycles;
        let action = || format!("simulate a program for {cycles} clock cycles");
        let call = self.dialect().simulate(config, program, options)?;
        // Computing takes as long as it takes.
        let answer = self.ask_within(action, Some(Duration::MAX), call).await?;
        let SimulationAnswer { success, job, mut messages, findings, errors, .. } = answer;
        if success && errors.is_empty() {
            let SimulationAnswer { report, analog, digital, .. } = answer;
            return Ok(Simulated { job: self.job(job, ""), report, analog, digital, messages });
        }
        messages.extend(findings.into_iter().map(|found| {
            CompilerMessage::error(format!("{} [{}]: {}", found.path, found.group, found.message))
        }));
        messages.extend(errors.into_iter().map(CompilerMessage::error));
        if success {
            let reason = messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>();
            return Err(Error::Samples { job, reason: reason.join("; ") });
        }
        if messages.is_empty() {
            messages.push(CompilerMessage::error("the gateway gives no reason".to_owned()));
        }
        Err(Error::Simulation { job, messages })
    }
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
    timeout: Duration,
    /// When all must have arrived.
    deadline: Instant,
}

impl Job {
    /// Asks for the samples of a simulated job, which must all have arrived within `timeout`; the connection's
    /// where there is none.
    ///
    /// # Errors
    /// [`Error::Samples`] when the job is no simulation, or its answer is not understood; [`Error::Connection`] and
    /// [`Error::Timeout`] as of every call.
    pub async fn pull_samples(
        &self,
        analog: bool,
        digital: bool,
        timeout: Option<Duration>,
    ) -> Result<SampleStream> {
        let timeout = timeout.unwrap_or(self.client().options().timeout);
        let deadline = Instant::now() + timeout.min(FOREVER);
        let failed = |status: &tonic::Status| {
            Self::or_missing(self.client().failure(action(self), timeout, status))
        };
        let call = self.client().dialect().samples(self.id(), analog, digital);
        let begin = async {
            let mut incoming = self.client().link().stream(call.path, call.frame).await?;
            let first = first_message(&mut incoming).await?;
            Ok::<_, tonic::Status>((incoming, first))
        };
        let (incoming, first) = tokio::time::timeout(timeout, begin)
            .await
            .map_err(|_| Error::Timeout { action: action(self), timeout })?
            .map_err(|status| failed(&status))?;
        let (message, input) = first.map_err(|error| self.samples_error(error.to_string()))?;
        let (ports, count) = self.described(message)?;
        let unframer = Unframer::new(call.layout);
        let job = self.clone();
        Ok(SampleStream { job, ports, count, incoming, unframer, input, timeout, deadline })
    }

    /// The ports, and how many samples come of each.
    fn described(&self, message: Bytes) -> Result<(Vec<SamplePort>, usize)> {
        let header = self.client().dialect().read_samples_header(message);
        let header = header.map_err(|Unreadable(reason)| {
            self.samples_error(format!("its description cannot be read: {reason}"))
        })?;
        let (dtype, count) = match header {
            SamplesHeader::Ports { dtype, count } => (dtype, count),
            SamplesHeader::None => {
                let reason = "the gateway has none: only simulated jobs have samples";
                return Err(self.samples_error(reason.to_owned()));
            }
            SamplesHeader::Other => {
                return Err(self.samples_error("the answer describes no ports".to_owned()));
            }
        };
        let ports = ports(&dtype).map_err(|error| self.samples_error(error.to_string()))?;
        let row: usize = ports.iter().map(|port| port.size).sum();
        let fits = |count: &usize| {
            count.checked_mul(row.max(1)).is_some_and(|all| isize::try_from(all).is_ok())
        };
        let known = usize::try_from(count).ok().filter(fits);
        let wrong = || self.samples_error(format!("the gateway counts {count} samples"));
        Ok((ports, known.ok_or_else(wrong)?))
    }

    fn samples_error(&self, reason: String) -> Error {
        Error::Samples { job: self.id().to_owned(), reason }
    }
}

fn action(job: &Job) -> String {
    format!("pull the samples of the simulated job '{}'", job.id())
}

/// Why the description of samples is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum DescriptionError {
    #[error("its description has {0} bytes")]
    Size(usize),
    #[error("nothing arrived")]
    Nothing,
    #[error("its type {dtype}: {reason}")]
    Type { dtype: String, reason: String },
    #[error("its type {0} names no ports")]
    NoPorts(String),
    #[error("the port '{0}' of a type that is not known")]
    Port(String),
}

/// The first message, and what came behind it.
async fn first_message(
    incoming: &mut Incoming,
) -> Result<Result<(Bytes, Bytes), DescriptionError>, tonic::Status> {
    let mut bytes = BytesMut::new();
    loop {
        if let Some(prefix) = bytes.first_chunk::<PREFIX>() {
            let [flag, len @ ..] = *prefix;
            let len = u32::from_be_bytes(len) as usize;
            if flag != 0 || len > MOST_HEADER {
                return Ok(Err(DescriptionError::Size(len)));
            }
            if bytes.len() >= PREFIX + len {
                bytes.advance(PREFIX);
                let message = bytes.split_to(len).freeze();
                return Ok(Ok((message, bytes.freeze())));
            }
        }
        match incoming.data().await? {
            Some(data) => bytes.extend_from_slice(&data),
            None => return Ok(Err(DescriptionError::Nothing)),
        }
    }
}

/// Characters of a type, or of a name, that are told.
const MOST_TOLD: usize = 300;

/// The ports that the type of a row names.
fn ports(dtype: &str) -> Result<Vec<SamplePort>, DescriptionError> {
    if dtype.trim() == "[]" {
        return Ok(Vec::new());
    }
    let told = || short(dtype, MOST_TOLD).into_owned();
    let row = Dtype::parse(dtype).map_err(|error| DescriptionError::Type {
        dtype: told(),
        reason: short(&error.to_string(), MOST_TOLD).into_owned(),
    })?;
    let DtypeKind::Struct(fields) = row.kind else {
        return Err(DescriptionError::NoPorts(told()));
    };
    fields
        .into_iter()
        .map(|field| {
            let unknown = || DescriptionError::Port(short(&field.name, MOST_TOLD).into_owned());
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
    /// all come in time.
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

    fn unframed(&self, error: &UnframeError) -> Error {
        self.wrong(error.to_string())
    }

    async fn piece(&mut self) -> Result<Option<Bytes>> {
        let timeout = self.timeout;
        loop {
            match self.unframer.next(&mut self.input) {
                Err(error) => return Err(self.unframed(&error)),
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
