//! Somebody between us and a server who takes his time, and counts how often we speak.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

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
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let here = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared::default());
        let proxy = Self { port: here, shared: shared.clone() };
        proxy.slow_down(delay);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (back, forth) = (copy_of(&server), copy_of(&client));
                let counted = shared.clone();
                thread::spawn(move || carry(client, server, &counted));
                thread::spawn(move || carry(back, forth, &Shared::default()));
            }
        });
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

fn copy_of(stream: &TcpStream) -> TcpStream {
    stream.set_nodelay(true).expect("a socket");
    stream.try_clone().expect("a socket")
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
