//! Many ints as protobuf writes them: seven bits a byte, the lowest first; a negative one is ten bytes.

use bytes::{BufMut, BytesMut};

/// Bytes of the longest.
pub(crate) const LONGEST: usize = 10;

/// Values looked at together.
const BLOCK: usize = 64;

/// By leading zeros of the 32 bits: the length, and the marks of all bytes but the last.
const FORMS: [(usize, u64); 33] = {
    let mut forms = [(1, 0); 33];
    let mut zeros = 0usize;
    while zeros < 32 {
        let len = (32 - zeros).div_ceil(7);
        forms[zeros] = (len, 0x80_8080_8080 & !(u64::MAX << (8 * (len - 1))));
        zeros += 1;
    }
    // Negative.
    forms[0] = (10, 0x80_8080_8080);
    forms
};

/// The kind of a field that tells its length.
pub(crate) const LENGTH: u32 = 2;

/// The key of a field.
pub(crate) fn key(field: u32, kind: u32) -> u64 {
    u64::from(field << 3 | kind)
}

/// Bytes of a number.
pub(crate) fn len(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// Appends one number.
pub(crate) fn put(mut number: u64, out: &mut impl BufMut) {
    while number >= 0x80 {
        out.put_u8(number as u8 | 0x80);
        number >>= 7;
    }
    out.put_u8(number as u8);
}

/// Appends many ints.
pub(crate) fn put_all<T>(values: &[T], int: impl Fn(&T) -> i32, frame: &mut BytesMut) {
    let mut out = [0; BLOCK * LONGEST];
    let mut blocks = values.chunks_exact(BLOCK);
    for block in &mut blocks {
        let mut bits = [0u32; BLOCK];
        bits.iter_mut().zip(block).for_each(|(bits, value)| *bits = int(value) as u32);
        let all = bits.iter().fold(0, |all, bits| all | bits);
        let len = if all < 1 << 28 {
            short(&bits, &mut out)
        } else {
            long(bits.iter().map(|bits| *bits as i32), &mut out)
        };
        frame.put_slice(&out[..len]);
    }
    let len = long(blocks.remainder().iter().map(int), &mut out);
    frame.put_slice(&out[..len]);
}

/// Those of at most 28 bits, that is four bytes. All but the stores is without branches and
/// tables, which compilers turn into vector instructions.
fn short(bits: &[u32; BLOCK], out: &mut [u8; BLOCK * LONGEST]) -> usize {
    let mut words = [0; BLOCK];
    let mut lens = [0; BLOCK];
    for ((word, len), bits) in words.iter_mut().zip(&mut lens).zip(bits) {
        // All ones where the value is as large; these are below 2³¹, so that signs do not matter.
        let from = |limit: i32| (((limit - 1) - *bits as i32) >> 31) as u32;
        let (two, three, four) = (from(1 << 7), from(1 << 14), from(1 << 21));
        *len = 1u32.wrapping_sub(two).wrapping_sub(three).wrapping_sub(four);
        let spread = (bits & 0x7f)
            | (bits << 1 & 0x7f00)
            | (bits << 2 & 0x7f_0000)
            | (bits << 3 & 0x7f00_0000);
        *word = spread | (two & 0x80) | (three & 0x8000) | (four & 0x80_0000);
    }
    let mut at = 0;
    for (word, len) in words.iter().zip(&lens) {
        // At most 4 bytes each: never beyond the buffer, which has room for ten each.
        if let Some(place) = out[at..].first_chunk_mut::<4>() {
            *place = word.to_le_bytes();
        }
        at += *len as usize;
    }
    at
}

/// At most a block of any size.
fn long(values: impl Iterator<Item = i32>, out: &mut [u8; BLOCK * LONGEST]) -> usize {
    let mut at = 0;
    for value in values {
        let bits = u64::from(value as u32);
        let (len, marks) = FORMS[value.leading_zeros() as usize];
        // Groups of seven bits, each in a byte of its own: first by halves, then by quarters.
        let halves = (bits & 0x3fff) | (bits & 0x0fff_c000) << 2;
        let quarters = (halves & 0x007f_007f) | (halves & 0x3f80_3f80) << 1;
        let spread = quarters | (bits >> 28) << 32 | marks;
        out[at..at + 8].copy_from_slice(&spread.to_le_bytes());
        if value < 0 {
            // The sign goes on to the 64th bit.
            out[at + 4] |= 0x70;
            out[at + 5..at + 10].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x01]);
        }
        at += len;
    }
    at
}
