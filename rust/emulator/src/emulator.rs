//! Starting and stopping an emulator.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::compiler::Msb;
use crate::control::{Registry, Release};
use crate::gateway::server;
use crate::limits::Limits;
use crate::lock::lock;
use crate::qua::timing::Timing;
use crate::runtime::Pace;
use crate::signal::readout::Models;

/// Programs that are compiled or simulated at a time, for all clients together.
const ASIDE_THREADS: usize = 16;

/// Options of an emulator.
#[derive(Clone, Debug)]
pub struct Builder {
    host: String,
    port: u16,
    pace: Pace,
    release: Release,
    limits: Limits,
    models: Models,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 0,
            pace: Pace::Virtual,
            release: Release::default(),
            limits: Limits::default(),
            models: Models::default(),
        }
    }
}

impl Builder {
    /// The address to listen on; loopback by default.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// The port; 0, the default, lets the system choose.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Whether a program's waits last as long as they would on the hardware.
    #[must_use]
    pub fn realtime(mut self, realtime: bool) -> Self {
        self.pace = if realtime { Pace::Realtime } else { Pace::Virtual };
        self
    }

    /// What the real system adds to a program's own time; that of QOP 2.4 by default.
    #[must_use]
    pub fn timing(mut self, timing: Timing) -> Self {
        self.release.timing = timing;
        self
    }

    /// What `Math.msb` gives of an int; what the manual says by default.
    #[must_use]
    pub fn msb(mut self, msb: Msb) -> Self {
        self.release.msb = msb;
        self
    }

    /// What clients may make it hold.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What answers measurements in the place of an instrument; nothing by default.
    #[must_use]
    pub fn readout(mut self, models: Models) -> Self {
        self.models = models;
        self
    }

    /// Starts it on threads of its own; it listens when this returns.
    ///
    /// # Errors
    /// The system's, when the address cannot be bound or no thread be started; `InvalidInput` for models
    /// that contradict each other.
    pub fn start(self) -> std::io::Result<Emulator> {
        let check = self.models.check();
        check.map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error))?;
        let registry = Registry::new(self.limits, self.pace, self.release, self.models);
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, bound) = std::sync::mpsc::channel();
        let served = Arc::clone(&registry);
        let (host, port) = (self.host, self.port);
        let until = async {
            // Also when the handle is gone without a word.
            let _ = stopped.await;
        };
        let named = std::thread::Builder::new().name("pulsewire-emulator".to_owned());
        // The starter waits for this answer, so it is there to hear it.
        let tell = move |answer| drop(ready.send(answer));
        let thread = named.spawn(move || run(&host, port, served, until, tell))?;
        let address = bound
            .recv()
            .unwrap_or_else(|_| Err(std::io::Error::other("the gateway's thread ended")))?;
        Ok(Emulator { address, registry, running: Mutex::new(Some((stop, thread))) })
    }
}

/// Serves until it is to end; tells once where it listens, or why not.
fn run(
    host: &str,
    port: u16,
    registry: Arc<Registry>,
    until: impl Future<Output = ()> + Send + 'static,
    tell: impl Fn(std::io::Result<SocketAddr>),
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(ASIDE_THREADS)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return tell(Err(error)),
    };
    runtime.block_on(async {
        match server::bind(host, port).await {
            Ok((listener, address)) => {
                tell(Ok(address));
                server::serve(listener, registry, until).await;
            }
            Err(error) => tell(Err(error)),
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
}

/// A running emulator; it stops when dropped.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    registry: Arc<Registry>,
    running: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Emulator {
    /// Options with their defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Halts every job, closes every connection and waits for the threads; once is enough.
    pub fn stop(&self) {
        let Some((stop, thread)) = lock(&self.running).take() else {
            return;
        };
        // First, so that what waits for a job is answered; nothing can be opened from here on.
        self.registry.shut_down();
        // A gateway that ended by itself no longer listens for this.
        let _ = stop.send(());
        // Its thread catches nothing: a panic there was logged by the runtime.
        let _ = thread.join();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop();
    }
}
