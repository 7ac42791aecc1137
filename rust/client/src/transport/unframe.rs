//! gRPC's and protobuf's framing of data, walked as it arrives: the bytes of the data are handed on where they
//! lie. Which fields hold them is the gateway's business ([`Layout`]).

use bytes::{Buf, Bytes};

use pulsewire_common::frame::PREFIX;

/// Where the data is in the messages of an answer, by the numbers of their fields; 0 for none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The count of items.
    pub(crate) count: u64,
    /// The data.
    pub(crate) data: u64,
    /// The message that the data is in, within the one that arrives.
    pub(crate) within: u64,
    /// A flag that says that all is well.
    pub(crate) ok: u64,
}

/// Why an answer cannot be walked on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnframeError {
    #[error("the gateway says that they could not be made")]
    NotMade,
    #[error("compressed data arrives, which nobody asked for")]
    Compressed,
    #[error("a message ends within a field")]
    CutField,
    #[error("a number of more than 64 bits")]
    LongNumber,
    #[error("a field longer than its message")]
    LongField,
    #[error("a field of the unknown kind {0}")]
    UnknownKind(u64),
    #[error("a message counts {0} items")]
    Count(i64),
}

/// Kinds of fields on the wire.
const VARINT: u64 = 0;
const EIGHT: u64 = 1;
const LENGTH: u64 = 2;
const FOUR: u64 = 5;

#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the flag and the length before a message: how many bytes of it are there.
    Prefix(usize),
    /// In a message, before or in a field's number and kind.
    Key,
    /// In the count of items.
    Count,
    /// In a number that nobody needs.
    Ignored,
    /// In the flag that says that all is well.
    Ok,
    /// In the length of a field.
    Length(Content),
    /// In the data: bytes left.
    Data(u64),
    /// In a field that nobody needs: bytes left.
    Skip(u64),
}

/// What a field of some length is.
#[derive(Clone, Copy, Debug)]
enum Content {
    Data,
    /// A message whose fields are those that are looked for.
    Within,
    Other,
}

/// Where a walk is.
#[derive(Debug)]
pub(crate) struct Unframer {
    layout: Layout,
    place: Place,
    prefix: [u8; PREFIX],
    /// Bytes of the message not seen yet.
    left: u64,
    /// A number under way, and how many of its bits are there.
    number: (u64, u32),
    /// Items that the messages promise so far.
    pub(crate) items: u64,
    /// Whether the message says that all is well.
    ok: bool,
}

impl Unframer {
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            place: Place::Prefix(0),
            prefix: [0; PREFIX],
            left: 0,
            number: (0, 0),
            items: 0,
            ok: false,
        }
    }

    /// Whether the last message is whole.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.place, Place::Prefix(0))
    }

    /// Begins a message, whose prefix is there.
    fn begin(&mut self) -> Result<(), UnframeError> {
        let [flag, len @ ..] = self.prefix;
        if flag != 0 {
            return Err(UnframeError::Compressed);
        }
        self.left = u64::from(u32::from_be_bytes(len));
        self.place = Place::Key;
        Ok(())
    }

    /// The next piece of data in `input`, which is consumed up to its end; `None` when `input` is
    /// used up.
    ///
    /// # Errors
    /// What is wrong with the framing.
    pub(crate) fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, UnframeError> {
        loop {
            if let (Place::Key, 0, (_, 0)) = (self.place, self.left, self.number) {
                self.place = Place::Prefix(0);
                if self.layout.ok != 0 && !std::mem::take(&mut self.ok) {
                    return Err(UnframeError::NotMade);
                }
            }
            if input.is_empty() {
                return Ok(None);
            }
            match self.place {
                Place::Prefix(have) => {
                    self.prefix[have] = input.get_u8();
                    self.place = Place::Prefix(have + 1);
                    if have + 1 == PREFIX {
                        self.begin()?;
                    }
                }
                Place::Data(left) => {
                    let piece = self.take(input, left);
                    let left = left - piece.len() as u64;
                    self.place = if left == 0 { Place::Key } else { Place::Data(left) };
                    return Ok(Some(piece));
                }
                Place::Skip(left) => {
                    let left = left - self.take(input, left).len() as u64;
                    self.place = if left == 0 { Place::Key } else { Place::Skip(left) };
                }
                Place::Key | Place::Count | Place::Ok | Place::Ignored | Place::Length(_) => {
                    if let Some(number) = self.varint(input)? {
                        self.place = self.after(number)?;
                    }
                }
            }
        }
    }

    fn take(&mut self, input: &mut Bytes, most: u64) -> Bytes {
        let len = usize::try_from(most).unwrap_or(usize::MAX).min(input.len());
        self.left -= len as u64;
        input.split_to(len)
    }

    /// One more byte of a number; the number when it was the last.
    fn varint(&mut self, input: &mut Bytes) -> Result<Option<u64>, UnframeError> {
        if self.left == 0 {
            return Err(UnframeError::CutField);
        }
        let byte = input.get_u8();
        self.left -= 1;
        let (number, bits) = self.number;
        if bits >= 64 {
            return Err(UnframeError::LongNumber);
        }
        let number = number | u64::from(byte & 0x7f) << bits;
        if byte < 0x80 {
            self.number = (0, 0);
            return Ok(Some(number));
        }
        self.number = (number, bits + 7);
        Ok(None)
    }

    /// Where the walk goes on after a number.
    fn after(&mut self, number: u64) -> Result<Place, UnframeError> {
        let skip = |bytes: u64| if bytes == 0 { Place::Key } else { Place::Skip(bytes) };
        let fits = |bytes: u64, left: u64| {
            if bytes <= left { Ok(()) } else { Err(UnframeError::LongField) }
        };
        Ok(match self.place {
            Place::Key => match (number >> 3, number & 7) {
                (field, VARINT) if field == self.layout.count => Place::Count,
                (field, VARINT) if field == self.layout.ok => Place::Ok,
                (field, LENGTH) if field == self.layout.data => Place::Length(Content::Data),
                (field, LENGTH) if field == self.layout.within => Place::Length(Content::Within),
                (_, VARINT) => Place::Ignored,
                (_, LENGTH) => Place::Length(Content::Other),
                (_, kind @ (EIGHT | FOUR)) => {
                    let bytes = if kind == EIGHT { 8 } else { 4 };
                    fits(bytes, self.left)?;
                    skip(bytes)
                }
                (_, kind) => return Err(UnframeError::UnknownKind(kind)),
            },
            Place::Count => {
                let count = i32::try_from(number as i64).ok().and_then(|n| u64::try_from(n).ok());
                self.items += count.ok_or(UnframeError::Count(number as i64))?;
                Place::Key
            }
            Place::Ok => {
                self.ok = number != 0;
                Place::Key
            }
            Place::Length(content) => {
                fits(number, self.left)?;
                match content {
                    Content::Data if number > 0 => Place::Data(number),
                    Content::Within => Place::Key,
                    Content::Data | Content::Other => skip(number),
                }
            }
            other => {
                debug_assert!(matches!(other, Place::Ignored));
                Place::Key
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pulsewire_wire::WholeMessage;
    use pulsewire_wire::results::GetJobNamedResultResponse;

    const RESULT: Layout = Layout { count: 1, data: 2, within: 0, ok: 0 };

    fn walk(frames: &[Bytes]) -> Result<(Vec<u8>, u64, bool), UnframeError> {
        let (mut unframer, mut out) = (Unframer::new(RESULT), Vec::new());
        for frame in frames {
            let mut frame = frame.clone();
            while let Some(piece) = unframer.next(&mut frame)? {
                out.extend_from_slice(&piece);
            }
        }
        Ok((out, unframer.items, unframer.is_whole()))
    }

    proptest! {
        #[test]
        fn data_is_found_however_it_is_cut(
            messages in proptest::collection::vec(
                (0..1000i32, proptest::collection::vec(any::<u8>(), 0..300)), 0..6),
            cut in 1usize..50,
        ) {
            let mut bytes = Vec::new();
            for (count_of_items, data) in &messages {
                let data = Bytes::from(data.clone());
                let message = GetJobNamedResultResponse { count_of_items: *count_of_items, data };
                bytes.extend_from_slice(&message.framed());
            }
            let frames: Vec<_> = bytes.chunks(cut).map(Bytes::copy_from_slice).collect();
            let data: Vec<u8> = messages.iter().flat_map(|(_, data)| data.clone()).collect();
            let items = messages.iter().map(|(count, _)| *count as u64).sum();
            prop_assert_eq!(walk(&frames), Ok((data, items, true)));
        }

        #[test]
        fn hostile_bytes_are_errors_at_worst(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 1usize..20,
        ) {
            let frames: Vec<_> = bytes.chunks(cut).map(Bytes::copy_from_slice).collect();
            // Whatever it says, it says it without a panic.
            let _ = walk(&frames);
        }
    }

    fn message(body: &[u8]) -> Bytes {
        [&[0, 0, 0, 0, body.len() as u8], body].concat().into()
    }

    #[test]
    fn fields_of_later_gateways_are_skipped() {
        // 3: varint 300, 4: eight bytes, 5: "xy", 6: four bytes, then the data "ab".
        let body = [
            &[0x18, 0xac, 0x02][..],
            &[0x21, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x2a, 2, b'x', b'y'],
            &[0x35, 1, 2, 3, 4],
            &[0x2a, 0, 0x12, 2, b'a', b'b', 0x08, 1],
        ];
        assert_eq!(walk(&[message(&body.concat())]), Ok((b"ab".to_vec(), 1, true)));
        assert_eq!(walk(&[message(&[])]), Ok((Vec::new(), 0, true)));
    }

    #[test]
    fn lies_about_lengths_are_errors() {
        for body in [
            &[0x12, 9, 1][..],
            &[0x12],
            &[0x08, 0x80],
            &[0x21, 1],
            &[0x13],
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        ] {
            let next = message(&[0x08, 1]);
            assert!(walk(&[message(body), next]).is_err(), "{body:?}");
        }
        assert_eq!(walk(&[Bytes::from_static(&[1, 0, 0, 0, 0])]), Err(UnframeError::Compressed));
    }
}
