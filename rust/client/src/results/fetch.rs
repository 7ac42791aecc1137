//! The bytes of a result, from the gateway into memory or a file that the caller owns.

use std::fs::File;
use std::io::{self, Write};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::schema::Results;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::retry::{self, Tries};
use crate::transport::{Incoming, Unframer};
use crate::types::{Ahead, Header};
use crate::wait::FOREVER;

/// Bytes that are asked for together with the header, or on the connection of all other calls: more
/// than that would keep those waiting.
const SMALL: u64 = 256 << 10;

/// Items that are asked for before it is known how large they are.
const MOST_AHEAD: u64 = 1024;

/// Which items of a result; ends may be negative and count from the end, as in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The first item.
    pub start: i64,
    /// The item after the last; `None` for all there are.
    pub stop: Option<i64>,
}

impl Selection {
    /// Everything so far.
    pub const ALL: Self = Self { start: 0, stop: None };

    /// A single item.
    pub fn item(index: i64) -> Self {
        // -1 has no item behind it to stop at.
        Self { start: index, stop: index.checked_add(1).filter(|stop| *stop != 0) }
    }

    /// The first item and how many at most, where that does not depend on how many there are.
    fn bounds(self) -> Option<(u64, Option<u64>)> {
        let first = u64::try_from(self.start).ok()?;
        let stop = self.stop.map(u64::try_from).transpose().ok()?;
        Some((first, stop.map(|stop| stop.saturating_sub(first))))
    }

    /// The first item and how many, of `count` there are.
    pub fn resolve(self, count: u64) -> (u64, u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let place = |at: i64| {
            if at < 0 { (count.saturating_add(at)).max(0) } else { at.min(count) }
        };
        let start = place(self.start);
        let stop = self.stop.map_or(count, place);
        (start as u64, (stop - start).max(0) as u64)
    }
}

/// Items of a result, with the header that describes them.
#[derive(Debug)]
pub struct Fetched {
    /// How the result stands.
    pub header: Header,
    /// The first item.
    pub first: u64,
    /// How many items.
    pub count: u64,
    /// Their bytes; `None` when they are many, to be fetched with [`Results::fetch`] into memory
    /// of the right size, best over a connection of their own ([`crate::Client::sibling`]).
    pub bytes: Option<Vec<u8>>,
}

/// Where the bytes of a result are written.
pub trait Sink: Write {
    /// Takes the last so many bytes back, all of them written before.
    ///
    /// # Errors
    /// Those of the file.
    fn take_back(&mut self, bytes: u64) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn take_back(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.truncate(self.len().saturating_sub(bytes));
        Ok(())
    }
}

/// A file that is appended to.
impl Sink for File {
    fn take_back(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(self.metadata()?.len().saturating_sub(bytes))
    }
}

/// The answer to a request for items, piece by piece. A connection that breaks is made anew, and the
/// answer goes on with the item where it broke; one whose item may have been replaced meanwhile begins anew.
#[derive(Debug)]
pub struct ResultStream {
    results: Results,
    name: String,
    first: u64,
    items: u64,
    item_size: u64,
    deadline: Instant,
    timeout: Duration,
    incoming: Option<IncomingItems>,
    /// Bytes handed on.
    at: u64,
    /// Failed since the last piece.
    tries: Tries,
    /// Whether its item may be replaced while it is read: two halves would not belong together.
    changes: bool,
    /// Bytes handed on that are void: its item is fetched anew.
    void: u64,
}

/// One answer of the gateway, from an item on.
#[derive(Debug)]
struct IncomingItems {
    incoming: Incoming,
    unframer: Unframer,
    input: Bytes,
    from: u64,
    /// Bytes at its beginning that were handed on before the connection broke.
    skip: u64,
}

impl ResultStream {
    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        self.items * self.item_size
    }

    fn error(&self, reason: String) -> Error {
        let (name, job) = (self.name.clone(), self.results.job().id().to_owned());
        Error::Fetch { name, job, reason }
    }

    fn action(&self) -> String {
        format!("fetch the result '{}' of the job '{}'", self.name, self.results.job().id())
    }

    /// Asks for the items from the one on where the stream is.
    async fn ask(&self) -> Result<IncomingItems, tonic::Status> {
        let from = self.at.checked_div(self.item_size).unwrap_or(0);
        let (job, first, count) = (self.results.job(), self.first + from, self.items - from);
        let client = job.client();
        let call = client.dialect().items(job.id(), &self.name, first, count);
        let incoming = client.link().stream(call.path, call.frame).await?;
        let skip = self.at - from * self.item_size;
        let unframer = Unframer::new(call.layout);
        Ok(IncomingItems { incoming, unframer, input: Bytes::new(), from, skip })
    }

    /// The next piece, before which [`Self::void`] are to be taken back; `None` at the end, once everything that
    /// was promised has arrived.
    ///
    /// # Errors
    /// [`Error::Fetch`] when more or less arrives than was promised; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.items == 0 {
            return Ok(None);
        }
        let (timeout, deadline) = (self.timeout, self.deadline);
        loop {
            let error = match tokio::time::timeout_at(deadline, self.piece()).await {
                Err(_) => return Err(Error::Timeout { action: self.action(), timeout }),
                Ok(Ok(piece)) => {
                    self.tries = Tries::default();
                    return piece;
                }
                Ok(Err(status)) => {
                    let client = self.results.job().client();
                    Job::or_missing(client.failure(self.action(), timeout, &status))
                }
            };
            if retry::is_transient(&error) && self.at == self.bytes() && self.at > 0 {
                // Everything is there; only the gateway's last word is not.
                self.items = 0;
                return Ok(None);
            }
            self.incoming = None;
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(pause) = self.tries.pause(&error, left) else {
                return Err(error);
            };
            self.results.job().client().note_failure(&self.tries, &error);
            if self.changes {
                self.void += std::mem::take(&mut self.at);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// The next piece of the gateway's answer. A status is a failure that may be overcome.
    async fn piece(&mut self) -> Result<Result<Option<Bytes>>, tonic::Status> {
        if self.incoming.is_none() {
            self.incoming = Some(self.ask().await?);
        }
        let Some(answer) = &mut self.incoming else {
            return Ok(Ok(None));
        };
        loop {
            match answer.unframer.next(&mut answer.input) {
                Err(error) => return Ok(Err(self.error(error.to_string()))),
                Ok(Some(mut piece)) => {
                    let skipped = answer.skip.min(piece.len() as u64);
                    answer.skip -= skipped;
                    let piece = piece.split_off(skipped as usize);
                    if piece.is_empty() {
                        continue;
                    }
                    self.at += piece.len() as u64;
                    if self.at > self.bytes() {
                        let text = format!("more than the {} bytes promised arrive", self.bytes());
                        return Ok(Err(self.error(text)));
                    }
                    return Ok(Ok(Some(piece)));
                }
                Ok(None) => {}
            }
            match answer.incoming.data().await? {
                Some(data) => answer.input = data,
                None => break,
            }
        }
        let (items, whole) = (answer.from + answer.unframer.items, answer.unframer.is_whole());
        if (items, self.at, whole) == (self.items, self.bytes(), true) {
            return Ok(Ok(None));
        }
        Ok(Err(self.error(format!(
            "{items} items of {} bytes arrived, not {} of {}; fetch again",
            self.at,
            self.items,
            self.bytes()
        ))))
    }

    /// Writes everything.
    ///
    /// # Errors
    /// [`Error::Fetch`] when more or less arrives than was promised, or `out` does not take it;
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn copy_to(&mut self, out: &mut impl Sink) -> Result<()> {
        while let Some(piece) = self.next().await? {
            let void = std::mem::take(&mut self.void);
            if void > 0 {
                let taken = out.take_back(void);
                taken.map_err(|error| self.error(format!("cannot take back: {error}")))?;
            }
            out.write_all(&piece).map_err(|error| self.error(format!("cannot write: {error}")))?;
        }
        Ok(())
    }
}

impl Results {
    /// Items of a result that stands as `header` says; asked for with the first piece.
    ///
    /// # Errors
    /// [`Error::DataLoss`] when items were lost.
    pub fn fetch(
        &self,
        name: &str,
        header: &Header,
        first: u64,
        count: u64,
        timeout: Option<Duration>,
    ) -> Result<ResultStream> {
        if header.has_dataloss {
            let job = self.job().id().to_owned();
            return Err(Error::DataLoss { name: name.to_owned(), job });
        }
        Ok(self.stream(name, header.item_size(), first, count, timeout))
    }

    /// Items of a known size that are known to be there.
    pub fn stream(
        &self,
        name: &str,
        item_size: usize,
        first: u64,
        count: u64,
        timeout: Option<Duration>,
    ) -> ResultStream {
        let timeout = timeout.unwrap_or(self.job().client().options().timeout);
        ResultStream {
            results: self.clone(),
            name: name.to_owned(),
            first,
            items: count,
            item_size: item_size as u64,
            deadline: Instant::now() + timeout.min(FOREVER),
            timeout,
            incoming: None,
            at: 0,
            tries: Tries::default(),
            void: 0,
            changes: self.schema().iter().any(|schema| schema.name == name && schema.is_single),
        }
    }

    /// Fetches items with their header; the bytes of many are left to the caller.
    ///
    /// As many as fit a small answer are asked for together with the header: one round trip, unless there are
    /// more. Whatever arrives, the header tells which of it counts.
    ///
    /// # Errors
    /// [`Error::DataLoss`] when items were lost; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn take(
        &self,
        name: &str,
        selection: Selection,
        flat: bool,
        timeout: Option<Duration>,
    ) -> Result<Fetched> {
        if let Some(known) = self.fetched_ahead(name, selection, flat) {
            return Ok(known);
        }
        let started = Instant::now();
        // The bound is of the whole call, not of each request in it.
        let left = || timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
        let mut early = None;
        let header = {
            let mut header = pin!(self.header(name, flat, timeout));
            let guess = self.guess(name, selection);
            let mut guessed = pin!(async {
                match guess {
                    Some((first, most)) => self.some(name, first, most, timeout).await,
                    None => None,
                }
            });
            let header = tokio::select! {
                // In this order, so that the items are as new as the header at least.
                biased;
                header = &mut header => header?,
                items = &mut guessed, if guess.is_some() => {
                    early = Some(items);
                    header.await?
                }
            };
            let (first, count) = selection.resolve(header.count);
            let fits = guess.is_some_and(|(from, most)| (from, count <= most) == (first, true));
            early = match early {
                None if fits && count > 0 && !header.has_dataloss => Some(guessed.await),
                early => early.filter(|_| fits),
            };
            header
        };
        let (first, count) = selection.resolve(header.count);
        let size = header.item_size();
        if let Some(Some((items, mut bytes))) = early
            && items >= count
            && !header.has_dataloss
            && bytes.len() as u64 == items * size as u64
        {
            bytes.truncate(count as usize * size);
            return Ok(Fetched { header, first, count, bytes: Some(bytes) });
        }
        let mut stream = self.fetch(name, &header, first, count, left())?;
        let bytes = if stream.bytes() <= SMALL {
            let mut bytes = Vec::with_capacity(stream.bytes() as usize);
            stream.copy_to(&mut bytes).await?;
            Some(bytes)
        } else {
            None
        };
        Ok(Fetched { header, first, count, bytes })
    }

    /// What to ask for together with the header: the first item and how many at most. `None` where it is known
    /// that there are many, or that nothing can be told.
    fn guess(&self, name: &str, selection: Selection) -> Option<(u64, u64)> {
        let (first, most) = selection.bounds()?;
        let schema = self.schema().iter().find(|schema| schema.name == name)?;
        let seen = self.seen(name);
        let size = seen.map_or_else(|| schema.item_size(), |seen| seen.item_size).max(1) as u64;
        let fit = SMALL / size;
        let most = most.unwrap_or(if schema.is_single { 1 } else { fit });
        let many = seen.is_some_and(|seen| seen.count.saturating_sub(first).min(most) > fit);
        (!many && most > 0 && fit > 0).then_some((first, most.min(fit)))
    }

    /// Items from one on, as many of `most` as there are; `None` when that fails in any way.
    pub(crate) async fn some(
        &self,
        name: &str,
        first: u64,
        most: u64,
        timeout: Option<Duration>,
    ) -> Option<(u64, Vec<u8>)> {
        let client = self.job().client();
        let call = client.dialect().items(self.job().id(), name, first, most);
        let (mut unframer, mut bytes) = (Unframer::new(call.layout), Vec::new());
        let arriving = async {
            let mut incoming = client.link().stream(call.path, call.frame).await.ok()?;
            while let Some(mut data) = incoming.data().await.ok()? {
                while let Some(piece) = unframer.next(&mut data).ok()? {
                    bytes.extend_from_slice(&piece);
                }
                // Nothing that is as long was asked for.
                if bytes.len() as u64 > 2 * SMALL {
                    return None;
                }
            }
            Some(())
        };
        let timeout = timeout.unwrap_or(client.options().timeout);
        tokio::time::timeout(timeout, arriving).await.ok().flatten()?;
        unframer.is_whole().then_some((unframer.items, bytes))
    }

    /// What a wait fetched ahead, if it is what is wanted; it is given once.
    fn fetched_ahead(&self, name: &str, selection: Selection, flat: bool) -> Option<Fetched> {
        let Ahead { header, first, items, mut bytes } = self.take_ahead(name, flat)?;
        let (from, count) = selection.resolve(header.count);
        let size = header.item_size();
        let (skip, end) = (from.checked_sub(first)?, from + count - first);
        if header.has_dataloss
            || count == 0
            || end > items
            || bytes.len() as u64 != items * size as u64
        {
            return None;
        }
        bytes.truncate(end as usize * size);
        bytes.drain(..skip as usize * size);
        Some(Fetched { header, first: from, count, bytes: Some(bytes) })
    }

    /// All items of a small result and how it stands, of a job of which nothing is known yet; `None` unless both
    /// fit together.
    pub(crate) async fn item_ahead(&self, name: &str, single: bool) -> Option<(String, Ahead)> {
        let most = if single { 1 } else { MOST_AHEAD };
        let (header, found) = tokio::join!(
            biased;
            self.header(name, false, None),
            self.some(name, 0, most, None)
        );
        let (header, (items, bytes)) = (header.ok()?, found?);
        let all = header.done && header.count == items;
        all.then(|| (name.to_owned(), Ahead { header, first: 0, items, bytes }))
    }

    /// One item that is waited for, with how the result stands; the item counts only when that says that it is
    /// there. Fetched next, it is at hand.
    pub(super) async fn header_and_item(&self, name: &str, item: u64) -> Result<Header> {
        let single = self.schema().iter().any(|schema| schema.name == name && schema.is_single);
        let first = if single { 0 } else { item };
        let (header, found) =
            tokio::join!(biased; self.header(name, false, None), self.some(name, first, 1, None));
        let header = header?;
        if let Some((items @ 1.., bytes)) = found
            && header.count > item
        {
            let ahead = Ahead { header: header.clone(), first, items, bytes };
            self.cache.keep_ahead(name, ahead, false);
        }
        Ok(header)
    }

    /// [`Self::take`] of several results at once.
    ///
    /// # Errors
    /// The first one.
    pub async fn take_all(
        &self,
        wanted: &[(String, Selection)],
        flat: bool,
        timeout: Option<Duration>,
    ) -> Result<Vec<Fetched>> {
        let each =
            wanted.iter().map(|(name, selection)| self.take(name, *selection, flat, timeout));
        futures_util::future::try_join_all(each).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_are_those_of_python() {
        let of = |start, stop, count| Selection { start, stop }.resolve(count);
        assert_eq!(of(0, None, 5), (0, 5));
        assert_eq!(of(1, Some(3), 5), (1, 2));
        assert_eq!(of(3, Some(1), 5), (3, 0));
        assert_eq!(of(-2, None, 5), (3, 2));
        assert_eq!(of(0, Some(-1), 5), (0, 4));
        assert_eq!(of(-9, Some(99), 5), (0, 5));
        assert_eq!(of(7, None, 5), (5, 0));
        assert_eq!(Selection::item(-1).resolve(5), (4, 1));
        assert_eq!(Selection::item(5).resolve(5), (5, 0));
        assert_eq!(Selection::item(2).resolve(5), (2, 1));
        assert_eq!(of(i64::MIN, Some(i64::MAX), 5), (0, 5));
        let bounds = |start, stop| Selection { start, stop }.bounds();
        assert_eq!(bounds(1, Some(5)), Some((1, Some(4))));
        assert_eq!(bounds(3, Some(1)), Some((3, Some(0))));
        assert_eq!(bounds(2, None), Some((2, None)));
        for unknown in [(-1, Some(2)), (0, Some(-1)), (-2, None)] {
            assert_eq!(bounds(unknown.0, unknown.1), None, "{unknown:?}");
        }
    }
}
