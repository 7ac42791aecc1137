//! The one error of this crate. Each says what was asked, of which job, and what to do.

use std::borrow::Cow;
use std::time::Duration;

use crate::types::{CompilerMessage, JobManagerError, MachineError, ValidationMessage};

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A peer's text as far as anybody reads it.
pub(crate) fn short(text: &str, most: usize) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(most) else { return Cow::Borrowed(text) };
    Cow::Owned(format!("{}… ({} characters)", &text[..end], text.chars().count()))
}

fn pushes(count: u64) -> String {
    if count == 1 { "1 push".to_owned() } else { format!("{count} pushes") }
}

/// What is known of the input streams of a closed loop that is out of step.
fn out_of_step(streams: &[LoopStream], late: u64) -> String {
    if late > 0 {
        return format!(
            "the answer to {} that skip() took for lost came after all, so that answers since then may be those of the pushes before; it is left out, and the loop is in step again",
            pushes(late)
        );
    }
    let doubts = streams.iter().filter(|stream| stream.in_doubt > 0);
    let doubts: Vec<_> =
        doubts.map(|s| format!("{} to '{}'", pushes(s.in_doubt), s.name)).collect();
    if !doubts.is_empty() {
        let advice = if streams.len() == 1 {
            "receive() waits for its answer; skip() takes it for lost, once its answer cannot come any more"
        } else {
            "receive() waits for the answer; where none comes, some of the streams took their entry and others did not: run the job anew"
        };
        return format!(
            "it is not known whether {} arrived, so that the next item may be the answer to another push: {advice}",
            doubts.join(" and ")
        );
    }
    let most = streams.iter().map(|stream| stream.owed).max().unwrap_or(0);
    let behind = streams.iter().filter(|stream| stream.owed < most);
    let behind: Vec<_> =
        behind.map(|s| format!("{} to '{}'", pushes(most - s.owed), s.name)).collect();
    format!(
        "its input streams are out of step, as some of them took an entry and others did not: {} are missing. Push them with job.input_stream(…).push(…) and receive(), or run the job anew",
        behind.join(" and ")
    )
}

/// An input stream of a closed loop, and what became of its pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopStream {
    /// Its name.
    pub name: String,
    /// Pushes that were acknowledged and are not answered yet.
    pub owed: u64,
    /// Pushes of which nobody knows whether they were taken.
    pub in_doubt: u64,
}

fn detail(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({})", short(text, MOST_TOLD)) }
}

/// Characters of what a gateway says in a status that are told.
pub(crate) const MOST_SAID: usize = 4_000;

/// Characters of a peer's text that are told, and texts of a list.
const MOST_TOLD: usize = 2_000;
const MOST_LISTED: usize = 50;

fn listed<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    let told = items.iter().take(MOST_LISTED);
    let mut all: String =
        told.map(|item| format!("\n  {}", short(&text(item), MOST_TOLD))).collect();
    if items.len() > MOST_LISTED {
        all.push_str(&format!("\n  and {} more", items.len() - MOST_LISTED));
    }
    all
}

/// A gateway that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Where it was asked.
    pub address: String,
    /// For how long.
    pub lasts: Duration,
}

/// What a wait that ended knows of the job.
fn outlook(silence: Option<&Silence>) -> String {
    let Some(Silence { address, lasts }) = silence else {
        return "the job goes on, wait again or look at its status".to_owned();
    };
    format!(
        "nobody answered at {address} for the last {:.1} s, so that nothing is known of the job: see whether the gateway runs and can be reached, then wait again",
        lasts.as_secs_f64()
    )
}

/// Everything that can go wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// No gateway was found at the address.
    #[error("no QOP gateway at {address}: {reason}")]
    Detection {
        /// The address that was tried.
        address: String,
        /// What happened.
        reason: String,
    },
    /// A cluster sent the client to something that is no address.
    #[error("the gateway at {address} redirects to '{}', which is not host:port", short(.location, MOST_TOLD))]
    Location {
        /// The address that was tried.
        address: String,
        /// Where it points.
        location: String,
    },
    /// The gateway says that it is not well.
    #[error("the gateway at {address} is not healthy:{}", listed(.messages, Clone::clone))]
    HealthCheck {
        /// The address.
        address: String,
        /// What it says.
        messages: Vec<String>,
    },
    /// The call took longer than it may.
    #[error("{action}: no answer within {} s; raise the timeout of the call or of connect()", .timeout.as_secs_f64())]
    Timeout {
        /// What was asked.
        action: String,
        /// What it might take.
        timeout: Duration,
    },
    /// The gateway cannot be reached, or answered with a failure.
    #[error("{action}: {reason} (status {status})")]
    Connection {
        /// What was asked.
        action: String,
        /// What the transport or the gateway says.
        reason: String,
        /// The status' name.
        status: &'static str,
    },
    /// The gateway does not offer the call.
    #[error("{action}: the gateway does not offer this ({reason})")]
    Unimplemented {
        /// What was asked.
        action: String,
        /// What it says.
        reason: String,
    },
    /// The gateway lacks a capability that the call needs.
    #[error("{action}: the gateway's version does not support it (capability {capability})")]
    Unsupported {
        /// What was asked.
        action: String,
        /// The name of the capability.
        capability: &'static str,
    },
    /// The machine was not opened.
    #[error("cannot open the quantum machine:{}", listed(.errors, |e| format!("{} [{}]: {}", e.path, e.group, e.message)))]
    OpenMachine {
        /// What is wrong with the configuration.
        errors: Vec<ValidationMessage>,
    },
    /// The machine was not closed.
    #[error("cannot close the quantum machine '{machine}'{}", detail(.message))]
    CloseMachine {
        /// Which machine.
        machine: String,
        /// What the gateway says.
        message: String,
    },
    /// The machine was not changed.
    #[error("{action}:{}", listed(.errors, |e| e.message.clone()))]
    ChangeMachine {
        /// What was asked.
        action: String,
        /// What is wrong.
        errors: Vec<MachineError>,
    },
    /// The machine could not be read.
    #[error("{action}: the gateway cannot tell{}", detail(.message))]
    ReadMachine {
        /// What was asked.
        action: String,
        /// What the gateway says.
        message: String,
    },
    /// The program was not taken.
    #[error("the program was not added to the queue of '{machine}':{}", listed(.messages, |m| m.text.clone()))]
    AddToQueue {
        /// Which machine.
        machine: String,
        /// Each mistake, with its source line.
        messages: Vec<CompilerMessage>,
    },
    /// The program was not compiled.
    #[error("the program was not compiled for '{machine}':{}", listed(.messages, |m| m.text.clone()))]
    Compilation {
        /// Which machine.
        machine: String,
        /// Each mistake, with its source line.
        messages: Vec<CompilerMessage>,
    },
    /// The program was not simulated.
    #[error("the program was not simulated:{}", listed(.messages, |m| m.text.clone()))]
    Simulation {
        /// The job, if it came so far; or empty.
        job: String,
        /// Each mistake, with its source line.
        messages: Vec<CompilerMessage>,
    },
    /// A simulation failed, or its samples cannot be had.
    #[error("the simulated job '{job}': {reason}")]
    Samples {
        /// Of which job.
        job: String,
        /// What is wrong.
        reason: String,
    },
    /// The JobManager service refused.
    #[error("{action}: {}{}", .kind.advice(), detail(.message))]
    JobManager {
        /// What was asked, of which job.
        action: String,
        /// Why it was refused.
        kind: JobManagerError,
        /// What the gateway says.
        message: String,
    },
    /// The job failed before or while it ran.
    #[error("{action}: the job '{job}' failed:{}", listed(.messages, Clone::clone))]
    JobFailed {
        /// What was asked.
        action: String,
        /// Which job.
        job: String,
        /// What the gateway says.
        messages: Vec<String>,
    },
    /// The job was taken out of the queue.
    #[error("{action}: the job '{job}' was cancelled")]
    JobCancelled {
        /// What was asked.
        action: String,
        /// Which job.
        job: String,
    },
    /// The gateway does not know the job's state.
    #[error(
        "{action}: the gateway knows no state of the job '{job}'; check its id and its machine's"
    )]
    UnknownState {
        /// What was asked.
        action: String,
        /// Which job.
        job: String,
    },
    /// A wait ended without what was waited for; the job goes on, as far as the gateway answered.
    #[error("{action}: not within {} s; {}", .timeout.as_secs_f64(), outlook(.silence.as_ref()))]
    WaitTimeout {
        /// What was waited for.
        action: String,
        /// How long.
        timeout: Duration,
        /// That nobody answered at the end.
        silence: Option<Silence>,
    },
    /// A result ended before what was waited for.
    #[error("the result '{name}' of the job '{job}' ended with {got} of {wanted} values: {reason}")]
    EndedShort {
        /// Which result.
        name: String,
        /// Of which job.
        job: String,
        /// Values that came.
        got: u64,
        /// Values waited for.
        wanted: u64,
        /// Why no more come.
        reason: String,
    },
    /// The gateway dropped data.
    #[error(
        "the result '{name}' of the job '{job}' lost data: the gateway could not keep up; save less or slower"
    )]
    DataLoss {
        /// Which result.
        name: String,
        /// Of which job.
        job: String,
    },
    /// What arrived is not what was promised.
    #[error("the result '{name}' of the job '{job}': {reason}")]
    Fetch {
        /// Which result.
        name: String,
        /// Of which job.
        job: String,
        /// What is wrong.
        reason: String,
    },
    /// The gateway describes a result in a way that is not known.
    #[error("the result '{name}' has the unreadable type {dtype}: {reason}")]
    Schema {
        /// Which result.
        name: String,
        /// What the gateway sent.
        dtype: String,
        /// What is wrong.
        reason: String,
    },
    /// A value that cannot be sent.
    #[error("{0}")]
    Value(String),
    /// Something else is under way that must end first.
    #[error("{0}")]
    Busy(String),
    /// What was sent may have been taken; nobody knows.
    #[error("{error}; {what}")]
    InDoubt {
        /// What happened.
        error: Box<Error>,
        /// What may have been taken.
        what: String,
    },
    /// A closed loop does not know whose answer comes next.
    #[error(
        "a closed loop over {} of the job '{job}': {}; nothing was sent",
        .results.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", "),
        out_of_step(.streams, *.late)
    )]
    OutOfStep {
        /// Of which job.
        job: String,
        /// Its results.
        results: Vec<String>,
        /// What became of the pushes.
        streams: Vec<LoopStream>,
        /// Answers that came late, of pushes that had been taken for lost.
        late: u64,
    },
}

impl Error {
    /// Whether the gateway answered that it did not do it, or nothing was asked.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::JobManager { .. }
            | Self::Unimplemented { .. }
            | Self::Unsupported { .. }
            | Self::Value(_)
            | Self::Busy(_) => true,
            Self::Connection { status, .. } => matches!(
                *status,
                "INVALID_ARGUMENT"
                    | "NOT_FOUND"
                    | "PERMISSION_DENIED"
                    | "UNAUTHENTICATED"
                    | "FAILED_PRECONDITION"
                    | "OUT_OF_RANGE"
            ),
            _ => false,
        }
    }
}
