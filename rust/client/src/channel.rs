//! From options to a channel: the redirection probe, windows, encryption, headers.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use crate::config::ConnectOptions;
use crate::error::{Error, Result};

/// What the receiving side offers; it bounds how far the gateway runs ahead of the reader.
const STREAM_WINDOW: u32 = 16 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Puts the headers that gateways route on onto every call (F1.5).
#[derive(Clone, Debug)]
pub(crate) struct Headers(MetadataMap);

impl Headers {
    pub(crate) fn new(options: &ConnectOptions) -> Result<Self> {
        let mut map = MetadataMap::new();
        let mut put = |key: &str, value: &str| -> Result<()> {
            let bad = |what: &str| Error::Value(format!("the header '{key}' is not valid {what}"));
            let name: MetadataKey<Ascii> =
                key.to_lowercase().parse().map_err(|_| bad("as a name"))?;
            let value: MetadataValue<Ascii> = value.parse().map_err(|_| bad("in its value"))?;
            map.insert(name, value);
            Ok(())
        };
        put("x-grpc-service", "gateway")?;
        match options.cluster_name.as_deref() {
            None | Some("any") => {
                put("cluster_name", "any")?;
                put("any_cluster", "true")?;
            }
            Some(name) => put("cluster_name", name)?,
        }
        if let Some(token) = &options.token {
            put("authorization", &format!("Bearer {token}"))?;
        }
        for (key, value) in &options.headers {
            put(key, value)?;
        }
        Ok(Self(map))
    }
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for entry in self.0.iter() {
            if let tonic::metadata::KeyAndValueRef::Ascii(key, value) = entry {
                request.metadata_mut().insert(key, value.clone());
            }
        }
        Ok(request)
    }
}

pub(crate) fn address_of(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The outer errors of the transport say little; the last of the chain says what happened.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn detection(address: &str, error: &dyn std::error::Error) -> Error {
    Error::Detection { address: address.to_owned(), reason: root_cause(error) }
}

/// Asks where the gateway really is: a router in front of a cluster answers with 302 (F1.4).
///
/// The probe is plaintext by nature, so that there is none with TLS.
pub(crate) async fn locate(options: &ConnectOptions, headers: &Headers) -> Result<String> {
    let address = address_of(&options.host, options.port);
    if !options.follow_redirects || options.tls.is_some() {
        return Ok(address);
    }
    let response = probe(&address, headers).await?;
    match response.status().as_u16() {
        302 => {
            let location = response.headers().get("location");
            let location = location.and_then(|value| value.to_str().ok()).unwrap_or_default();
            parse_location(location)
                .ok_or_else(|| Error::Location { address, location: location.to_owned() })
        }
        400 => Err(Error::Detection { address, reason: "the router refuses the request".into() }),
        _ => Ok(address),
    }
}

async fn probe(address: &str, headers: &Headers) -> Result<http::Response<hyper::body::Incoming>> {
    let stream = TcpStream::connect(address).await.map_err(|error| detection(address, &error))?;
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .map_err(|error| detection(address, &error))?;
    let driver = tokio::spawn(connection);
    let mut request = http::Request::post(format!("http://{address}/"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Empty::<Bytes>::new())
        .map_err(|error| detection(address, &error))?;
    request.headers_mut().extend(headers.0.clone().into_headers());
    let response = sender.send_request(request).await.map_err(|error| detection(address, &error));
    driver.abort();
    response
}

/// `host:port`, with a path behind it or not, and no scheme.
fn parse_location(location: &str) -> Option<String> {
    let authority = location.split('/').next()?;
    let (host, port) = authority.rsplit_once(':')?;
    let valid = !host.is_empty() && port.parse::<u16>().is_ok();
    valid.then(|| authority.to_owned())
}

/// A connected channel.
pub(crate) async fn open(options: &ConnectOptions, address: &str) -> Result<Channel> {
    let fail = |error: tonic::transport::Error| detection(address, &error);
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .map_err(fail)?
        .user_agent(concat!("pulsewire/", env!("CARGO_PKG_VERSION")))
        .map_err(fail)?
        .tcp_nodelay(true)
        .tcp_keepalive(Some(KEEPALIVE))
        .connect_timeout(options.timeout)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    if let Some(tls) = &options.tls {
        let mut config = ClientTlsConfig::new()
            .domain_name(tls.domain.clone().unwrap_or_else(|| options.host.clone()));
        config = match &tls.ca_certificate {
            Some(pem) => config.ca_certificate(Certificate::from_pem(pem)),
            None => config.with_webpki_roots(),
        };
        if let Some((certificate, key)) = &tls.identity {
            config = config.identity(Identity::from_pem(certificate, key));
        }
        endpoint = endpoint.tls_config(config).map_err(fail)?;
    }
    endpoint.connect().await.map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_host_and_port() {
        assert_eq!(parse_location("10.0.0.5:9510").as_deref(), Some("10.0.0.5:9510"));
        assert_eq!(parse_location("qop.lab:80/path").as_deref(), Some("qop.lab:80"));
        for bad in ["http://qop.lab:80", "qop.lab", "", ":80", "qop.lab:99999", "qop.lab:"] {
            assert_eq!(parse_location(bad), None, "{bad}");
        }
    }

    #[test]
    fn headers_are_those_that_gateways_route_on() {
        let mut options = ConnectOptions::new("h", 1);
        options.token = Some("secret".into());
        options.headers.push(("X-Lab".into(), "seven".into()));
        let Headers(map) = Headers::new(&options).unwrap();
        let get = |key: &str| map.get(key).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(get("any_cluster").as_deref(), Some("true"));
        assert_eq!(get("authorization").as_deref(), Some("Bearer secret"));
        assert_eq!(get("x-lab").as_deref(), Some("seven"));
        options.cluster_name = Some("fridge".into());
        let Headers(map) = Headers::new(&options).unwrap();
        assert!(map.get("any_cluster").is_none());
        options.headers.push(("bad\n".into(), "x".into()));
        assert!(Headers::new(&options).is_err());
    }
}
