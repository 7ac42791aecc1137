//! Results: appended by the job's thread, read by any number of requests.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use bytes::Bytes;

use super::item::{Item, Type};
use crate::lock::lock;

/// Bytes of one piece of a result on the wire; also about what is frozen at a time.
pub(super) const PIECE: usize = 1 << 20;

/// How the results of a job stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More may come.
    Running,
    /// The program ended by itself and everything was processed.
    Done,
    /// The job was halted, cancelled or failed: nothing more comes.
    Closed,
}

/// All results of one job.
#[derive(Debug)]
pub(crate) struct Results {
    outputs: Vec<Output>,
    progress: AtomicU8,
    data_loss: AtomicBool,
    used: AtomicUsize,
    most: usize,
}

/// One named result.
#[derive(Debug)]
pub(crate) struct Output {
    /// The name it was saved under.
    pub name: String,
    /// Whether only the last item is kept (`save`, as opposed to `save_all`).
    pub single: bool,
    /// The type of its items.
    pub ty: Type,
    size: usize,
    data: Mutex<Data>,
}

#[derive(Debug, Default)]
struct Data {
    count: usize,
    /// Frozen chunks of a fixed number of items, handed out without copying.
    chunks: Vec<Bytes>,
    /// What is not a whole chunk yet; the single item of a `save`.
    tail: Vec<u8>,
}

/// A piece of a result: whole items may end in it or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Items that end in this piece.
    pub count: usize,
    /// Its bytes.
    pub data: Bytes,
}

impl Results {
    pub(super) fn new(outputs: Vec<Output>, most: usize) -> Self {
        Self {
            outputs,
            progress: AtomicU8::new(0),
            data_loss: AtomicBool::new(false),
            used: AtomicUsize::new(0),
            most,
        }
    }

    /// The results in the order of the program.
    pub(crate) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The result of a name.
    pub(crate) fn output(&self, name: &str) -> Option<&Output> {
        self.outputs.iter().find(|output| output.name == name)
    }

    /// How the job's results stand.
    pub(crate) fn progress(&self) -> Progress {
        match self.progress.load(Ordering::Acquire) {
            0 => Progress::Running,
            1 => Progress::Done,
            _ => Progress::Closed,
        }
    }

    /// Ends the results, once: later calls change nothing.
    pub(crate) fn finish(&self, done: bool) {
        let to = if done { 1 } else { 2 };
        // Whoever comes second finds the results ended already.
        let _ = self.progress.compare_exchange(0, to, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Whether items were dropped.
    pub(crate) fn data_loss(&self) -> bool {
        self.data_loss.load(Ordering::Relaxed)
    }

    /// Notes that an item was dropped.
    pub(super) fn lose(&self) {
        self.data_loss.store(true, Ordering::Relaxed);
    }

    /// Drops what is stored.
    pub(crate) fn clear(&self) {
        for output in &self.outputs {
            let mut data = lock(&output.data);
            let freed = if output.single { 0 } else { data.count * output.size };
            *data = Data::default();
            self.used.fetch_sub(freed, Ordering::Relaxed);
        }
    }

    pub(super) fn push(&self, output: usize, item: &Item) {
        let output = &self.outputs[output];
        if self.progress() != Progress::Running {
            return;
        }
        let mut data = lock(&output.data);
        if output.single {
            data.tail.clear();
            item.write(&mut data.tail);
            data.count = 1;
            return;
        }
        if self.used.fetch_add(output.size, Ordering::Relaxed) + output.size > self.most {
            self.used.fetch_sub(output.size, Ordering::Relaxed);
            drop(data);
            self.lose();
            return;
        }
        let chunk = output.chunk_bytes();
        if data.tail.capacity() == 0 {
            // The first chunk grows; later ones are known to fill up.
            let capacity = if data.chunks.is_empty() { output.size } else { chunk };
            data.tail.reserve_exact(capacity.min(chunk));
        }
        item.write(&mut data.tail);
        data.count += 1;
        if data.tail.len() >= chunk {
            let full = std::mem::take(&mut data.tail);
            data.chunks.push(Bytes::from(full));
        }
    }
}

impl Output {
    pub(super) fn new(name: String, single: bool, ty: Type) -> Self {
        let size = ty.size();
        Self { name, single, ty, size, data: Mutex::default() }
    }

    fn items_per_chunk(&self) -> usize {
        (PIECE / self.size.max(1)).max(1)
    }

    fn chunk_bytes(&self) -> usize {
        self.items_per_chunk() * self.size
    }

    /// Items so far.
    pub(crate) fn count(&self) -> usize {
        lock(&self.data).count
    }

    /// The items from `offset` on, `limit` at most, as pieces to send.
    ///
    /// A negative offset counts from the end; a limit that is not positive gives nothing.
    pub(crate) fn read(&self, offset: i64, limit: i64) -> Vec<Piece> {
        let data = lock(&self.data);
        let count = data.count as i64;
        let start = if offset < 0 { (count + offset).max(0) } else { offset };
        let end = start.saturating_add(limit.max(0)).min(count);
        if start >= end {
            return Vec::new();
        }
        let (first, last) = (start as usize * self.size, end as usize * self.size);
        let chunk = self.chunk_bytes();
        let mut pieces = Vec::with_capacity((last - first) / PIECE + 2);
        let mut at = first;
        while at < last {
            let (index, within) = if self.single { (0, at) } else { (at / chunk, at % chunk) };
            let whole = data.chunks.get(index);
            let available = whole.map_or(data.tail.len(), Bytes::len) - within;
            let take = available.min(PIECE).min(last - at);
            let bytes = match whole {
                Some(whole) => whole.slice(within..within + take),
                // The tail still grows: what is asked of it is copied, at most a chunk.
                None => Bytes::copy_from_slice(&data.tail[within..within + take]),
            };
            let next = at + take;
            pieces.push(Piece { count: next / self.size - at / self.size, data: bytes });
            at = next;
        }
        pieces
    }
}
