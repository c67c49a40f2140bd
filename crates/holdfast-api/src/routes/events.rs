//! Upstream events over HTTP, for those without Kafka.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_application::dead_letters::NewLetter;
use holdfast_application::intake::{self, EventNames, Unreadable, heard, read_event};
use holdfast_application::order_event::EventOutcome;
use holdfast_application::{Class, Command, Reply};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::{self, Presence};
use crate::code::ProblemCode;
use crate::convoy::Convoy;
use crate::faults::Faults;
use crate::idempotency::{fingerprint, key_of};
use crate::problem::Problem;
use crate::query::Query;
use crate::received::Received;
use crate::render::{IDEMPOTENT_REPLAYED, shown};
use crate::request_key;
use crate::state::Service;

/// The most events of one request.
const EVENTS_MAX: usize = 1_000;
/// The media types of events.
const TYPES: &[&str] = &["application/json", "application/cloudevents+json", "application/cloudevents-batch+json"];

/// What became of every event.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EventResults)]
pub(crate) struct EventResultsView {
    /// One per event, in the order sent.
    pub(crate) results: Vec<EventResultView>,
}

/// What became of one event.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EventResult)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventResultView {
    /// The event's id, where it has one.
    #[schema(required = true)]
    pub(crate) event_id: Option<String>,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(required = true)]
    pub(crate) kind: Option<String>,
    /// To which order.
    #[schema(required = true)]
    pub(crate) order_id: Option<String>,
    /// `applied` changed something, `replayed` was known, `refused` the rules said no, `ignored` nothing to do, `waiting`
    /// a payment before its order, `rejected` can never be applied.
    #[schema(pattern = "^(applied|replayed|refused|ignored|waiting|rejected)$")]
    pub(crate) outcome: &'static str,
    /// Why not more.
    #[schema(required = true)]
    pub(crate) code: Option<String>,
}

/// Takes in upstream events about orders: one, or an array of up to 1,000.
///
/// An event is bare JSON that names itself in `type`, or a CloudEvent 1.0, structured or with `ce-` headers. Events that
/// cannot be read are `rejected` and become dead letters; the others are applied all the same. Sending events again is harmless, with and without
/// an `Idempotency-Key`: each hears its first answer. The key says that the request as a whole is the same one.
#[utoipa::path(
    post, path = "/api/inventory/events", tag = "events", request_body = Object,
    responses((status = 200, description = "One result per event, in the order sent.", body = EventResultsView))
)]
pub(crate) async fn take_events(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let deadline = service.deadline();
    let (parts, body) = request.into_parts();
    let bytes = Received::take(&parts.headers, body, service.settings.body_max).await?;
    let value = body::json(&parts.headers, &bytes, Presence::Required, TYPES)?;
    drop(bytes);
    Query::none(&parts.uri)?;
    let key = key_of(&parts.headers, service.settings.idempotency_required)?;
    let value = with_attributes(&parts.headers, value);
    let events = events_of(&value)?;
    if let Some(key) = key {
        let fingerprint = fingerprint(&parts.method, parts.uri.path(), &value);
        request_key::claim(&service, &key, fingerprint, Class::Events, deadline).await?;
    }
    let mut convoy = Convoy::new(&service, Class::Events, deadline);
    let mut read = Vec::with_capacity(events.len());
    for event in events {
        let (names, known) = read_event(event);
        let sent = match known {
            Ok(event) => {
                // Every event is decided under its own name, whichever way it comes and whatever key its request has.
                let key = event.identity.command_key();
                convoy.send(service.submission(Command::OrderEvent(event.event), Some(key))).await;
                Ok(())
            }
            Err(unreadable) => {
                let letter = NewLetter::of_event(event, &names, unreadable.code(), &unreadable.to_string());
                let (key, letter) = (letter.command_key(), Arc::new(letter.within(&service.letters)));
                convoy.send(service.submission(Command::PutAway(letter), Some(key))).await;
                Err(unreadable)
            }
        };
        read.push((names, sent));
    }
    answer(read, convoy.answers().await)
}

/// A CloudEvent in binary mode, put together from its headers and its data.
fn with_attributes(headers: &HeaderMap, data: Value) -> Value {
    let attribute = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // CloudEvents' HTTP binding says `ce-`; `ce_`, as in Kafka's, is read too.
    let attribute = |name: &str| attribute(&format!("ce-{name}")).or_else(|| attribute(&format!("ce_{name}")));
    intake::with_attributes(attribute, data)
}

fn events_of(value: &Value) -> Result<&[Value], Problem> {
    let mut faults = Faults::default();
    let events = match value {
        Value::Object(_) => std::slice::from_ref(value),
        Value::Array(events) => events.as_slice(),
        _ => &[],
    };
    if !(1..=EVENTS_MAX).contains(&events.len()) {
        faults.add(String::new(), format!("must be an event or an array of 1 to {EVENTS_MAX} events"));
    }
    faults.settle(Some(events))
}

/// An event that was put in line, or why it was put away instead.
type Read = (EventNames, Result<(), Unreadable>);

fn answer(read: Vec<Read>, answers: Vec<Result<Reply, Problem>>) -> Result<Response, Problem> {
    let mut answers = answers.into_iter();
    let mut results = Vec::with_capacity(read.len());
    let mut fault: Option<Problem> = None;
    let (mut fresh, mut known) = (false, false);
    for (names, sent) in read {
        let reply = match answers.next().expect("each has an answer") {
            Ok(reply) => reply,
            Err(problem) => {
                fault.get_or_insert(problem);
                continue;
            }
        };
        let (outcome, code) = match sent {
            Err(unreadable) => (EventOutcome::Rejected, Some(unreadable.code().to_owned())),
            Ok(()) => {
                let heard = heard(&reply);
                let is_known = heard.0 == EventOutcome::Replayed || matches!(reply, Reply::Replayed(_));
                known |= is_known;
                fresh |= !is_known && !matches!(reply, Reply::KeyReused);
                heard
            }
        };
        intake::count(&names, outcome);
        let EventNames { event_id, kind, order } = names;
        results.push(EventResultView { event_id, kind, order_id: order, outcome: outcome.as_str(), code });
    }
    match fault {
        None => {
            let mut response = shown(&EventResultsView { results });
            if known && !fresh {
                response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
            }
            Ok(response)
        }
        Some(fault) if !fresh && !known => Err(fault),
        Some(_) => Err(Problem::new(
            ProblemCode::OutcomeUnknown,
            "Some of the events were applied and some were not; sending all of them again is harmless.",
        )),
    }
}
