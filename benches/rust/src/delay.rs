//! A link to a port that delays each direction: a network of a given distance, without its noise.

use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Bytes that are read at a time.
const PIECE: usize = 1 << 20;

/// Forwards connections until standard input ends; every byte is `delay` on its way, however many are.
/// What a connection's handshake takes is not delayed.
pub(crate) fn forward(target: u16, delay: Duration) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that fails ends itself only.
            let _ = join(stream, target, delay);
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn join(client: TcpStream, target: u16, delay: Duration) -> Result<()> {
    let server = TcpStream::connect(("127.0.0.1", target))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    one_way(client.try_clone()?, server.try_clone()?, delay);
    one_way(server, client, delay);
    Ok(())
}

/// Two threads: one reads, one writes what is due.
fn one_way(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (under_way, arrivals): (Sender<(Instant, Vec<u8>)>, Receiver<_>) = channel();
    std::thread::spawn(move || {
        let mut piece = vec![0; PIECE];
        while let Ok(len @ 1..) = from.read(&mut piece) {
            if under_way.send((Instant::now() + delay, piece[..len].to_vec())).is_err() {
                break;
            }
        }
    });
    std::thread::spawn(move || {
        for (due, bytes) in arrivals {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
