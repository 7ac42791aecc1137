//! How to reach a gateway, and the defaults.

use std::time::Duration;

/// The largest message taken or sent, as in the vendor's client (docs/protocol.md, "Connection").
pub const MESSAGE_BYTES: usize = 100 << 20;

/// Options of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectOptions {
    /// Host name or address of the gateway.
    pub host: String,
    /// Its port; 80 unless told otherwise.
    pub port: u16,
    /// The cluster meant, where a router serves several; `None` for any.
    pub cluster_name: Option<String>,
    /// What a call may take, in all; 120 s unless told otherwise.
    pub timeout: Duration,
    /// A user token, sent as `authorization: Bearer …`.
    pub token: Option<String>,
    /// Further headers of every call.
    pub headers: Vec<(String, String)>,
    /// Encryption; none unless told otherwise.
    pub tls: Option<TlsOptions>,
    /// Whether a cluster may send the client elsewhere (HTTP 302).
    pub follow_redirects: bool,
    /// Whether the gateway handles what one connection asks in the order in which it was sent: requests that
    /// depend on each other are sent ahead then. `None`: where it is known to, which is the emulator.
    pub in_order: Option<bool>,
    /// After how long a silence the system asks whether the peer is there still; after two of them the connection
    /// is given up. 30 s unless told otherwise, `None` for never.
    pub keepalive: Option<Duration>,
}

/// Files for an encrypted connection, in PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Certificates to trust; `None` for the public ones.
    pub ca_certificate: Option<String>,
    /// The client's own certificate and key.
    pub identity: Option<(String, String)>,
    /// The name expected in the server's certificate; `None` for the host.
    pub domain: Option<String>,
}

impl ConnectOptions {
    /// The defaults, for one gateway.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            cluster_name: None,
            timeout: Duration::from_secs(120),
            token: None,
            headers: Vec::new(),
            tls: None,
            follow_redirects: true,
            in_order: None,
            keepalive: Some(Duration::from_secs(30)),
        }
    }
}
