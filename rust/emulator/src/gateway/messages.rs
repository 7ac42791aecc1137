//! What is wrong with programs and configurations, as answers have it.

use pulsewire_wire::compiler::CompilerMessage;
use pulsewire_wire::general_messages::MessageLevel;
use pulsewire_wire::qm_manager::{ConfigValidationMessage, PhysicalValidationMessage};

use crate::config::Finding;
use crate::control::AddError;

/// What is wrong with a program, one message for each mistake.
pub(super) fn compiler_messages(error: &AddError) -> Vec<CompilerMessage> {
    let texts = match error {
        AddError::Compile(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    };
    let level = MessageLevel::Error as i32;
    texts.into_iter().map(|message| CompilerMessage { message, level }).collect()
}

/// What is wrong with a configuration, as the two lists of an answer.
pub(super) fn validation(
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
