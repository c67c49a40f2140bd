//! Somebody between us and the database who counts what we say, and may take one statement at a time only.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::between::{copy_of, listen_before};

/// What the first byte of a packet says: a text with statements.
const QUERY: u8 = 3;

/// A proxy before the database. Its threads end with the connections.
pub(crate) struct StatementProxy {
    /// Where it listens.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    takes_many: bool,
    heard: AtomicU64,
    refused: AtomicU64,
}

impl StatementProxy {
    /// Listens before the database at `port`.
    pub(crate) fn before(port: u16, takes_many: bool) -> Self {
        let shared = Arc::new(Shared { takes_many, heard: AtomicU64::new(0), refused: AtomicU64::new(0) });
        let counted = shared.clone();
        let port = listen_before(port, move |client, server| {
            let (mut back, mut forth) = (copy_of(&server), copy_of(&client));
            let counted = counted.clone();
            thread::spawn(move || {
                // Either side's end is the other's.
                let _ = pass_on(&client, &server, &counted);
                for end in [client, server] {
                    let _ = end.shutdown(Shutdown::Both);
                }
            });
            thread::spawn(move || {
                let _ = std::io::copy(&mut back, &mut forth);
                let _ = forth.shutdown(Shutdown::Both);
            });
        });
        Self { port, shared }
    }

    /// How many packets came for the database.
    pub(crate) fn heard(&self) -> u64 {
        self.shared.heard.load(Ordering::SeqCst)
    }

    /// How many of them it did not take.
    pub(crate) fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::SeqCst)
    }
}

fn pass_on(mut client: &TcpStream, mut server: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    loop {
        // Three bytes of length, one of number.
        let mut head = [0; 4];
        client.read_exact(&mut head)?;
        let mut packet = vec![0; usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16];
        client.read_exact(&mut packet)?;
        shared.heard.fetch_add(1, Ordering::SeqCst);
        if !shared.takes_many && is_many(&packet) {
            shared.refused.fetch_add(1, Ordering::SeqCst);
            client.write_all(&refusal())?;
        } else {
            server.write_all(&[&head[..], &packet].concat())?;
        }
    }
}

/// Whether a packet brings several statements; no value of a story holds a semicolon.
fn is_many(packet: &[u8]) -> bool {
    packet.first() == Some(&QUERY) && packet.contains(&b';')
}

/// Error 1064, as a server that reads one statement says it.
fn refusal() -> Vec<u8> {
    let told = [&[0xFF][..], &1064_u16.to_le_bytes(), b"#42000one statement at a time"].concat();
    let length = u8::try_from(told.len()).expect("a short packet");
    [&[length, 0, 0, 1][..], &told].concat()
}
