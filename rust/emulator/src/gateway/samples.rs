//! Samples of a simulation as interleaved rows (F5.8).

use std::sync::Arc;

use bytes::Bytes;
use pulsewire_wire::results::SimulatorSamplesResponse;
use pulsewire_wire::results::simulator_samples_response::{Body, Data, Header};
use tonic::Status;

use crate::machine::Simulation;
use crate::streams::store::PIECE;

/// The samples of one simulation, in columns.
struct Columns {
    analog: Vec<Vec<f64>>,
    digital: Vec<Vec<bool>>,
}

impl Columns {
    /// Bytes of a row.
    fn row(&self) -> usize {
        self.analog.len() * size_of::<f64>() + self.digital.len()
    }

    /// Rows of some samples, all columns of one sample beside each other.
    fn rows(&self, from: usize, to: usize) -> Bytes {
        let (count, row) = (to - from, self.row());
        let mut bytes = vec![0; count * row];
        // A column after the other: each is read straight on.
        for (index, column) in self.analog.iter().enumerate() {
            let place = index * size_of::<f64>();
            for (row, sample) in bytes.chunks_exact_mut(row).zip(&column[from..to]) {
                row[place..place + 8].copy_from_slice(&sample.to_le_bytes());
            }
        }
        for (index, column) in self.digital.iter().enumerate() {
            let place = self.analog.len() * size_of::<f64>() + index;
            for (row, level) in bytes.chunks_exact_mut(row).zip(&column[from..to]) {
                row[place] = u8::from(*level);
            }
        }
        bytes.into()
    }
}

pub(super) fn messages(
    id: String,
    simulation: &Arc<Simulation>,
    analog: bool,
    digital: bool,
) -> impl Iterator<Item = Result<SimulatorSamplesResponse, Status>> + Send + use<> {
    let rig = &simulation.rig;
    let columns = Columns {
        analog: if analog { simulation.analog().0 } else { Vec::new() },
        digital: if digital { simulation.digital() } else { Vec::new() },
    };
    let mut fields = Vec::new();
    if analog {
        fields.extend(rig.outputs.iter().map(|output| {
            format!("[\"{}:analog:{}\",\"<f8\"]", output.port.controller, output.port.number)
        }));
    }
    if digital {
        fields.extend(rig.digital.iter().map(|output| {
            format!("[\"{}:digital:{}\",\"|b1\"]", output.port.controller, output.port.number)
        }));
    }
    let row = columns.row();
    let count = if row == 0 { 0 } else { simulation.length };
    let message =
        move |body| Ok(SimulatorSamplesResponse { job_id: id.clone(), ok: true, body: Some(body) });
    let header = Body::Header(Header {
        simple_d_type: format!("[{}]", fields.join(",")),
        count_of_items: i32::try_from(count).unwrap_or(i32::MAX),
    });
    let per_piece = (PIECE / row.max(1)).max(1);
    let pieces = (0..count).step_by(per_piece).map(move |from| {
        Body::Data(Data { data: columns.rows(from, (from + per_piece).min(count)) })
    });
    std::iter::once(header).chain(pieces).map(message)
}
