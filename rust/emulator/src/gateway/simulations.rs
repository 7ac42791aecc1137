//! `Frontend`: simulations and their samples.

use pulsewire_wire::frontend as f;
use pulsewire_wire::frontend::execution_request::simulate::SimulationInterface;
use pulsewire_wire::frontend::execution_request::simulate::simulation_interface::InterfaceOneof;
use pulsewire_wire::results::{PullSimulatorSamplesRequest, SimulatorSamplesResponse};
use tonic::Status;

use super::fast_path::frame::Streamed;
use super::messages::{compiler_messages, validation};
use super::service::{Call, Gateway};
use super::{report, samples};
use crate::compiler::SourceProgram;
use crate::config::{Configuration, Finding};
use crate::control::{
    self, AddError, Cancellation, Connection, Interface, Phase, SimulationRequest,
};

/// What analog inputs are connected to.
fn interface(given: Option<SimulationInterface>) -> Interface {
    match given.and_then(|given| given.interface_oneof) {
        None | Some(InterfaceOneof::None(_)) => Interface::None,
        Some(InterfaceOneof::Loopback(loopback)) => {
            // By elements where there is no port.
            let connections = loopback.connections.into_iter().map(|one| match one.from_port {
                0.. => Connection::Ports {
                    from: (one.from_controller, one.from_port),
                    to: (one.to_controller, one.to_port),
                },
                _ => Connection::Elements {
                    from: one.from_controller,
                    to: one.to_controller,
                    port: one.to_port,
                },
            });
            Interface::Loopback {
                connections: connections.collect(),
                latency: loopback.latency,
                noise_power: loopback.noise_power,
            }
        }
        Some(InterfaceOneof::Raw(raw)) => {
            let samples = raw.connections.into_iter();
            let samples = samples.map(|one| (one.from_controller, one.from_port, one.to_samples));
            Interface::Raw { samples: samples.collect(), noise_power: raw.noise_power }
        }
    }
}

impl Gateway {
    pub(super) async fn pull_simulator_samples(
        &self,
        request: Call<PullSimulatorSamplesRequest>,
    ) -> Result<Streamed<SimulatorSamplesResponse>, Status> {
        let request = &request.message;
        let job = self.job(&request.job_id)?;
        let Some(simulation) = job.simulation() else {
            let refused =
                SimulatorSamplesResponse { job_id: job.id.clone(), ok: false, body: None };
            return Ok(Box::pin(tokio_stream::once(Ok(refused))));
        };
        let (analog, digital) = (request.include_analog, request.include_digital);
        let messages = samples::messages(job.id.clone(), &simulation, analog, digital);
        Ok(Box::pin(tokio_stream::iter(messages)))
    }

    pub(super) async fn simulate(
        &self,
        request: Call<f::SimulationRequest>,
    ) -> Result<f::SimulationResponse, Status> {
        let user = request.user();
        let request = request.message;
        let cancellation = Cancellation::default();
        // Dropped with this call: by a deadline of the client, a reset, the end of its connection.
        let _waiting = cancellation.guard();
        let outcome = self
            .aside(move |gateway| {
                let simulate = request.simulate.unwrap_or_default();
                let program = request.high_level_program.unwrap_or_default();
                let asked = SimulationRequest {
                    config: Configuration::from_wire(request.config.unwrap_or_default())?,
                    program: SourceProgram::from_wire(program),
                    cycles: simulate.duration,
                    interface: interface(simulate.simulation_interface),
                    structured: simulate.include_analog_waveforms
                        || simulate.include_digital_waveforms,
                };
                let job = control::simulate(&gateway.registry.jobs, asked, &user, &cancellation)?;
                let simulation = job.simulation();
                let render_input =
                    simulation.as_deref().map(|simulation| &*simulation.render_input);
                let wanted = |wanted: bool| render_input.filter(|_| wanted);
                let part = f::SimulatedResponsePart {
                    analog_outputs: wanted(simulate.include_analog_waveforms)
                        .map(report::analog_outputs),
                    digital_outputs: wanted(simulate.include_digital_waveforms)
                        .map(report::digital_outputs),
                    waveform_report: render_input.map(report::waveforms),
                    errors: match job.phase() {
                        Phase::Error { messages } => messages,
                        _ => Vec::new(),
                    },
                };
                Ok::<_, AddError>((job.id.clone(), part))
            })
            .await?;
        Ok(match outcome {
            Ok((job_id, part)) => f::SimulationResponse {
                success: true,
                job_id,
                simulated: Some(part),
                ..Default::default()
            },
            Err(AddError::Config(findings)) => {
                // qm-qua shows no others of a simulation.
                let shown = findings.into_iter().map(|found| Finding { physical: false, ..found });
                let (config_validation_errors, _) = validation(shown.collect());
                f::SimulationResponse { config_validation_errors, ..Default::default() }
            }
            Err(error) => {
                f::SimulationResponse { messages: compiler_messages(&error), ..Default::default() }
            }
        })
    }
}
