//! One connection: its requests one after the other, each of its steps in time.

use std::convert::Infallible;
use std::io;
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::CONNECTION;
use http::{HeaderName, HeaderValue, StatusCode};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;

use super::{ServerSettings, host};
use crate::code::ProblemCode;
use crate::problem::Problem;
use crate::rim::rim;
use crate::router::Interface;
use crate::timed_body::TimedBody;

/// The most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long a connection too many may take to ask and to hear that there is no room.
const NO_ROOM_WITHIN: Duration = Duration::from_secs(1);

/// One of the open connections; counted for as long as it lives.
pub(super) struct Place(Arc<AtomicUsize>);

impl Place {
    /// A place among `open` connections, unless there are `most` of them already.
    pub(super) fn take(open: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let place = Self(open.clone());
        (open.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves one connection until either side closes it, or `stop` turns true and the request at hand is answered.
pub(super) async fn serve(
    stream: TcpStream,
    interface: Arc<Interface>,
    settings: ServerSettings,
    mut stop: watch::Receiver<bool>,
) {
    let Ok(stream) = timed(stream, settings.write_timeout) else { return };
    let service = service_fn(move |request: Request<Incoming>| {
        let head_fits = head_bytes(&request) <= HEAD_BYTES_MAX;
        let host_fault = host::fault_of(&request);
        let request = request.map(|body| Body::new(TimedBody::new(body, settings.body_timeout)));
        let interface = interface.clone();
        async move {
            if !head_fits {
                return Ok::<_, Infallible>(head_too_large());
            }
            if let Some(fault) = host_fault {
                return Ok(unclear(request, fault).await);
            }
            Ok(interface.answer(request).await)
        }
    });
    let connection = builder(settings).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = &mut connection => return note(ended),
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    note(connection.await);
}

/// How many bytes the head of a request has, but for its line ends.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let field = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len().saturating_add(value.len());
    request.headers().iter().map(field).fold(target, usize::saturating_add)
}

/// What hyper answers to a head that does not fit into its buffer, for one that came in one piece and did.
fn head_too_large() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Refuses a request that does not say clearly whom it asks, and ends the connection: what follows may be meant for
/// somebody else.
async fn unclear(request: Request<Body>, fault: Problem) -> Response {
    let mut response = rim(request, async |_request| fault.into_response()).await;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Answers the first request of a connection too many: there is no room.
pub(super) async fn turn_away(stream: TcpStream, settings: ServerSettings) {
    metrics::counter!("holdfast_connections_refused_total").increment(1);
    let Ok(stream) = timed(stream, NO_ROOM_WITHIN) else { return };
    let service = service_fn(no_room);
    let connection = builder(settings).keep_alive(false).serve_connection(TokioIo::new(stream), service);
    if let Ok(ended) = timeout(NO_ROOM_WITHIN, connection).await {
        note(ended);
    }
}

/// That there is no room.
async fn no_room(request: Request<Incoming>) -> Result<Response, Infallible> {
    let problem = Problem::new(ProblemCode::Overloaded, "There are too many connections.");
    Ok(rim(request.map(Body::new), async |_request| problem.into_response()).await)
}

/// The stream, given up when the client does not read what it is sent.
fn timed(stream: TcpStream, write_timeout: Duration) -> io::Result<Pin<Box<TimeoutStream<tokio::net::TcpStream>>>> {
    let stream = tokio::net::TcpStream::from_std(stream)?;
    stream.set_nodelay(true)?;
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write_timeout));
    Ok(Box::pin(stream))
}

fn builder(settings: ServerSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(settings.header_timeout).max_buf_size(HEAD_BYTES_MAX);
    builder
}

fn note(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
