//! The framing of gRPC: a compression flag and a length before each message.

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of the compression flag and the length.
pub const PREFIX: usize = 5;

/// Bytes that are made room for at once, whatever length is announced.
const FIRST_BYTES: usize = 1 << 20;

/// A message of `len` bytes, which `put` writes, as it stands in a body.
pub fn framed(len: usize, put: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX + len);
    frame.put_bytes(0, PREFIX);
    put(&mut frame);
    finish(&mut frame);
    frame.freeze()
}

/// Writes the length in front of a message that was put behind an empty prefix.
pub fn finish(frame: &mut BytesMut) {
    finish_before(frame, 0);
}

/// What a message that `put` writes begins with; its last `behind` bytes are sent apart from it.
pub fn front(behind: usize, put: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut front = BytesMut::with_capacity(32);
    front.put_bytes(0, PREFIX);
    put(&mut front);
    finish_before(&mut front, behind);
    front.freeze()
}

fn finish_before(frame: &mut BytesMut, behind: usize) {
    let len = (frame.len() - PREFIX + behind) as u32;
    frame[1..PREFIX].copy_from_slice(&len.to_be_bytes());
}

/// Why some bytes are not one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The flag says that it is compressed, which nobody asked for.
    #[error("it is compressed")]
    Compressed,
    /// It announces more bytes than are taken.
    #[error("a message of {len} bytes is more than the {most} that are taken")]
    TooLarge {
        /// Bytes announced.
        len: usize,
        /// Bytes that are taken.
        most: usize,
    },
    /// It ends before its length is known.
    #[error("it is too short")]
    NoPrefix,
    /// It ends before the length that it announces.
    #[error("it is shorter than it says")]
    Short,
    /// More bytes come than it announces.
    #[error("it is longer than it says")]
    Long,
}

/// Gathers the one message of a body, which arrives in pieces.
///
/// Most messages come in one piece, and stay where they lie. The announced length is looked at first, and no
/// room is made for what has only been announced: a hostile peer makes nobody hold more than it sends.
#[derive(Debug)]
pub struct Gather {
    most: usize,
    first: Bytes,
    all: BytesMut,
    expected: Option<usize>,
}

impl Gather {
    /// For a message of at most `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { most, first: Bytes::new(), all: BytesMut::new(), expected: None }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`FrameError`] as soon as it is known that the bytes are not one message.
    pub fn push(&mut self, piece: Bytes) -> Result<(), FrameError> {
        if self.first.is_empty() && self.all.is_empty() {
            self.first = piece;
        } else {
            if self.all.is_empty() {
                self.all.extend_from_slice(&std::mem::take(&mut self.first));
            }
            self.all.extend_from_slice(&piece);
        }
        let have: &[u8] = if self.all.is_empty() { &self.first } else { &self.all };
        let len_so_far = have.len();
        if let (None, Some(prefix)) = (self.expected, have.first_chunk::<PREFIX>()) {
            let [flag, len @ ..] = *prefix;
            let len = u32::from_be_bytes(len) as usize;
            if flag != 0 {
                return Err(FrameError::Compressed);
            }
            if len > self.most {
                return Err(FrameError::TooLarge { len, most: self.most });
            }
            if !self.all.is_empty() {
                self.all.reserve((len + PREFIX).saturating_sub(len_so_far).min(FIRST_BYTES));
            }
            self.expected = Some(len + PREFIX);
        }
        if self.expected.is_some_and(|expected| len_so_far > expected) {
            return Err(FrameError::Long);
        }
        Ok(())
    }

    /// The message, once the body is over.
    ///
    /// # Errors
    /// [`FrameError`] when something is missing.
    pub fn finish(self) -> Result<Bytes, FrameError> {
        let bytes = if self.all.is_empty() { self.first } else { self.all.freeze() };
        match self.expected {
            None => Err(FrameError::NoPrefix),
            Some(expected) if bytes.len() != expected => Err(FrameError::Short),
            Some(_) => Ok(bytes.slice(PREFIX..)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: Vec<Vec<u8>>) -> Result<Bytes, FrameError> {
        let mut gather = Gather::new(8);
        for piece in pieces {
            gather.push(piece.into())?;
        }
        gather.finish()
    }

    /// All ways to cut some bytes into pieces, each also with empty pieces between.
    fn cuts(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        for places in 0..1u32 << bytes.len().saturating_sub(1) {
            let mut pieces = vec![Vec::new()];
            for (index, byte) in bytes.iter().enumerate() {
                if index > 0 && places >> (index - 1) & 1 == 1 {
                    pieces.push(Vec::new());
                }
                pieces.last_mut().unwrap().push(*byte);
            }
            let spaced = pieces.iter().flat_map(|piece| [Vec::new(), piece.clone()]).collect();
            all.extend([pieces, spaced]);
        }
        all
    }

    #[test]
    fn a_message_is_read_however_it_comes() {
        for pieces in cuts(b"\0\0\0\0\x03abc") {
            let said = format!("{pieces:?}");
            assert_eq!(read(pieces).as_deref(), Ok(&b"abc"[..]), "{said}");
        }
        assert_eq!(read(vec![vec![0; 5]]).as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for (bytes, error) in [
            (&b""[..], FrameError::NoPrefix),
            (b"\0\0\0", FrameError::NoPrefix),
            (b"\0\0\0\0\x03ab", FrameError::Short),
            (b"\0\0\0\0\x03abcd", FrameError::Long),
            (b"\x01\0\0\0\x03abc", FrameError::Compressed),
            (b"\0\0\0\0\x09", FrameError::TooLarge { len: 9, most: 8 }),
            (b"\0\xff\xff\xff\xff", FrameError::TooLarge { len: u32::MAX as usize, most: 8 }),
        ] {
            for pieces in cuts(bytes) {
                assert_eq!(read(pieces), Err(error), "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_front_counts_what_is_behind_it() {
        let front = front(3, |front| front.put_slice(b"ab"));
        assert_eq!(&front[..], b"\0\0\0\0\x05ab");
        assert_eq!(&framed(2, |frame| frame.put_slice(b"ab"))[..], b"\0\0\0\0\x02ab");
    }
}
