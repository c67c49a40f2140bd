//! A way to the database that breaks at COMMIT: before it is passed on, before it is answered, or before the answer
//! arrives.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Where the way breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The database never hears of the commit.
    Before,
    /// The database hears of it, and nobody waits for its answer.
    Within,
    /// The database has answered, and the answer is lost.
    After,
}

/// A proxy between a service and its database.
pub(crate) struct CuttingProxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How many of the next commits are cut.
    left: Arc<AtomicU32>,
}

impl CuttingProxy {
    /// A proxy in front of `database` that cuts as `cut` says, once it is told how often.
    pub(crate) fn start(database: SocketAddr, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let left = Arc::new(AtomicU32::new(0));
        let of_all = left.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let left = of_all.clone();
                std::thread::spawn(move || {
                    let Ok(server) = TcpStream::connect(database) else { return };
                    let (client_end, server_end) = (client.try_clone(), server.try_clone());
                    let _ = pass_on(client, server, cut, &left);
                    // Either side's end is the other's; one that has gone by itself is no matter.
                    for end in [client_end, server_end].into_iter().flatten() {
                        let _ = end.shutdown(Shutdown::Both);
                    }
                });
            }
        });
        Self { address, left }
    }

    /// Cuts the next `commits`.
    pub(crate) fn cut(&self, commits: u32) {
        self.left.store(commits, Ordering::SeqCst);
    }

    /// Whether all of them were cut.
    pub(crate) fn has_cut(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

fn pass_on(mut client: TcpStream, mut server: TcpStream, cut: Cut, left: &AtomicU32) -> std::io::Result<()> {
    let (mut answers, mut hearer) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut hearer);
        let _ = hearer.shutdown(Shutdown::Both);
    });
    loop {
        let packet = packet(&mut client)?;
        let is_cut = is_commit(&packet) && take_one(left);
        if is_cut && cut != Cut::After {
            // Nothing of the answer may be passed on any more.
            client.shutdown(Shutdown::Both)?;
        }
        if is_cut && cut == Cut::After {
            // The answer goes to nobody: the client's side is closed for writing before the database hears of it.
            client.shutdown(Shutdown::Write)?;
        }
        if !is_cut || cut != Cut::Before {
            server.write_all(&packet)?;
        }
        if is_cut {
            std::thread::sleep(if cut == Cut::After { Duration::from_millis(50) } else { Duration::ZERO });
            return Ok(());
        }
    }
}

/// A packet of the protocol with its head: three bytes of length, one of number.
fn packet(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut packet = vec![0; 4];
    client.read_exact(&mut packet)?;
    let length = usize::from(packet[0]) | usize::from(packet[1]) << 8 | usize::from(packet[2]) << 16;
    packet.resize(4 + length, 0);
    client.read_exact(&mut packet[4..])?;
    Ok(packet)
}

/// Whether it is the query (3) COMMIT.
fn is_commit(packet: &[u8]) -> bool {
    packet.get(4) == Some(&3) && packet.get(5..) == Some(b"COMMIT")
}

fn take_one(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}
