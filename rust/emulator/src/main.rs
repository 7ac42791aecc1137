//! The `pulsewire-emulator` binary.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use pulsewire_emulator::Emulator;

const USAGE: &str = "\
usage: pulsewire-emulator [--host HOST] [--port PORT] [--realtime]

An emulator of the QOP 2.6 gateway that executes QUA programs.

  --host HOST   address to listen on (default 127.0.0.1)
  --port PORT   port to listen on (default 9510; 0: any free one)
  --realtime    waits last as long as they would on the hardware";

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
