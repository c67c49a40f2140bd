//! Upstream events as they come: bare JSON or CloudEvents 1.0, in any capitals, with fields nobody knows. Pure functions
//! from JSON to what happened to which order.

use std::fmt::Write;

use holdfast_application::CommandKey;
use holdfast_application::answer::{Answer, Decision, KeptAnswer};
use holdfast_application::order_event::{EventOutcome, OrderEvent};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::order::{LINES_MAX, OrderEventKind};
use holdfast_domain::{OrderId, ProductId, Quantity, Reason, Sku};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::code::ProblemCode;

/// The scope of the keys that CloudEvents bring along, whichever way they come.
pub const EVENT_SCOPE: &str = "event";
/// The longest key that is kept as it stands; longer ones are kept as their hash.
const KEY_BYTES_MAX: usize = 255;

/// What an event says about itself, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventNames {
    /// Its id.
    pub event_id: Option<String>,
    /// What happened: the plain word where it is known, else as it came.
    pub kind: Option<String>,
    /// To which order.
    pub order: Option<String>,
}

/// An event that can be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadEvent {
    /// What happened to which order.
    pub event: OrderEvent,
    /// A CloudEvent's source and id.
    pub identity: Option<String>,
}

/// Reads one event: what it says about itself, and the event or why it can never be applied.
pub fn read_event(value: &Value) -> (EventNames, Result<ReadEvent, ProblemCode>) {
    let Some(members) = value.as_object() else {
        return (EventNames::default(), Err(ProblemCode::ValidationFailed));
    };
    if find(members, "specversion").is_some() { cloud_event(members) } else { bare_event(members) }
}

fn bare_event(members: &Map<String, Value>) -> (EventNames, Result<ReadEvent, ProblemCode>) {
    let kind = text(members, "type");
    let mut names = EventNames {
        event_id: text(members, "eventId").or_else(|| text(members, "id")).map(str::to_owned),
        kind: kind.map(str::to_owned),
        order: text(members, "orderId").map(str::to_owned),
    };
    let read = kind.and_then(kind_of).and_then(|kind| {
        names.kind = Some(kind.as_str().to_owned());
        order_event(kind, members, true)
    });
    finished(names, read.map(|event| ReadEvent { event, identity: None }))
}

fn cloud_event(members: &Map<String, Value>) -> (EventNames, Result<ReadEvent, ProblemCode>) {
    let filled = |name: &str| text(members, name).filter(|text| !text.is_empty());
    let (id, source, kind) = (filled("id"), filled("source"), filled("type"));
    let data = find(members, "data").and_then(Value::as_object);
    let mut names = EventNames {
        event_id: id.map(str::to_owned),
        kind: kind.map(str::to_owned),
        order: data.and_then(|data| text(data, "orderId")).map(str::to_owned),
    };
    let read = (|| {
        let kind = kind?.strip_suffix(".v1").or(kind)?;
        let kind = kind_of(kind.rsplit('.').next()?)?;
        names.kind = Some(kind.as_str().to_owned());
        (text(members, "specversion")? == "1.0").then_some(())?;
        let event = order_event(kind, data?, false)?;
        Some(ReadEvent { event, identity: Some(format!("{}\n{}", source?, id?)) })
    })();
    finished(names, read)
}

/// Writes the order's id as it is always written.
fn finished(mut names: EventNames, read: Option<ReadEvent>) -> (EventNames, Result<ReadEvent, ProblemCode>) {
    if let Some(read) = &read {
        names.order = Some(read.event.order.to_string());
    }
    (names, read.ok_or(ProblemCode::ValidationFailed))
}

/// What a type's name means, with and without the suffix `Event`.
pub fn kind_of(name: &str) -> Option<OrderEventKind> {
    OrderEventKind::parse(name.strip_suffix("Event").unwrap_or(name))
}

fn order_event(kind: OrderEventKind, members: &Map<String, Value>, is_bare: bool) -> Option<OrderEvent> {
    let order = OrderId::parse(text(members, "orderId")?)?;
    let lines = if kind == OrderEventKind::OrderCreated { order_lines(members)? } else { Vec::new() };
    let reason = text(members, "reason").and_then(Reason::shortened);
    Some(OrderEvent { kind, order, lines, reason, is_bare })
}

fn order_lines(members: &Map<String, Value>) -> Option<Vec<OrderLine>> {
    let items = find(members, "items")?.as_array()?;
    (1..=LINES_MAX).contains(&items.len()).then_some(())?;
    let line = |item: &Value| {
        let item = item.as_object()?;
        let product = match (text(item, "productId"), text(item, "sku")) {
            (Some(id), _) => ProductRef::Id(ProductId::parse(id)?),
            (None, sku) => ProductRef::Sku(Sku::new(sku?).ok()?),
        };
        let quantity = Quantity::from_u64(find(item, "quantity")?.as_u64()?)?;
        Some(OrderLine { product, quantity, location: None })
    };
    items.iter().map(line).collect()
}

/// A member by its name, whatever its capitals; the very name wins.
fn find<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let other = || members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    members.get(name).or_else(other).filter(|value| !value.is_null())
}

fn text<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    find(members, name)?.as_str()
}

impl ReadEvent {
    /// The key that makes a CloudEvent decided once.
    pub fn command_key(&self) -> Option<CommandKey> {
        let identity = self.identity.as_ref()?;
        let key = if identity.len() > KEY_BYTES_MAX {
            hexadecimal(&Sha256::digest(identity.as_bytes()))
        } else {
            identity.clone()
        };
        Some(CommandKey {
            scope: EVENT_SCOPE.to_owned(),
            key,
            position: 0,
            fingerprint: fingerprint(&self.event),
            render: kept_event,
        })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a string does not fail
        text
    })
}

/// SHA-256 over what an event says.
pub fn fingerprint(event: &OrderEvent) -> [u8; 32] {
    let reason = event.reason.as_ref().map_or("", |reason| reason.as_str());
    let mut text = format!("{} {}\n{reason}\n", event.kind, event.order);
    for line in &event.lines {
        let product = match &line.product {
            ProductRef::Id(id) => id.to_string(),
            ProductRef::Sku(sku) => format!("sku {sku}"),
        };
        let _ = writeln!(text, "{product} {}", line.quantity); // writing to a string does not fail
    }
    Sha256::digest(text.as_bytes()).into()
}

/// What is kept of an event's decision under its key.
pub fn kept_event(decision: &Decision) -> KeptAnswer {
    let (outcome, code) = match decision {
        Ok(Answer::Event(answer)) => (answer.outcome, answer.code),
        Ok(_) => (EventOutcome::Applied, None),
        Err(refusal) => (EventOutcome::Refused, Some(refusal.code())),
    };
    let body = json!({"outcome": outcome.as_str(), "code": code}).to_string().into_bytes();
    KeptAnswer { status: 200, body, location: None, etag: None }
}

/// The outcome and the code of a kept answer to an event.
pub fn outcome_of(answer: &KeptAnswer) -> (EventOutcome, Option<String>) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let outcome = match body.get("outcome").and_then(Value::as_str) {
        Some("refused") => EventOutcome::Refused,
        Some("rejected") => EventOutcome::Rejected,
        Some("ignored") => EventOutcome::Ignored,
        Some("waiting") => EventOutcome::Waiting,
        Some("replayed") => EventOutcome::Replayed,
        _ => EventOutcome::Applied,
    };
    (outcome, body.get("code").and_then(Value::as_str).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

    #[test]
    fn a_bare_event_is_read_in_any_capitals() {
        let (names, read) = read_event(&json!({
            "Type": "OrderCreatedEvent", "EventId": "e-1", "ORDERID": ORDER.to_uppercase(), "userId": null, "extra": {},
            "Items": [{"ProductId": ORDER, "Quantity": 2, "price": 1.5}, {"sku": "LAMP", "quantity": 1}],
        }));
        let read = read.expect("an event");
        assert_eq!(read.event.kind, OrderEventKind::OrderCreated);
        assert_eq!((read.event.lines.len(), read.event.is_bare, read.identity), (2, true, None));
        assert_eq!(names.event_id.as_deref(), Some("e-1"));
        assert_eq!((names.kind.as_deref(), names.order.as_deref()), (Some("OrderCreated"), Some(ORDER)));
    }

    #[test]
    fn a_cloud_event_is_named_by_source_and_id() {
        for kind in ["PaymentFailed", "com.example.PaymentFailed", "com.example.PaymentFailedEvent.v1"] {
            let (_, read) = read_event(&json!({
                "specversion": "1.0", "type": kind, "source": "/pay", "id": "7",
                "data": {"orderId": ORDER, "reason": "card declined"},
            }));
            let read = read.expect(kind);
            assert_eq!(read.identity.as_deref(), Some("/pay\n7"));
            assert_eq!(read.event.reason.map(|reason| reason.to_string()).as_deref(), Some("card declined"));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_by_code_and_names() {
        let items = json!([{"sku": "LAMP", "quantity": 1}]);
        for bad in [
            json!(1),
            json!([]),
            json!({}),
            json!({"type": "OrderShipped", "orderId": ORDER}),
            json!({"type": "OrderCreated", "orderId": ORDER}),
            json!({"type": "OrderCreated", "orderId": ORDER, "items": []}),
            json!({"type": "OrderCreated", "orderId": "1042", "items": items}),
            json!({"type": "OrderCreated", "orderId": ORDER, "items": [{"sku": "LAMP", "quantity": 1.0}]}),
            json!({"type": "OrderCreated", "orderId": ORDER, "items": [{"sku": "LAMP", "quantity": "1"}]}),
            json!({"specversion": "0.3", "type": "PaymentFailed", "source": "s", "id": "1", "data": {"orderId": ORDER}}),
            json!({"specversion": "1.0", "type": "PaymentFailed", "source": "", "id": "1", "data": {"orderId": ORDER}}),
            json!({"specversion": "1.0", "type": "PaymentFailed.v2", "source": "s", "id": "1", "data": {"orderId": ORDER}}),
            json!({"specversion": "1.0", "type": "PaymentFailed", "source": "s", "id": "1"}),
        ] {
            assert_eq!(read_event(&bad).1, Err(ProblemCode::ValidationFailed), "{bad}");
        }
        let (names, _) = read_event(&json!({"type": "OrderShipped", "id": "x", "orderId": "1042"}));
        assert_eq!(names.kind.as_deref(), Some("OrderShipped"));
        assert_eq!(names.order.as_deref(), Some("1042"));
    }
}
