//! `Frontend`: machines, their registers and their configurations.

use pulsewire_wire::compiler::QuaValues;
use pulsewire_wire::frontend as f;
use pulsewire_wire::general_messages::ErrorMessage;
use pulsewire_wire::qm_api::high_qm_api_request::ApiOneof;
use pulsewire_wire::qm_api::high_qm_api_request::io_value_set_data::OneofIoType;
use pulsewire_wire::qm_api::{HighQmApiRequest, HighQmApiResponse};
use pulsewire_wire::qm_manager as m;
use tonic::Status;

use super::messages::validation;
use super::service::{Call, Gateway, error_message, stopped};
use crate::config::{Configuration, Finding};
use crate::control::{AddError, OpenError};
use crate::qua::value::{fixed_from_f64, fixed_to_f64};

/// Why an IO register is not read or set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct IoError(String);

impl From<AddError> for IoError {
    fn from(error: AddError) -> Self {
        Self(error.to_string())
    }
}

/// What is said of an element of the readout model that no open machine has.
fn unmodelled(name: &str) -> m::OpenQmWarning {
    let message = format!(
        "the readout model of the emulator has an element '{name}', which no configuration has"
    );
    m::OpenQmWarning { code: 0, message }
}

impl Gateway {
    /// The register and the bits that a request sets.
    fn io_bits(number: i32, value: Option<OneofIoType>) -> Result<(usize, i32), IoError> {
        if !matches!(number, 1 | 2) {
            return Err(IoError(format!("there is no IO{number}: the registers are IO1 and IO2")));
        }
        let bits = match value {
            Some(OneofIoType::IntValue(value)) => value,
            Some(OneofIoType::BooleanValue(value)) => i32::from(value),
            Some(OneofIoType::DoubleValue(value)) if (-8.0..8.0).contains(&value) => {
                fixed_from_f64(value).unwrap_or(0)
            }
            Some(OneofIoType::DoubleValue(value)) => {
                return Err(IoError(format!("IO{number}: {value} does not fit a fixed, [-8, 8)")));
            }
            None => return Err(IoError(format!("IO{number}: the request carries no value"))),
        };
        Ok((number as usize - 1, bits))
    }

    fn change(&self, request: HighQmApiRequest) -> Result<(), ErrorMessage> {
        let machine =
            self.machine(&request.quantum_machine_id).map_err(|error| error_message(&error))?;
        match request.api_oneof {
            Some(ApiOneof::SetIoValues(set)) => {
                let wanted = set.io_value_set_data.into_iter();
                let wanted: Vec<_> = wanted
                    .map(|data| Self::io_bits(data.io_number, data.oneof_io_type))
                    .collect::<Result<_, _>>()
                    .map_err(|error: IoError| error_message(&error))?;
                wanted.into_iter().for_each(|(register, bits)| machine.io.set(register, bits));
                Ok(())
            }
            Some(change) => machine
                .change(|config| config.changed(&change))
                .map_err(|error| ErrorMessage { code: error.code, message: error.message }),
            None => Err(error_message(&"the request asks for nothing")),
        }
    }

    fn read_io(&self, request: &f::IoValueRequest) -> Result<QuaValues, IoError> {
        use f::io_value_request::IdentifierOneOf;
        let machine = match &request.identifier_one_of {
            Some(IdentifierOneOf::QuantumMachineId(id)) => self.machine(id)?,
            Some(IdentifierOneOf::JobId(id)) => {
                let job = self.registry.jobs.job(id);
                let job = job.ok_or_else(|| IoError(format!("there is no job '{id}'")))?;
                self.machine(&job.machine_id)?
            }
            None => return Err(IoError("the request names no machine".to_owned())),
        };
        if !matches!(request.io_number, 1 | 2) {
            return Err(IoError(format!("there is no IO{}", request.io_number)));
        }
        let bits = machine.io.get(request.io_number as usize - 1);
        Ok(QuaValues {
            int_value: bits as u32,
            double_value: fixed_to_f64(bits),
            boolean_value: bits != 0,
        })
    }

    pub(super) async fn perform_qm_request(
        &self,
        request: Call<HighQmApiRequest>,
    ) -> Result<HighQmApiResponse, Status> {
        let outcome = self.change(request.message);
        Ok(HighQmApiResponse { ok: outcome.is_ok(), errors: outcome.err().into_iter().collect() })
    }

    pub(super) async fn request_data(
        &self,
        request: Call<f::QmDataRequest>,
    ) -> Result<f::QmDataResponse, Status> {
        let requests = request.message.io_value_request;
        let values: Result<Vec<_>, IoError> = requests
            .into_iter()
            .map(|request| {
                let values = Some(self.read_io(&request)?);
                Ok(f::qm_data_response::IoValueResponse { request: Some(request), values })
            })
            .collect();
        Ok(match values {
            Ok(io_value_response) => {
                f::QmDataResponse { io_value_response, success: true, errors: vec![] }
            }
            Err(error) => f::QmDataResponse {
                io_value_response: vec![],
                success: false,
                errors: vec![error_message(&error)],
            },
        })
    }

    pub(super) async fn open_quantum_machine(
        &self,
        request: Call<m::OpenQuantumMachineRequest>,
    ) -> Result<m::OpenQuantumMachineResponse, Status> {
        use m::open_quantum_machine_request::OneOfCloseOtherMachines as Others;
        let request = request.message;
        let keeps = matches!(request.one_of_close_other_machines, None | Some(Others::Never(true)));
        let opened = Configuration::from_wire(request.config.unwrap_or_default())
            .map_err(OpenError::from)
            .and_then(|config| self.registry.open(config, !keeps));
        if let Ok(opened) = &opened {
            for job in &opened.halted {
                stopped(job).await?;
            }
        }
        Ok(match opened {
            Ok(opened) => m::OpenQuantumMachineResponse {
                machine_id: opened.id,
                success: true,
                open_qm_warnings: opened.unknown.iter().map(|name| unmodelled(name)).collect(),
                ..Default::default()
            },
            Err(error) => {
                let findings = match error {
                    OpenError::Config(findings) => findings,
                    other => vec![Finding {
                        path: String::new(),
                        group: "configuration",
                        message: other.to_string(),
                        physical: false,
                    }],
                };
                let (config_validation_errors, physical_validation_errors) = validation(findings);
                m::OpenQuantumMachineResponse {
                    config_validation_errors,
                    physical_validation_errors,
                    ..Default::default()
                }
            }
        })
    }

    pub(super) async fn close_quantum_machine(
        &self,
        request: Call<m::CloseQuantumMachineRequest>,
    ) -> Result<m::CloseQuantumMachineResponse, Status> {
        let id = &request.message.machine_id;
        let running = self.registry.machine(id).and_then(|machine| machine.running());
        let success = self.registry.close(id);
        if let Some(job) = running {
            stopped(&job).await?;
        }
        let errors =
            if success { vec![] } else { vec![error_message(&AddError::NoMachine(id.clone()))] };
        Ok(m::CloseQuantumMachineResponse { success, errors })
    }

    pub(super) async fn get_quantum_machine(
        &self,
        request: Call<m::GetQuantumMachineRequest>,
    ) -> Result<m::GetQuantumMachineResponse, Status> {
        let machine_id = request.message.machine_id;
        Ok(match self.machine(&machine_id) {
            Ok(machine) => m::GetQuantumMachineResponse {
                machine_id,
                config: Some(machine.config().to_wire()),
                success: true,
                errors: vec![],
            },
            Err(error) => m::GetQuantumMachineResponse {
                machine_id,
                config: None,
                success: false,
                errors: vec![error_message(&error)],
            },
        })
    }

    pub(super) async fn list_open_quantum_machines(
        &self,
        _: Call<()>,
    ) -> Result<m::ListOpenQuantumMachinesResponse, Status> {
        let machine_i_ds =
            self.registry.machines().iter().map(|machine| machine.id.clone()).collect();
        Ok(m::ListOpenQuantumMachinesResponse { machine_i_ds })
    }

    pub(super) async fn close_all_quantum_machines(
        &self,
        _: Call<()>,
    ) -> Result<m::CloseAllQuantumMachinesResponse, Status> {
        let running: Vec<_> =
            self.registry.machines().iter().filter_map(|machine| machine.running()).collect();
        self.registry.close_all();
        for job in running {
            stopped(&job).await?;
        }
        Ok(m::CloseAllQuantumMachinesResponse { success: true, errors: vec![] })
    }

    pub(super) async fn get_controllers(
        &self,
        _: Call<()>,
    ) -> Result<m::GetControllersResponse, Status> {
        let names = self.registry.controllers().into_iter();
        let controllers = names.map(|name| m::Controller { name, temperature: None }).collect();
        Ok(m::GetControllersResponse { controllers })
    }
}
