//! Events go to a running service: those about orders many at a time, those about stock by its own routes.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use holdfast_application::Command;
use holdfast_application::command::StockChange;
use holdfast_application::intake::{FILE_SOURCE, StockEventName};
use holdfast_application::order_event::{EventOutcome, OrderEvent};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::stocking::StockVerb;
use holdfast_domain::{OrderId, OrderStatus, Sku};
use serde_json::{Value, json};

use super::event::Event;
use super::{OUTCOMES, Statuses, Target};
use crate::exit::{Exit, Failure};
use crate::percent::encoded;
use crate::remote::{Answered, Remote};

/// Lines that are sent together: well within what a body may have.
const LINES_MAX: usize = 5_000;
/// Events that are sent together.
const EVENTS_MAX: usize = 1_000;
/// How often a correction is tried while others change the same item.
const TRIES_MAX: u32 = 20;

/// A service that takes events.
pub(super) struct IntoService {
    remote: Remote,
    products: HashMap<Sku, String>,
}

impl IntoService {
    /// The service.
    pub(super) fn new(remote: Remote) -> Self {
        Self { remote, products: HashMap::new() }
    }

    /// Sends events about orders.
    fn send(&self, events: &mut Vec<Value>, outcomes: &mut Vec<EventOutcome>) -> Result<(), Failure> {
        if events.is_empty() {
            return Ok(());
        }
        let sent = Value::Array(std::mem::take(events));
        let answered = self.remote.post("/api/inventory/events", None, &sent)?;
        let Some(results) = answered.body.get("results").and_then(Value::as_array) else {
            return Err(answered.into_failure());
        };
        outcomes.extend(results.iter().map(|result| told(result, answered.is_replayed)));
        Ok(())
    }

    /// Changes stock, once however often the event is sent, under the key that is its name.
    fn change(&mut self, key: &str, change: &StockChange) -> Result<EventOutcome, Failure> {
        let Some(product) = self.product(&change.product)? else { return Ok(EventOutcome::Refused) };
        let path = format!("/api/inventory/product/{product}");
        let mut body = json!({
            "quantity": change.quantity.get(),
            "locationId": change.location.as_str(),
            "reference": change.remarks.reference.as_ref().map(ToString::to_string),
            "notes": change.remarks.notes.as_ref().map(ToString::to_string),
        });
        if let Some(members) = body.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        let verb = match change.verb {
            StockVerb::Add => "add-stock",
            StockVerb::Remove => "remove-stock",
            StockVerb::Damage => "damage",
            StockVerb::Return => "return",
            StockVerb::AdjustUp | StockVerb::AdjustDown => return self.adjust(key, &path, change, body),
        };
        outcome(self.remote.post(&format!("{path}/{verb}"), Some(key), &body)?)
    }

    /// Corrects a level by a difference: the route takes a count, so it is asked what is there first.
    fn adjust(&self, key: &str, path: &str, change: &StockChange, mut body: Value) -> Result<EventOutcome, Failure> {
        for _ in 0..TRIES_MAX {
            let item = self.remote.get(path)?;
            if item.status == 404 {
                // Asked for all the same, so that the refusal is the event's answer for good; unless somebody has just
                // made it.
                let answered = self.remote.post_to_version(&format!("{path}/remove-stock"), key, 0, &body)?;
                if answered.code() == "version_mismatch" {
                    continue;
                }
                return outcome(answered);
            }
            let levels = item.body.get("locations").and_then(Value::as_array).into_iter().flatten();
            let mut here = levels.filter(|level| level.get("locationId") == body.get("locationId"));
            let on_hand = here.next().and_then(|level| level.get("totalQuantity")?.as_u64()).unwrap_or(0);
            let Some(version) = item.body.get("version").and_then(Value::as_u64) else {
                return Err(item.into_failure());
            };
            let quantity = u64::from(change.quantity.get());
            let counted = match change.verb {
                StockVerb::AdjustDown => on_hand.checked_sub(quantity),
                _ => on_hand.checked_add(quantity),
            };
            let (verb, body) = match counted {
                Some(counted) => {
                    body["newQuantity"] = counted.into();
                    ("adjust-stock", without(&body, "quantity"))
                }
                // Fewer than are to go: asked for all the same, so that the refusal is the event's answer for good.
                None => ("remove-stock", without(&body, "newQuantity")),
            };
            let answered = self.remote.post_to_version(&format!("{path}/{verb}"), key, version, &body)?;
            if answered.code() != "version_mismatch" {
                return outcome(answered);
            }
        }
        Err(Failure::new(Exit::Later, "an item changes too often to be corrected"))
    }

    /// The id of a product; `None` when the service does not know it.
    fn product(&mut self, product: &ProductRef) -> Result<Option<String>, Failure> {
        let sku = match product {
            ProductRef::Id(id) => return Ok(Some(id.to_string())),
            ProductRef::Sku(sku) => sku,
        };
        if let Some(known) = self.products.get(sku) {
            return Ok(Some(known.clone()));
        }
        let answered = self.remote.get(&format!("/api/inventory/sku/{}", encoded(sku.as_str())))?;
        match (answered.status, answered.body.get("productId").and_then(Value::as_str)) {
            (200, Some(id)) => {
                self.products.insert(sku.clone(), id.to_owned());
                Ok(Some(id.to_owned()))
            }
            (404, _) => Ok(None),
            _ => Err(answered.into_failure()),
        }
    }
}

impl Target for IntoService {
    fn take(&mut self, events: Vec<Event>) -> Result<Vec<EventOutcome>, Failure> {
        let (mut outcomes, mut together, mut lines) = (Vec::new(), Vec::new(), 0_usize);
        for event in events {
            let id = event.id;
            match event.submission.command {
                Command::OrderEvent(order) => {
                    if together.len() >= EVENTS_MAX || lines.saturating_add(order.lines.len()) > LINES_MAX {
                        self.send(&mut together, &mut outcomes)?;
                        lines = 0;
                    }
                    lines = lines.saturating_add(order.lines.len());
                    together.push(cloud_event(&id, &order));
                }
                Command::ChangeStock(change) => {
                    self.send(&mut together, &mut outcomes)?;
                    lines = 0;
                    let fingerprint = event.submission.key.map(|key| key.fingerprint).unwrap_or_default();
                    outcomes.push(self.change(&StockEventName { id, fingerprint }.idempotency_key(), &change)?);
                }
                _ => unreachable!("an event is about an order or about stock"),
            }
        }
        self.send(&mut together, &mut outcomes)?;
        Ok(outcomes)
    }

    fn statuses(&mut self, orders: &HashSet<OrderId>) -> Result<Statuses, Failure> {
        let mut statuses = Statuses::default();
        self.remote.each("/api/inventory/orders?limit=500", &mut |row| {
            let text = |name: &str| row.get(name).and_then(Value::as_str);
            let known = text("orderId").and_then(OrderId::parse).filter(|order| orders.contains(order));
            if let (Some(_), Some(status)) = (known, text("status").and_then(OrderStatus::parse)) {
                statuses.add(status);
            }
            ControlFlow::Continue(())
        })?;
        Ok(statuses)
    }
}

fn without(body: &Value, member: &str) -> Value {
    let members = body.as_object().into_iter().flatten().filter(|(name, _)| *name != member);
    members.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The event as `CloudEvents` 1.0 write it, so that its own id is its identity.
fn cloud_event(id: &str, event: &OrderEvent) -> Value {
    let items: Vec<Value> = event
        .lines
        .iter()
        .map(|line| match &line.product {
            ProductRef::Id(product) => json!({"productId": product.to_string(), "quantity": line.quantity.get()}),
            ProductRef::Sku(sku) => json!({"sku": sku.as_str(), "quantity": line.quantity.get()}),
        })
        .collect();
    let mut data = json!({"orderId": event.order.to_string()});
    if !items.is_empty() {
        data["items"] = items.into();
    }
    if let Some(reason) = &event.reason {
        data["reason"] = reason.as_str().into();
    }
    json!({
        "specversion": "1.0",
        "id": id,
        "source": FILE_SOURCE,
        "type": event.kind.as_str(),
        "data": data,
    })
}

/// What became of a change of stock: under the name of an event the service answers as it keeps events.
fn outcome(answered: Answered) -> Result<EventOutcome, Failure> {
    match answered.status {
        200 => Ok(told(&answered.body, answered.is_replayed)),
        400 | 422 => Ok(EventOutcome::Rejected),
        _ => Err(answered.into_failure()),
    }
}

/// What a result says. What was known counts as known, also when it was refused the first time, but a rejected event
/// was never taken.
fn told(result: &Value, is_replayed: bool) -> EventOutcome {
    match outcome_named(result.get("outcome")) {
        EventOutcome::Rejected => EventOutcome::Rejected,
        _ if is_replayed => EventOutcome::Replayed,
        outcome => outcome,
    }
}

fn outcome_named(word: Option<&Value>) -> EventOutcome {
    let word = word.and_then(Value::as_str).unwrap_or_default();
    OUTCOMES.into_iter().find(|outcome| outcome.as_str() == word).unwrap_or(EventOutcome::Rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_rejected_is_not_counted_as_known() {
        let heard = |outcome: &str, is_replayed| told(&json!({"outcome": outcome, "code": null}), is_replayed);
        assert_eq!(heard("refused", true), EventOutcome::Replayed);
        assert_eq!(heard("refused", false), EventOutcome::Refused);
        assert_eq!(heard("replayed", true), EventOutcome::Replayed);
        assert_eq!(heard("rejected", true), EventOutcome::Rejected);
    }
}
