//! The `AsyncAPI` document of the events that are sent and taken, and the JSON schema of each that is sent.

use holdfast_application::events::{EventKind, Stream};
use serde_json::{Map, Value, json};

mod dead_letters;
mod schemas;

pub use schemas::event_schema;

/// What an event tells, in a sentence.
const fn about(kind: EventKind) -> &'static str {
    match kind {
        EventKind::StockReserved => "Units were set aside for an order.",
        EventKind::StockConfirmed => "Units set aside left the house.",
        EventKind::StockReleased => "Units set aside came back.",
        EventKind::StockReservationExpired => "Units set aside came back, for their time was over.",
        EventKind::StockAdjusted => "Stock changed in any other way; the movement's type says in which.",
        EventKind::LowStock => "A product's available units fell to its reorder level or below.",
        EventKind::OutOfStock => "Nothing of a product is available any more.",
        EventKind::BackInStock => "Something of a product is available again.",
        EventKind::StockReservationFailed => "An order was not served: one short line, or the rule that said no.",
        EventKind::OrderReserved => "All lines of an order are held.",
        EventKind::OrderConfirmed => "An order's units left the house.",
        EventKind::OrderReleased => "An order's units went back.",
        EventKind::OrderExpired => "An order's time was over and its units went back.",
        EventKind::DeadLetter => "A record can never be applied.",
    }
}

/// The events that are taken.
const TAKEN: [&str; 4] = ["OrderCreated", "PaymentCompleted", "PaymentFailed", "OrderCancelled"];

/// The `AsyncAPI` document, as pretty JSON. Topics bear their default names.
pub fn asyncapi_json() -> String {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    let mut schemas = Map::new();
    let sides = [(Stream::Stock, "stock", "inventory.stock"), (Stream::Orders, "orders", "inventory.orders")];
    for (stream, name, address) in sides {
        let kinds = EventKind::ALL.into_iter().filter(|kind| kind.stream() == stream);
        let of_channel: Map<String, Value> = kinds.map(|kind| reference("messages", kind.as_str())).collect();
        let key = if stream == Stream::Stock { "productId" } else { "orderId" };
        let order = format!(
            "The events of a {key} come in order; drop what is not above the last (sequence, part) of its key."
        );
        channels.insert(name.to_owned(), json!({"address": address, "description": order, "messages": of_channel}));
        operations.insert(format!("send_{name}"), operation("send", name));
    }
    for kind in EventKind::ALL {
        let word = kind.as_str();
        let key = if kind.stream() == Stream::Stock { "The productId." } else { "The orderId." };
        let key = json!({"type": "string", "format": "uuid", "description": key});
        messages.insert(
            word.to_owned(),
            json!({
                "name": word,
                "title": about(kind),
                "contentType": "application/json",
                "headers": headers(kind.cloud_event_type()),
                "payload": {"$ref": format!("#/components/schemas/{word}")},
                "bindings": {"kafka": {"key": key}},
            }),
        );
        schemas.insert(word.to_owned(), schema(kind));
    }
    for word in TAKEN {
        let of_channel: Map<String, Value> = std::iter::once(reference("messages", word)).collect();
        channels.insert(word.to_owned(), json!({"address": word, "messages": of_channel}));
        operations.insert(format!("receive_{word}"), operation("receive", word));
        let payload = json!({"$ref": format!("#/components/schemas/{word}")});
        messages.insert(word.to_owned(), json!({"name": word, "contentType": "application/json", "payload": payload}));
        schemas.insert(word.to_owned(), schemas::taken(word));
        let (name, channel) = dead_letters::channel(word);
        operations.insert(format!("send_{name}"), operation("send", &name));
        channels.insert(name, channel);
    }
    messages.insert(dead_letters::MESSAGE.to_owned(), dead_letters::message());
    let document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Holdfast",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What an inventory service tells and hears. Each event that is sent is a CloudEvent 1.0 in binary mode: \
                            its attributes are headers, its data the value. By setting they stand together (structured), or the \
                            data alone goes to a topic named after the type (plain).",
            "license": {"name": "Apache-2.0 OR MIT"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    });
    pretty(&document)
}

/// The JSON schema of an event's data, as pretty JSON.
pub fn event_schema_json(kind: EventKind) -> String {
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:holdfast:event:{}:v1", kind.as_str()),
        "title": kind.as_str(),
    });
    if let (Some(whole), Value::Object(schema)) = (whole.as_object_mut(), schema(kind)) {
        whole.extend(schema);
    }
    pretty(&whole)
}

/// The schema with what it is about.
fn schema(kind: EventKind) -> Value {
    let mut schema = event_schema(kind);
    schema["description"] = about(kind).into();
    schema
}

fn pretty(document: &Value) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("a document is JSON");
    text.push('\n');
    text
}

fn reference(place: &str, name: &str) -> (String, Value) {
    (name.to_owned(), json!({"$ref": format!("#/components/{place}/{name}")}))
}

fn operation(action: &str, channel: &str) -> Value {
    json!({"action": action, "channel": {"$ref": format!("#/channels/{channel}")}})
}

/// The attributes of a `CloudEvent` as headers.
fn headers(kind: &str) -> Value {
    let text = |help: &str| json!({"type": "string", "description": help});
    json!({
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "content-type"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": text("Stream, key, sequence and part: the same however often the event is sent."),
            "ce_source": text("kafka.source"),
            "ce_type": {"const": kind},
            "ce_subject": text("The key."),
            "ce_time": {"type": "string", "format": "date-time"},
            "ce_dataschema": text("The schema of the value."),
            "ce_partitionkey": text("The key."),
            "content-type": {"const": "application/json"},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(file: &str) -> String {
        let path = format!("{}/../../docs/{file}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    #[test]
    fn the_committed_documents_are_current() {
        let refresh = "refresh them: cargo xtask openapi";
        assert!(committed("asyncapi.json") == asyncapi_json(), "{refresh}");
        for kind in EventKind::ALL {
            let name = format!("events/{}.json", kind.as_str());
            assert!(committed(&name) == event_schema_json(kind), "{name}: {refresh}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let text = asyncapi_json();
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let mut references = 0;
        for piece in text.split("\"$ref\": \"#").skip(1) {
            let pointer = piece.split('"').next().expect("a pointer");
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            references += 1;
        }
        let least = EventKind::ALL.len().saturating_mul(2);
        assert!(references > least, "each event's channel and schema are referred to: {references}");
    }
}
