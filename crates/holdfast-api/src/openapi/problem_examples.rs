//! An example of each problem.

use serde_json::{Map, Value, json};

use crate::code::ProblemCode as Code;

/// Every problem twice: as writes and as reads hear it. By their names in the document.
pub(super) fn all() -> Value {
    let both = |code: &Code| [true, false].map(|has_outcome| (name(*code, has_outcome), example(*code, has_outcome)));
    Code::ALL.iter().flat_map(both).collect::<Map<String, Value>>().into()
}

/// What an operation says of a problem.
pub(super) fn reference(code: Code, has_outcome: bool) -> Value {
    json!({"$ref": format!("#/components/examples/{}", name(code, has_outcome))})
}

fn name(code: Code, has_outcome: bool) -> String {
    format!("{}{}", code.as_str(), if has_outcome { "" } else { "_of_a_read" })
}

fn example(code: Code, has_outcome: bool) -> Value {
    let (detail, numbers) = case(code);
    let mut value = json!({
        "type": format!("/problems/{}", code.as_str()),
        "title": code.title(),
        "status": code.status().as_u16(),
        "detail": detail,
        "code": code.as_str(),
        "outcome": has_outcome.then(|| code.outcome().as_str()),
        "retryable": code.retryable(),
    });
    if let (Value::Object(members), Value::Object(numbers)) = (&mut value, numbers) {
        members.extend(numbers);
        members.insert("requestId".to_owned(), "ca8cac1c5fbb6667-4".into());
    }
    json!({"summary": code.title(), "value": value})
}

/// A case: its sentence and its numbers.
fn case(code: Code) -> (&'static str, Value) {
    let nothing = || json!({});
    let errors = |pointer: &str, detail: &str| json!({"errors": [{"pointer": pointer, "detail": detail}]});
    let status = |status: &str| json!({"currentStatus": status});
    match code {
        Code::ValidationFailed => (
            "The request has a fault: /lines/0/quantity must be a whole number from 1 to 1000000000.",
            errors("/lines/0/quantity", "must be a whole number from 1 to 1000000000"),
        ),
        Code::MalformedJson => ("The body is not JSON: expected value at line 1 column 13.", nothing()),
        Code::UnknownField => ("The request has a fault: /colour is not known.", errors("/colour", "is not known")),
        Code::InvalidCursor => ("The cursor was not made by this list.", nothing()),
        Code::IdempotencyKeyRequired => ("The header Idempotency-Key is missing.", nothing()),
        Code::Unauthenticated => ("The header Authorization is missing.", nothing()),
        Code::Forbidden => ("The access key may only read.", nothing()),
        Code::ProductNotFound => ("There is no such product.", nothing()),
        Code::OrderNotFound => ("There is no such order.", nothing()),
        Code::ReservationNotFound => ("There is no reservation 01a2048e-9d5c-7b0a-8000-000000100001.", nothing()),
        Code::LocationNotFound => ("There is no such location.", nothing()),
        Code::NotFound => ("There is no dead letter 019ab0c1-5d2e-7f00-8a41-0c6f0d2b7e19.", nothing()),
        Code::RouteNotFound => ("There is no route /api/inventory/nothing.", nothing()),
        Code::MethodNotAllowed => ("The route /api/inventory does not know GET.", nothing()),
        Code::ProductExists => ("The product exists already.", nothing()),
        Code::SkuTaken => ("Another product has this sku.", nothing()),
        Code::InsufficientStock => (
            "Not enough stock: LAMP-1 is short by 1: asked 98, available 97.",
            json!({"lines": [{
                "productId": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "sku": "LAMP-1", "locationId": null,
                "requested": 98, "available": 97, "shortBy": 1,
            }]}),
        ),
        Code::BelowReserved => {
            ("5 were counted, but 6 are reserved.", json!({"quantityReserved": 6, "newQuantity": 5}))
        }
        Code::CountMismatch => {
            ("On hand is 100, you expected 101.", json!({"totalQuantity": 100, "expectedQuantity": 101}))
        }
        Code::OrderAlreadyReserved => ("The order is Reserved with other lines.", status("Reserved")),
        Code::OrderAlreadyClosed => ("The order is Released for good.", status("Released")),
        Code::OrderStateConflict => ("The order is Confirmed.", status("Confirmed")),
        Code::ReservationExpired => ("The reservation has expired.", status("Expired")),
        Code::ExtensionLimit => (
            "The order can be held until 2026-11-22T12:00:00.000000Z at most.",
            json!({"latestExpiresAt": "2026-11-22T12:00:00.000000Z"}),
        ),
        Code::LocationExists => ("The location exists already.", nothing()),
        Code::VersionMismatch => ("The item has changed: its version is 6.", json!({"currentVersion": 6})),
        Code::BodyTooLarge => ("The body has more than 1048576 bytes.", nothing()),
        Code::UnsupportedMediaType => ("The body must be application/json in UTF-8.", nothing()),
        Code::IdempotencyKeyReused => ("Another request came under this key before.", nothing()),
        Code::PreconditionRequired => ("A count needs the header If-Match or the field expectedQuantity.", nothing()),
        Code::RateLimited => ("The key has sent more requests than it may.", nothing()),
        Code::Overloaded => ("The service is busy; nothing was done.", nothing()),
        Code::LockTimeout => ("Another replica held the lock of a product for 10000 ms; nothing was done.", nothing()),
        Code::StoreUnavailable => ("The store cannot write at present; nothing was done.", nothing()),
        Code::OutcomeUnknown => {
            ("The change may have been made or not; the same request under the same key will tell.", nothing())
        }
        Code::Internal => ("The service has failed at this request.", nothing()),
    }
}
