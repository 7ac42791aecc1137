//! Samples of a simulation as interleaved rows (F5.8), rendered as they are sent.

use std::sync::Arc;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use pulsewire_wire::frontend::frontend_server::{Frontend as Service, FrontendServer};
use pulsewire_wire::results::simulator_samples_response::{Body, Data, Header};
use pulsewire_wire::results::{PullSimulatorSamplesRequest, SimulatorSamplesResponse};
use tokio_stream::StreamExt;
use tonic::Status;
use tonic::server::NamedService;

use super::direct;
use super::frontend::Frontend;

use crate::machine::Simulation;
use crate::pulse::render::{Analog, Digital, STRETCH};

/// Bytes of a message: what stays in the caches from the rendering to the socket.
const PIECE: usize = 256 << 10;
/// Rows that are filled together.
const NEAR: usize = 128;

const PATH: &str = "/qm.grpc.frontend.Frontend/PullSimulatorSamples";
/// Fields of the response, and of its data.
const JOB: u32 = 1;
const OK: u32 = 5;
const DATA: u32 = 7;
const BYTES: u32 = 8;

/// The generated server, but for the method that sends samples: their bytes are not copied.
#[derive(Clone, Debug)]
pub(super) struct Sampled {
    frontend: Frontend,
    others: FrontendServer<Frontend>,
    most_bytes: usize,
}

impl Sampled {
    pub(super) fn new(frontend: Frontend, most_bytes: usize) -> Self {
        let others = FrontendServer::new(frontend.clone());
        Self { frontend, others: others.max_decoding_message_size(most_bytes), most_bytes }
    }
}

impl NamedService for Sampled {
    const NAME: &'static str = <FrontendServer<Frontend> as NamedService>::NAME;
}

impl tower_service::Service<Request<tonic::body::Body>> for Sampled {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        if request.uri().path() != PATH {
            return self.others.call(request);
        }
        let (frontend, most_bytes) = (self.frontend.clone(), self.most_bytes);
        Box::pin(async move {
            let answer = async {
                let asked = direct::message(request, most_bytes).await?;
                let asked = PullSimulatorSamplesRequest::decode(asked)
                    .map_err(|error| Status::internal(error.to_string()))?;
                frontend.pull_simulator_samples(tonic::Request::new(asked)).await
            };
            Ok(match answer.await {
                Ok(messages) => {
                    direct::messages(messages.into_inner().map(|message| message.map(framed)))
                }
                Err(status) => status.into_http(),
            })
        })
    }
}

/// A message as it stands on the wire: the framing, and the samples as they are.
fn framed(message: SimulatorSamplesResponse) -> [Bytes; 2] {
    let SimulatorSamplesResponse { job_id, ok, body: Some(Body::Data(Data { data })) } = message
    else {
        return [direct::front(0, |front| message.encode_raw(front)), Bytes::new()];
    };
    let front = direct::front(data.len(), |front| {
        if !job_id.is_empty() {
            prost::encoding::string::encode(JOB, &job_id, front);
        }
        if ok {
            prost::encoding::bool::encode(OK, &ok, front);
        }
        let len = data.len();
        let inner =
            if len == 0 { 0 } else { key_len(BYTES) + encoded_len_varint(len as u64) + len };
        encode_key(DATA, WireType::LengthDelimited, front);
        encode_varint(inner as u64, front);
        if len > 0 {
            encode_key(BYTES, WireType::LengthDelimited, front);
            encode_varint(len as u64, front);
        }
    });
    [front, data]
}

/// The ports that were asked for.
struct Ports {
    analog: Option<Analog>,
    digital: Option<Digital>,
    /// Bytes of a row.
    row: usize,
}

impl Ports {
    /// The next rows: all ports of one sample beside each other.
    fn rows(&mut self, count: usize) -> Bytes {
        let mut bytes = vec![0; count * self.row];
        for part in bytes.chunks_mut(STRETCH * self.row) {
            let count = part.len() / self.row;
            let analog = self.analog.as_mut().map_or(&[][..], |analog| analog.next(count));
            let digital = self.digital.as_mut().map_or(&[][..], |digital| digital.next(count));
            // A port after the other, for as many rows as stay in the nearest cache.
            for (index, rows) in part.chunks_mut(NEAR * self.row).enumerate() {
                let from = index * NEAR;
                let mut place = 0;
                for port in analog {
                    for (row, sample) in rows.chunks_exact_mut(self.row).zip(&port[from..]) {
                        row[place..place + 8].copy_from_slice(&sample.to_le_bytes());
                    }
                    place += size_of::<f64>();
                }
                for port in digital {
                    for (row, level) in rows.chunks_exact_mut(self.row).zip(&port[from..]) {
                        row[place] = u8::from(*level);
                    }
                    place += 1;
                }
            }
        }
        bytes.into()
    }
}

pub(super) fn messages(
    id: String,
    simulation: &Simulation,
    analog: bool,
    digital: bool,
) -> impl Iterator<Item = Result<SimulatorSamplesResponse, Status>> + Send + use<> {
    let score = &simulation.score;
    let mut fields = Vec::new();
    let mut row = 0;
    if analog {
        row += score.rig.outputs.len() * size_of::<f64>();
        fields.extend(score.rig.outputs.iter().map(|output| {
            format!("[\"{}:analog:{}\",\"<f8\"]", output.port.controller, output.port.number)
        }));
    }
    if digital {
        row += score.rig.digital.len();
        fields.extend(score.rig.digital.iter().map(|output| {
            format!("[\"{}:digital:{}\",\"|b1\"]", output.port.controller, output.port.number)
        }));
    }
    let mut ports = Ports {
        analog: analog.then(|| Analog::new(Arc::clone(score))),
        digital: digital.then(|| Digital::new(score)),
        row,
    };
    let count = if row == 0 { 0 } else { simulation.length };
    let message =
        move |body| Ok(SimulatorSamplesResponse { job_id: id.clone(), ok: true, body: Some(body) });
    let header = Body::Header(Header {
        simple_d_type: format!("[{}]", fields.join(",")),
        count_of_items: i32::try_from(count).unwrap_or(i32::MAX),
    });
    let per_piece = (PIECE / row.max(1)).max(1);
    let pieces = (0..count)
        .step_by(per_piece)
        .map(move |from| Body::Data(Data { data: ports.rows(per_piece.min(count - from)) }));
    std::iter::once(header).chain(pieces).map(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_what_prost_would_send() {
        let header = Body::Header(Header { simple_d_type: "[]".to_owned(), count_of_items: 3 });
        let data =
            |bytes: &'static [u8]| Some(Body::Data(Data { data: Bytes::from_static(bytes) }));
        for (job, ok, body) in [
            ("job-1", true, data(b"abc")),
            ("", true, data(b"")),
            ("job-1", false, data(&[7; 300])),
            ("job-1", true, Some(header)),
            ("job-1", false, None),
        ] {
            let message = SimulatorSamplesResponse { job_id: job.to_owned(), ok, body };
            let bytes = framed(message.clone()).concat();
            let len = u32::from_be_bytes(bytes[1..direct::PREFIX].try_into().unwrap()) as usize;
            assert_eq!((bytes[0], len), (0, bytes.len() - direct::PREFIX));
            assert_eq!(bytes[direct::PREFIX..], message.encode_to_vec());
        }
    }
}
