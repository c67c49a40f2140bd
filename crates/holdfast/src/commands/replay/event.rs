//! One line of an event file, and the command it stands for.

use std::borrow::Cow;

use holdfast_application::command::{Remarks, StockChange};
use holdfast_application::intake::{FILE_SOURCE, Identity, StockEventName, file_event_id};
use holdfast_application::order_event::OrderEvent;
use holdfast_application::{Command, Submission};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::stocking::StockVerb;
use holdfast_domain::order::{LINES_MAX, OrderEventKind};
use holdfast_domain::{Actor, LocationCode, Notes, OrderId, ProductId, Quantity, Reason, Reference, Sku, Timestamp};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::cli::{EventKind, ReplayClock};

/// A line, as it is written. Members that no rule needs are not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    event_id: Cow<'a, str>,
    #[serde(borrow, default)]
    ts: Cow<'a, str>,
    order_id: Option<String>,
    #[serde(borrow, default)]
    items: Vec<LineItem<'a>>,
    #[serde(borrow)]
    sku: Option<Cow<'a, str>>,
    product_id: Option<String>,
    location_id: Option<String>,
    quantity: Option<u64>,
    movement_type: Option<String>,
    reason: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineItem<'a> {
    #[serde(borrow)]
    sku: Option<Cow<'a, str>>,
    #[serde(borrow)]
    product_id: Option<Cow<'a, str>>,
    quantity: u64,
}

/// An event that was read.
#[derive(Debug)]
pub(super) struct Event {
    /// The line it stands on, from 1.
    pub(super) line: u64,
    /// When it happened; the epoch when the file does not say and nobody needs to know.
    pub(super) at: Timestamp,
    /// Its id, as every road knows it.
    pub(super) id: String,
    /// The order it is about; none of an event about stock.
    pub(super) order: Option<OrderId>,
    /// What is asked, under the event's own name.
    pub(super) submission: Submission,
}

/// How lines are read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The kinds that count; all when empty.
    pub(super) kinds: Vec<EventKind>,
    /// Whose time decides.
    pub(super) clock: ReplayClock,
    /// Whether events come at the pace at which they happened.
    pub(super) is_paced: bool,
    /// An event that happened later is a slip of the pen: the ids of whatever follows would bear its time.
    pub(super) latest: Timestamp,
}

impl Reading {
    /// Reads the line with this number. `None` when its kind does not count.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn decode(&self, number: u64, text: &[u8]) -> Result<Option<Event>, String> {
        let line: Line<'_> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let kind = kind(&line.kind).ok_or_else(|| format!("{:?} is no kind of event", line.kind))?;
        if !self.kinds.is_empty() && !self.kinds.contains(&kind) {
            return Ok(None);
        }
        let at = match (Timestamp::parse(&line.ts), self.clock) {
            (Some(at), _) if at > self.latest => return Err(format!("ts {:?} lies in the future", line.ts)),
            (Some(at), _) => at,
            (None, ReplayClock::Wall) if !self.is_paced => Timestamp::EPOCH,
            (None, _) => return Err(format!("ts {:?} is no time", line.ts)),
        };
        if line.event_id.is_empty() || line.event_id.len() > 255 {
            return Err("an eventId has 1 to 255 bytes".to_owned());
        }
        let (order, command) = match kind {
            EventKind::StockAdded | EventKind::StockRemoved | EventKind::StockReturned => (None, stock(kind, &line)?),
            EventKind::OrderCreated => about_order(OrderEventKind::OrderCreated, &line)?,
            EventKind::OrderCancelled => about_order(OrderEventKind::OrderCancelled, &line)?,
            EventKind::PaymentCompleted => about_order(OrderEventKind::PaymentCompleted, &line)?,
            EventKind::PaymentFailed => about_order(OrderEventKind::PaymentFailed, &line)?,
        };
        let id = file_event_id(&line.event_id).into_owned();
        let key = match &command {
            Command::OrderEvent(event) => Identity::of_cloud_event(FILE_SOURCE, &id, event).command_key(),
            _ => StockEventName { id: id.clone(), fingerprint: fingerprint(&line) }.command_key(),
        };
        let submission = Submission {
            command,
            actor: Actor::new("replay").expect("a plain word is an actor"),
            key: Some(key),
            decided_at: (self.clock == ReplayClock::Events).then_some(at),
        };
        Ok(Some(Event { line: number, at, id, order, submission }))
    }
}

fn kind(text: &str) -> Option<EventKind> {
    Some(match text {
        "order_created" => EventKind::OrderCreated,
        "order_cancelled" => EventKind::OrderCancelled,
        "payment_completed" => EventKind::PaymentCompleted,
        "payment_failed" => EventKind::PaymentFailed,
        "stock_added" => EventKind::StockAdded,
        "stock_removed" => EventKind::StockRemoved,
        "stock_returned" => EventKind::StockReturned,
        _ => return None,
    })
}

fn about_order(kind: OrderEventKind, line: &Line<'_>) -> Result<(Option<OrderId>, Command), String> {
    let order = line.order_id.as_deref().and_then(OrderId::parse);
    let order = order.ok_or_else(|| "orderId is no UUID".to_owned())?;
    let mut lines = Vec::new();
    if kind == OrderEventKind::OrderCreated {
        if line.items.is_empty() || line.items.len() > LINES_MAX {
            return Err(format!("an order has 1 to {LINES_MAX} items, not {}", line.items.len()));
        }
        lines.reserve(line.items.len());
        for item in &line.items {
            let product = product(item.product_id.as_deref(), item.sku.as_deref())?;
            lines.push(OrderLine { product, quantity: quantity(item.quantity)?, location: None });
        }
    }
    let reason = line.reason.as_deref().and_then(Reason::shortened);
    Ok((Some(order), Command::OrderEvent(OrderEvent { kind, order, lines, reason, is_bare: false })))
}

fn stock(kind: EventKind, line: &Line<'_>) -> Result<Command, String> {
    let verb = match (kind, line.movement_type.as_deref()) {
        (EventKind::StockAdded, None | Some("StockIn")) => StockVerb::Add,
        (EventKind::StockAdded, Some("Adjustment")) => StockVerb::AdjustUp,
        (EventKind::StockAdded | EventKind::StockReturned, Some("Returned")) | (EventKind::StockReturned, None) => {
            StockVerb::Return
        }
        (EventKind::StockRemoved, None | Some("StockOut")) => StockVerb::Remove,
        (EventKind::StockRemoved, Some("Adjustment")) => StockVerb::AdjustDown,
        (EventKind::StockRemoved, Some("Damaged")) => StockVerb::Damage,
        (_, Some(other)) => return Err(format!("{other:?} is no movementType of {}", line.kind)),
        (_, None) => return Err(format!("{} needs a movementType", line.kind)),
    };
    let location = match line.location_id.as_deref() {
        None => LocationCode::main(),
        Some(code) => LocationCode::new(code).map_err(|unfit| unfit.to_string())?,
    };
    let remarks = Remarks {
        reference: line.reference.as_deref().and_then(Reference::shortened),
        reason: None,
        notes: line.reason.as_deref().and_then(notes),
    };
    let product = product(line.product_id.as_deref(), line.sku.as_deref())?;
    let quantity = quantity(line.quantity.unwrap_or_default())?;
    Ok(Command::ChangeStock(StockChange { product, location, verb, quantity, version: None, remarks }))
}

fn product(id: Option<&str>, sku: Option<&str>) -> Result<ProductRef, String> {
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        return Sku::new(sku.unwrap_or_default()).map(ProductRef::Sku).map_err(|unfit| unfit.to_string());
    };
    ProductId::parse(id).map(ProductRef::Id).ok_or_else(|| format!("productId {id:?} is no UUID"))
}

fn quantity(units: u64) -> Result<Quantity, String> {
    Quantity::from_u64(units).ok_or_else(|| format!("{units} is no quantity from 1 to {}", Quantity::MAX))
}

/// As much of a text as notes can hold.
fn notes(text: &str) -> Option<Notes> {
    let end = text.floor_char_boundary(500);
    text.get(..end).filter(|text| !text.is_empty()).and_then(|text| Notes::new(text).ok())
}

/// What a line about stock says, whatever the order and spacing of its members.
fn fingerprint(line: &Line<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update(count_bytes(text.len()));
        hash.update(text.as_bytes());
    };
    part(&line.kind);
    part(&line.ts);
    part(line.sku.as_deref().unwrap_or_default());
    for text in [&line.product_id, &line.location_id, &line.movement_type, &line.reason, &line.reference] {
        part(text.as_deref().unwrap_or_default());
    }
    part(&line.quantity.unwrap_or_default().to_string());
    hash.finalize().into()
}

fn count_bytes(length: usize) -> [u8; 8] {
    crate::numbers::count(length).to_be_bytes()
}

#[cfg(test)]
mod tests;
