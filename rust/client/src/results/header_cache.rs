//! What need not be asked for again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::types::{Ahead, Header, ResultState};

/// What is known of the results of one job.
#[derive(Debug, Default)]
pub(super) struct HeaderCache(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The items seen of each result, and their size: so many are there for certain.
    seen: HashMap<String, Seen>,
    /// The headers, in both forms, that were asked for after it was known that the results are done:
    /// they do not change any more.
    done: [HashMap<String, Header>; 2],
    /// How all results stand, once they are done.
    all: Option<ResultState>,
    /// What was fetched ahead, and until when it is what a fetch would give; `None` where it does not change.
    ahead: HashMap<String, (Option<Instant>, Ahead)>,
}

/// How long what was fetched ahead is what a fetch would give.
const FRESH: Duration = Duration::from_millis(50);

/// What is known of a result without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) count: u64,
    pub(super) item_size: usize,
}

impl HeaderCache {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The header of a result that is done.
    pub(super) fn header(&self, name: &str, flat: bool) -> Option<Header> {
        self.lock().done[usize::from(flat)].get(name).cloned()
    }

    /// How all results stand, once they are done.
    pub(super) fn state(&self) -> Option<ResultState> {
        self.lock().all
    }

    /// All results are done.
    pub(super) fn note_state(&self, state: ResultState) {
        self.lock().all = Some(state);
    }

    /// A header that was asked for; `over` when it was known before that the results are done.
    pub(super) fn note(&self, name: &str, flat: bool, header: &Header, over: bool) {
        let seen = Seen { count: header.count, item_size: header.item_size() };
        let mut known = self.lock();
        match known.seen.get_mut(name) {
            Some(before) => *before = seen,
            None => drop(known.seen.insert(name.to_owned(), seen)),
        }
        if over {
            known.done[usize::from(flat)].insert(name.to_owned(), header.clone());
        }
    }

    /// Something was fetched ahead; `last` when nothing will come behind it.
    pub(super) fn keep_ahead(&self, name: &str, ahead: Ahead, last: bool) {
        let until = (!last).then(|| Instant::now() + FRESH);
        self.lock().ahead.insert(name.to_owned(), (until, ahead));
    }

    /// What was fetched of a result ahead, unless it may be old; once.
    pub(super) fn take_ahead(&self, name: &str) -> Option<Ahead> {
        let (until, ahead) = self.lock().ahead.remove(name)?;
        until.is_none_or(|until| Instant::now() < until).then_some(ahead)
    }

    /// What is known of a result without asking.
    pub(super) fn seen(&self, name: &str) -> Option<Seen> {
        self.lock().seen.get(name).copied()
    }
}
