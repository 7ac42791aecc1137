//! The `pulsewire-emulator` binary.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use pulsewire_emulator::{ArgumentError, Command, usage};

/// As in the extension: entries and answers of some hundred KiB come and go.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROGRAM: &str = "pulsewire-emulator";

fn main() -> ExitCode {
    let builder = match Command::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(builder)) => builder,
        Ok(Command::Help) => {
            println!("{}", usage(PROGRAM));
            return ExitCode::SUCCESS;
        }
        Err(error @ ArgumentError::Usage(_)) => {
            eprintln!("{PROGRAM}: {error}\n\n{}", usage(PROGRAM));
            return ExitCode::from(2);
        }
        Err(error @ ArgumentError::Model { .. }) => return failure(&error),
    };
    // Before it listens: whoever is told where may end it at once.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failure(&error),
    };
    let ended = runtime.block_on(async { ended() });
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => return failure(&error),
    };
    let emulator = match builder.start() {
        Ok(emulator) => emulator,
        Err(error) => return failure(&format_args!("cannot listen: {error}")),
    };
    println!("listening on {}", emulator.address());
    runtime.block_on(ended);
    emulator.stop();
    ExitCode::SUCCESS
}

fn failure(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("{PROGRAM}: {error}");
    ExitCode::FAILURE
}

/// Ends with Ctrl-C or SIGTERM, which are heard from now on.
#[cfg(unix)]
fn ended() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends with Ctrl-C, or when the console is closed, which are heard from now on.
#[cfg(windows)]
fn ended() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_c, ctrl_close};
    let (mut interrupt, mut close) = (ctrl_c()?, ctrl_close()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = close.recv() => {}
        }
    })
}
