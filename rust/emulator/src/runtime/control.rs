//! What reaches a running job from outside: halt, resume, entries of its input streams.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pulsewire_common::fixed::fits;

use crate::lock::lock;
use crate::qua::ir::Input;
use crate::qua::value::{Kind, fixed_from_f64};

/// The job was halted: its thread unwinds to the end of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Halted;

/// Why an entry was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PushError {
    /// The program declares no such input stream.
    #[error("the program declares no input stream '{name}'; it has: {known}")]
    Unknown { name: String, known: String },
    /// The entry does not fit the declaration.
    #[error("{0}")]
    Mismatch(String),
    /// Too much waits already.
    #[error(
        "more than {0} bytes wait in the input streams of the job; let the program take some first"
    )]
    Full(usize),
}

/// The values of one entry, as they arrive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum InputEntry {
    Ints(Vec<i32>),
    Fixed(Vec<f64>),
    Bools(Vec<bool>),
}

#[derive(Debug, Default)]
struct ControlState {
    paused: bool,
    queues: Vec<VecDeque<Vec<i32>>>,
    waiting_bytes: usize,
}

/// One job's controls.
#[derive(Debug)]
pub(crate) struct Control {
    halted: AtomicBool,
    inputs: Vec<Input>,
    most_bytes: usize,
    state: Mutex<ControlState>,
    changed: Condvar,
}

impl Control {
    /// The controls of a job that declares these inputs.
    pub(crate) fn new(inputs: Vec<Input>, most_bytes: usize) -> Self {
        let queues = vec![VecDeque::new(); inputs.len()];
        let state = Mutex::new(ControlState { queues, ..ControlState::default() });
        Self { halted: AtomicBool::new(false), inputs, most_bytes, state, changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, ControlState> {
        lock(&self.state)
    }

    /// Whether the job was halted.
    #[inline]
    pub(crate) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Relaxed)
    }

    /// Stops the job wherever it is.
    pub(crate) fn halt(&self) {
        // Under the lock, so that a thread about to sleep does not miss it.
        let _state = self.lock();
        self.halted.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Whether the program is at a `pause()`.
    pub(crate) fn is_paused(&self) -> bool {
        self.lock().paused && !self.is_halted()
    }

    /// Drops the entries that nobody will take any more.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        state.queues.iter_mut().for_each(VecDeque::clear);
        state.waiting_bytes = 0;
    }

    /// Lets a paused program go on; without effect on one that is not paused.
    pub(crate) fn resume(&self) {
        self.lock().paused = false;
        self.changed.notify_all();
    }

    /// Appends an entry to an input stream.
    ///
    /// # Errors
    /// [`PushError`]; nothing is taken then.
    pub(crate) fn push(&self, stream: &str, entry: InputEntry) -> Result<(), PushError> {
        let index = self.inputs.iter().position(|input| input.name == stream);
        let index = index.ok_or_else(|| self.unknown(stream))?;
        let cells = cells_of(&self.inputs[index], entry)?;
        let bytes = cells.len() * size_of::<i32>() + size_of::<Vec<i32>>();
        let mut state = self.lock();
        if state.waiting_bytes.saturating_add(bytes) > self.most_bytes {
            return Err(PushError::Full(self.most_bytes));
        }
        state.waiting_bytes += bytes;
        state.queues[index].push_back(cells);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    fn unknown(&self, stream: &str) -> PushError {
        let known: Vec<_> =
            self.inputs.iter().take(MOST_NAMED).map(|input| user_name(&input.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        PushError::Unknown { name: user_name(stream).to_owned(), known }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, ControlState>) -> MutexGuard<'a, ControlState> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by the program: waits for the next entry of an input and writes it to `target`.
    ///
    /// # Errors
    /// [`Halted`] when the job is halted first.
    pub(crate) fn advance(&self, input: usize, target: &mut [i32]) -> Result<(), Halted> {
        let mut state = self.lock();
        loop {
            if self.is_halted() {
                return Err(Halted);
            }
            if let Some(entry) = state.queues[input].pop_front() {
                state.waiting_bytes -= entry.len() * size_of::<i32>() + size_of::<Vec<i32>>();
                target.copy_from_slice(&entry);
                return Ok(());
            }
            state = self.wait(state);
        }
    }

    /// Called by the program: stands still until [`Self::resume`].
    ///
    /// # Errors
    /// [`Halted`] when the job is halted first.
    pub(crate) fn pause(&self) -> Result<(), Halted> {
        let mut state = self.lock();
        state.paused = true;
        while state.paused {
            if self.is_halted() {
                return Err(Halted);
            }
            state = self.wait(state);
        }
        Ok(())
    }

    /// Called by the program: sleeps until `deadline`.
    ///
    /// # Errors
    /// [`Halted`] when the job is halted first.
    pub(crate) fn sleep_until(&self, deadline: Instant) -> Result<(), Halted> {
        let mut state = self.lock();
        loop {
            if self.is_halted() {
                return Err(Halted);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Input streams that a message names.
const MOST_NAMED: usize = 20;

/// The name of an input stream as the user wrote it.
fn user_name(name: &str) -> &str {
    name.strip_prefix("input_stream_").unwrap_or(name)
}

fn cells_of(input: &Input, entry: InputEntry) -> Result<Vec<i32>, PushError> {
    let user_name = user_name(&input.name);
    let (len, got) = match &entry {
        InputEntry::Ints(values) => (values.len(), "int"),
        InputEntry::Fixed(values) => (values.len(), "fixed"),
        InputEntry::Bools(values) => (values.len(), "bool"),
    };
    if len != input.len {
        return Err(PushError::Mismatch(format!(
            "the input stream '{user_name}' takes {} values an entry, not {len}",
            input.len
        )));
    }
    match (entry, input.kind) {
        (InputEntry::Ints(values), Kind::Int) => Ok(values),
        (InputEntry::Bools(values), Kind::Bool) => Ok(values.into_iter().map(i32::from).collect()),
        (InputEntry::Fixed(values), Kind::Fixed) => {
            values.into_iter().map(|v| fixed(v, user_name)).collect()
        }
        // Python ints given to a fixed stream.
        (InputEntry::Ints(values), Kind::Fixed) => {
            values.into_iter().map(|v| fixed(f64::from(v), user_name)).collect()
        }
        (InputEntry::Fixed(_), Kind::Int) => Err(PushError::Mismatch(format!(
            "the input stream '{user_name}' takes ints, and floats were given: write 16, not 16.0 (int, not fixed)"
        ))),
        (_, kind) => Err(PushError::Mismatch(format!(
            "the input stream '{user_name}' takes {}, not {got}",
            kind.name()
        ))),
    }
}

fn fixed(value: f64, name: &str) -> Result<i32, PushError> {
    match fixed_from_f64(value) {
        Some(cell) if fits(value) => Ok(cell),
        _ => Err(PushError::Mismatch(format!(
            "{value} does not fit the fixed input stream '{name}': [-8, 8)"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control() -> Control {
        let input =
            |name: &str, kind, len| Input { name: format!("input_stream_{name}"), kind, len };
        let inputs =
            vec![input("a", Kind::Int, 2), input("x", Kind::Fixed, 1), input("b", Kind::Bool, 1)];
        Control::new(inputs, 100)
    }

    #[test]
    fn entries_are_checked_before_anything_is_taken() {
        let control = control();
        let push = |name: &str, entry| control.push(&format!("input_stream_{name}"), entry);
        assert_eq!(
            push("z", InputEntry::Ints(vec![1])),
            Err(PushError::Unknown { name: "z".into(), known: "a, x, b".into() })
        );
        for (name, entry) in [
            ("a", InputEntry::Ints(vec![1])),
            ("a", InputEntry::Fixed(vec![1.0, 2.0])),
            ("a", InputEntry::Bools(vec![])),
            ("x", InputEntry::Fixed(vec![8.0])),
            ("x", InputEntry::Fixed(vec![f64::NAN])),
            ("x", InputEntry::Ints(vec![9])),
            ("b", InputEntry::Ints(vec![1])),
        ] {
            assert!(
                matches!(push(name, entry.clone()), Err(PushError::Mismatch(_))),
                "{name} {entry:?}"
            );
        }
        assert_eq!(push("a", InputEntry::Ints(vec![1, 2])), Ok(()));
        assert_eq!(push("x", InputEntry::Ints(vec![-8])), Ok(()));
        assert_eq!(push("a", InputEntry::Ints(vec![3, 4])), Ok(()));
        assert_eq!(push("a", InputEntry::Ints(vec![5, 6])), Err(PushError::Full(100)));
        let mut target = [0; 2];
        control.advance(0, &mut target).unwrap();
        assert_eq!(target, [1, 2]);
        control.advance(1, &mut target[..1]).unwrap();
        assert_eq!(target[0], i32::MIN);
        assert_eq!(push("a", InputEntry::Ints(vec![5, 6])), Ok(()));
    }

    #[test]
    fn a_halt_reaches_every_wait() {
        for wait in [
            (|c: &Control| c.advance(0, &mut [0; 2])) as fn(&Control) -> Result<(), Halted>,
            Control::pause,
            |c| c.sleep_until(Instant::now() + std::time::Duration::from_secs(60)),
        ] {
            let control = control();
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| wait(&control));
                std::thread::sleep(std::time::Duration::from_millis(5));
                control.halt();
                assert_eq!(thread.join().unwrap(), Err(Halted));
            });
        }
    }
}
