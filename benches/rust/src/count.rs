//! Counts the bytes that a server sends.

use std::io::{BufRead, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Forwards connections to a port of this machine until standard input ends.
pub(crate) fn forward(port: u16) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let back = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&back);
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            let (Ok(near_back), Ok(far_back)) = (near.try_clone(), far.try_clone()) else {
                continue;
            };
            let counted = Arc::clone(&counted);
            // Either direction ends with its connection.
            std::thread::spawn(move || copy(near, far, &AtomicU64::new(0)));
            std::thread::spawn(move || copy(far_back, near_back, &counted));
        }
    });
    for _ in std::io::stdin().lock().lines() {
        println!("{}", back.load(Ordering::Relaxed));
    }
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream, counted: &AtomicU64) -> Result<()> {
    to.set_nodelay(true)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        let len = from.read(&mut buffer)?;
        if len == 0 {
            return to.shutdown(Shutdown::Write);
        }
        counted.fetch_add(len as u64, Ordering::Relaxed);
        to.write_all(&buffer[..len])?;
    }
}
