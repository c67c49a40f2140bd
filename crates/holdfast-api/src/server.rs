//! Connections: one runtime per core, each with its share of them.
//!
//! A connection stays on the thread that got it, so its requests, their answers and their wake-ups never change cores;
//! a lane wakes each thread once per batch (see `holdfast_application::ticket`). HTTP/1.1 only: a proxy in front speaks
//! the rest.

mod connection;
mod host;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use holdfast_application::ticket::Landing;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use crate::router::Interface;
use connection::Place;

/// How connections are treated.
#[derive(Clone, Copy, Debug)]
pub struct ServerSettings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How many threads share the connections.
    pub threads: usize,
    /// How long a client may take to send a request's head, and stay silent between two requests.
    pub header_timeout: Duration,
    /// How long a client may take to send a request's body.
    pub body_timeout: Duration,
    /// How long a client may leave an answer unread before its connection is closed.
    pub write_timeout: Duration,
    /// The most connections at a time; further ones hear 503.
    pub connections_max: usize,
    /// How long connections may take to finish once the server stops.
    pub drain: Duration,
}

/// A bound listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    settings: ServerSettings,
}

type Handover = mpsc::UnboundedSender<(TcpStream, Place)>;

/// The most connections too many that are told so at a time; further ones are just closed.
const TURNED_AWAY_MAX: usize = 256;

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    ///
    /// The address is taken or not this machine's.
    pub fn bind(settings: ServerSettings) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, settings })
    }

    /// Where it listens: the port that was found when 0 was asked for.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` turns true and the connections have finished. `make_interface` makes the interface of one
    /// thread, whose tasks are woken through the landing.
    ///
    /// # Errors
    ///
    /// A runtime cannot be started.
    pub fn run(
        self,
        make_interface: impl Fn(Arc<Landing>) -> Interface,
        stop: &watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut workers: Vec<Handover> = Vec::new();
        let mut threads = Vec::new();
        for number in 0..self.settings.threads.max(1) {
            let (handover, arrivals) = mpsc::unbounded_channel();
            let landing = Arc::new(Landing::default());
            let interface = Arc::new(make_interface(landing.clone()));
            let (settings, stop) = (self.settings, stop.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let thread = std::thread::Builder::new().name(format!("http-{number}")).spawn(move || {
                runtime.block_on(work(arrivals, landing, interface, settings, stop));
            })?;
            workers.push(handover);
            threads.push(thread);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(accept(self.listener, workers, self.settings, stop.clone()))?;
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread that serves connections has died");
            }
        }
        Ok(())
    }
}

/// Accepts connections and hands them round.
async fn accept(
    listener: TcpListener,
    workers: Vec<Handover>,
    settings: ServerSettings,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut next = workers.iter().cycle();
    let (open, turned_away) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        match accepted.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => match (Place::take(&open, settings.connections_max), next.next()) {
                (Some(place), Some(worker)) => {
                    // A worker that has died took its receiver along; the stream is closed.
                    let _ = worker.send((stream, place));
                }
                _ => {
                    if let Some(place) = Place::take(&turned_away, TURNED_AWAY_MAX) {
                        tokio::spawn(async move {
                            connection::turn_away(stream, settings).await;
                            drop(place);
                        });
                    }
                }
            },
            // Out of file handles, or the client went away: others may fare better in a moment.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves one thread's connections until the server stops and they have finished.
async fn work(
    mut arrivals: mpsc::UnboundedReceiver<(TcpStream, Place)>,
    landing: Arc<Landing>,
    interface: Arc<Interface>,
    settings: ServerSettings,
    mut stop: watch::Receiver<bool>,
) {
    tokio::spawn(landing.serve());
    let (leaving, mut left) = mpsc::channel::<()>(1);
    loop {
        let arrived = tokio::select! {
            arrived = arrivals.recv() => arrived,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((stream, place)) = arrived else { break };
        let (interface, stop, leaving) = (interface.clone(), stop.clone(), leaving.clone());
        tokio::spawn(async move {
            connection::serve(stream, interface, settings, stop).await;
            drop((place, leaving));
        });
    }
    drop(leaving);
    // `recv` ends when the last connection has dropped its end.
    if timeout(settings.drain, left.recv()).await.is_err() {
        tracing::warn!("some connections did not finish in time and were closed");
    }
}
