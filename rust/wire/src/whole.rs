//! Whole messages as bytes.

use bytes::{Bytes, BytesMut};
use prost::DecodeError;
use pulsewire_common::frame;

use crate::{info, qua};

/// A message that is a request or an answer by itself, or a document.
///
/// prost's own methods are generic over the buffer, and so are compiled anew in every crate that calls them:
/// for the messages of QUA that took a quarter of the whole build. These are compiled once, here.
pub trait WholeMessage: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What prost finds wrong with the bytes.
    fn from_bytes(bytes: Bytes) -> Result<Self, DecodeError>;

    /// How many bytes it has.
    fn size(&self) -> usize;

    /// Puts it behind what is there.
    fn put(&self, behind: &mut BytesMut);

    /// It, as it stands in the body of a request or an answer.
    fn framed(&self) -> Bytes {
        frame::framed(self.size(), |behind| self.put(behind))
    }

    /// It, as bytes of its own.
    fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(self.size());
        self.put(&mut bytes);
        bytes.freeze()
    }
}

/// Makes messages of prost whole messages.
#[macro_export]
macro_rules! whole_messages {
    ($($message:ty),* $(,)?) => {$(
        impl $crate::WholeMessage for $message {
            fn from_bytes(bytes: ::bytes::Bytes) -> Result<Self, ::prost::DecodeError> {
                ::prost::Message::decode(bytes)
            }

            fn size(&self) -> usize {
                ::prost::Message::encoded_len(self)
            }

            fn put(&self, behind: &mut ::bytes::BytesMut) {
                ::prost::Message::encode_raw(self, behind);
            }
        }
    )*};
}

whole_messages! {
    // `google.protobuf.Empty` and `google.protobuf.StringValue`.
    (), String,
    info::GetInfoRequest, info::GetInfoResponse,
    qua::QuaProgram,
}
include!("generated/whole_messages.rs");
