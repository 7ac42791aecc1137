//! TCP's own questions whether a silent peer is there still.

use std::time::Duration;

use tokio::net::TcpStream;

/// Questions that go unanswered before a silent connection is given up, within as long again as the silence before.
const KEEPALIVE_TRIES: u32 = 3;

/// Has the system ask a silent peer whether it is there, and give up what it does not acknowledge.
pub(super) fn keep_alive(stream: &TcpStream, silence: Duration) -> std::io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    let each = (silence / KEEPALIVE_TRIES).max(Duration::from_secs(1));
    let questions = socket2::TcpKeepalive::new()
        .with_time(silence)
        .with_interval(each)
        .with_retries(KEEPALIVE_TRIES);
    socket.set_tcp_keepalive(&questions)?;
    // Elsewhere what is sent and not acknowledged takes the system's own time.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(2 * silence))?;
    Ok(())
}
