//! Shapes that no type of ours derives: problems, and events as others send them.

use serde_json::{Value, json};

use crate::code::ProblemCode as Code;

pub(super) fn upstream_event() -> Value {
    json!({
        "type": "object",
        "description": "An upstream event about an order: bare JSON that names itself in `type`, or a CloudEvent 1.0 with the \
                        same fields in `data`. Field names are read whatever their capitals; unknown fields are ignored.",
        "required": ["type"],
        "properties": {
            "type": {
                "type": "string",
                "description": "`OrderCreated`, `PaymentCompleted`, `PaymentFailed` or `OrderCancelled`, with or without the \
                                suffix `Event`; of a CloudEvent the last part of its type counts.",
            },
            "eventId": {"type": "string", "description": "Of a bare event: echoed in the result."},
            "orderId": {"type": "string", "format": "uuid"},
            "items": {
                "type": "array",
                "description": "Of an `OrderCreated`: 1 to 5000 lines.",
                "items": {
                    "type": "object",
                    "properties": {
                        "productId": {"type": "string", "format": "uuid"},
                        "sku": {"type": "string", "description": "In place of a productId."},
                        "quantity": {"type": "integer", "minimum": 1, "maximum": 1_000_000_000},
                    },
                },
            },
            "reason": {"type": "string", "description": "Of a `PaymentFailed` or `OrderCancelled`."},
            "specversion": {"type": "string", "description": "Of a CloudEvent: `1.0`."},
            "id": {"type": "string", "description": "Of a CloudEvent: its identity, together with `source`."},
            "source": {"type": "string"},
            "data": {"type": "object"},
            "data_base64": {"type": "string", "description": "In place of `data`: base64 of its JSON."},
        },
    })
}

pub(super) fn problem() -> Value {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "description": "A request that was not carried out, and why (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code", "outcome", "retryable", "requestId"],
        "properties": {
            "type": {"type": "string", "description": "The page that explains the code.", "pattern": "^/problems/[a-z_]+$"},
            "title": {"type": "string", "description": "A few words that are the same every time."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "A sentence about this very case."},
            "code": {"type": "string", "enum": codes},
            "outcome": {
                "type": ["string", "null"], "enum": ["refused", "not_applied", "unknown", null],
                "description": "Of a write: whether anything can have happened; null of a read.",
            },
            "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
            "requestId": {"type": "string", "maxLength": 128},
            "lines": {"type": "array", "items": {"$ref": "#/components/schemas/ShortLine"}},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": {
                        "pointer": {
                            "type": "string",
                            "description": "A JSON pointer into the body, or below /query, /path or /header.",
                        },
                        "detail": {"type": "string"},
                    },
                },
            },
            "currentStatus": {"type": "string"},
            "currentVersion": {"type": "integer"},
            "quantityReserved": {"type": "integer"},
            "newQuantity": {"type": "integer"},
            "totalQuantity": {"type": "integer"},
            "expectedQuantity": {"type": "integer"},
            "latestExpiresAt": {"type": "string", "format": "date-time"},
        },
    })
}

pub(super) fn short_line() -> Value {
    let count = json!({"type": "integer", "minimum": 0});
    json!({
        "type": "object",
        "description": "A line that cannot be served.",
        "required": ["productId", "sku", "locationId", "requested", "available", "shortBy"],
        "properties": {
            "productId": {"type": ["string", "null"], "format": "uuid"},
            "sku": {"type": ["string", "null"]},
            "locationId": {"type": ["string", "null"], "description": "The location the line named."},
            "requested": count,
            "available": count,
            "shortBy": count,
        },
    })
}
