//! Who is connected: each client has a seat, however many connections it makes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use http::HeaderMap;
use tonic::Status;

use crate::lock::lock;

/// The header by which pulsewire's connections say whose they are; any other connection is a client of its own.
const CLIENT: &str = "x-pulsewire-client";
/// Characters of a name that are looked at; longer ones are none.
const MOST_NAME: usize = 64;
/// Connections of one client: three lanes, each being made anew, and a probe.
const MOST_OF_ONE: usize = 8;

/// All seats.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    count: usize,
    named: HashMap<String, Weak<Seat>>,
}

/// A client's place, held by each of its connections.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    name: Option<String>,
}

impl Seats {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// The seat of whoever sends such headers.
    ///
    /// # Errors
    /// A status that says that all are taken.
    pub(super) fn take(self: &Arc<Self>, headers: &HeaderMap) -> Result<Arc<Seat>, Status> {
        let name = headers.get(CLIENT).and_then(|name| name.to_str().ok());
        let name = name.filter(|name| name.len() <= MOST_NAME);
        let mut taken = lock(&self.taken);
        if let Some(seat) = name.and_then(|name| taken.named.get(name)?.upgrade()) {
            // Before the seat may be dropped, which takes the lock.
            drop(taken);
            return if Arc::strong_count(&seat) <= MOST_OF_ONE {
                Ok(seat)
            } else {
                Err(Status::resource_exhausted(format!(
                    "this client has {MOST_OF_ONE} connections already"
                )))
            };
        }
        if taken.count >= self.most {
            return Err(Status::resource_exhausted(format!(
                "the emulator is full: {} clients are connected, which is its limit 'clients'; close some, or raise it",
                taken.count
            )));
        }
        taken.count += 1;
        let name = name.map(str::to_owned);
        let seat = Arc::new(Seat { seats: Arc::clone(self), name: name.clone() });
        if let Some(name) = name {
            taken.named.insert(name, Arc::downgrade(&seat));
        }
        Ok(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = lock(&self.seats.taken);
        taken.count -= 1;
        if let Some(name) = &self.name
            // The same client may have taken another meanwhile.
            && taken.named.get(name).is_some_and(|seat| seat.strong_count() == 0)
        {
            taken.named.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            http::HeaderName::from_static(CLIENT),
            http::HeaderValue::from_static(name),
        )])
    }

    #[test]
    fn a_client_has_one_seat_and_others_one_a_connection() {
        let seats = Seats::new(3);
        let ours: Vec<_> = (0..4).map(|_| seats.take(&named("a")).unwrap()).collect();
        let others = [HeaderMap::new(), HeaderMap::new()].map(|none| seats.take(&none).unwrap());
        for headers in [named("b"), HeaderMap::new()] {
            let full = seats.take(&headers).unwrap_err();
            assert_eq!(full.code(), tonic::Code::ResourceExhausted);
            assert!(full.message().contains("3 clients are connected"), "{full}");
        }
        // Whoever is there may make further connections.
        drop(seats.take(&named("a")).unwrap());
        drop(others);
        seats.take(&named("b")).unwrap();
        drop(ours);
        let all = ["c", "d", "e"].map(|name| seats.take(&named(name)).unwrap());
        assert!(seats.take(&named("a")).is_err());
        drop(all);
        assert!(lock(&seats.taken).named.is_empty());
    }

    #[test]
    fn a_name_is_no_way_to_connections_without_number() {
        let seats = Seats::new(3);
        let held: Vec<_> = (0..20).map(|_| seats.take(&named("a"))).collect();
        assert_eq!(held.iter().filter(|seat| seat.is_ok()).count(), MOST_OF_ONE);
    }
}
