//! Raw TCP on loopback: what the machine can do without gRPC.

use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

/// Answers until standard input ends. A connection begins with a byte: `p` answers messages of one
/// size with messages of another (both follow as u32, little-endian), `b` sends as many bytes as
/// follow (u64) each time it gets a byte.
pub(crate) fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A peer that goes away ends its own thread.
            std::thread::spawn(move || answer(stream));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    if kind == *b"p" {
        let mut size = [0; 4];
        stream.read_exact(&mut size)?;
        let mut message = vec![0; u32::from_le_bytes(size) as usize];
        stream.read_exact(&mut size)?;
        let back = vec![0; u32::from_le_bytes(size) as usize];
        loop {
            stream.read_exact(&mut message)?;
            stream.write_all(&back)?;
        }
    }
    let mut size = [0; 8];
    stream.read_exact(&mut size)?;
    let size = u64::from_le_bytes(size) as usize;
    let block = vec![7; 1 << 20];
    loop {
        stream.read_exact(&mut kind)?;
        let mut left = size;
        while left > 0 {
            let now = left.min(block.len());
            stream.write_all(&block[..now])?;
            left -= now;
        }
    }
}

pub(crate) fn ping(port: u16, out: usize, back: usize, count: usize) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.write_all(b"p")?;
    stream.write_all(&(out as u32).to_le_bytes())?;
    stream.write_all(&(back as u32).to_le_bytes())?;
    let message = vec![1; out];
    let mut answer = vec![0; back];
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let started = Instant::now();
        stream.write_all(&message)?;
        stream.read_exact(&mut answer)?;
        times.push(started.elapsed().as_nanos());
    }
    crate::print(&times);
    Ok(())
}
