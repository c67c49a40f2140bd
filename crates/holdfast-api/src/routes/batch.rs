//! Many orders in one request, each judged by itself.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_application::{Class, Command, CommandKey, KeptAnswer, Submission};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::body::{self, Presence};
use crate::convoy::Convoy;
use crate::decode;
use crate::fast;
use crate::idempotency::{IDEMPOTENCY_KEY, command_key};
use crate::problem::{Problem, signed};
use crate::query::Query;
use crate::received::Received;
use crate::render::{self, IDEMPOTENT_REPLAYED, plain_json};
use crate::request_key;
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
    let bytes = Received::take(&parts.headers, body, service.settings.batch_body_max).await?;
    if let Some(commands) = plain_orders(&service, &parts, &bytes)? {
        drop(bytes);
        let orders = commands.into_iter().map(|command| Ok(service.submission(command, None)));
        let results = carry_out(&service, orders, deadline).await;
        return Ok(answer(&results, rim::request_id(&parts.headers)));
    }
    let write = Write::of(&service, parts, bytes, Presence::Required, deadline).await?;
    let orders = decode::batch(&write.body, ORDERS_MAX)?;
    let orders: Vec<Result<Submission, Problem>> = orders
        .iter()
        .zip(1_u32..)
        .map(|(order, position)| {
            // Each order is known by what itself says: once a bad one is mended, the others are the same still.
            let key = write.key.as_deref();
            let key = key.map(|key| command_key(key, position, write.fingerprint_of(order), render::reservation));
            decode::reserve_order(order).map(|command| service.submission(command, key))
        })
        .collect();
    let key = write.key.clone().map(|key| (key, names(&write, &orders)));
    let request_id = write.request_id().to_owned();
    drop(write);
    if let Some((key, names)) = key {
        request_key::claim_as_one_of(&service, &key, &names, Class::Interactive, deadline).await?;
    }
    let results = carry_out(&service, orders.into_iter(), deadline).await;
    Ok(answer(&results, &request_id))
}

/// What the batch is known by: its first order that can be read, with its place. When the batch was first sent, that may
/// have been one behind it, or none.
fn names(write: &Write<'_>, orders: &[Result<Submission, Problem>]) -> Vec<[u8; 32]> {
    let keys = orders.iter().flatten().filter_map(|order| order.key.as_ref());
    let of_order = |key: &CommandKey| write.fingerprint_of(&json!([key.position, key.fingerprint]));
    keys.map(of_order).chain([write.fingerprint_of(&Value::Null)]).collect()
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

/// Has the orders decided that can be read.
async fn carry_out(
    service: &Service,
    orders: impl Iterator<Item = Result<Submission, Problem>>,
    deadline: Instant,
) -> Vec<Heard> {
    let mut convoy = Convoy::new(service, Class::Interactive, deadline);
    let mut unread: Vec<Option<Problem>> = Vec::with_capacity(orders.size_hint().0);
    for order in orders {
        match order {
            Ok(submission) => {
                convoy.send(submission).await;
                unread.push(None);
            }
            Err(problem) => unread.push(Some(problem)),
        }
    }
    let mut answers = convoy.answers().await.into_iter();
    let heard = |unread: Option<Problem>| match unread {
        Some(problem) => Err(problem),
        None => render::heard(answers.next().expect("a command has an answer")?, render::reservation),
    };
    unread.into_iter().map(heard).collect()
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
