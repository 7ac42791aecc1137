//! A connection to a gateway: who is there, and what it can.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use tokio::task::JoinHandle;
use tonic::Status;

use crate::clock::Clock;
use crate::config::ConnectOptions;
use crate::error::{Error, Result};
use crate::gateway::{self, Call, Dialect, Read};
use crate::ledger::{Ledgers, lock};
use crate::retry::{Outage, Tries};
use crate::round_trip::{FAR, NEXT_DOOR, RoundTrip};
use crate::transport::{self, Answer, Link};
use crate::types::JobAhead;
use crate::wait::FOREVER;

/// A connected client; clones share the connection.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: ConnectOptions,
    address: String,
    link: Link,
    /// What became of the pushes of closed loops.
    ledgers: Arc<Ledgers>,
    round_trip: Arc<RoundTrip>,
    outage: Arc<Outage>,
    clock: Arc<Clock>,
    /// What was asked of the last job before anybody wanted it.
    ahead: Arc<Mutex<Option<(String, Asked)>>>,
    info: gateway::Info,
    dialect: Arc<dyn Dialect>,
}

/// Under way; what comes of it, if all goes well.
type Asked = JoinHandle<Option<JobAhead>>;

impl Client {
    /// Connects: redirection, capabilities, health.
    ///
    /// # Errors
    /// [`Error::Detection`] when no gateway is there, [`Error::Location`] when a cluster sends the client to
    /// something that is no address, [`Error::HealthCheck`] when the gateway says that it is not well,
    /// [`Error::Value`] for headers or certificates that cannot be.
    pub async fn connect(options: ConnectOptions) -> Result<Self> {
        let (timeout, address) =
            (options.timeout, transport::address_of(&options.host, options.port));
        tokio::time::timeout(timeout, Self::connect_unbounded(options)).await.unwrap_or_else(|_| {
            let reason = format!("no answer within {} s", timeout.as_secs_f64());
            Err(Error::Detection { address, reason })
        })
    }

    /// Asks the address whether it sends elsewhere, and who is there, in one flight: where it is the gateway
    /// itself, nothing is asked in vain.
    async fn connect_unbounded(options: ConnectOptions) -> Result<Self> {
        let headers = transport::headers(&options)?;
        let address = transport::address_of(&options.host, options.port);
        let met = std::pin::pin!(Self::meet(options.clone(), address, headers.clone()));
        let elsewhere = std::pin::pin!(transport::elsewhere(&options, &headers));
        // What the router says goes first, also of what is wrong.
        let (elsewhere, met) = match select(elsewhere, met).await {
            Either::Left((elsewhere, met)) => (elsewhere?, Either::Left(met)),
            Either::Right((met, elsewhere)) => (elsewhere.await?, Either::Right(met)),
        };
        match (elsewhere, met) {
            (Some(address), _) => Self::meet(options.clone(), address, headers.clone()).await,
            (None, Either::Left(met)) => met.await,
            (None, Either::Right(met)) => met,
        }
    }

    /// Connects to an address, and asks who is there.
    async fn meet(
        options: ConnectOptions,
        address: String,
        headers: http::HeaderMap,
    ) -> Result<Self> {
        let link = transport::open(&options, &address, headers).await?;
        let mut inner = Inner {
            options,
            address,
            link,
            ledgers: Arc::default(),
            round_trip: Arc::default(),
            outage: Arc::default(),
            clock: Arc::default(),
            ahead: Arc::default(),
            info: gateway::Info::default(),
            dialect: gateway::dialect(&gateway::Info::default()),
        };
        let Introduction { info, dialect } = inner.introduce().await?;
        (inner.info, inner.dialect) = (info, dialect);
        Ok(Self(Arc::new(inner)))
    }

    /// How it was connected.
    pub fn options(&self) -> &ConnectOptions {
        &self.0.options
    }

    /// Where it is connected to, after redirection.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The gateway's version.
    pub fn version(&self) -> &str {
        &self.0.info.version
    }

    /// All capabilities of the gateway, by their names on the wire.
    pub fn capabilities(&self) -> &[String] {
        &self.0.info.capabilities
    }

    /// Whether the gateway handles what one connection asks in the order in which it was sent, as far as this is
    /// known.
    pub fn is_in_order(&self) -> bool {
        self.0.options.in_order.unwrap_or(self.0.info.in_order)
    }

    /// What an answer takes at least, as calls before show.
    pub(crate) fn round_trip(&self) -> Duration {
        self.0.round_trip.get()
    }

    /// Something is asked of a job before anybody wants it; what was asked of the one before is given up.
    pub(crate) fn keep_ahead(&self, job: &str, asked: Asked) {
        if let Some((_, before)) = lock(&self.0.ahead).replace((job.to_owned(), asked)) {
            before.abort();
        }
    }

    /// What was asked of a job before anybody wanted it; once.
    pub(crate) fn take_ahead(&self, job: &str) -> Option<Asked> {
        let mut ahead = lock(&self.0.ahead);
        ahead.take_if(|(of, _)| of == job).map(|(_, asked)| asked)
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whether the gateway is so far away that a request in vain costs less than one more round trip.
    pub(crate) fn is_far(&self) -> bool {
        self.round_trip() > FAR
    }

    /// Whether the gateway is so near that a clock takes longer to wake anybody up than it to answer.
    pub(crate) fn is_next_door(&self) -> bool {
        self.round_trip() < NEXT_DOOR
    }

    /// The language of the gateway.
    pub(crate) fn dialect(&self) -> &dyn Dialect {
        &*self.0.dialect
    }

    /// Makes a call within the connection's time.
    pub(crate) async fn ask<T>(&self, action: impl Fn() -> String, call: Call<T>) -> Result<T> {
        self.0.ask(action, None, call, None).await
    }

    /// [`Self::ask`] within a time of its own.
    pub(crate) async fn ask_within<T>(
        &self,
        action: impl Fn() -> String,
        timeout: Option<Duration>,
        call: Call<T>,
    ) -> Result<T> {
        self.0.ask(action, timeout, call, None).await
    }

    /// [`Self::ask`] of what only reads, within a time of its own: again, where nobody answers.
    pub(crate) async fn read<T>(
        &self,
        action: impl Fn() -> String,
        timeout: Option<Duration>,
        call: Call<T>,
    ) -> Result<T> {
        let timeout = timeout.unwrap_or(self.0.options.timeout);
        let (mut tries, began) = (Tries::default(), Instant::now());
        loop {
            let left = timeout.saturating_sub(began.elapsed());
            let error = match self.0.ask(&action, Some(left), call.clone(), None).await {
                // Of the whole call.
                Err(Error::Timeout { action, .. }) => Error::Timeout { action, timeout },
                Err(error) => error,
                answer => return answer,
            };
            let left = timeout.saturating_sub(began.elapsed());
            let Some(pause) = tries.pause(&error, left) else {
                return Err(error);
            };
            self.note_failure(&tries, &error);
            tokio::time::sleep(pause).await;
        }
    }

    /// Tells of a gateway that is away.
    pub(crate) fn note_failure(&self, tries: &Tries, error: &Error) {
        if let Some(since) = tries.away() {
            self.0.outage.begin(&self.0.address, since, error);
        }
    }

    /// [`Self::ask`]; `sent` is set as soon as anything may have left.
    pub(crate) async fn ask_noting<T>(
        &self,
        action: impl Fn() -> String,
        call: Call<T>,
        sent: &AtomicBool,
    ) -> Result<T> {
        self.0.ask(action, None, call, Some(sent)).await
    }

    /// Sends a call whose answer is awaited later: `behind` others that are under way, or on its own. It fails
    /// without being sent where those may be lost.
    pub(crate) async fn send<T>(
        &self,
        action: impl Fn() -> String,
        call: Call<T>,
        behind: Option<&UnderWay<T>>,
    ) -> Result<UnderWay<T>, Unanswered> {
        let sent = AtomicBool::new(false);
        let timeout = self.0.options.timeout;
        let deadline = tokio::time::Instant::now() + timeout.min(FOREVER);
        let behind = behind.map(|behind| behind.connection);
        let begun = self.link().send(call.path, call.frame, &sent, behind);
        let (answer, connection) = match tokio::time::timeout_at(deadline, begun).await {
            Ok(Ok(begun)) => begun,
            Ok(Err(status)) => {
                let error = self.failure(action(), timeout, &status);
                return Err(Unanswered { error, sent: sent.into_inner() });
            }
            Err(_) => {
                let error = Error::Timeout { action: action(), timeout };
                return Err(Unanswered { error, sent: sent.into_inner() });
            }
        };
        Ok(UnderWay { answer, connection, read: call.read, deadline, timeout })
    }

    /// The answer to a call that was sent.
    pub(crate) async fn answer<T>(
        &self,
        action: impl Fn() -> String,
        call: UnderWay<T>,
    ) -> Result<T, Unanswered> {
        let sent = AtomicBool::new(true);
        let UnderWay { answer, read, deadline, timeout, .. } = call;
        let error = match tokio::time::timeout_at(deadline, answer.message(Some(&sent))).await {
            Ok(Ok(answer)) => match read(answer) {
                Ok(value) => return Ok(value),
                Err(gateway::Unreadable(reason)) => {
                    Error::Connection { action: action(), reason, status: "INTERNAL" }
                }
            },
            Ok(Err(status)) => self.failure(action(), timeout, &status),
            Err(_) => Error::Timeout { action: action(), timeout },
        };
        Err(Unanswered { error, sent: sent.into_inner() })
    }

    /// What a status of a call on the link itself means.
    pub(crate) fn failure(&self, action: String, timeout: Duration, status: &Status) -> Error {
        self.0.failure(action, timeout, status)
    }

    pub(crate) fn link(&self) -> &Link {
        &self.0.link
    }

    pub(crate) fn ledgers(&self) -> &Ledgers {
        &self.0.ledgers
    }

    /// Asks the gateway anew who it is and how it is; false when it is another than the one that was
    /// connected to.
    ///
    /// # Errors
    /// [`Error::Detection`] when it cannot be reached (any more), [`Error::HealthCheck`] when it says that it
    /// is not well.
    pub async fn check(&self) -> Result<bool> {
        let Introduction { info, .. } = self.0.introduce().await?;
        Ok(info == self.0.info)
    }

    /// A client of the same connection that is closed by itself; what is known of jobs is known to both.
    #[must_use]
    pub fn share(&self) -> Self {
        self.over(self.0.link.share())
    }

    /// Later calls of this client and its clones fail. Once all that share the connection are closed it
    /// ends, when the calls under way are over.
    pub fn close(&self) {
        self.0.link.close();
    }

    /// A second connection to the same gateway, for what must not stand in the way of the first.
    ///
    /// # Errors
    /// [`Error::Detection`] when the gateway cannot be reached (any more).
    pub async fn sibling(&self) -> Result<Self> {
        let Inner { options, address, .. } = &*self.0;
        let lost = |reason: String| Error::Detection { address: address.clone(), reason };
        let link = tokio::time::timeout(options.timeout, self.0.link.sibling(self.round_trip()))
            .await
            .map_err(|_| lost(format!("no answer within {} s", options.timeout.as_secs_f64())))?
            .map_err(|error| transport::detection(address, &*error, options.tls.is_some()))?;
        Ok(self.over(link))
    }

    /// The same client over another link.
    fn over(&self, link: Link) -> Self {
        let Inner {
            options,
            address,
            ledgers,
            round_trip,
            outage,
            clock,
            ahead,
            info,
            dialect,
            ..
        } = &*self.0;
        Self(Arc::new(Inner {
            options: options.clone(),
            address: address.clone(),
            link,
            ledgers: Arc::clone(ledgers),
            round_trip: Arc::clone(round_trip),
            outage: Arc::clone(outage),
            clock: Arc::clone(clock),
            ahead: Arc::clone(ahead),
            info: info.clone(),
            dialect: Arc::clone(dialect),
        }))
    }
}

/// A call that was sent and is not answered yet.
#[derive(Debug)]
pub(crate) struct UnderWay<T> {
    answer: Answer,
    /// Which of the link's connections it is on.
    connection: u64,
    read: Read<T>,
    deadline: tokio::time::Instant,
    timeout: Duration,
}

/// A call that was not answered.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) error: Error,
    /// Whether it may have been taken all the same.
    pub(crate) sent: bool,
}

/// Who answers at an address.
struct Introduction {
    info: gateway::Info,
    dialect: Arc<dyn Dialect>,
}

impl Inner {
    /// What a status means, and where to look when nobody answered.
    fn failure(&self, action: String, timeout: Duration, status: &Status) -> Error {
        match transport::failure(action, timeout, status) {
            Error::Connection { action, reason, status: "UNAVAILABLE" } => Error::Connection {
                action,
                reason: format!("{reason}; the gateway at {}: is it started?", self.address),
                status: "UNAVAILABLE",
            },
            other => other,
        }
    }

    async fn ask<T>(
        &self,
        action: impl Fn() -> String,
        timeout: Option<Duration>,
        call: Call<T>,
        sent: Option<&AtomicBool>,
    ) -> Result<T> {
        let timeout = timeout.unwrap_or(self.options.timeout);
        let answer = self.link.unary(call.path, call.frame, sent);
        let began = Instant::now();
        let answer = match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(answer)) => {
                self.round_trip.note(began.elapsed());
                self.outage.end(&self.address);
                answer
            }
            Ok(Err(status)) => return Err(self.failure(action(), timeout, &status)),
            Err(_) => return Err(Error::Timeout { action: action(), timeout }),
        };
        (call.read)(answer).map_err(|gateway::Unreadable(reason)| Error::Connection {
            action: action(),
            reason,
            status: "INTERNAL",
        })
    }

    /// Asks who is there and how it is.
    async fn introduce(&self) -> Result<Introduction> {
        let asked = || format!("ask the gateway at {} for its version", self.address);
        let anonymous = self.options.tls.as_ref().is_some_and(|tls| tls.identity.is_none());
        let detection = |mut reason: String| {
            if anonymous && reason.contains("UNAVAILABLE") {
                // Of TLS 1.3 it is known only here, and by nothing else.
                reason.push_str(
                    "; if it asks for a certificate of the client, give certificate and key in tls",
                );
            }
            Error::Detection { address: self.address.clone(), reason }
        };
        let about_health = || format!("ask the gateway at {} for its health", self.address);
        let (info, health) = tokio::join!(biased;
            self.ask(asked, None, gateway::info(), None),
            self.ask(about_health, None, self.dialect.health(), None)
        );
        let mut info = info.map_err(|error| detection(error.to_string()))?;
        let dialect = gateway::dialect(&info);
        if info.version.is_empty() {
            let version = self.ask(asked, None, dialect.version(), None).await;
            info.version = version.map_err(|error| detection(error.to_string()))?;
        }
        if info.version.is_empty() {
            return Err(detection("it does not tell its version".to_owned()));
        }
        let health = health?;
        for warning in &health.warnings {
            tracing::warn!("the gateway at {}: {warning}", self.address);
        }
        if !health.ok {
            let messages = health.messages.into_iter().chain(health.errors).collect();
            return Err(Error::HealthCheck { address: self.address.clone(), messages });
        }
        for message in &health.messages {
            tracing::info!("the gateway at {}: {message}", self.address);
        }
        Ok(Introduction { info, dialect })
    }
}
