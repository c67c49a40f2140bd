//! Many orders in one request, each judged by itself.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use holdfast_application::ticket::Ticket;
use holdfast_application::{Class, Command, CommandKey, KeptAnswer};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::body::{self, Presence};
use crate::decode;
use crate::fast;
use crate::idempotency::{IDEMPOTENCY_KEY, command_key};
use crate::problem::{Problem, signed};
use crate::query::Query;
use crate::render::{self, IDEMPOTENT_REPLAYED, plain_json};
use crate::rim;
use crate::state::Service;
use crate::wire::bodies::{BatchBody, BatchResultsView};
use crate::write::Write;

/// The most orders of a batch.
const ORDERS_MAX: usize = 1_000;

/// Reserves many orders, each judged by itself.
///
/// Under an `Idempotency-Key` one answer is kept per order.
#[utoipa::path(
    post, path = "/api/inventory/reservations/batch", tag = "reservations", request_body = BatchBody,
    responses((status = 207, description = "One result per order, in the order asked.", body = BatchResultsView))
)]
pub(crate) async fn reserve_batch(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let deadline = service.deadline();
    let (parts, body) = request.into_parts();
    let bytes = body::bytes(&parts.headers, body, service.settings.batch_body_max).await?;
    if let Some(commands) = plain_orders(&service, &parts, &bytes)? {
        let tickets = commands.into_iter().map(|command| submit(&service, command, None)).collect();
        let results = hear_all(&service, tickets, deadline).await;
        return Ok(answer(&results, rim::request_id(&parts.headers)));
    }
    let write = Write::of(&service, parts, bytes, Presence::Required).await?;
    let orders = decode::batch(&write.body, ORDERS_MAX)?;
    let mut tickets: Vec<Result<Ticket, Problem>> = Vec::with_capacity(orders.len());
    let mut results: Vec<Heard> = Vec::with_capacity(orders.len());
    let mut is_ours = write.key.is_none();
    for (position, order) in orders.iter().enumerate() {
        // Each order is known by what itself says: once a bad one is mended, the others are the same still.
        let key = write.key.as_deref().map(|key| {
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            command_key(key, position, write.fingerprint_of(order), render::reservation)
        });
        let ticket = decode::reserve_order(order).and_then(|command| submit(&service, command, key));
        if is_ours {
            tickets.push(ticket);
            continue;
        }
        // The first answer tells whether the key belongs to another request; the others wait for that.
        let first = hear(&service, ticket, deadline).await;
        match first {
            Err(problem) if !is_one_orders(&problem) => return Ok(problem.into_response()),
            first => {
                is_ours = first.is_ok();
                results.push(first);
            }
        }
    }
    results.extend(hear_all(&service, tickets, deadline).await);
    Ok(answer(&results, write.request_id()))
}

/// What became of one order, and whether it was known before.
type Heard = Result<(KeptAnswer, bool), Problem>;

/// The orders of a request without a key and without a fault.
///
/// # Errors
///
/// What no route would take.
fn plain_orders(service: &Service, parts: &Parts, bytes: &[u8]) -> Result<Option<Vec<Command>>, Problem> {
    let has_key = service.settings.idempotency_required || parts.headers.contains_key(IDEMPOTENCY_KEY);
    if has_key || !(1..=body::PARSED_AT_ONCE_MAX).contains(&bytes.len()) {
        return Ok(None);
    }
    body::check_type(&parts.headers, body::JSON)?;
    Query::none(&parts.uri)?;
    Ok(fast::reserve_orders(bytes, ORDERS_MAX))
}

fn submit(service: &Service, command: Command, key: Option<CommandKey>) -> Result<Ticket, Problem> {
    let submission = service.submission(command, key);
    Ok(service.commands.submit(submission, Class::Interactive, service.landing.clone())?)
}

/// Whether a problem is one order's; any other means that nobody knows whose the key is, or that it is another request's.
fn is_one_orders(problem: &Problem) -> bool {
    problem.code().status() == StatusCode::BAD_REQUEST
}

async fn hear(service: &Service, ticket: Result<Ticket, Problem>, deadline: Instant) -> Heard {
    render::heard(service.hear_until(deadline, ticket?).await?, render::reservation)
}

async fn hear_all(service: &Service, tickets: Vec<Result<Ticket, Problem>>, deadline: Instant) -> Vec<Heard> {
    let mut results = Vec::with_capacity(tickets.len());
    for ticket in tickets {
        results.push(hear(service, ticket, deadline).await);
    }
    results
}

fn answer(results: &[Heard], request_id: &str) -> Response {
    let mut body = br#"{"results":["#.to_vec();
    for (at, result) in results.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        let (status, order): (u16, Cow<'_, [u8]>) = match result {
            Ok((kept, _)) if kept.status < 400 => (kept.status, (&kept.body).into()),
            Ok((kept, _)) => (kept.status, signed(kept.body.clone(), request_id).into()),
            Err(problem) => (problem.code().status().as_u16(), signed(problem.body(true), request_id).into()),
        };
        body.extend_from_slice(format!(r#"{{"status":{status},"body":"#).as_bytes());
        body.extend_from_slice(&order);
        body.push(b'}');
    }
    body.extend_from_slice(b"]}");
    let mut response = plain_json(StatusCode::MULTI_STATUS, body);
    let mut decided = results.iter().flatten().map(|(_, replayed)| *replayed).peekable();
    if decided.peek().is_some() && decided.all(|replayed| replayed) {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
