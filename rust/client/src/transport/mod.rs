//! HTTP/2, gRPC's framing, encryption, redirection: how bytes get to a gateway and back. It knows no message of
//! QOP.

mod doubt;
mod keepalive;
mod link;
mod redirect;
mod sips;
mod status;
mod tls;
mod unframe;

pub(crate) use link::{Answer, Incoming, Link};
pub(crate) use redirect::{address_of, detection, elsewhere, headers, open};
pub(crate) use status::failure;
pub(crate) use unframe::{Layout, UnframeError, Unframer};
