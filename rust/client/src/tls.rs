//! Encryption, by rustls with the one provider that the project uses.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

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

fn bad(what: &str, error: impl std::fmt::Display) -> Error {
    Error::Value(format!("tls: {what}: {error}"))
}

impl Tls {
    /// From PEM texts; `host` is the name expected in the certificate unless one is given.
    pub(crate) fn new(options: &TlsOptions, host: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        match &options.ca_certificate {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(pem) => {
                for certificate in certificates(pem, "the CA certificate")? {
                    roots.add(certificate).map_err(|error| bad("the CA certificate", error))?;
                }
            }
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| bad("the protocol", error))?
            .with_root_certificates(roots);
        let mut config = match &options.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate, "the client's certificate")?;
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                    .map_err(|error| bad("the client's key", error))?;
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
        let stream = self.connector.connect(self.name.clone(), stream).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(std::io::Error::other("the server does not offer HTTP/2"));
        }
        Ok(stream)
    }
}

fn certificates(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(what, error))?;
    if found.is_empty() { Err(bad(what, "there is none in the text")) } else { Ok(found) }
}
