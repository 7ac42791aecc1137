//! Samples of a simulation as interleaved rows, rendered as they are sent.

use std::sync::Arc;

use bytes::Bytes;
use pulsewire_wire::results::SimulatorSamplesResponse;
use pulsewire_wire::results::simulator_samples_response::{Body, Data, Header};
use tonic::Status;

use crate::control::Simulation;
use crate::signal::render::{Analog, Digital, STRETCH};

/// Bytes of a message: what stays in the caches from the rendering to the socket.
const PIECE: usize = 256 << 10;
/// Rows that are filled together.
const NEAR: usize = 128;

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
                interleave(rows, self.row, analog, digital, index * NEAR);
            }
        }
        bytes.into()
    }
}

/// Puts the samples of all ports from one on into rows.
fn interleave(
    rows: &mut [u8],
    row: usize,
    analog: &[Vec<f64>],
    digital: &[Vec<bool>],
    from: usize,
) {
    let mut place = 0;
    for port in analog {
        for (row, sample) in rows.chunks_exact_mut(row).zip(&port[from..]) {
            row[place..place + 8].copy_from_slice(&sample.to_le_bytes());
        }
        place += size_of::<f64>();
    }
    for port in digital {
        for (row, level) in rows.chunks_exact_mut(row).zip(&port[from..]) {
            row[place] = u8::from(*level);
        }
        place += 1;
    }
}

pub(super) fn messages(
    id: String,
    simulation: &Simulation,
    analog: bool,
    digital: bool,
) -> impl Iterator<Item = Result<SimulatorSamplesResponse, Status>> + Send + use<> {
    let render_input = &simulation.render_input;
    let mut fields = Vec::new();
    let mut row = 0;
    if analog {
        row += render_input.resolved.outputs().len() * size_of::<f64>();
        fields.extend(render_input.resolved.outputs().iter().map(|output| {
            format!("[\"{}:analog:{}\",\"<f8\"]", output.port.controller, output.port.number)
        }));
    }
    if digital {
        row += render_input.resolved.digital().len();
        fields.extend(render_input.resolved.digital().iter().map(|output| {
            format!("[\"{}:digital:{}\",\"|b1\"]", output.port.controller, output.port.number)
        }));
    }
    let mut ports = Ports {
        analog: analog.then(|| Analog::new(Arc::clone(render_input))),
        digital: digital.then(|| Digital::new(render_input)),
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
