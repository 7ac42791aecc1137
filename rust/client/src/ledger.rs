//! What became of the pushes of closed loops, and which items come next.
//!
//! Kept by the client and not by the loop: a loop that is made anew over the same input streams goes on
//! where the one before it stood, whatever is still on its way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::LoopStream;

/// The ledgers of a client's loops: by job and input streams.
#[derive(Debug, Default)]
pub(crate) struct Ledgers(Mutex<HashMap<(String, Vec<String>), Kept>>);

type Kept = Arc<Mutex<Ledger>>;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledgers {
    /// The ledger of all loops of a job over these input streams.
    pub(crate) fn of(&self, job: &str, mut streams: Vec<String>) -> Kept {
        streams.sort_unstable();
        let mut kept = lock(&self.0);
        // Of those that no loop uses, only what is not settled matters.
        kept.retain(|_, ledger| Arc::strong_count(ledger) > 1 || !lock(ledger).is_settled());
        let ledger = kept.entry((job.to_owned(), streams.clone()));
        Arc::clone(ledger.or_insert_with(|| Arc::new(Mutex::new(Ledger::new(streams)))))
    }
}

/// Pushes to an input stream that are not answered yet.
#[derive(Debug)]
struct Account {
    stream: String,
    /// Those that were acknowledged.
    owed: u64,
    /// Those of which nobody knows whether they were taken.
    doubt: u64,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    accounts: Vec<Account>,
    /// By result, the item that comes next.
    next: Vec<(String, u64)>,
    /// Pushes that were taken for lost, whose answers may come all the same.
    late: u64,
    /// Whether a step is under way.
    busy: bool,
}

/// A step of one of the loops over the same input streams.
pub(crate) struct Turn<'a>(&'a Mutex<Ledger>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(self.0).busy = false;
    }
}

/// Begins a step, unless one is under way.
pub(crate) fn turn(ledger: &Mutex<Ledger>) -> Option<Turn<'_>> {
    let mut ledger_now = lock(ledger);
    if ledger_now.busy {
        return None;
    }
    ledger_now.busy = true;
    Some(Turn(ledger))
}

impl Ledger {
    fn new(streams: Vec<String>) -> Self {
        let accounts = streams.into_iter().map(|stream| Account { stream, owed: 0, doubt: 0 });
        Self { accounts: accounts.collect(), next: Vec::new(), late: 0, busy: false }
    }

    fn is_settled(&self) -> bool {
        self.late == 0 && self.accounts.iter().all(|a| (a.owed, a.doubt) == (0, 0))
    }

    fn account(&mut self, stream: &str) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.stream == stream)
    }

    /// Counted before an entry is sent: a call that is dropped leaves it behind.
    pub(crate) fn sending(&mut self, stream: &str) {
        if let Some(account) = self.account(stream) {
            account.doubt += 1;
        }
    }

    /// An entry was acknowledged, or surely not taken.
    pub(crate) fn known(&mut self, stream: &str, taken: bool) {
        if let Some(account) = self.account(stream) {
            account.doubt = account.doubt.saturating_sub(1);
            account.owed += u64::from(taken);
        }
    }

    /// The item of a result that comes next.
    pub(crate) fn next(&self, result: &str) -> u64 {
        self.next.iter().find(|(name, _)| name == result).map_or(0, |(_, next)| *next)
    }

    /// The results that a loop over `names` asks for when it begins.
    pub(crate) fn asked(&self, names: &[String]) -> Vec<String> {
        let known = self.next.iter().map(|(name, _)| name);
        names.iter().chain(known.filter(|known| !names.contains(known))).cloned().collect()
    }

    /// A loop begins; `counts` are the items that there are now, also of the results that loops before it
    /// had. What is owed to those stays owed, less what has come.
    pub(crate) fn begin(&mut self, counts: &[(String, u64)]) {
        let come = |(name, next): &(String, u64)| {
            let count = counts.iter().find(|(counted, _)| counted == name);
            count.map_or(0, |(_, count)| count.saturating_sub(*next))
        };
        let come = self.next.iter().map(come).min().unwrap_or(0);
        let before = self.late + self.accounts.iter().map(|a| a.owed + a.doubt).max().unwrap_or(0);
        self.late = self.late.saturating_sub(come.saturating_sub(before - self.late));
        for account in &mut self.accounts {
            account.answered(come);
        }
        let counts = counts.iter().cloned();
        if self.is_settled() {
            self.next = counts.collect();
        } else {
            let kept: Vec<_> =
                self.next.iter().map(|(name, next)| (name.clone(), next + come)).collect();
            let new = counts.filter(|(name, _)| !kept.iter().any(|(known, _)| known == name));
            self.next = kept.iter().cloned().chain(new).collect();
        }
    }

    /// So many answers were taken or left out.
    pub(crate) fn answered(&mut self, steps: u64) {
        self.next.iter_mut().for_each(|(_, next)| *next += steps);
        self.accounts.iter_mut().for_each(|account| account.answered(steps));
    }

    /// So many answers are there.
    pub(crate) fn prove(&mut self, answers: u64) {
        for account in &mut self.accounts {
            let proven = answers.saturating_sub(account.owed).min(account.doubt);
            account.doubt -= proven;
            account.owed += proven;
        }
    }

    /// The answers that came of pushes that were taken for lost, when so many are there; they are left out.
    pub(crate) fn come_late(&mut self, there: u64) -> u64 {
        let owed = self.accounts.iter().map(|account| account.owed).max().unwrap_or(0);
        let come = there.saturating_sub(owed).min(self.late);
        self.late -= come;
        self.next.iter_mut().for_each(|(_, next)| *next += come);
        come
    }

    pub(crate) fn late(&self) -> u64 {
        self.late
    }

    /// Whether it is known whose answer comes next.
    pub(crate) fn is_in_step(&self) -> bool {
        self.in_doubt() == 0 && self.is_even(0)
    }

    /// Whether all streams are owed the same once so many answers are left out.
    pub(crate) fn is_even(&self, steps: u64) -> bool {
        let left = |account: &Account| account.owed.saturating_sub(steps);
        let first = self.accounts.first().map_or(0, left);
        self.accounts.iter().all(|account| left(account) == first)
    }

    /// Pushes that are acknowledged and not answered: the fewest of all streams.
    pub(crate) fn owed(&self) -> u64 {
        self.accounts.iter().map(|account| account.owed).min().unwrap_or(0)
    }

    /// Pushes of which it is not known whether they were taken: the most of all streams.
    pub(crate) fn in_doubt(&self) -> u64 {
        self.accounts.iter().map(|account| account.doubt).max().unwrap_or(0)
    }

    /// Answers that may come: the most of all streams.
    pub(crate) fn expected(&self) -> u64 {
        self.accounts.iter().map(|account| account.owed + account.doubt).max().unwrap_or(0)
    }

    /// What nobody knows of is taken for lost, and what is owed is not waited for.
    pub(crate) fn give_up(&mut self) {
        self.late += self.in_doubt();
        for account in &mut self.accounts {
            (account.owed, account.doubt) = (0, 0);
        }
    }

    pub(crate) fn streams(&self) -> Vec<LoopStream> {
        let stream = |account: &Account| LoopStream {
            name: account.stream.clone(),
            owed: account.owed,
            in_doubt: account.doubt,
        };
        self.accounts.iter().map(stream).collect()
    }
}

impl Account {
    /// So many answers were taken or left out: an answer proves its entry.
    fn answered(&mut self, steps: u64) {
        let proven = steps.saturating_sub(self.owed);
        self.owed = self.owed.saturating_sub(steps);
        self.doubt = self.doubt.saturating_sub(proven);
    }
}
