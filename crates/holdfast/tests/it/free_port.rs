//! Ports for servers of a story's own.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// A port that nobody listens on, below those from which connections are made: a server that was killed finds its own
/// again.
pub(crate) fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let first = 10_000 + std::process::id() % 1_000 * 20;
    loop {
        let port = first + TRIED.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(port).expect("some are free");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
