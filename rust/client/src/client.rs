//! A connection to a gateway: who is there, and what it can.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tonic::Status;

use crate::config::ConnectOptions;
use crate::error::{Error, Result};
use crate::gateway::{self, Call, Dialect};
use crate::ledger::Ledgers;
use crate::transport::{self, Link};

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
    version: String,
    capabilities: Vec<String>,
    dialect: Arc<dyn Dialect>,
}

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

    async fn connect_unbounded(options: ConnectOptions) -> Result<Self> {
        let headers = transport::headers(&options)?;
        let address = transport::locate(&options, &headers).await?;
        let link = transport::open(&options, &address, headers).await?;
        let info = gateway::Info::default();
        let mut inner = Inner {
            options,
            address,
            link,
            ledgers: Arc::default(),
            version: String::new(),
            capabilities: Vec::new(),
            dialect: gateway::dialect(&info),
        };
        let Introduction { info, dialect } = inner.introduce().await?;
        (inner.version, inner.capabilities) = (info.version, info.capabilities);
        inner.dialect = dialect;
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
        &self.0.version
    }

    /// All capabilities of the gateway, by their names on the wire.
    pub fn capabilities(&self) -> &[String] {
        &self.0.capabilities
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

    /// [`Self::ask`]; `sent` is set as soon as anything may have left.
    pub(crate) async fn ask_noting<T>(
        &self,
        action: impl Fn() -> String,
        call: Call<T>,
        sent: &AtomicBool,
    ) -> Result<T> {
        self.0.ask(action, None, call, Some(sent)).await
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
        Ok(info.version == self.0.version && info.capabilities == self.0.capabilities)
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
        let link = tokio::time::timeout(options.timeout, self.0.link.sibling())
            .await
            .map_err(|_| lost(format!("no answer within {} s", options.timeout.as_secs_f64())))?
            .map_err(|error| transport::detection(address, &*error, options.tls.is_some()))?;
        Ok(self.over(link))
    }

    /// The same client over another link.
    fn over(&self, link: Link) -> Self {
        let Inner { options, address, ledgers, version, capabilities, dialect, .. } = &*self.0;
        Self(Arc::new(Inner {
            options: options.clone(),
            address: address.clone(),
            link,
            ledgers: Arc::clone(ledgers),
            version: version.clone(),
            capabilities: capabilities.clone(),
            dialect: Arc::clone(dialect),
        }))
    }
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
        let answer = match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(answer)) => answer,
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
        let info = self.ask(asked, None, gateway::info(), None).await;
        let mut info = info.map_err(|error| detection(error.to_string()))?;
        let dialect = gateway::dialect(&info);
        if info.version.is_empty() {
            let version = self.ask(asked, None, dialect.version(), None).await;
            info.version = version.map_err(|error| detection(error.to_string()))?;
        }
        if info.version.is_empty() {
            return Err(detection("it does not tell its version".to_owned()));
        }
        let asked = || format!("ask the gateway at {} for its health", self.address);
        let health = self.ask(asked, None, dialect.health(), None).await?;
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
