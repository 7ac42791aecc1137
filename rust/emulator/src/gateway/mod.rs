//! The gRPC services: wire messages to calls of the machine and back, and nothing else.

mod direct;
mod entries;
mod frontend;
mod info;
mod job_manager;
mod job_results;
mod report;
mod samples;
pub mod server;
mod uncopied;

use std::pin::Pin;
use std::time::SystemTime;

use prost_types::{ListValue, Value, value};
use pulsewire_wire::compiler::CompilerMessage;
use pulsewire_wire::frontend::job_execution_status as s;
use pulsewire_wire::frontend::job_execution_status::Status as WireStatus;
use pulsewire_wire::general_messages::{ErrorMessage, MessageLevel};
use pulsewire_wire::qm_manager::{ConfigValidationMessage, PhysicalValidationMessage};
use tokio_stream::Stream;
use tonic::Status;

use crate::machine::{AddError, Finding, Hub, Job, Phase};

type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn string_value(text: String) -> Value {
    Value { kind: Some(value::Kind::StringValue(text)) }
}

/// A job's phase as the clients read it; the oneof, the time and the user are always set.
fn status_of(hub: &Hub, job: &Job) -> WireStatus {
    let time_added = Some(job.added.into());
    let added_by = job.added_by.clone();
    let stamp = |time: SystemTime| Some(time.into());
    match job.phase() {
        Phase::Pending => {
            let machine = hub.machine(&job.machine_id);
            let position = machine.and_then(|machine| machine.position(job));
            match position {
                Some(position) => WireStatus::Pending(s::Pending {
                    position_in_queue: position as i32,
                    time_added,
                    added_by,
                }),
                // It left the queue between the two looks.
                None => WireStatus::Loading(s::Loading { time_added, added_by }),
            }
        }
        Phase::Loading => WireStatus::Loading(s::Loading { time_added, added_by }),
        Phase::Running { started } => {
            WireStatus::Running(s::Running { time_added, added_by, time_started: stamp(started) })
        }
        Phase::Completed { started, completed } => WireStatus::Completed(s::Completed {
            time_added,
            added_by,
            time_started: stamp(started),
            time_completed: stamp(completed),
        }),
        Phase::Canceled { at } => {
            WireStatus::Canceled(s::Canceled { time_added, added_by, time_canceled: stamp(at) })
        }
        Phase::Error { messages } => WireStatus::Error(s::Error {
            error_messages: Some(ListValue {
                values: messages.into_iter().map(string_value).collect(),
            }),
            added_by,
        }),
    }
}

/// What is wrong with a program, one message for each mistake.
fn compiler_messages(error: &AddError) -> Vec<CompilerMessage> {
    let texts = match error {
        AddError::Compile(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    };
    let level = MessageLevel::Error as i32;
    texts.into_iter().map(|message| CompilerMessage { message, level }).collect()
}

/// What is wrong with a configuration, as the two lists of an answer.
fn validation(
    findings: Vec<Finding>,
) -> (Vec<ConfigValidationMessage>, Vec<PhysicalValidationMessage>) {
    let level = MessageLevel::Error as i32;
    let (physical, logical): (Vec<_>, Vec<_>) = findings.into_iter().partition(|f| f.physical);
    let logical = logical.into_iter().map(|Finding { path, group, message, .. }| {
        ConfigValidationMessage { message, group: group.to_owned(), path, level }
    });
    let physical = physical.into_iter().map(|Finding { path, group, message, .. }| {
        PhysicalValidationMessage { message, group: group.to_owned(), path, level }
    });
    (logical.collect(), physical.collect())
}

fn error_message(message: impl Into<String>) -> ErrorMessage {
    ErrorMessage { code: 0, message: message.into() }
}

fn no_job(id: &str) -> Status {
    Status::not_found(format!("there is no job '{id}'"))
}
