//! Connections: one runtime per core, each with its share of them.
//!
//! A connection stays on the thread that got it, so its requests, their answers and their wake-ups never change cores; a
//! lane wakes each thread once per batch (see `holdfast_application::ticket`). HTTP/1.1 only: a proxy in front speaks the
//! rest.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use holdfast_application::ticket::Landing;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tower::ServiceExt as _;

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

type Handover = mpsc::UnboundedSender<TcpStream>;

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

    /// Serves until `stop` turns true and the connections have finished. `make_routes` makes the routes of one thread, whose
    /// tasks are woken through the landing.
    ///
    /// # Errors
    ///
    /// A runtime cannot be started.
    pub fn run(self, make_routes: impl Fn(Arc<Landing>) -> Router, stop: &watch::Receiver<bool>) -> io::Result<()> {
        let open = Arc::new(AtomicUsize::new(0));
        let mut workers: Vec<Handover> = Vec::new();
        let mut threads = Vec::new();
        for number in 0..self.settings.threads.max(1) {
            let (handover, arrivals) = mpsc::unbounded_channel();
            let landing = Arc::new(Landing::default());
            let routes = make_routes(landing.clone());
            let (settings, stop, open) = (self.settings, stop.clone(), open.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let thread = std::thread::Builder::new().name(format!("http-{number}")).spawn(move || {
                runtime.block_on(work(arrivals, landing, routes, settings, stop, open));
            })?;
            workers.push(handover);
            threads.push(thread);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(accept(self.listener, workers, self.settings, stop.clone(), open))?;
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
    open: Arc<AtomicUsize>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut next = workers.iter().cycle();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        match accepted.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) if open.load(Ordering::Relaxed) >= settings.connections_max => turn_away(stream),
            Ok(stream) => {
                open.fetch_add(1, Ordering::Relaxed);
                if let Some(worker) = next.next() {
                    let _ = worker.send(stream);
                }
            }
            // Out of file handles, or the client went away: others may fare better in a moment.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Tells a connection too many that there is no room, and closes it.
fn turn_away(mut stream: TcpStream) {
    metrics::counter!("holdfast_connections_refused_total").increment(1);
    let answer =
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let _ = stream.write_all(answer);
}

/// Serves one thread's connections until the server stops and they have finished.
async fn work(
    mut arrivals: mpsc::UnboundedReceiver<TcpStream>,
    landing: Arc<Landing>,
    routes: Router,
    settings: ServerSettings,
    mut stop: watch::Receiver<bool>,
    open: Arc<AtomicUsize>,
) {
    tokio::spawn(landing.serve());
    let (leaving, mut left) = mpsc::channel::<()>(1);
    loop {
        let stream = tokio::select! {
            stream = arrivals.recv() => stream,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some(stream) = stream else { break };
        let (routes, stop, open, leaving) = (routes.clone(), stop.clone(), open.clone(), leaving.clone());
        tokio::spawn(async move {
            serve(stream, routes, settings, stop).await;
            open.fetch_sub(1, Ordering::Relaxed);
            drop(leaving);
        });
    }
    drop(leaving);
    // `recv` ends when the last connection has dropped its end.
    if timeout(settings.drain, left.recv()).await.is_err() {
        tracing::warn!("some connections did not finish in time and were closed");
    }
}

/// Serves one connection.
async fn serve(stream: TcpStream, routes: Router, settings: ServerSettings, mut stop: watch::Receiver<bool>) {
    let Ok(stream) = tokio::net::TcpStream::from_std(stream) else { return };
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let request = request.map(|body| Body::new(TimedBody::new(body, settings.body_timeout)));
        routes.clone().oneshot(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(settings.header_timeout).max_buf_size(64 << 10);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = &mut connection => return note(ended),
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    note(connection.await);
}

fn note(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// A client took too long to send a body.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
pub struct BodyTooSlow;

/// A body that must arrive in time. The clock is only asked once the client keeps us waiting.
struct TimedBody {
    body: Incoming,
    most: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    const fn new(body: Incoming, most: Duration) -> Self {
        Self { body, most, alarm: None }
    }
}

impl hyper::body::Body for TimedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(frame) = polled {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let most = self.most;
        let alarm = self.alarm.get_or_insert_with(|| {
            let now = Instant::now();
            Box::pin(tokio::time::sleep_until(now.checked_add(most).unwrap_or(now)))
        });
        if alarm.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(Box::new(BodyTooSlow))));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
