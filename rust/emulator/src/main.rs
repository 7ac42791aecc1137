//! The `pulsewire-emulator` binary.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use pulsewire_emulator::{Emulator, Msb, Timing};

const USAGE: &str = "\
usage: pulsewire-emulator [--host HOST] [--port PORT] [--realtime] [--timing NAME] [--msb NAME]

An emulator of the QOP 2.6 gateway that executes QUA programs.

  --host HOST   address to listen on (default 127.0.0.1)
  --port PORT   port to listen on (default 9510; 0: any free one)
  --realtime    waits last as long as they would on the hardware
  --timing NAME what the real system adds to a program's own time: qop-2.4 (default), ideal (nothing)
  --msb NAME    what Math.msb gives of an int: manual (default), 2025 (28 less)";

fn main() -> ExitCode {
    let mut builder = Emulator::builder().port(9510);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        builder = match (argument.as_str(), &mut arguments) {
            ("--help" | "-h", _) => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            ("--realtime", _) => builder.realtime(true),
            ("--timing", rest) => match rest.next().as_deref().and_then(Timing::named) {
                Some(timing) => builder.timing(timing),
                None => return wrong(&format!("--timing is one of: {}", Timing::NAMES.join(", "))),
            },
            ("--msb", rest) => match rest.next().as_deref().and_then(Msb::named) {
                Some(msb) => builder.msb(msb),
                None => return wrong(&format!("--msb is one of: {}", Msb::NAMES.join(", "))),
            },
            ("--host", rest) => match rest.next() {
                Some(host) => builder.host(host),
                None => return wrong("--host needs an address"),
            },
            ("--port", rest) => match rest.next().map(|port| port.parse()) {
                Some(Ok(port)) => builder.port(port),
                _ => return wrong("--port needs a number from 0 to 65535"),
            },
            (other, _) => return wrong(&format!("unknown argument '{other}'")),
        };
    }
    let emulator = match builder.start() {
        Ok(emulator) => emulator,
        Err(error) => {
            eprintln!("pulsewire-emulator: cannot listen: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("listening on {}", emulator.address());
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let heard = waiting.and_then(|runtime| runtime.block_on(tokio::signal::ctrl_c()));
    emulator.stop();
    match heard {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pulsewire-emulator: cannot wait for Ctrl-C: {error}");
            ExitCode::FAILURE
        }
    }
}

fn wrong(message: &str) -> ExitCode {
    eprintln!("pulsewire-emulator: {message}\n\n{USAGE}");
    ExitCode::from(2)
}
