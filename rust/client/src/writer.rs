//! Entries sent in the background: bounded, in their order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::{Error, Result};
use crate::input_stream::{Entry, InputStream};
use crate::wait::Timeout;

/// Takes entries of an input stream and sends them in the background, one request at a time.
///
/// After a failure nothing more is sent: nobody knows whether the entry that failed was taken, and
/// the order must hold. Every later call gets the failure.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    stream: InputStream,
    most: usize,
    state: Mutex<Pending>,
    /// There is something to send, or nothing more will come.
    filled: Notify,
    /// An entry was acknowledged, or one failed.
    moved: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    waiting: VecDeque<Entry>,
    /// Whether an entry is on its way.
    sending: bool,
    /// Whether the sender sleeps until it is told.
    asleep: bool,
    closed: bool,
    acknowledged: u64,
    failure: Option<Error>,
}

impl Pending {
    fn pending(&self) -> usize {
        self.waiting.len() + usize::from(self.sending)
    }

    fn check(&self) -> Result<()> {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many entries are acknowledged, once none is pending.
    fn flushed(&self) -> Result<Option<u64>> {
        let state = self.lock();
        state.check()?;
        Ok((state.pending() == 0).then_some(state.acknowledged))
    }

    /// The next entry to send; `None` when no more come.
    async fn next(&self) -> Option<Entry> {
        loop {
            {
                let mut state = self.lock();
                if let Some(entry) = state.waiting.pop_front() {
                    state.sending = true;
                    return Some(entry);
                }
                if state.closed {
                    return None;
                }
                state.asleep = true;
            }
            self.filled.notified().await;
        }
    }

    fn wake(&self, mut state: MutexGuard<'_, Pending>) {
        if std::mem::take(&mut state.asleep) {
            drop(state);
            self.filled.notify_one();
        }
    }
}

/// What sends the entries: when it ends before its time, with a runtime for example, nobody must wait
/// for it.
struct Sender(Arc<Shared>);

impl Drop for Sender {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if state.failure.is_none() && state.pending() > 0 {
            let (name, job) = (self.0.stream.name(), self.0.stream.job().id());
            state.failure = Some(Error::Connection {
                action: format!("push to the input stream '{name}' of the job '{job}'"),
                reason: if state.sending {
                    "the writer was ended before its entries were sent; one on its way may have been taken"
                } else {
                    "the writer was ended before its entries were sent"
                }
                .to_owned(),
                status: "CANCELLED",
            });
        }
        state.closed = true;
        state.sending = false;
        state.waiting.clear();
        drop(state);
        self.0.moved.notify_waiters();
    }
}

impl Writer {
    /// A writer that holds at most `most` entries (not 0), and what sends them: to be spawned where
    /// it is driven while the writer's owner does something else.
    pub fn new(stream: InputStream, most: usize) -> (Self, impl Future<Output = ()> + Send) {
        let shared = Arc::new(Shared {
            stream,
            most,
            state: Mutex::default(),
            filled: Notify::new(),
            moved: Notify::new(),
        });
        let sender = Sender(Arc::clone(&shared));
        let send = async move {
            let Sender(sender) = &sender;
            while let Some(entry) = sender.next().await {
                let outcome = sender.stream.send(entry).await;
                let mut state = sender.lock();
                state.sending = false;
                match outcome {
                    Ok(()) => state.acknowledged += 1,
                    Err(error) => {
                        state.failure = Some(error);
                        state.waiting.clear();
                        state.closed = true;
                    }
                }
                drop(state);
                sender.moved.notify_waiters();
            }
        };
        (Self { shared }, send)
    }

    /// The stream that entries go to; makes them.
    pub fn stream(&self) -> &InputStream {
        &self.shared.stream
    }

    /// Entries that the gateway took.
    pub fn acknowledged(&self) -> u64 {
        self.shared.lock().acknowledged
    }

    /// Entries on their way or waiting.
    pub fn pending(&self) -> usize {
        self.shared.lock().pending()
    }

    /// Takes an entry; gives it back when there is no room.
    ///
    /// # Errors
    /// The failure of an earlier entry; [`Error::Value`] after [`Self::close`].
    pub fn try_push(&self, entry: Entry) -> Result<Option<Entry>> {
        let mut state = self.shared.lock();
        state.check()?;
        if state.closed {
            let (name, job) = (self.stream().name(), self.stream().job().id());
            return Err(Error::Value(format!(
                "push to the input stream '{name}' of the job '{job}': the writer was closed"
            )));
        }
        if state.pending() >= self.shared.most {
            return Ok(Some(entry));
        }
        state.waiting.push_back(entry);
        self.shared.wake(state);
        Ok(None)
    }

    /// Takes an entry, when there is room.
    ///
    /// # Errors
    /// Those of [`Self::try_push`].
    pub async fn push(&self, entry: Entry) -> Result<()> {
        let mut entry = entry;
        loop {
            let moved = self.shared.moved.notified();
            match self.try_push(entry)? {
                None => return Ok(()),
                Some(back) => entry = back,
            }
            moved.await;
        }
    }

    /// Waits until everything that was pushed is acknowledged; gives how many entries are.
    ///
    /// # Errors
    /// The failure of an entry; [`Error::WaitTimeout`], after which the writer goes on.
    pub async fn flush(&self, timeout: Timeout) -> Result<u64> {
        let empty = async {
            loop {
                let moved = self.shared.moved.notified();
                if let Some(acknowledged) = self.shared.flushed()? {
                    return Ok(acknowledged);
                }
                moved.await;
            }
        };
        let timeout = timeout.duration();
        tokio::time::timeout(timeout, empty).await.unwrap_or_else(|_| {
            let (name, job) = (self.stream().name(), self.stream().job().id());
            let pending = self.pending();
            let action = format!(
                "flush the input stream '{name}' of the job '{job}', {pending} entries pending"
            );
            Err(Error::WaitTimeout { action, timeout, silence: None })
        })
    }

    /// Takes no more entries, and waits as [`Self::flush`] does.
    ///
    /// # Errors
    /// Those of [`Self::flush`]; also after a timeout what is pending is still sent.
    pub async fn close(&self, timeout: Timeout) -> Result<u64> {
        self.end();
        self.flush(timeout).await
    }

    /// Drops the entries that are not on their way; gives how many.
    pub fn discard(&self) -> usize {
        let mut state = self.shared.lock();
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.shared.moved.notify_waiters();
        waiting.len()
    }

    fn end(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        self.shared.wake(state);
    }
}

impl Drop for Writer {
    /// What was taken is still sent.
    fn drop(&mut self) {
        self.end();
    }
}
