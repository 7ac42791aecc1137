//! A copy into memory that is much larger than the processor's caches.

/// Arrays from this size on are written past the caches: what is written first would be out of them at the end
/// anyway, and a write through them reads the memory before.
pub(super) const PAST_CACHES: usize = 8 << 20;

/// Copies as `copy_nonoverlapping` does; what was written is in memory, and in no cache.
///
/// # Safety
/// As for `copy_nonoverlapping`.
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn past_caches(from: *const u8, to: *mut u8, len: usize) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128};

    const PART: usize = size_of::<__m128i>();
    // What is streamed must be aligned; the source need not be.
    let head = to.align_offset(PART).min(len);
    let parts = (len - head) / PART;
    let tail = head + parts * PART;
    // SAFETY: `head`, the parts and what is behind them are `len` bytes together, all of which the caller answers
    // for; each part is aligned in `to`. SSE2 belongs to every x86_64.
    unsafe {
        std::ptr::copy_nonoverlapping(from, to, head);
        for part in 0..parts {
            let at = head + part * PART;
            _mm_stream_si128(to.add(at).cast(), _mm_loadu_si128(from.add(at).cast()));
        }
        // Before anything that another thread is told of it.
        _mm_sfence();
        std::ptr::copy_nonoverlapping(from.add(tail), to.add(tail), len - tail);
    }
}

/// Copies as `copy_nonoverlapping` does, on processors whose way past the caches is not known here.
///
/// # Safety
/// As for `copy_nonoverlapping`.
#[cfg(not(target_arch = "x86_64"))]
pub(super) unsafe fn past_caches(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's.
    unsafe { std::ptr::copy_nonoverlapping(from, to, len) }
}
