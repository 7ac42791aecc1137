//! Samples of a simulation as interleaved rows (F5.8).

use bytes::Bytes;
use pulsewire_wire::results::SimulatorSamplesResponse;
use pulsewire_wire::results::simulator_samples_response::{Body, Data, Header};
use tonic::Status;

use crate::machine::{Job, Simulated, rows};
use crate::streams::store::PIECE;

pub(super) fn messages(
    job: &Job,
    cycles: u32,
    analog: bool,
    digital: bool,
) -> impl Iterator<Item = Result<SimulatorSamplesResponse, Status>> + Send + use<> {
    let mut row = Vec::new();
    let mut fields = Vec::new();
    for port in job.ports(analog, digital) {
        match port {
            Simulated::Analog { name, volts } => {
                fields.push(format!("[\"{name}\",\"<f8\"]"));
                row.extend_from_slice(&volts.to_le_bytes());
            }
            Simulated::Digital { name, high } => {
                fields.push(format!("[\"{name}\",\"|b1\"]"));
                row.push(u8::from(high));
            }
        }
    }
    let count = if row.is_empty() { 0 } else { rows(cycles) };
    let id = job.id.clone();
    let message =
        move |body| Ok(SimulatorSamplesResponse { job_id: id.clone(), ok: true, body: Some(body) });
    let header = Body::Header(Header {
        simple_d_type: format!("[{}]", fields.join(",")),
        count_of_items: i32::try_from(count).unwrap_or(i32::MAX),
    });
    let per_piece = (PIECE / row.len().max(1)).max(1);
    let full = Bytes::from(row.repeat(per_piece.min(usize::try_from(count).unwrap_or(usize::MAX))));
    let (whole, rest) = (count / per_piece as u64, (count % per_piece as u64) as usize);
    let last = full.slice(..rest * row.len());
    let pieces = (0..whole).map(move |_| full.clone()).chain((rest > 0).then_some(last));
    std::iter::once(header).chain(pieces.map(|data| Body::Data(Data { data }))).map(message)
}
