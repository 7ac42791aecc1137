//! A connection to a gateway, and its siblings for large results and for writers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pulsewire_client::{Client, ConnectOptions, Error};
use pyo3::prelude::*;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::errors;
use crate::lifetime::{Lane, ProcessBound, block_on, block_on_lane, current};

/// A gateway that this process is connected to, for all that hold it; it survives a fork: the child gets
/// connections of its own on first use.
#[derive(Debug)]
pub(crate) struct Link {
    options: ConnectOptions,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Connections that are open.
    holders: usize,
    clients: Clients,
}

/// One holder of a link: it is closed by itself, and the last one shuts the link.
#[derive(Debug)]
pub(crate) struct Connection {
    link: Arc<Link>,
    /// Clients that share the link's.
    clients: Mutex<Clients>,
}

/// The clients of one process, by what they are for; `None` once they are closed.
#[derive(Debug)]
struct Clients(Option<ProcessBound<Lanes>>);

#[derive(Debug, Default)]
struct Lanes {
    calls: Option<Client>,
    bulk: Option<Client>,
    background: Option<Client>,
}

/// A lane of these.
type Pick = fn(&mut Lanes) -> &mut Option<Client>;

const CALLS: Pick = |lanes| &mut lanes.calls;
const BULK: Pick = |lanes| &mut lanes.bulk;
const BACKGROUND: Pick = |lanes| &mut lanes.background;

/// They were closed.
struct Closed;

impl Clients {
    fn new() -> Self {
        Self(Some(ProcessBound::new(Lanes::default())))
    }

    /// The client of a lane in this process, if there is one yet.
    fn find(&mut self, pick: Pick) -> Result<Option<Client>, Closed> {
        let Some(lanes) = &mut self.0 else { return Err(Closed) };
        Ok(lanes.get_mut().and_then(|lanes| pick(lanes).clone()))
    }

    /// Keeps a client that was made for a lane, unless another thread was faster: gives the one that counts.
    fn keep(&mut self, made: &Client, pick: Pick) -> Result<Client, Closed> {
        let Some(lanes) = &mut self.0 else { return Err(Closed) };
        if lanes.get().is_none() {
            // Those of the parent of a fork are left alone.
            *lanes = ProcessBound::new(Lanes::default());
        }
        let Some(lanes) = lanes.get_mut() else { return Err(Closed) };
        Ok(pick(lanes).get_or_insert_with(|| made.clone()).clone())
    }

    /// Later calls fail, whoever makes them.
    fn close(&mut self) {
        let Some(lanes) = self.0.take().and_then(ProcessBound::take) else { return };
        [lanes.calls, lanes.bulk, lanes.background].iter().flatten().for_each(Client::close);
    }
}

fn closed(py: Python<'_>) -> PyErr {
    let error = Error::Connection {
        action: "use a closed client".to_owned(),
        reason: "the client was closed; connect() again".to_owned(),
        status: "CLOSED",
    };
    errors::to_python(py, error)
}

impl Link {
    pub(crate) fn open(py: Python<'_>, options: ConnectOptions) -> PyResult<Arc<Self>> {
        let client = block_on(py, Client::connect(options.clone()))?;
        let lanes = Lanes { calls: Some(client), ..Lanes::default() };
        let clients = Clients(Some(ProcessBound::new(lanes)));
        Ok(Arc::new(Self { options, state: Mutex::new(State { holders: 0, clients }) }))
    }

    /// One more holder.
    pub(crate) fn hold(self: &Arc<Self>, py: Python<'_>) -> PyResult<Connection> {
        let is_open = {
            let mut state = self.lock();
            let is_open = state.clients.0.is_some();
            state.holders += usize::from(is_open);
            is_open
        };
        if !is_open {
            return Err(closed(py));
        }
        Ok(Connection { link: Arc::clone(self), clients: Mutex::new(Clients::new()) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One holder less; behind the last one the link is shut.
    fn release(&self) {
        let mut state = self.lock();
        state.holders = state.holders.saturating_sub(1);
        if state.holders == 0 {
            state.clients.close();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Without a word: what was made of it (a writer) goes on for as long as it is held.
        let clients = self.lock().0.take();
        if clients.is_some() {
            self.link.release();
        }
    }
}

impl Connection {
    fn lock(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of the link; later calls of this connection fail, whoever makes them. Once is enough.
    pub(crate) fn close(&self) {
        let is_open = {
            let mut clients = self.lock();
            let is_open = clients.0.is_some();
            clients.close();
            is_open
        };
        if is_open {
            self.link.release();
        }
    }

    /// The client of this process for a lane, which `open` connects where nobody did yet.
    fn lane(
        &self,
        py: Python<'_>,
        pick: Pick,
        open: impl FnOnce() -> PyResult<Client>,
    ) -> PyResult<Client> {
        // Nothing is locked where Python runs, to make an exception or to connect.
        let found = self.lock().find(pick);
        if let Some(client) = found.map_err(|Closed| closed(py))? {
            return Ok(client);
        }
        let found = self.link.lock().clients.find(pick);
        let first = match found.map_err(|Closed| closed(py))? {
            Some(client) => client,
            None => {
                let opened = open()?;
                let kept = self.link.lock().clients.keep(&opened, pick);
                kept.map_err(|Closed| closed(py))?
            }
        };
        let kept = self.lock().keep(&first.share(), pick);
        kept.map_err(|Closed| closed(py))
    }

    /// The client of this process.
    pub(crate) fn client(&self, py: Python<'_>) -> PyResult<Client> {
        self.lane(py, CALLS, || block_on(py, Client::connect(self.link.options.clone())))
    }

    /// The client of this process for large results, on [`Lane::Bulk`]; connects within `timeout`.
    pub(crate) fn bulk(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<Client> {
        let client = self.client(py)?;
        let timeout = timeout.unwrap_or(self.link.options.timeout);
        self.lane(py, BULK, || {
            block_on_lane(py, Lane::Bulk, async {
                tokio::time::timeout(timeout, client.sibling()).await.unwrap_or_else(|_| {
                    let action = "open a second connection for a large result".to_owned();
                    Err(Error::Timeout { action, timeout })
                })
            })
        })
    }

    /// The client of this process for what is sent in the background, and where it is driven.
    pub(crate) fn background(&self, py: Python<'_>) -> PyResult<(Client, Handle)> {
        let client = self.client(py)?;
        let handle = current(py)?.background()?.clone();
        let background = self.lane(py, BACKGROUND, || {
            let (send, opened) = oneshot::channel();
            handle.spawn(async move {
                // Nobody hears it who was interrupted.
                let _ = send.send(client.sibling().await);
            });
            block_on(py, async move {
                opened.await.unwrap_or_else(|_| {
                    Err(Error::Value("the thread of pulsewire's writers has ended".to_owned()))
                })
            })
        })?;
        Ok((background, handle))
    }
}
