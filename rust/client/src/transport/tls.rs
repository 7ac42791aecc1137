//! Encryption, by rustls with the one provider that the project uses.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError,
    RootCertStore, SignatureScheme,
};

use crate::config::TlsOptions;
use crate::error::{Error, Result};

/// What a connection is encrypted with.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

/// webpki, but for a certificate that the user gave as it is: one made with `openssl req -x509` is its own
/// CA, which webpki takes for no server's.
#[derive(Debug)]
struct Given {
    chains: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

/// Whether a certificate was refused for being a CA's; its dates were looked at before that.
fn is_ca(error: &TlsError) -> bool {
    let TlsError::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        match self.chains.verify_server_cert(end, between, name, ocsp, now) {
            Err(error) if is_ca(&error) && self.given.iter().any(|given| given == end) => {
                verify_server_name(&ParsedCertificate::try_from(end)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// What to do about a certificate that is refused.
fn advice(error: &TlsError) -> Option<&'static str> {
    use CertificateError as C;
    match error {
        TlsError::InvalidCertificate(C::UnknownIssuer) => {
            Some("give the certificate that signed the server's as ca")
        }
        TlsError::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            Some(
                "give the name that it has as domain, or make it with the name: openssl req -addext subjectAltName=DNS:…,IP:… (a common name alone is not looked at)",
            )
        }
        TlsError::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => {
            Some("make a new one for the server")
        }
        TlsError::InvalidCertificate(C::BadSignature) => Some(
            "the certificate that signed the server's is another than the one given as ca, or its key is too short: RSA takes 2048 bits",
        ),
        TlsError::InvalidCertificate(C::Other(other))
            if matches!(other.0.downcast_ref(), Some(webpki::Error::UnsupportedCertVersion)) =>
        {
            Some(
                "it is an X.509 v1 certificate: make one of version 3, with openssl x509 -req -extfile …",
            )
        }
        TlsError::InvalidMessage(_) => {
            Some("it does not speak TLS there: is it another port, or without tls?")
        }
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure,
        ) => Some("it may ask for a certificate of the client: give certificate and key in tls"),
        error if is_ca(error) => Some(
            "the server's certificate is one of a CA (CA:TRUE) and not the one given as ca: give that very one, or make it with -addext basicConstraints=critical,CA:FALSE",
        ),
        _ => None,
    }
}

/// A failed handshake, with what to do about it.
fn explained(error: std::io::Error) -> std::io::Error {
    let found = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    match found.and_then(advice) {
        Some(advice) => std::io::Error::other(format!("{error}: {advice}")),
        None => error,
    }
}

fn bad(what: &str, error: impl std::fmt::Display) -> Error {
    Error::Value(format!("tls: {what}: {error}"))
}

impl Tls {
    /// From PEM texts; `host` is the name expected in the certificate unless one is given.
    pub(crate) fn new(options: &TlsOptions, host: &str) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| bad("the protocol", error))?;
        let mut roots = RootCertStore::empty();
        let builder = match &options.ca_certificate {
            None => {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                builder.with_root_certificates(roots)
            }
            Some(pem) => {
                let given = certificates(pem, "the CA certificate")?;
                for certificate in &given {
                    let added = roots.add(certificate.clone());
                    added.map_err(|error| bad("the CA certificate", error))?;
                }
                let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(|error| bad("the CA certificate", error))?;
                // It verifies all that webpki does, and what is said above.
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(Given { chains, given }))
            }
        };
        let mut config = match &options.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate, "the client's certificate")?;
                let key = private_key(key)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| bad("the client's certificate and key", error))?
            }
        };
        config.alpn_protocols.push(b"h2".to_vec());
        let name = options.domain.clone().unwrap_or_else(|| host.to_owned());
        let name = ServerName::try_from(name).map_err(|error| bad("the domain", error))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    pub(crate) async fn wrap(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = self.connector.connect(self.name.clone(), stream).await.map_err(explained)?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(std::io::Error::other("the server does not offer HTTP/2"));
        }
        Ok(stream)
    }
}

fn private_key(text: &str) -> Result<PrivateKeyDer<'static>> {
    let wrong = |what: &str| Err(bad("the client's key", what));
    // In the label of its block, or in the block's header of older files.
    if text.contains("ENCRYPTED") {
        return wrong(
            "it is encrypted, and nobody is asked for its passphrase: write it without, by openssl pkey -in key.pem -out plain.pem, readable for you only",
        );
    }
    match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
        Err(pem::Error::NoItemsFound) => wrong("there is none in the text"),
        key => key.map_err(|error| bad("the client's key", error)),
    }
}

fn certificates(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(what, error))?;
    if found.is_empty() { Err(bad(what, "there is none in the text")) } else { Ok(found) }
}
