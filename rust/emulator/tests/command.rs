//! The binary, as a user starts and ends it.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_pulsewire-emulator");

fn output(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

/// Starts it, and connects to where it says that it listens.
fn started(arguments: &[&str]) -> Child {
    let mut child = Command::new(BINARY).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap();
    TcpStream::connect(address).unwrap();
    child
}

#[cfg(unix)]
#[test]
fn it_takes_every_option_and_ends_cleanly_when_it_is_told_to() {
    let model = std::env::temp_dir().join(format!("pulsewire-{}.json", std::process::id()));
    std::fs::write(&model, r#"{"ro": {"ground": [0.01, 0.0], "noise": 0.1}}"#).unwrap();
    let file = model.to_str().unwrap();
    for signal in ["TERM", "INT"] {
        let mut child = started(&[
            "--port=0",
            "--host",
            "127.0.0.1",
            "--realtime",
            "--timing",
            "ideal",
            "--msb=2025",
            "--readout",
            file,
            "--seed",
            "7",
            "--limit",
            "machines=3",
        ]);
        let told = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(told.unwrap().success());
        assert!(child.wait().unwrap().success(), "{signal}");
    }
    std::fs::remove_file(&model).unwrap();
}

#[test]
fn what_it_cannot_do_it_says() {
    let help = output(&["--help"]);
    assert!(help.status.success());
    for option in
        ["--host", "--port", "--realtime", "--timing", "--msb", "--readout", "--seed", "--limit"]
    {
        assert!(String::from_utf8_lossy(&help.stdout).contains(option), "{option}");
    }
    let wrong = output(&["--seed", "x"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("usage: pulsewire-emulator"));
    let missing = output(&["--readout", "nowhere.json"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("nowhere.json"));
    let elsewhere = output(&["--host", "203.0.113.1"]);
    assert_eq!(elsewhere.status.code(), Some(1));
}
