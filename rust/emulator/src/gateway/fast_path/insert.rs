//! `InsertInputStream` with its many ints read in one go.

use bytes::Bytes;
use pulsewire_wire::WholeMessage;
use pulsewire_wire::job_manager::insert_input_stream_request::StreamDataOneof;
use pulsewire_wire::job_manager::{InsertInputStreamRequest, IntStreamData};
use tonic::Status;

/// The keys of the job, the stream and the ints in the request, and that of their values: all are of
/// the kind that tells its length.
const JOB: u8 = 1 << 3 | 2;
const STREAM: u8 = 2 << 3 | 2;
const INTS: u8 = 3 << 3 | 2;
const DATA: u8 = 1 << 3 | 2;

/// A request, whatever client it comes from.
pub(in crate::gateway) fn read(message: &Bytes) -> Result<InsertInputStreamRequest, Status> {
    match ints(message) {
        Some(request) => Ok(request),
        None => InsertInputStreamRequest::from_bytes(message.clone())
            .map_err(|error| Status::internal(error.to_string())),
    }
}

/// A request with ints in the form that all known clients send; `None` for any other, which prost
/// reads (or refuses).
fn ints(message: &[u8]) -> Option<InsertInputStreamRequest> {
    let (job_id, rest) = field(JOB, message)?;
    let (stream_name, rest) = field(STREAM, rest)?;
    let (ints, rest) = field(INTS, rest)?;
    let (data, behind) = field(DATA, ints)?;
    if !rest.is_empty() || !behind.is_empty() {
        return None;
    }
    let data = numbers(data)?;
    Some(InsertInputStreamRequest {
        job_id: String::from_utf8(job_id.to_vec()).ok()?,
        stream_name: String::from_utf8(stream_name.to_vec()).ok()?,
        stream_data_oneof: Some(StreamDataOneof::IntStreamData(IntStreamData { data })),
    })
}

/// The bytes of a field that must come first, and what is behind it.
fn field(key: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    if *first != key {
        return None;
    }
    let len = prost::encoding::decode_varint(&mut rest).ok()?;
    rest.split_at_checked(usize::try_from(len).ok()?)
}

/// The marks of eight bytes: set in all but the last of each number.
const MARKS: u64 = 0x8080_8080_8080_8080;

/// Packed ints.
///
/// Neighbours mostly have the same length, so that eight bytes hold several whole ones: where the next
/// ones begin does not wait for these to be read then.
fn numbers(bytes: &[u8]) -> Option<Vec<i32>> {
    let mut numbers = Vec::with_capacity(count(bytes));
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*eight);
        let marks = word & MARKS;
        if marks == 0 {
            let mut eight_ints = [0; 8];
            eight_ints.iter_mut().zip(eight).for_each(|(int, byte)| *int = i32::from(*byte));
            numbers.extend_from_slice(&eight_ints);
            at += 8;
        } else if marks == 0x0080_0080_0080_0080 {
            let pairs = (word & 0x007f_007f_007f_007f) | (word & 0x7f00_7f00_7f00_7f00) >> 1;
            let int = |at: u32| (pairs >> at & 0x3fff) as i32;
            numbers.extend_from_slice(&[int(0), int(16), int(32), int(48)]);
            at += 8;
        } else if marks << 16 == 0x0080_8000_8080_0000 {
            numbers.extend_from_slice(&[short(word, 3), short(word >> 24, 3)]);
            at += 6;
        } else if marks == 0x0080_8080_0080_8080 {
            numbers.extend_from_slice(&[short(word, 4), short(word >> 32, 4)]);
            at += 8;
        } else {
            let len = (!marks & MARKS).trailing_zeros() as usize / 8 + 1;
            if len <= 5 {
                numbers.push(short(word, len));
                at += len;
            } else {
                at += long(&bytes[at..], &mut numbers)?;
            }
        }
    }
    while at < bytes.len() {
        at += long(&bytes[at..], &mut numbers)?;
    }
    Some(numbers)
}

/// How many numbers end in these bytes.
fn count(bytes: &[u8]) -> usize {
    // Sums of bytes, which compilers turn into vector instructions; few enough to fit one.
    let sums = bytes.chunks(192).map(|some| some.iter().map(|byte| u8::from(*byte < 0x80)).sum());
    sums.map(|sum: u8| usize::from(sum)).sum()
}

/// A number of at most five bytes, the lowest of a word.
#[inline]
fn short(word: u64, len: usize) -> i32 {
    let word = word & (u64::MAX >> (64 - 8 * len)) & 0x7f_7f7f_7f7f;
    let halves = (word & 0x007f_007f) | (word & 0x7f00_7f00) >> 1;
    let number = (halves & 0x3fff) | (halves & 0x3fff_0000) >> 2;
    (number | word >> 32 << 28) as i32
}

/// One number of any length; gives its length.
fn long(bytes: &[u8], numbers: &mut Vec<i32>) -> Option<usize> {
    let mut rest = bytes;
    numbers.push(prost::encoding::decode_varint(&mut rest).ok()? as i32);
    Some(bytes.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;
    use pulsewire_wire::job_manager::{BoolStreamData, FixedStreamData};

    use super::*;

    fn request(data: StreamDataOneof) -> InsertInputStreamRequest {
        InsertInputStreamRequest {
            job_id: "job-1".into(),
            stream_name: "input_stream_x".into(),
            stream_data_oneof: Some(data),
        }
    }

    proptest! {
        #[test]
        fn requests_are_read_as_prost_reads_them(
            values in prop_oneof![
                proptest::collection::vec(
                    prop_oneof![any::<i32>(), 0..200i32, 0..70_000i32, -5..5i32], 0..300),
                // Runs of one length.
                proptest::collection::vec(
                    (0..32u32, 1..30usize, any::<u32>()).prop_map(|(bits, run, any)| {
                        let largest = 1u32 << bits;
                        vec![(largest | any & (largest - 1)) as i32; run]
                    }), 0..10).prop_map(|runs| runs.concat()),
            ],
        ) {
            let whole = request(StreamDataOneof::IntStreamData(IntStreamData { data: values.clone() }));
            let bytes = whole.encode_to_vec();
            prop_assert_eq!(ints(&bytes).is_some(), !values.is_empty());
            prop_assert_eq!(read(&bytes.into()).unwrap(), whole);
        }

        #[test]
        fn hostile_bytes_are_refused_or_read_as_prost_does(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..60), framed in any::<bool>(),
        ) {
            if framed {
                let mut whole = vec![JOB, 1, b'j', STREAM, 1, b's', INTS, bytes.len() as u8 + 2, DATA];
                whole.push(bytes.len() as u8);
                whole.append(&mut bytes);
                bytes = whole;
            }
            let bytes = Bytes::from(bytes);
            let expected = InsertInputStreamRequest::decode(&bytes[..]).ok();
            prop_assert_eq!(read(&bytes).ok(), expected);
        }
    }

    #[test]
    fn other_kinds_are_left_to_prost() {
        for data in [
            StreamDataOneof::FixedStreamData(FixedStreamData { data: vec![0.5] }),
            StreamDataOneof::BoolStreamData(BoolStreamData { data: vec![true] }),
        ] {
            let whole = request(data);
            let bytes = whole.encode_to_vec();
            assert!(ints(&bytes).is_none());
            assert_eq!(read(&bytes.into()).unwrap(), whole);
        }
    }
}
