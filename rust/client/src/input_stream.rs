//! Entries of input streams.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use pulsewire_common::{fixed, frame};

use crate::client::{Unanswered, UnderWay};
use crate::error::{Error, Result};
use crate::gateway::{Call, PushFields, PushTemplate, Refusal};
use crate::job::Job;
use crate::varint::{self, LENGTH, key};

/// Bytes of both keys and both lengths, at most.
const MOST_KEYS: usize = 2 * (1 + 10);
/// Room for values made at first; what needs more grows.
const FIRST_BYTES: usize = 1 << 19;

/// Values with gaps that are gathered together: few, so that memory is read while others are written.
const GATHERED: usize = 128;
const AN_INT: &str = "an int (32 bits, -2147483648 to 2147483647)";

/// Entries of one stream that are on their way together, where the gateway answers in order, and their bytes.
const DEPTH: usize = 64;
const DEPTH_BYTES: usize = 4 << 20;

/// An entry that was sent and is not acknowledged yet.
pub(crate) type Pushed = UnderWay<Result<(), Refusal>>;

/// The values of one entry, where they lie; the variant is the stream's type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values<'a> {
    /// For a stream of `int`.
    Ints(&'a [i32]),
    /// For a stream of `int`, each within 32 bits.
    Longs(&'a [i64]),
    /// The same with gaps: the first of each so many, which are not 0.
    Spaced(&'a [i64], usize),
    /// For a stream of `fixed`, each within [-8, 8).
    Fixed(&'a [f64]),
    /// For a stream of `bool`.
    Bools(&'a [bool]),
}

/// Several entries of the same number of values, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rows<'a> {
    /// All values.
    pub values: Values<'a>,
    /// How many make an entry; not 0.
    pub width: usize,
}

impl<'a> Rows<'a> {
    /// The entries.
    pub fn entries(self) -> impl ExactSizeIterator<Item = Values<'a>> {
        let width = self.width.max(1);
        (0..self.values.len() / width).map(move |row| self.values.part(row * width, width))
    }
}

impl<'a> Values<'a> {
    /// How many there are.
    pub fn len(self) -> usize {
        match self {
            Self::Ints(values) => values.len(),
            Self::Longs(values) => values.len(),
            Self::Spaced(values, step) => values.len().div_ceil(step.max(1)),
            Self::Fixed(values) => values.len(),
            Self::Bools(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    fn part(self, at: usize, len: usize) -> Self {
        let range = at..at + len;
        match self {
            Self::Ints(values) => Self::Ints(&values[range]),
            Self::Longs(values) => Self::Longs(&values[range]),
            Self::Spaced(values, step) => {
                let behind = values.len().min((at + len) * step);
                Self::Spaced(&values[at * step..behind], step)
            }
            Self::Fixed(values) => Self::Fixed(&values[range]),
            Self::Bools(values) => Self::Bools(&values[range]),
        }
    }

    /// Refuses what the controller cannot represent.
    fn check(self, stream: &str) -> Result<()> {
        let misfit = match self {
            Self::Ints(_) | Self::Bools(_) => None,
            // All at once first, which takes vector instructions; where, only when there is one.
            Self::Spaced(values, step) => {
                let mut values = values.iter().step_by(step.max(1)).enumerate();
                let found = values.find(|(_, value)| beyond(**value) != 0);
                found.map(|(at, value)| (value.to_string(), at, AN_INT))
            }
            Self::Longs(values) if values.iter().fold(0, |all, v| all | beyond(*v)) == 0 => None,
            Self::Longs(values) => {
                let at = values.iter().position(|value| beyond(*value) != 0);
                at.map(|at| (values[at].to_string(), at, AN_INT))
            }
            Self::Fixed(values) => {
                let at = values.iter().position(|value| !fixed::fits(*value));
                at.map(|at| {
                    let kind = "a fixed, [-8, 8); it is a float, and a stream of int takes ints";
                    (format!("{:?}", values[at]), at, kind)
                })
            }
        };
        match misfit {
            None => Ok(()),
            Some((value, at, kind)) => Err(Error::Value(format!(
                "the input stream '{stream}': {value} (value {at}) does not fit {kind}"
            ))),
        }
    }

    /// Writes them as their field of the request, behind `start`; ints fit 32 bits. Whether those with gaps do is
    /// told, as they are far from each other and read once only.
    fn encode(self, start: &[u8], fields: PushFields) -> (BytesMut, bool) {
        let field = match self {
            Self::Ints(_) | Self::Longs(_) | Self::Spaced(..) => fields.ints,
            Self::Fixed(_) => fields.fixed,
            Self::Bools(_) => fields.bools,
        };
        // Lengths go before what they count, and are known after it: room for them is left.
        let room = start.len() + MOST_KEYS;
        let mut frame = BytesMut::with_capacity(room + self.most_bytes().min(FIRST_BYTES));
        frame.put_bytes(0, room);
        let mut fit = true;
        match self {
            Self::Ints(values) => varint::put_all(values, |value| *value, &mut frame),
            Self::Spaced(values, step) => fit = put_spaced(values, step.max(1), &mut frame),
            Self::Longs(values) => varint::put_all(values, |value| *value as i32, &mut frame),
            Self::Fixed(values) => values.iter().for_each(|v| frame.put_f64_le(*v)),
            Self::Bools(values) => values.iter().for_each(|v| frame.put_u8(u8::from(*v))),
        }
        let len = frame.len() - room;
        let data = key(fields.data, LENGTH);
        let inner = if len == 0 { 0 } else { varint::len(data) + varint::len(len as u64) + len };
        let mut keys = [0; MOST_KEYS];
        let mut unused = &mut keys[..];
        varint::put(key(field, LENGTH), &mut unused);
        varint::put(inner as u64, &mut unused);
        if len > 0 {
            varint::put(data, &mut unused);
            varint::put(len as u64, &mut unused);
        }
        let unused = unused.len();
        frame.advance(unused);
        frame[..start.len()].copy_from_slice(start);
        frame[start.len()..room - unused].copy_from_slice(&keys[..MOST_KEYS - unused]);
        (frame, fit)
    }

    /// More bytes than this the values do not take.
    fn most_bytes(self) -> usize {
        match self {
            Self::Ints(_) | Self::Longs(_) | Self::Spaced(..) => self.len() * varint::LONGEST,
            Self::Fixed(_) => self.len() * size_of::<f64>(),
            Self::Bools(_) => self.len(),
        }
    }
}

/// Appends values with gaps, gathered where they are still near when they are written. Whether 32 bits hold each.
fn put_spaced(values: &[i64], step: usize, frame: &mut BytesMut) -> bool {
    let mut ints = [0; GATHERED];
    let mut outside = 0;
    for block in values.chunks(step.saturating_mul(GATHERED)) {
        for (int, value) in ints.iter_mut().zip(block.iter().step_by(step)) {
            *int = *value as i32;
            outside |= beyond(*value);
        }
        varint::put_all(&ints[..block.len().div_ceil(step)], |int| *int, frame);
    }
    outside == 0
}

/// The bits of a value that 32 of them cannot hold.
fn beyond(value: i64) -> u64 {
    (value.wrapping_add(1 << 31) as u64) >> 32
}

/// An entry, checked and ready to be sent.
#[derive(Clone, Debug)]
pub struct Entry(Bytes);

/// An input stream of a job, with what all its requests begin with.
#[derive(Clone, Debug)]
pub struct InputStream {
    job: Job,
    name: String,
    template: PushTemplate,
}

impl Job {
    /// An input stream of its program, by the name given to `declare_input_stream`; nothing is
    /// asked yet.
    ///
    /// # Errors
    /// [`Error::Unsupported`] by a gateway without input streams.
    pub fn input_stream(&self, name: &str) -> Result<InputStream> {
        let dialect = self.client().dialect();
        if let Some(capability) = dialect.missing_for_input_streams() {
            return Err(Error::Unsupported { action: action(name, self.id()), capability });
        }
        let template = dialect.push(self.id(), name);
        Ok(InputStream { job: self.clone(), name: name.to_owned(), template })
    }
}

fn action(stream: &str, job: &str) -> String {
    format!("push to the input stream '{stream}' of the job '{job}'")
}

impl InputStream {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The job it belongs to.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The same stream over another connection to the same gateway.
    #[must_use]
    pub fn over(&self, client: &crate::Client) -> Self {
        let job = client.job(self.job.id(), self.job.machine());
        Self { job, ..self.clone() }
    }

    /// Makes an entry.
    ///
    /// # Errors
    /// [`Error::Value`] for a value that cannot be represented.
    pub fn entry(&self, values: Values<'_>) -> Result<Entry> {
        if !matches!(values, Values::Spaced(..)) {
            values.check(&self.name)?;
        }
        let (mut frame, fit) = values.encode(&self.template.start, self.template.fields);
        if !fit {
            values.check(&self.name)?;
        }
        frame::finish(&mut frame);
        Ok(Entry(frame.freeze()))
    }

    /// Sends an entry, once, whatever happens.
    ///
    /// # Errors
    /// [`Error::JobManager`] when the gateway refuses; [`Error::InDoubt`] when nobody knows whether the
    /// entry was taken; [`Error::Connection`] and [`Error::Timeout`] when nothing was sent.
    pub async fn send(&self, entry: Entry) -> Result<()> {
        self.send_noting(entry, &AtomicBool::new(false)).await
    }

    /// [`Self::send`]; `sent` is set for as long as nobody knows whether the entry was taken, also when the
    /// call is dropped.
    ///
    /// # Errors
    /// As for [`Self::send`].
    pub async fn send_noting(&self, entry: Entry, sent: &AtomicBool) -> Result<()> {
        let outcome = self.ask(entry, sent).await;
        let Err(error) = outcome else {
            sent.store(false, Ordering::Relaxed);
            return Ok(());
        };
        if error.is_refusal() {
            sent.store(false, Ordering::Relaxed);
        }
        if !sent.load(Ordering::Relaxed) {
            return Err(error);
        }
        let what = "the entry may have been taken, and is not sent again".to_owned();
        Err(Error::InDoubt { error: Box::new(error), what })
    }

    async fn ask(&self, entry: Entry, sent: &AtomicBool) -> Result<()> {
        let action = || action(&self.name, self.job.id());
        let PushTemplate { path, read, .. } = self.template;
        let call = Call { path, frame: entry.0, read };
        let taken = self.job.client().ask_noting(action, call, sent).await?;
        taken.map_err(|refusal| refusal.into_error(action(), "", [0.0; 4]))
    }

    /// Pushes one entry; it is sent once, whatever happens.
    ///
    /// # Errors
    /// [`Error::Value`] for a value that cannot be represented, before anything is sent; those of
    /// [`Self::send`].
    pub async fn push(&self, values: Values<'_>) -> Result<()> {
        self.send(self.entry(values)?).await
    }

    /// Sends an entry whose acknowledgement is awaited later, `behind` those that are under way.
    pub(crate) async fn begin(
        &self,
        entry: Entry,
        behind: Option<&Pushed>,
    ) -> Result<Pushed, Unanswered> {
        let PushTemplate { path, read, .. } = self.template;
        let call = Call { path, frame: entry.0, read };
        self.job.client().send(|| action(&self.name, self.job.id()), call, behind).await
    }

    /// The acknowledgement of an entry that was sent.
    pub(crate) async fn acknowledged(&self, pushed: Pushed) -> Result<(), Unanswered> {
        let action = || action(&self.name, self.job.id());
        let answered = self.job.client().answer(action, pushed).await;
        let answered = answered.map_err(|Unanswered { error, sent }| {
            let sent = sent && !error.is_refusal();
            Unanswered { error, sent }
        })?;
        answered.map_err(|refusal| Unanswered {
            error: refusal.into_error(action(), "", [0.0; 4]),
            sent: false,
        })
    }

    /// How many entries of one stream are on their way together.
    pub(crate) fn depth(&self) -> usize {
        if self.job.client().is_in_order() { DEPTH } else { 1 }
    }

    /// Pushes entries in their order, each once the one before was taken; to a gateway that answers in order
    /// several are on their way together. `acknowledged` counts them, also when the call fails or is dropped;
    /// `sent` is as for [`Self::send_noting`].
    ///
    /// # Errors
    /// The first failure. Values are checked before the first entry is sent.
    pub async fn push_many<'a, I>(
        &self,
        entries: I,
        acknowledged: &AtomicU64,
        sent: &AtomicBool,
    ) -> Result<()>
    where
        I: Iterator<Item = Values<'a>> + Clone,
    {
        entries.clone().try_for_each(|entry| entry.check(&self.name))?;
        let total = entries.clone().count();
        let mut waiting = VecDeque::new();
        let outcome = self.push_all(entries, acknowledged, sent, &mut waiting).await;
        let Err((Unanswered { error, sent: doubtful }, last)) = outcome else {
            sent.store(false, Ordering::Relaxed);
            return Ok(());
        };
        // What became of the others that were sent is worth their answers: they stand before the one that failed,
        // where that was sent last, or behind it.
        let (mut in_a_row, mut taken, mut doubt) = (last, 0, usize::from(doubtful));
        for (pushed, _) in waiting {
            match self.acknowledged(pushed).await {
                Ok(()) if in_a_row => drop(acknowledged.fetch_add(1, Ordering::Relaxed)),
                Ok(()) => taken += 1,
                Err(Unanswered { sent, .. }) => {
                    in_a_row = false;
                    doubt += usize::from(sent);
                }
            }
        }
        sent.store(doubt > 0, Ordering::Relaxed);
        if (taken, doubt) == (0, 0) {
            return Err(error);
        }
        let count = acknowledged.load(Ordering::Relaxed);
        let what = match (taken, doubt) {
            (0, 1) => "the next one may have been taken, none behind it was sent".to_owned(),
            (0, _) => format!("the next {doubt} may have been taken, none behind them was sent"),
            _ => format!(
                "the next one was not, {taken} behind it were taken and {doubt} more may have been"
            ),
        };
        let what = format!("{count} of {total} entries were acknowledged, {what}");
        Err(Error::InDoubt { error: Box::new(error), what })
    }

    /// With a failure comes whether it is that of the entry that was sent last.
    async fn push_all<'a>(
        &self,
        entries: impl Iterator<Item = Values<'a>>,
        acknowledged: &AtomicU64,
        sent: &AtomicBool,
        waiting: &mut VecDeque<(Pushed, usize)>,
    ) -> Result<(), (Unanswered, bool)> {
        let (most, mut bytes) = (self.depth(), 0);
        let mut entries = entries.peekable();
        while entries.peek().is_some() || !waiting.is_empty() {
            let room = waiting.is_empty() || (waiting.len() < most && bytes < DEPTH_BYTES);
            if let Some(entry) = if room { entries.next() } else { None } {
                let last = |unanswered| (unanswered, true);
                let entry =
                    self.entry(entry).map_err(|error| last(Unanswered { error, sent: false }))?;
                let len = entry.0.len();
                sent.store(true, Ordering::Relaxed);
                let behind = waiting.back().map(|(pushed, _)| pushed);
                let pushed = self.begin(entry, behind).await.map_err(last)?;
                waiting.push_back((pushed, len));
                bytes += len;
            } else if let Some((pushed, len)) = waiting.pop_front() {
                self.acknowledged(pushed).await.map_err(|unanswered| (unanswered, false))?;
                acknowledged.fetch_add(1, Ordering::Relaxed);
                bytes -= len;
                sent.store(!waiting.is_empty(), Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message;
    use pulsewire_common::frame::PREFIX;
    use pulsewire_wire::WholeMessage;
    use pulsewire_wire::job_manager::InsertInputStreamRequest;
    use pulsewire_wire::job_manager::insert_input_stream_request::StreamDataOneof;
    use pulsewire_wire::job_manager::{BoolStreamData, FixedStreamData, IntStreamData};

    /// The frame of an entry of the stream "x" of the job "j".
    fn frame(values: Values<'_>) -> Entry {
        let request = InsertInputStreamRequest {
            job_id: "j".into(),
            stream_name: "input_stream_x".into(),
            stream_data_oneof: None,
        };
        let fields = PushFields { ints: 3, fixed: 4, bools: 5, data: 1 };
        let (mut frame, fit) = values.encode(&request.framed(), fields);
        assert!(fit);
        frame::finish(&mut frame);
        Entry(frame.freeze())
    }

    #[test]
    fn only_what_a_stream_can_hold_is_sent() {
        let largest = 8.0 - 2f64.powi(-28);
        let fits = |value| Values::Fixed(&[0.0, value]).check("x").is_ok();
        assert!(fits(largest) && fits(-8.0) && fits(-1e-300));
        // The nearest fixed of this one would be 8, which wraps to -8.
        assert!(!fits(8.0 - 2f64.powi(-30)));
        for bad in [8.0, -8.0000001, f64::NAN, f64::INFINITY] {
            let error = Values::Fixed(&[0.0, bad]).check("x").unwrap_err();
            assert!(error.to_string().contains("'x'") && error.to_string().contains("value 1"));
        }
        assert!(Values::Longs(&[i64::from(i32::MIN), i64::from(i32::MAX)]).check("x").is_ok());
        for bad in [1 << 31, i64::MIN] {
            let error = Values::Longs(&[0, 0, bad]).check("x").unwrap_err().to_string();
            assert!(error.contains(&bad.to_string()) && error.contains("value 2"), "{error}");
            let spaced = Values::Spaced(&[0, bad, 0, bad, bad], 2);
            let same = spaced.check("x").unwrap_err().to_string();
            assert_eq!(same, error);
            assert!(!spaced.encode(&[], PushFields { ints: 3, fixed: 4, bools: 5, data: 1 }).1);
        }
    }

    #[test]
    fn many_values_with_gaps_are_sent_as_they_are_without() {
        for (step, count) in [(1, 1), (2, 1024), (3, 1025), (5, 5000)] {
            let values: Vec<i64> = (0..count * step).map(|value| value as i64 * 7 - 90).collect();
            let gathered: Vec<i64> = values.iter().step_by(step).copied().collect();
            let until = (count - 1) * step + 1;
            for end in [until, values.len()] {
                let spaced = Values::Spaced(&values[..end], step);
                assert_eq!(spaced.len(), gathered.len());
                assert_eq!(frame(spaced).0, frame(Values::Longs(&gathered)).0, "{step}");
            }
        }
    }

    proptest! {
        #[test]
        fn entries_are_what_prost_would_send(
            ints in prop_oneof![
                proptest::collection::vec(any::<i32>(), 0..200),
                // Of up to four bytes, which are written together.
                proptest::collection::vec((0..28u32, any::<u32>()).prop_map(|(bits, any)| (any & ((1 << bits) - 1)) as i32), 60..300),
            ],
            fixed in proptest::collection::vec(-8.0..7.9f64, 0..50),
            bools in proptest::collection::vec(any::<bool>(), 0..50),
        ) {
            let longs: Vec<i64> = ints.iter().map(|v| i64::from(*v)).collect();
            let spaced: Vec<i64> = longs.iter().flat_map(|v| [*v, i64::MAX, -1]).collect();
            for (values, data) in [
                (Values::Ints(&ints), StreamDataOneof::IntStreamData(IntStreamData { data: ints.clone() })),
                (Values::Spaced(&spaced, 3), StreamDataOneof::IntStreamData(IntStreamData { data: ints.clone() })),
                (Values::Longs(&longs), StreamDataOneof::IntStreamData(IntStreamData { data: ints.clone() })),
                (Values::Fixed(&fixed), StreamDataOneof::FixedStreamData(FixedStreamData { data: fixed.clone() })),
                (Values::Bools(&bools), StreamDataOneof::BoolStreamData(BoolStreamData { data: bools.clone() })),
            ] {
                let request = InsertInputStreamRequest {
                    job_id: "j".into(),
                    stream_name: "input_stream_x".into(),
                    stream_data_oneof: Some(data),
                };
                let entry = frame(values);
                let decoded = InsertInputStreamRequest::decode(&entry.0[PREFIX..]);
                prop_assert_eq!(decoded.as_ref(), Ok(&request));
                prop_assert_eq!(&entry.0, &request.framed());
            }
        }
    }

    #[test]
    fn rows_are_entries() {
        let spaced = Rows { values: Values::Spaced(&[1, 0, 2, 0, 3, 0, 4], 2), width: 2 };
        let entries: Vec<_> = spaced.entries().collect();
        assert_eq!(entries, [Values::Spaced(&[1, 0, 2, 0], 2), Values::Spaced(&[3, 0, 4], 2)]);
        let rows = Rows { values: Values::Ints(&[1, 2, 3, 4]), width: 2 };
        let entries: Vec<_> = rows.entries().collect();
        assert_eq!(entries, [Values::Ints(&[1, 2]), Values::Ints(&[3, 4])]);
    }
}
