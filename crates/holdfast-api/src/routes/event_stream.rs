//! Stock events as they happen, to whoever listens (server-sent events, <https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use holdfast_application::events::{EventKind, EventSet, Stream};
use holdfast_application::stream::StreamPosition;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::timeout;

use crate::code::ProblemCode;
use crate::problem::Problem;
use crate::query::Query;
use crate::read;
use crate::state::Service;

mod catching_up;
mod listening;

use listening::{Listening, Wanted};

/// The header of a client that comes back: the last id it has seen.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that gather answers are told not to.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How long a stream may take to begin.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);
/// The kinds of events that the ledger tells.
const KINDS: &str = "StockReserved, StockConfirmed, StockReleased, StockReservationExpired, StockAdjusted, LowStock, \
                     OutOfStock, BackInStock";

/// Sends stock events as they happen.
///
/// In order per product; with `Last-Event-ID` from there on, where events may come again but none is left out. Each event's data
/// is a CloudEvent 1.0. A comment comes every 15 s when nothing else does. Who reads too slowly is told so by an event
/// `dropped`, and the stream ends.
#[utoipa::path(
    get, path = "/api/inventory/events/stream", tag = "events",
    params(
        ("productId" = Option<String>, Query, format = "uuid", description = "Only of this product."),
        ("types" = Option<String>, Query, description = "Only of this kind; several with commas between them."),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen; from now on when left out."),
    ),
    responses((
        status = 200,
        description = "Events: `id`, `event` (such as `StockReserved`) and `data` (a CloudEvent as JSON). It does not end by itself.",
        body = String, content_type = "text/event-stream",
    ))
)]
pub(crate) async fn stream_events(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let mut query = Query::of(request.uri());
    let product = query.parsed("productId", read::product_id);
    let kinds = query.words("types", stock_kind, KINDS);
    query.settle(Some(()))?;
    let after = last_event_id(request.headers())?;
    let wanted = Wanted {
        product: product.map(holdfast_domain::ProductId::to_bytes),
        kinds: if kinds.is_empty() { EventSet::ALL } else { EventSet::of(&kinds) },
    };
    let full = || Problem::new(ProblemCode::Overloaded, "There are too many event streams.");
    let listener = service.events.listen().ok_or_else(full)?;
    if timeout(BEGIN_WITHIN, poll_fn(|context| listener.poll_fed(context))).await.is_err() {
        return Err(Problem::new(ProblemCode::StoreUnavailable, "The ledger cannot be read at present."));
    }
    let listening = Listening::begin(service, listener, wanted, after);
    let body = Body::from_stream(futures_util::stream::unfold(listening, Listening::go_on));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    Ok((headers, body).into_response())
}

/// A kind of event that the ledger tells: what became of a whole order is not in it.
fn stock_kind(word: &str) -> Option<EventKind> {
    EventKind::parse(word).filter(|kind| kind.stream() == Stream::Stock)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<StreamPosition>, Problem> {
    let Some(text) = headers.get(LAST_EVENT_ID).filter(|text| !text.is_empty()) else { return Ok(None) };
    let position = text.to_str().ok().and_then(StreamPosition::parse);
    let unknown = || Problem::fault("/header/Last-Event-ID", "must be the id of an event of this stream");
    position.map(Some).ok_or_else(unknown)
}
