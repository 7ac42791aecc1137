//! Jobs of QOP 2: their status, and what the JobManager answers.

use std::time::SystemTime;

use prost_types::Timestamp;
use pulsewire_common::correction::Matrix;
use pulsewire_wire::errors::{
    ConfigQueryErrorTypes, JobManagerErrorTypes, JobOperationSpecificErrorTypes,
};
use pulsewire_wire::frontend as f;
use pulsewire_wire::frontend::job_execution_status::Status as WireStatus;
use pulsewire_wire::general_messages::Matrix as WireMatrix;
use pulsewire_wire::job_manager as jm;
use pulsewire_wire::job_manager::job_error_details::ErrorType;

use crate::error::{MOST_SAID, short};
use crate::gateway::dialect::{Refusal, RefusalKind, Unreadable};
use crate::types::{JobState, JobStatus, StatusDetails};

fn time(stamp: Option<Timestamp>) -> Option<SystemTime> {
    stamp.and_then(|stamp| SystemTime::try_from(stamp).ok())
}

/// What a status on the wire says.
pub(super) fn job_status(status: f::JobExecutionStatus) -> JobStatus {
    let known = |state, added_by: String, added: Option<Timestamp>| JobStatus {
        state,
        details: StatusDetails {
            added_by: Some(added_by),
            // An unset time reads as the epoch, as in the vendor's client.
            time_added: time(added.or_else(|| Some(Timestamp::default()))),
            ..Default::default()
        },
    };
    let bare = |state| JobStatus { state, details: StatusDetails::default() };
    match status.status {
        None | Some(WireStatus::Unknown(_)) => bare(JobState::Unknown),
        Some(WireStatus::Pending(s)) => {
            let mut status = known(JobState::Pending, s.added_by, s.time_added);
            status.details.position = Some(s.position_in_queue);
            status
        }
        Some(WireStatus::Running(s)) => known(JobState::Running, s.added_by, s.time_added),
        Some(WireStatus::Completed(s)) => known(JobState::Completed, s.added_by, s.time_added),
        Some(WireStatus::Canceled(_)) => bare(JobState::Canceled),
        Some(WireStatus::Loading(s)) => known(JobState::Loading, s.added_by, s.time_added),
        Some(WireStatus::Processing(s)) => known(JobState::Processing, s.added_by, s.time_added),
        Some(WireStatus::Error(s)) => {
            let texts = s.error_messages.unwrap_or_default().values.into_iter();
            let errors = texts.filter_map(|value| match value.kind {
                Some(prost_types::value::Kind::StringValue(text)) => Some(text),
                _ => None,
            });
            let mut status = bare(JobState::Error);
            status.details.errors = errors.collect();
            status
        }
    }
}

/// The entries of a matrix on the wire.
pub(super) fn matrix(matrix: Option<WireMatrix>) -> Matrix {
    let matrix = matrix.unwrap_or_default();
    [matrix.v00, matrix.v01, matrix.v10, matrix.v11]
}

/// Reads the header of a JobManager answer.
pub(super) fn refusal(
    header: Option<jm::JobManagerResponseHeader>,
) -> Result<Result<(), Refusal>, Unreadable> {
    // Without one nobody knows what became of the call.
    let missing = || Unreadable("the answer does not say whether it was done".to_owned());
    let header = header.ok_or_else(missing)?;
    if header.success {
        return Ok(Ok(()));
    }
    let details = header.job_error_details.unwrap_or_default();
    let kind = refusal_kind(header.job_manager_error_type, details.error_type);
    // The wire's names of input streams are not the user's.
    let message = details.message.replace("'input_stream_", "'");
    Ok(Err(Refusal { kind, message: short(&message, MOST_SAID).into_owned() }))
}

fn refusal_kind(number: i32, detail: Option<ErrorType>) -> RefusalKind {
    use JobManagerErrorTypes as Kind;
    use JobOperationSpecificErrorTypes as Specific;
    match (Kind::try_from(number), detail) {
        (Ok(Kind::MissingJobError), _) => RefusalKind::MissingJob,
        (Ok(Kind::InvalidJobExecutionStatusError), _) => RefusalKind::InvalidJobExecutionStatus,
        (Ok(Kind::InvalidOperationOnSimulatorJobError), _) => {
            RefusalKind::InvalidOperationOnSimulatorJob
        }
        (Ok(Kind::InvalidOperationOnRealJobError), _) => RefusalKind::InvalidOperationOnRealJob,
        (Ok(Kind::UnknownInputStreamError), _) => RefusalKind::UnknownInputStream,
        (
            Ok(Kind::JobOperationSpecificError),
            Some(ErrorType::JobOperationSpecificErrorType(number)),
        ) => match Specific::try_from(number) {
            Ok(Specific::SingleInputElementError) => RefusalKind::ElementWithSingleInput,
            Ok(Specific::InvalidCorrectionMatrixError) => RefusalKind::InvalidElementCorrection,
            Ok(Specific::ElementWithoutIntermediateFrequencyError) => {
                RefusalKind::ElementWithoutIntermediateFrequency
            }
            _ => RefusalKind::Unspecified,
        },
        (Ok(Kind::ConfigQueryError), Some(ErrorType::ConfigQueryErrorType(number)))
            if number == ConfigQueryErrorTypes::MissingElementError as i32 =>
        {
            RefusalKind::MissingElement
        }
        _ => RefusalKind::Unspecified,
    }
}
