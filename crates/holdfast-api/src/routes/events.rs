//! Upstream events over HTTP, for those without Kafka.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_application::intake::{EventNames, ReadEvent, Unreadable, kept_event, kind_of, outcome_of, read_event};
use holdfast_application::order_event::EventOutcome;
use holdfast_application::ticket::Ticket;
use holdfast_application::{Answer, Class, Command, CommandKey, Reply};
use http::{HeaderMap, Method};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::body::{self, Presence};
use crate::code::ProblemCode;
use crate::faults::Faults;
use crate::idempotency::{command_key, fingerprint, key_of};
use crate::problem::Problem;
use crate::query::Query;
use crate::render::shown;
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
/// cannot be read are `rejected`; the others are applied all the same. Sending events again is harmless.
#[utoipa::path(
    post, path = "/api/inventory/events", tag = "events", request_body = Object,
    responses((status = 200, description = "One result per event, in the order sent.", body = EventResultsView))
)]
pub(crate) async fn take_events(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = body::bytes(&parts.headers, body, service.settings.body_max).await?;
    let value = body::json(&parts.headers, &bytes, Presence::Required, TYPES)?;
    Query::none(&parts.uri)?;
    let key = key_of(&parts.headers, service.settings.idempotency_required)?;
    let value = with_attributes(&parts.headers, value);
    let events = events_of(&value)?;
    let mut waiting = Vec::with_capacity(events.len());
    // Once one finds no place in line, those behind it are not put in line either: events are decided in their order.
    let mut turned_away: Option<Problem> = None;
    for (position, event) in events.iter().enumerate() {
        let (names, read) = read_event(event);
        let ticket = read.map(|read| {
            let key = key_for(&read, key.as_deref(), position, &parts.method, parts.uri.path(), event);
            let is_identity = !read.event.is_bare;
            if let Some(problem) = &turned_away {
                return Err(problem.clone());
            }
            let submitted = submit(&service, read, key).map(|ticket| (ticket, is_identity));
            turned_away = submitted.as_ref().err().cloned();
            submitted
        });
        waiting.push((names, ticket));
    }
    answer(&service, waiting).await
}

/// A CloudEvent in binary mode, put together from its headers and its data.
fn with_attributes(headers: &HeaderMap, data: Value) -> Value {
    let attribute = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // CloudEvents' HTTP binding says `ce-`; `ce_`, as in Kafka's, is read too.
    let attribute = |name: &str| attribute(&format!("ce-{name}")).or_else(|| attribute(&format!("ce_{name}")));
    match attribute("specversion") {
        Some(version) => json!({
            "specversion": version,
            "type": attribute("type"),
            "source": attribute("source"),
            "id": attribute("id"),
            "data": data,
        }),
        None => data,
    }
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

/// A CloudEvent is known by its identity; a bare event by the request's key, if there is one, and always by its order.
fn key_for(
    read: &ReadEvent,
    key: Option<&str>,
    position: usize,
    method: &Method,
    path: &str,
    event: &Value,
) -> Option<CommandKey> {
    let position = u32::try_from(position).unwrap_or(u32::MAX);
    if !read.event.is_bare {
        return Some(read.identity.command_key());
    }
    Some(command_key(key?, position, fingerprint(method, path, event), kept_event))
}

fn submit(service: &Service, read: ReadEvent, key: Option<CommandKey>) -> Result<Ticket, Problem> {
    let submission = service.submission(Command::OrderEvent(read.event), key);
    Ok(service.commands.submit(submission, Class::Events, service.landing.clone())?)
}

/// An event that waits for its answer, and whether its own identity is its key; or why it never will be applied.
type Waiting = (EventNames, Result<Result<(Ticket, bool), Problem>, Unreadable>);

async fn answer(service: &Service, waiting: Vec<Waiting>) -> Result<Response, Problem> {
    let mut results = Vec::with_capacity(waiting.len());
    let mut fault: Option<Problem> = None;
    let mut decided = false;
    for (names, ticket) in waiting {
        let (outcome, code) = match ticket {
            Err(unreadable) => (EventOutcome::Rejected, Some(unreadable.code().to_owned())),
            Ok(Err(problem)) => {
                fault.get_or_insert(problem);
                continue;
            }
            Ok(Ok((ticket, is_identity))) => match service.hear(ticket).await {
                Ok(reply) => {
                    decided = true;
                    heard(&reply, is_identity)
                }
                Err(problem) => {
                    fault.get_or_insert(problem);
                    continue;
                }
            },
        };
        count(&names, outcome);
        let EventNames { event_id, kind, order } = names;
        results.push(EventResultView { event_id, kind, order_id: order, outcome: outcome.as_str(), code });
    }
    match fault {
        None => Ok(shown(&EventResultsView { results })),
        Some(fault) if !decided => Err(fault),
        Some(_) => Err(Problem::new(
            ProblemCode::OutcomeUnknown,
            "Some of the events were applied and some were not; sending all of them again is harmless.",
        )),
    }
}

fn heard(reply: &Reply, is_identity: bool) -> (EventOutcome, Option<String>) {
    match reply {
        Reply::Decided(Ok(Answer::Event(answer))) => (answer.outcome, answer.code.map(str::to_owned)),
        Reply::Decided(decision) => outcome_of(&kept_event(decision)),
        Reply::Kept(answer) => outcome_of(answer),
        Reply::Replayed(answer) => match outcome_of(answer) {
            refused @ (EventOutcome::Refused | EventOutcome::Rejected, _) if !is_identity => refused,
            (_, code) => (EventOutcome::Replayed, code),
        },
        Reply::KeyReused => (EventOutcome::Rejected, Some(ProblemCode::IdempotencyKeyReused.as_str().to_owned())),
    }
}

fn count(names: &EventNames, outcome: EventOutcome) {
    let kind = names.kind.as_deref().and_then(kind_of).map_or("unknown", |kind| kind.as_str());
    metrics::counter!("holdfast_events_in_total", "type" => kind, "outcome" => outcome.as_str()).increment(1);
}
