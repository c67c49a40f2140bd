//! The topics of records that can never be applied, as the `AsyncAPI` document tells of them.

use holdfast_application::dead_letters::told::HEADERS;
use serde_json::{Map, Value, json};

/// The message of a dead letter.
pub(super) const MESSAGE: &str = "DeadLetter";

/// The channel of the dead letters of a topic, by its name.
pub(super) fn channel(topic: &str) -> (String, Value) {
    let channel = json!({
        "address": format!("{topic}.dlq"),
        "description": format!("The records of {topic} that can never be applied, and so are not; those of a partition in its order."),
        "messages": {MESSAGE: {"$ref": format!("#/components/messages/{MESSAGE}")}},
    });
    (format!("{topic}_dead_letters"), channel)
}

/// A record as it came, with headers beside its own that tell why and where from.
pub(super) fn message() -> Value {
    let text = |(name, help): (&str, &str)| (name.to_owned(), json!({"type": "string", "description": help}));
    let headers: Map<String, Value> = HEADERS.into_iter().map(text).collect();
    json!({
        "name": MESSAGE,
        "title": "A record can never be applied.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "required": ["holdfast-id", "holdfast-code", "holdfast-cause"],
            "properties": headers,
            "additionalProperties": true,
        },
        "payload": {"description": "The record's value as it came, whatever it is."},
        "bindings": {"kafka": {"key": {"description": "The record's key as it came."}}},
    })
}
