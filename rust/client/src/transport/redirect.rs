//! From options to a connection: the headers that routers look at, and the redirection of a cluster.

use std::hash::{BuildHasher, RandomState};

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::link::{self, Link};
use super::status::root_cause;
use super::tls::Tls;
use crate::config::ConnectOptions;
use crate::error::{Error, Result};

/// Headers that HTTP/2 knows nothing of, or that every call has already.
const NOT_OURS: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "te",
    "content-type",
];

/// The headers of every call: those that gateways route on, and the user's own.
pub(crate) fn headers(options: &ConnectOptions) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    let agent = concat!("pulsewire/", env!("CARGO_PKG_VERSION"));
    map.insert("user-agent", HeaderValue::from_static(agent));
    let mut put = |key: &str, value: &str| -> Result<()> {
        let bad = |what: &str| Error::Value(format!("the header '{key}' is not valid {what}"));
        let name: HeaderName = key.to_lowercase().parse().map_err(|_| bad("as a name"))?;
        if NOT_OURS.contains(&name.as_str()) {
            return Err(bad("here: it belongs to the connection"));
        }
        let mut value: HeaderValue = value.parse().map_err(|_| bad("in its value"))?;
        value.set_sensitive(name == "authorization");
        map.insert(name, value);
        Ok(())
    };
    put("x-grpc-service", "gateway")?;
    // The connections of one client are one: a gateway that counts clients may see which belong together.
    put(
        "x-pulsewire-client",
        &format!("{:016x}", RandomState::new().hash_one(std::process::id())),
    )?;
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
    Ok(map)
}

pub(crate) fn address_of(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Nobody was found; `encrypted` is whether the connection was to be.
pub(crate) fn detection(
    address: &str,
    error: &(dyn std::error::Error + 'static),
    encrypted: bool,
) -> Error {
    use std::io::ErrorKind;
    let reason = root_cause(error);
    let causes = || std::iter::successors(Some(error), |error| error.source());
    let is = |kinds: &[ErrorKind]| {
        causes().any(|cause| {
            let cause = cause
                .downcast_ref::<std::io::Error>()
                .or_else(|| cause.downcast_ref::<h2::Error>()?.get_io());
            cause.is_some_and(|error| kinds.contains(&error.kind()))
        })
    };
    let is_no_http2 = || {
        let mut reasons = causes().filter_map(|cause| cause.downcast_ref::<h2::Error>()?.reason());
        reasons.any(|reason| {
            [h2::Reason::FRAME_SIZE_ERROR, h2::Reason::PROTOCOL_ERROR].contains(&reason)
        })
    };
    let ended = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof];
    let reason = if is(&[ErrorKind::ConnectionRefused]) {
        format!("nothing listens there, is it started? ({reason})")
    } else if is(&ended) && encrypted {
        format!(
            "the server ended the connection; if it asks for a certificate of the client, give certificate and key in tls ({reason})"
        )
    } else if is(&ended) {
        format!("the server ended the connection; if it is encrypted, give tls ({reason})")
    } else if is_no_http2() {
        format!(
            "what answers there speaks no HTTP/2 and is no gateway, is it another port? ({reason})"
        )
    } else if reason.contains("lookup") {
        format!("the name is not known, is it spelled right? ({reason})")
    } else {
        reason
    };
    Error::Detection { address: address.to_owned(), reason }
}

/// Asks whether the gateway is elsewhere, and where: a router in front of a cluster answers with 302.
///
/// The probe is plaintext by nature, so that there is none with TLS.
pub(crate) async fn elsewhere(
    options: &ConnectOptions,
    headers: &HeaderMap,
) -> Result<Option<String>> {
    if !options.follow_redirects || options.tls.is_some() {
        return Ok(None);
    }
    let address = address_of(&options.host, options.port);
    let response = link::probe(&address, headers.clone())
        .await
        .map_err(|error| detection(&address, &*error, false))?;
    match response.status().as_u16() {
        302 => {
            let location = response.headers().get("location");
            let location = location.and_then(|value| value.to_str().ok()).unwrap_or_default();
            let parsed = parse_location(location);
            parsed
                .map(Some)
                .ok_or_else(|| Error::Location { address, location: location.to_owned() })
        }
        400 => Err(Error::Detection { address, reason: "the router refuses the request".into() }),
        _ => Ok(None),
    }
}

/// `host:port`, with a path behind it or not, and no scheme.
fn parse_location(location: &str) -> Option<String> {
    let authority = location.split('/').next()?;
    let (host, port) = authority.rsplit_once(':')?;
    let valid = !host.is_empty() && port.parse::<u16>().is_ok();
    valid.then(|| authority.to_owned())
}

/// A connection.
pub(crate) async fn open(
    options: &ConnectOptions,
    address: &str,
    headers: HeaderMap,
) -> Result<Link> {
    let tls = options.tls.as_ref().map(|tls| Tls::new(tls, &options.host)).transpose()?;
    let encrypted = tls.is_some();
    let opened = Link::connect(address, tls, headers, options.keepalive).await;
    opened.map_err(|error| detection(address, &*error, encrypted))
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
    fn gateways_get_the_headers_that_they_route_on() {
        let mut options = ConnectOptions::new("h", 1);
        options.token = Some("secret".into());
        options.headers.push(("X-Lab".into(), "seven".into()));
        let map = headers(&options).unwrap();
        let get = |key: &str| map.get(key).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(get("any_cluster").as_deref(), Some("true"));
        assert_eq!(get("authorization").as_deref(), Some("Bearer secret"));
        assert_eq!(get("x-lab").as_deref(), Some("seven"));
        options.cluster_name = Some("fridge".into());
        let map = headers(&options).unwrap();
        assert!(map.get("any_cluster").is_none());
        for bad in ["bad\n", "Connection", "te"] {
            let mut options = options.clone();
            options.headers.push((bad.into(), "x".into()));
            assert!(headers(&options).is_err(), "{bad}");
        }
    }
}
