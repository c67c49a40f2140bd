//! Somebody between us and a server who takes his time, and counts how often we speak.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::between::{copy_of, listen_before};

/// A proxy before one server. Its threads end with the connections.
pub(crate) struct SlowProxy {
    /// Where it listens.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    delay_ms: AtomicU64,
    spoken: AtomicU64,
}

impl SlowProxy {
    /// Listens before the server at `port`.
    pub(crate) fn before(port: u16, delay: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let counted = shared.clone();
        let port = listen_before(port, move |client, server| {
            let (back, forth) = (copy_of(&server), copy_of(&client));
            let counted = counted.clone();
            thread::spawn(move || carry(client, server, &counted));
            thread::spawn(move || carry(back, forth, &Shared::default()));
        });
        let proxy = Self { port, shared };
        proxy.slow_down(delay);
        proxy
    }

    /// Takes so long from now on.
    pub(crate) fn slow_down(&self, delay: Duration) {
        self.shared.delay_ms.store(u64::try_from(delay.as_millis()).expect("some milliseconds"), Ordering::Relaxed);
    }

    /// How often somebody spoke: what is said in one go counts once.
    pub(crate) fn spoken(&self) -> u64 {
        self.shared.spoken.load(Ordering::Relaxed)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut some = vec![0; 1 << 20];
    while let Ok(read) = from.read(&mut some) {
        if read == 0 {
            break;
        }
        shared.spoken.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(shared.delay_ms.load(Ordering::Relaxed)));
        if to.write_all(&some[..read]).is_err() {
            break;
        }
    }
    // Whoever hangs up does so on both sides.
    let _ = to.shutdown(std::net::Shutdown::Both);
}
