//! A link to a port that delays each direction: a network of a given distance, without its noise.

use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Bytes that are read at a time.
const PIECE: usize = 256 << 10;

/// How far a link reaches, and what it carries.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    /// One way.
    pub(crate) delay: Duration,
    /// Bytes a second, each way; `None`: as many as the machine can.
    pub(crate) rate: Option<f64>,
}

/// Forwards connections until standard input ends; every byte is as long on its way as the link says, however many
/// are. What a connection's handshake takes is not delayed.
pub(crate) fn forward(target: u16, link: Link) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that fails ends itself only.
            let _ = join(stream, target, link);
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn join(client: TcpStream, target: u16, link: Link) -> Result<()> {
    let server = TcpStream::connect(("127.0.0.1", target))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    one_way(client.try_clone()?, server.try_clone()?, link);
    one_way(server, client, link);
    Ok(())
}

/// Bytes on their way: when they are due, where they lie, and how many they are.
type Piece = (Instant, Vec<u8>, usize);

/// Two threads: one reads, one writes what is due and gives the memory back.
fn one_way(mut from: TcpStream, mut to: TcpStream, link: Link) {
    let (under_way, arrivals): (Sender<Piece>, Receiver<Piece>) = channel();
    let (give_back, unused) = channel();
    std::thread::spawn(move || {
        let mut free = Instant::now();
        loop {
            let mut piece = unused.try_recv().unwrap_or_else(|_| vec![0; PIECE]);
            let Ok(len @ 1..) = from.read(&mut piece) else { break };
            // A piece leaves when the one before it has left.
            free = free.max(Instant::now());
            if let Some(rate) = link.rate {
                free += Duration::from_secs_f64(len as f64 / rate);
            }
            if under_way.send((free + link.delay, piece, len)).is_err() {
                break;
            }
        }
    });
    std::thread::spawn(move || {
        for (due, piece, len) in arrivals {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece[..len]).is_err() {
                break;
            }
            let _ = give_back.send(piece);
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
