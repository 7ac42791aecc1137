//! The two answers that carry much data, without copies: each message goes to the socket as a few bytes of framing and
//! the data itself, by reference. prost would copy it into a buffer of its own for each request.

use bytes::Bytes;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use pulsewire_common::frame::front;
use pulsewire_wire::results::simulator_samples_response::{Body, Data};
use pulsewire_wire::results::{GetJobNamedResultResponse, SimulatorSamplesResponse};

use super::frame::whole;

/// Fields of `GetJobNamedResultResponse`.
const COUNT: u32 = 1;
const DATA: u32 = 2;
/// Fields of `SimulatorSamplesResponse`, and of its data.
const SAMPLES_JOB: u32 = 1;
const SAMPLES_OK: u32 = 5;
const SAMPLES_DATA: u32 = 7;
const SAMPLES_BYTES: u32 = 8;

/// Items of a result: the framing, and the stored bytes as they are.
pub(in crate::gateway) fn result(message: GetJobNamedResultResponse) -> [Bytes; 2] {
    let front = front(message.data.len(), |front| {
        if message.count_of_items != 0 {
            encode_key(COUNT, WireType::Varint, front);
            encode_varint(message.count_of_items as u64, front);
        }
        if !message.data.is_empty() {
            encode_key(DATA, WireType::LengthDelimited, front);
            encode_varint(message.data.len() as u64, front);
        }
    });
    [front, message.data]
}

/// Samples of a simulation: the framing, and the rendered bytes as they are.
pub(in crate::gateway) fn samples(message: SimulatorSamplesResponse) -> [Bytes; 2] {
    let SimulatorSamplesResponse { job_id, ok, body: Some(Body::Data(Data { data })) } = message
    else {
        return whole(message);
    };
    let front = front(data.len(), |front| {
        if !job_id.is_empty() {
            prost::encoding::string::encode(SAMPLES_JOB, &job_id, front);
        }
        if ok {
            prost::encoding::bool::encode(SAMPLES_OK, &ok, front);
        }
        let len = data.len();
        let inner = if len == 0 {
            0
        } else {
            key_len(SAMPLES_BYTES) + encoded_len_varint(len as u64) + len
        };
        encode_key(SAMPLES_DATA, WireType::LengthDelimited, front);
        encode_varint(inner as u64, front);
        if len > 0 {
            encode_key(SAMPLES_BYTES, WireType::LengthDelimited, front);
            encode_varint(len as u64, front);
        }
    });
    [front, data]
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use pulsewire_common::frame::PREFIX;
    use pulsewire_wire::results::simulator_samples_response::Header;

    use super::*;

    fn is_as_prost_would(parts: [Bytes; 2], message: &impl Message) {
        let bytes = parts.concat();
        let len = u32::from_be_bytes(bytes[1..PREFIX].try_into().unwrap()) as usize;
        assert_eq!((bytes[0], len), (0, bytes.len() - PREFIX));
        assert_eq!(bytes[PREFIX..], message.encode_to_vec());
    }

    #[test]
    fn results_are_what_prost_would_send() {
        for (count_of_items, data) in [(0, ""), (3, "abc"), (0, "ab"), (-1, "x"), (i32::MAX, "")] {
            let data = Bytes::from_static(data.as_bytes());
            let message = GetJobNamedResultResponse { count_of_items, data };
            is_as_prost_would(result(message.clone()), &message);
        }
    }

    #[test]
    fn samples_are_what_prost_would_send() {
        let header = Body::Header(Header { simple_d_type: "[]".to_owned(), count_of_items: 3 });
        let data =
            |bytes: &'static [u8]| Some(Body::Data(Data { data: Bytes::from_static(bytes) }));
        for (job, ok, body) in [
            ("job-1", true, data(b"abc")),
            ("", true, data(b"")),
            ("job-1", false, data(&[7; 300])),
            ("job-1", true, Some(header)),
            ("job-1", false, None),
        ] {
            let message = SimulatorSamplesResponse { job_id: job.to_owned(), ok, body };
            is_as_prost_would(samples(message.clone()), &message);
        }
    }
}
