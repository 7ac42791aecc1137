//! What the status of a call means.

use std::time::Duration;

use tonic::{Code, Status};

use crate::error::{Error, MOST_SAID, short};

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The outer errors of the transport say little; the last of the chain says what happened.
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// The error that a status is.
pub(crate) fn failure(action: String, timeout: Duration, status: &Status) -> Error {
    let said = || short(status.message(), MOST_SAID).into_owned();
    match status.code() {
        Code::Unimplemented => Error::Unimplemented { action, reason: said() },
        Code::DeadlineExceeded => Error::Timeout { action, timeout },
        code => {
            // What the transport reports as unknown is a connection that broke; the last error
            // of the chain says how.
            let broken = std::error::Error::source(status);
            let reason = broken.map_or_else(said, root_cause);
            let status = if broken.is_some() { "UNAVAILABLE" } else { code_name(code) };
            Error::Connection { action, reason, status }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_become_the_errors_of_the_vendors_client() {
        let fail =
            |code| failure("push".to_owned(), Duration::from_secs(3), &Status::new(code, "why"));
        assert!(matches!(fail(Code::Unimplemented), Error::Unimplemented { .. }));
        assert!(matches!(fail(Code::DeadlineExceeded), Error::Timeout { .. }));
        for (code, name) in [(Code::NotFound, "NOT_FOUND"), (Code::Unavailable, "UNAVAILABLE")] {
            assert_eq!(fail(code).to_string(), format!("push: why (status {name})"));
        }
    }
}
