//! The shape of each event's data. Every member is always there; what is absent is `null`.

use holdfast_application::events::EventKind;
use serde_json::{Map, Value, json};

/// A member of an event: its name, its type, and what it is.
type Member = (&'static str, Value, &'static str);

fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn truth() -> Value {
    json!({"type": "boolean"})
}

fn number(least: u32) -> Value {
    json!({"type": "integer", "minimum": least})
}

fn words(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

/// The same, or `null`.
fn maybe(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

/// An object with exactly these members.
fn object(members: Vec<Member>) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, ..)| *name).collect();
    let required = json!(required);
    let described = members.into_iter().map(|(name, mut schema, help)| {
        schema["description"] = help.into();
        (name.to_owned(), schema)
    });
    let properties: Map<String, Value> = described.collect();
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

/// Where an event stands among those of its product.
fn stock_place() -> Vec<Member> {
    vec![
        ("sequence", number(1), "The movement's: 1, 2, 3 … per product."),
        ("part", number(0), "0 the change of stock, then 1, 2 … the lines it crossed."),
    ]
}

/// The level afterwards.
fn levels() -> Vec<Member> {
    vec![
        ("quantityAvailable", number(0), "Units available afterwards, at that location."),
        ("quantityReserved", number(0), "Units set aside afterwards, at that location."),
    ]
}

/// A promise of units.
fn promise() -> Vec<Member> {
    vec![
        ("reservationId", maybe(uuid()), "The reservation; null of movements that a file of events brought."),
        ("orderId", maybe(uuid()), "Its order."),
    ]
}

fn product() -> Vec<Member> {
    vec![("productId", uuid(), "The product."), ("sku", text(), "What people call it.")]
}

fn moved() -> Vec<Member> {
    vec![("locationId", text(), "Where."), ("quantity", number(1), "How many units moved.")]
}

/// Where an event stands among those of its order.
fn order_place() -> Vec<Member> {
    vec![
        ("orderSequence", number(1), "1, 2, 3 … per order: each outcome that is told."),
        ("part", number(0), "0, 1, 2 … among the events of this outcome."),
        ("parts", number(1), "How many events tell this outcome."),
    ]
}

/// The schema of an event's data.
pub fn event_schema(kind: EventKind) -> Value {
    match kind {
        EventKind::StockReserved => {
            let held = vec![
                ("reservedAt", time(), "When the units were set aside."),
                ("expiresAt", maybe(time()), "Until when at least; null: for good."),
            ];
            object([promise(), product(), moved(), held, stock_place(), levels()].concat())
        }
        EventKind::StockConfirmed | EventKind::StockReleased | EventKind::StockReservationExpired => {
            let ended =
                vec![("reason", maybe(text()), "Why, where somebody said so."), ("endedAt", time(), "When it ended.")];
            object([promise(), product(), moved(), ended, stock_place(), levels()].concat())
        }
        EventKind::StockAdjusted => object([adjusted(), stock_place(), levels()].concat()),
        EventKind::LowStock | EventKind::OutOfStock | EventKind::BackInStock => {
            let line = vec![
                ("productName", text(), "What it is."),
                ("quantityAvailable", number(0), "Units available afterwards, over all locations."),
                ("reorderLevel", number(0), "The line for LowStock, at that time."),
                ("occurredAt", time(), "When the line was crossed."),
            ];
            object([product(), line, stock_place()].concat())
        }
        EventKind::StockReservationFailed => object([failed(), order_place()].concat()),
        EventKind::OrderReserved | EventKind::OrderConfirmed | EventKind::OrderReleased | EventKind::OrderExpired => {
            object([outcome(), order_place()].concat())
        }
        EventKind::DeadLetter => json!({"description": "What came, as it came."}),
    }
}

fn adjusted() -> Vec<Member> {
    let kinds = [
        "StockIn",
        "StockOut",
        "Reserved",
        "Released",
        "Adjustment",
        "Damaged",
        "Returned",
        "Confirmed",
        "TransferIn",
        "TransferOut",
    ];
    let change = vec![
        ("movementId", uuid(), "The movement in the audit trail."),
        ("movementType", words(&kinds), "What kind of change."),
    ];
    let why = vec![
        ("quantityBefore", number(0), "Units available before, at that location; it tells an adjustment's direction."),
        ("reference", maybe(text()), "A document number."),
        ("reasonCode", maybe(text()), "Why, as a code."),
        ("adjustedAt", time(), "When."),
    ];
    [change, product(), moved(), why].concat()
}

fn failed() -> Vec<Member> {
    vec![
        ("orderId", uuid(), "The order."),
        ("productId", maybe(uuid()), "The product of a short line; null where no line is at fault or nobody knows it."),
        ("sku", maybe(text()), "What people call it."),
        ("locationId", maybe(text()), "The location that the line named."),
        ("requestedQuantity", maybe(number(0)), "Units asked for."),
        ("availableQuantity", maybe(number(0)), "Units that this order could have had."),
        ("reason", text(), "A sentence."),
        ("code", text(), "The problem's code, such as insufficient_stock."),
        ("paid", truth(), "Whether money was taken for what is not held."),
        ("failedAt", time(), "When."),
    ]
}

fn outcome() -> Vec<Member> {
    let line = vec![
        ("reservationId", uuid(), "The reservation."),
        ("productId", uuid(), "The product."),
        ("sku", text(), "What people call it."),
        ("locationId", text(), "Where."),
        ("quantity", number(1), "How many units."),
        ("sequence", number(1), "The product's movement that this outcome wrote."),
    ];
    let status = ["Reserved", "Refused", "Confirmed", "Released", "Expired", "Closed"];
    vec![
        ("orderId", uuid(), "The order."),
        ("status", words(&status), "What it is now."),
        ("reason", maybe(text()), "Why, where somebody said so."),
        (
            "lines",
            json!({"type": "array", "items": object(line), "maxItems": 1000}),
            "Up to 1,000 of its lines: see parts.",
        ),
        ("reservedAt", maybe(time()), "When it was reserved."),
        ("expiresAt", maybe(time()), "Until when at least; null: for good."),
        ("endedAt", maybe(time()), "When it ended."),
    ]
}

/// The schema of an event that is taken, as bare JSON: unknown members are ignored.
pub(super) fn taken(word: &str) -> Value {
    let order = json!({"type": "string", "format": "uuid"});
    if word != "OrderCreated" {
        let properties = json!({"orderId": order, "reason": {"type": "string"}});
        return json!({"type": "object", "required": ["orderId"], "properties": properties});
    }
    let quantity = json!({"type": "integer", "minimum": 1, "maximum": 1_000_000_000});
    let line = json!({
        "type": "object",
        "required": ["quantity"],
        "properties": {"productId": uuid(), "sku": text(), "quantity": quantity},
        "description": "A productId, or a sku in its place.",
    });
    json!({
        "type": "object",
        "required": ["orderId", "items"],
        "properties": {
            "orderId": order,
            "userId": {"type": "string"},
            "items": {"type": "array", "minItems": 1, "maxItems": 5000, "items": line},
            "createdAt": time(),
        },
    })
}
