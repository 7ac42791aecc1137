//! What gateways say: statuses and messages, as errors of this crate.

use std::time::Duration;

use pulsewire_wire::compiler as wire_compiler;
use pulsewire_wire::general_messages::{ErrorMessage, MessageLevel};
use tonic::{Code, Status};

use crate::channel;
use crate::error::{CompilerMessage, Error, Level, short};

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

fn level(number: i32) -> Level {
    match MessageLevel::try_from(number) {
        Ok(MessageLevel::Info) => Level::Info,
        Ok(MessageLevel::Warning) => Level::Warning,
        Ok(MessageLevel::Error) | Err(_) => Level::Error,
    }
}

pub(crate) fn compiler_messages(
    messages: Vec<wire_compiler::CompilerMessage>,
) -> Vec<CompilerMessage> {
    let read = |m: wire_compiler::CompilerMessage| CompilerMessage {
        level: level(m.level),
        text: m.message,
    };
    messages.into_iter().map(read).collect()
}

pub(crate) fn joined(errors: Vec<ErrorMessage>) -> String {
    let texts: Vec<_> = errors.into_iter().map(|error| error.message).collect();
    texts.join("; ")
}

pub(crate) fn failure(action: String, timeout: Duration, status: &Status) -> Error {
    let said = || short(status.message(), MOST_SAID).into_owned();
    match status.code() {
        Code::Unimplemented => Error::Unimplemented { action, reason: said() },
        Code::DeadlineExceeded => Error::Timeout { action, timeout },
        code => {
            // What the transport reports as unknown is a connection that broke; the last error
            // of the chain says how.
            let broken = std::error::Error::source(status);
            let reason = broken.map_or_else(said, channel::root_cause);
            let status = if broken.is_some() { "UNAVAILABLE" } else { code_name(code) };
            Error::Connection { action, reason, status }
        }
    }
}

/// Characters of what a gateway says in a status that are told.
pub(crate) const MOST_SAID: usize = 4_000;

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

    #[test]
    fn levels_of_messages_are_read() {
        assert_eq!(
            [0, 1, 2, 9].map(level),
            [Level::Error, Level::Warning, Level::Info, Level::Error]
        );
    }
}
