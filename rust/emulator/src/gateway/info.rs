//! `InfoService`, and what else a client asks first.

use pulsewire_wire::frontend as f;
use pulsewire_wire::info::{GetInfoRequest, GetInfoResponse, ImplementationDetails};
use tonic::Status;

use super::service::{Call, Gateway};

/// Shown by the clients as QOP 2.6.0.
pub(super) const VERSION: &str = "2.70-a0974ba";

/// What a QOP 2.6 without Octave management offers.
const CAPABILITIES: [&str; 15] = [
    "qm.job_streaming_state",
    "qm.multiple_inputs_for_element",
    "qm.analog_delay",
    "qm.shared_oscillators",
    "qm.crosstalk",
    "qm.shared_ports",
    "qm.input_stream",
    "qm.new_grpc_structure",
    "qm.double_frequency",
    "qm.play_tag",
    "qm.inverted_digital_output",
    "qm.sticky_elements",
    "qm.octave_reset",
    "qm.fast_frame_rotation",
    "qm.keep_dc_offsets_when_closing",
];

impl Gateway {
    pub(super) async fn get_info(
        &self,
        _: Call<GetInfoRequest>,
    ) -> Result<GetInfoResponse, Status> {
        Ok(GetInfoResponse {
            implementation: Some(ImplementationDetails {
                name: "pulsewire-emulator".to_owned(),
                version: VERSION.to_owned(),
                url: String::new(),
                proto_version: None,
            }),
            capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
        })
    }

    pub(super) async fn get_version(&self, _: Call<()>) -> Result<String, Status> {
        Ok(VERSION.to_owned())
    }

    pub(super) async fn health_check(&self, _: Call<()>) -> Result<f::HealthCheckResponse, Status> {
        Ok(f::HealthCheckResponse { ok: true, ..Default::default() })
    }

    pub(super) async fn perform_hal_debug_command(
        &self,
        _: Call<f::PerformHalDebugCommandRequest>,
    ) -> Result<f::PerformHalDebugCommandResponse, Status> {
        let response = "the emulator has no hardware to debug".to_owned();
        Ok(f::PerformHalDebugCommandResponse { success: false, response })
    }
}
