//! What the Rust side tells, for Python's `logging`: the logger `pulsewire`.
//!
//! An event may happen anywhere: below a call that is detached from the interpreter, on an emulator's
//! thread, at exit. So nothing of Python is touched there: it is put down, and told when a call comes back
//! to the interpreter.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::lifetime::generation;

/// Places for what waits: a child of a fork uses another, as its parent's lock may be held for ever.
const PLACES: usize = 16;
static WAITING: [Mutex<Vec<(i32, String)>>; PLACES] = [const { Mutex::new(Vec::new()) }; PLACES];
static SOME: AtomicBool = AtomicBool::new(false);
/// Events that wait at most; what is beyond is dropped.
const MOST: usize = 1_000;

fn here() -> &'static Mutex<Vec<(i32, String)>> {
    &WAITING[(generation() % PLACES as u64) as usize]
}

/// An event's message, and its other fields behind it.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.insert_str(0, &format!("{value:?}"));
        } else {
            // Writing to a String does not fail.
            let _ = write!(self.0, " {}={value:?}", field.name());
        }
    }
}

/// Python's numbers of the levels.
fn number(level: Level) -> i32 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        _ => 10,
    }
}

struct Told;

impl Subscriber for Told {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && metadata.target().starts_with("pulsewire")
            && *metadata.level() <= Level::INFO
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let level = number(*event.metadata().level());
        let mut waiting = here().lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.push((level, text.0));
            SOME.store(true, Ordering::Relaxed);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Puts events down from now on; one that an embedder has set already stays.
pub(crate) fn install() {
    // It fails when there is another.
    let _ = tracing::subscriber::set_global_default(Told);
}

/// Tells what waits. Called attached and with no lock held, as handlers are anybody's code.
///
/// # Errors
/// Ctrl-C within a handler, and whatever else is no `Exception`.
pub(crate) fn tell(py: Python<'_>) -> PyResult<()> {
    if !SOME.load(Ordering::Relaxed) || !SOME.swap(false, Ordering::Relaxed) {
        return Ok(());
    }
    let told = std::mem::take(&mut *here().lock().unwrap_or_else(PoisonError::into_inner));
    let mut told = told.into_iter();
    let log = |level: i32, text: &str| -> PyResult<()> {
        let logger = py.import("logging")?.call_method1("getLogger", ("pulsewire",))?;
        // As an argument: a gateway's texts may have a % in them.
        logger.call_method1("log", (level, "%s", text)).map(drop)
    };
    while let Some((level, text)) = told.next() {
        match log(level, &text) {
            Ok(()) => {}
            // The call itself went well: what a handler raises is told as Python tells it.
            Err(error) if error.is_instance_of::<PyException>(py) => {
                error.write_unraisable(py, None)
            }
            Err(error) => {
                let mut waiting = here().lock().unwrap_or_else(PoisonError::into_inner);
                waiting.splice(0..0, told);
                SOME.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
    }
    Ok(())
}
