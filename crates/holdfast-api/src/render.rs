//! Decisions to answers: one plain function per kind of route, so that the lane can write the answer that is kept under
//! a key in the same transaction. Answers are sent as they are kept.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use holdfast_application::{Answer, Decision, KeptAnswer, Reply};
use holdfast_domain::book::Effect;
use holdfast_domain::order::Order;
use holdfast_domain::refusal::Refusal;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::code::ProblemCode;
use crate::etag::etag;
use crate::problem::{Problem, Unsigned, unsigned};
use crate::wire::dead_letter::DeadLetterSummaryView;
use crate::wire::item::ItemAnswerView;
use crate::wire::location::LocationView;
use crate::wire::order::OrderView;

/// Tells the caller that the answer is one that was given before.
pub(crate) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How a decision is written down.
pub(crate) type Render = fn(&Decision) -> KeptAnswer;

/// `POST /api/inventory`: 201 and the item.
pub(crate) fn created_item(decision: &Decision) -> KeptAnswer {
    item_with(decision, 201)
}

/// The verbs of stock and `PATCH`: 200 and the item.
pub(crate) fn item(decision: &Decision) -> KeptAnswer {
    item_with(decision, 200)
}

fn item_with(decision: &Decision, status: u16) -> KeptAnswer {
    match decision {
        Ok(Answer::Item(answer)) => {
            let location = (status == 201).then(|| format!("/api/inventory/product/{}", answer.item.product));
            KeptAnswer {
                status,
                body: json(&ItemAnswerView::from(&**answer)),
                location,
                etag: Some(etag(answer.item.version)),
            }
        }
        other => refused(other),
    }
}

/// `POST …/reservations`: 201 and the order, or 200 when it was held already.
pub(crate) fn reservation(decision: &Decision) -> KeptAnswer {
    match decision {
        Ok(Answer::Order { effect: Effect::Applied, order, .. }) => {
            KeptAnswer { location: Some(order_location(order)), ..order_with(decision, 201) }
        }
        other => order_with(other, 200),
    }
}

fn order_location(order: &Order) -> String {
    format!("/api/inventory/orders/{}", order.id)
}

/// The verbs of orders: 200 and the order.
pub(crate) fn order(decision: &Decision) -> KeptAnswer {
    order_with(decision, 200)
}

fn order_with(decision: &Decision, status: u16) -> KeptAnswer {
    match decision {
        Ok(Answer::Order { effect, order, locations }) => {
            let body = json(&OrderView::of(order, locations, Some(*effect)));
            KeptAnswer { status, body, location: None, etag: None }
        }
        other => refused(other),
    }
}

/// `POST …/locations`: 201 and the location.
pub(crate) fn location(decision: &Decision) -> KeptAnswer {
    match decision {
        Ok(Answer::Location(location)) => {
            let view = LocationView { outcome: Some("applied"), ..LocationView::from(location) };
            KeptAnswer { status: 201, body: json(&view), location: None, etag: None }
        }
        other => refused(other),
    }
}

/// `POST …/dead-letters/{letterId}/discard`: 200 and the letter.
pub(crate) fn dead_letter(decision: &Decision) -> KeptAnswer {
    match decision {
        Ok(Answer::DeadLetter { effect, letter }) => {
            let body = json(&DeadLetterSummaryView::of(letter, Some(*effect)));
            KeptAnswer { status: 200, body, location: None, etag: None }
        }
        other => refused(other),
    }
}

/// A refusal; an answer of another kind than the command's would be a fault of ours.
fn refused(decision: &Decision) -> KeptAnswer {
    match decision {
        Err(refusal) => Problem::from(refusal).kept(),
        Ok(_) => Problem::new(ProblemCode::Internal, "The answer does not fit the request.").kept(),
    }
}

fn json(view: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1_024);
    serde_json::to_writer(&mut bytes, view).expect("a view is made of texts and numbers");
    bytes
}

/// What a reply leads to: the answer, and whether it was given before.
///
/// # Errors
///
/// The key was used for something else.
pub(crate) fn heard(reply: Reply, render: Render) -> Result<(KeptAnswer, bool), Problem> {
    match reply {
        Reply::Decided(decision) => Ok((render(&decision), false)),
        Reply::Kept { answer, .. } => Ok((answer, false)),
        Reply::Replayed(mut answer) => {
            replayed(&mut answer.body);
            Ok((answer, true))
        }
        Reply::KeyReused => Err(key_reused()),
    }
}

pub(crate) fn key_reused() -> Problem {
    Problem::new(ProblemCode::IdempotencyKeyReused, "Another request came under this key before.")
}

/// Turns the outcome `applied` of a kept body into `replayed`. These bytes stand nowhere else in a body: within a JSON
/// string the quotes would be escaped.
fn replayed(body: &mut Vec<u8>) {
    const APPLIED: &[u8] = br#""outcome":"applied""#;
    const REPLAYED: &[u8] = br#""outcome":"replayed""#;
    if let Some(at) = body.windows(APPLIED.len()).position(|bytes| bytes == APPLIED) {
        body.splice(at..at.saturating_add(APPLIED.len()), REPLAYED.iter().copied());
    }
}

/// The answer to a write.
pub(crate) fn answer(reply: Reply, render: Render) -> Response {
    // A stale copy is told with the present version, so that the caller can see how far behind it is.
    let present = match &reply {
        Reply::Decided(Err(Refusal::VersionMismatch { current })) => Some(etag(*current)),
        _ => None,
    };
    let (kept, is_replayed) = match heard(reply, render) {
        Ok(heard) => heard,
        Err(problem) => return problem.into_response(),
    };
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        if status.is_success() { plain_json(status, kept.body) } else { unsigned(status, Unsigned::Kept(kept.body)) };
    let headers = response.headers_mut();
    let mut add = |name: HeaderName, value: Option<String>| {
        let value = value.and_then(|text| HeaderValue::from_maybe_shared(Bytes::from(text)).ok());
        if let Some(value) = value {
            headers.insert(name, value);
        }
    };
    add(LOCATION, kept.location);
    add(ETAG, kept.etag.or(present));
    if is_replayed {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// A JSON answer of these bytes.
pub(crate) fn plain_json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A JSON answer to a read.
pub(crate) fn shown(view: &impl Serialize) -> Response {
    plain_json(StatusCode::OK, json(view))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outcome_of_a_repeat_is_another() {
        let mut body = br#"{"notes":"\"outcome\":\"applied\"","outcome":"applied","x":1}"#.to_vec();
        replayed(&mut body);
        assert_eq!(body, br#"{"notes":"\"outcome\":\"applied\"","outcome":"replayed","x":1}"#);
        let mut refused = br#"{"outcome":"refused"}"#.to_vec();
        replayed(&mut refused);
        assert_eq!(refused, br#"{"outcome":"refused"}"#);
    }
}
