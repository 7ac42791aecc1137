//! `InfoService`: what a client asks first.

use pulsewire_wire::info::info_service_server::InfoService;
use pulsewire_wire::info::{GetInfoRequest, GetInfoResponse, ImplementationDetails};
use tonic::{Request, Response, Status};

/// Shown by the clients as QOP 2.6.0 (F1.9).
pub(super) const VERSION: &str = "2.70-a0974ba";

/// What a QOP 2.6 without Octave management offers (F1.10).
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

#[derive(Debug, Default)]
pub(super) struct Info;

#[tonic::async_trait]
impl InfoService for Info {
    async fn get_info(
        &self,
        _: Request<GetInfoRequest>,
    ) -> Result<Response<GetInfoResponse>, Status> {
        Ok(Response::new(GetInfoResponse {
            implementation: Some(ImplementationDetails {
                name: "pulsewire-emulator".to_owned(),
                version: VERSION.to_owned(),
                url: String::new(),
                proto_version: None,
            }),
            capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
        }))
    }
}
