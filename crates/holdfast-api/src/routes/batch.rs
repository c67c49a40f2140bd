//! Many orders in one request, each judged by itself.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use holdfast_application::ticket::Ticket;
use holdfast_application::{Class, KeptAnswer};
use http::{HeaderValue, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use crate::body::Presence;
use crate::decode;
use crate::idempotency::command_key;
use crate::problem::{Problem, signed};
use crate::render::{self, IDEMPOTENT_REPLAYED, plain_json};
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
    let write = Write::take(&service, request, Presence::Required, service.settings.batch_body_max).await?;
    let orders = decode::batch(&write.body, ORDERS_MAX)?;
    let fingerprint = write.key.as_ref().map(|_| write.fingerprint());
    let mut tickets: Vec<Result<Ticket, Problem>> = Vec::with_capacity(orders.len());
    let mut results: Vec<Heard> = Vec::with_capacity(orders.len());
    let mut is_ours = write.key.is_none();
    for (position, order) in orders.iter().enumerate() {
        let ticket = submit(&service, order, write.key.as_deref().zip(fingerprint), position);
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
    for ticket in tickets {
        results.push(hear(&service, ticket, deadline).await);
    }
    Ok(answer(&results, write.request_id()))
}

/// What became of one order, and whether it was known before.
type Heard = Result<(KeptAnswer, bool), Problem>;

fn submit(service: &Service, order: &Value, key: Option<(&str, [u8; 32])>, position: usize) -> Result<Ticket, Problem> {
    let command = decode::reserve_order(order)?;
    let position = u32::try_from(position).unwrap_or(u32::MAX);
    let key = key.map(|(key, fingerprint)| command_key(key, position, fingerprint, render::reservation));
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

fn answer(results: &[Heard], request_id: &str) -> Response {
    let mut body = br#"{"results":["#.to_vec();
    for (at, result) in results.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        let (status, order) = match result {
            Ok((kept, _)) if kept.status < 400 => (kept.status, kept.body.clone().into()),
            Ok((kept, _)) => (kept.status, signed(kept.body.clone(), request_id)),
            Err(problem) => (problem.code().status().as_u16(), signed(problem.body(true), request_id)),
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
