//! Doubts whether a connection still leads anywhere.
//!
//! A network that swallows what is sent tells nobody: the connection looks alive, and each call on it would take all
//! its time in vain. A call that is given up after some time without a byte from the peer leaves a doubt; a PING
//! settles it, before anything else is sent. Pings that nobody has a reason for are not sent: gateways close
//! connections for too many of them.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use h2::{Ping, PingPong};
use tokio::sync::watch;

/// A call that is given up sooner is no reason for a doubt.
const SILENCE: Duration = Duration::from_secs(1);
/// How long the answer to a PING may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// The doubts about one connection; clones are about the same.
#[derive(Clone, Debug)]
pub(super) struct Doubt(Arc<State>);

#[derive(Debug)]
struct State {
    raised: watch::Sender<bool>,
    /// Grows whenever something arrives.
    heard: AtomicU64,
}

impl Doubt {
    pub(super) fn none() -> Self {
        let raised = watch::Sender::new(false);
        Self(Arc::new(State { raised, heard: AtomicU64::new(0) }))
    }

    /// Something arrived.
    pub(super) fn hear(&self) {
        self.0.heard.fetch_add(1, Ordering::Relaxed);
    }

    fn heard(&self) -> u64 {
        self.0.heard.load(Ordering::Relaxed)
    }

    /// A wait for the peer. Given up after a while in which nothing arrived, it raises a doubt.
    pub(super) async fn unless_heard<T>(&self, wait: impl Future<Output = T>) -> T {
        let mut unheard =
            Unheard { doubt: self, began: Instant::now(), heard: self.heard(), over: false };
        let outcome = wait.await;
        unheard.over = true;
        outcome
    }

    /// Waits until no doubt is left, or the connection is over.
    pub(super) async fn settled(&self) {
        if *self.0.raised.borrow() {
            let _ = self.0.raised.subscribe().wait_for(|raised| !raised).await;
        }
    }

    /// Settles doubts for as long as the peer answers.
    pub(super) async fn settle(&self, mut pings: PingPong) {
        let mut raised = self.0.raised.subscribe();
        while raised.wait_for(|raised| *raised).await.is_ok() {
            let heard = self.heard();
            // It fails where one is on its way still: its answer is as good.
            let _ = pings.send_ping(Ping::opaque());
            let pong = tokio::time::timeout(PATIENCE, poll_fn(|cx| pings.poll_pong(cx))).await;
            // Behind much that is on its way, the answer takes its time.
            if !matches!(pong, Ok(Ok(_))) && self.heard() == heard {
                return;
            }
            self.0.raised.send_replace(false);
        }
    }

    /// The connection is over: whoever waits finds that out.
    pub(super) fn end(&self) {
        self.0.raised.send_replace(false);
    }
}

struct Unheard<'a> {
    doubt: &'a Doubt,
    began: Instant,
    heard: u64,
    over: bool,
}

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        let silent = !self.over && self.doubt.heard() == self.heard;
        if silent && self.began.elapsed() >= SILENCE {
            self.doubt.0.raised.send_replace(true);
        }
    }
}
