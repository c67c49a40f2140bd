//! The OpenAPI document: the routes tell what they take and answer; what is the same everywhere is added here.

use serde_json::{Map, Value, json};

use crate::code::ProblemCode as Code;
use crate::problem::PROBLEM_JSON;
use crate::routes::documented;

mod examples;
mod problem_examples;
mod schemas;

/// The OpenAPI document of all routes, as pretty JSON.
pub fn openapi_json() -> String {
    let (_, document) = documented();
    let mut document = serde_json::to_value(document).expect("a document is JSON");
    complete(&mut document);
    let mut text = serde_json::to_string_pretty(&document).expect("a document is JSON");
    text.push('\n');
    text
}

/// Adds what is the same everywhere: who we are, the shape of problems, the problems of each operation, headers.
fn complete(document: &mut Value) {
    document["info"] = json!({
        "title": "Holdfast",
        "summary": "An inventory service that never promises a unit twice",
        "description": "Keeps the stock of every product, sets stock aside for orders, confirms, releases and expires these \
                        promises, and can explain every number it shows. Unknown fields and parameters are refused; every \
                        fault of a request is told at once.",
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
    });
    document["tags"] = json!([
        {"name": "items", "description": "Products as stock."},
        {"name": "stock", "description": "The verbs that change stock."},
        {"name": "reservations", "description": "Stock set aside for orders."},
        {"name": "orders", "description": "The owners of reservations."},
        {"name": "movements", "description": "The audit trail."},
        {"name": "locations", "description": "Places that keep stock."},
        {"name": "events", "description": "Upstream events about orders, and stock events for those who listen."},
        {"name": "dead letters", "description": "Upstream events that can never be applied."},
        {"name": "status", "description": "How the service is."},
    ]);
    let Some(shapes) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    for (_, schema) in shapes.iter_mut().filter(|(name, _)| name.ends_with("Body")) {
        schema["additionalProperties"] = false.into();
    }
    shapes.insert("Problem".to_owned(), schemas::problem());
    shapes.insert("ShortLine".to_owned(), schemas::short_line());
    shapes.insert("UpstreamEvent".to_owned(), schemas::upstream_event());
    if let Some(body) = shapes.get_mut("BatchResult") {
        body["properties"]["body"] = json!({
            "description": "The order, or the problem.",
            "oneOf": [{"$ref": "#/components/schemas/Order"}, {"$ref": "#/components/schemas/Problem"}],
        });
    }
    document["components"]["headers"] = HEADERS.iter().map(|(name, help)| header(name, help)).collect();
    document["components"]["parameters"] = parameters();
    document["components"]["examples"] = problem_examples::all();
    let Some(paths) = document.pointer_mut("/paths").and_then(Value::as_object_mut) else { return };
    for (path, item) in paths.iter_mut() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete_operation(path, method, operation);
        }
    }
}

fn complete_operation(path: &str, method: &str, operation: &mut Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    if id == "take_events" {
        let event = json!({"$ref": "#/components/schemas/UpstreamEvent"});
        let events = json!({"type": "array", "items": event, "minItems": 1, "maxItems": 1000});
        operation["requestBody"]["content"] = json!({
            "application/json": {"schema": {"oneOf": [event, events]}},
            "application/cloudevents+json": {"schema": event},
            "application/cloudevents-batch+json": {"schema": events},
        });
    }
    // A body that may be left out: utoipa says "or null", which is not taken.
    let or_null = &operation["requestBody"]["content"]["application/json"]["schema"]["oneOf"];
    if or_null[1]["type"] == "null" {
        let schema = or_null[0].clone();
        operation["requestBody"] = json!({"content": {"application/json": {"schema": schema}}, "required": false});
    }
    let is_write = method != "get" && id != "check_availability";
    let changes_item = is_write && path.contains("/product/{productId}");
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let mut add = |name: &str| parameters.push(json!({"$ref": format!("#/components/parameters/{name}")}));
    if is_write {
        add("Idempotency-Key");
    }
    if changes_item {
        add("If-Match");
    }
    if shows_item(&id) {
        add("If-None-Match");
        operation["responses"]["304"] = json!({"description": "The caller's copy is the present one."});
    }
    for parameter in &mut parameters {
        examples::add_to_parameter(parameter);
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    let codes = codes_of(&id, path, is_write, method);
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for code in &codes {
        add_problem(responses, *code, method != "get");
    }
    for (status, response) in responses.iter_mut() {
        add_headers(&id, status, is_write, changes_item, response);
    }
    responses.sort_keys();
    examples::add_to_operation(&id, operation);
}

fn shows_item(id: &str) -> bool {
    matches!(id, "get_item" | "get_item_by_sku")
}

fn is_list(id: &str) -> bool {
    id.starts_with("list_")
}

/// Every code that an operation answers with.
fn codes_of(id: &str, path: &str, is_write: bool, method: &str) -> Vec<Code> {
    if path.starts_with("/health") {
        return Vec::new();
    }
    if !path.starts_with("/api/") {
        return vec![Code::ValidationFailed, Code::NotFound, Code::Internal];
    }
    let mut codes =
        vec![Code::ValidationFailed, Code::UnknownField, Code::StoreUnavailable, Code::Overloaded, Code::Internal];
    if method != "get" {
        codes.extend([Code::MalformedJson, Code::BodyTooLarge, Code::UnsupportedMediaType]);
    }
    if is_write {
        codes.extend([Code::IdempotencyKeyRequired, Code::LockTimeout, Code::OutcomeUnknown]);
        codes.push(Code::IdempotencyKeyReused);
    }
    if is_list(id) {
        codes.push(Code::InvalidCursor);
    }
    let product = path.contains("/product/{productId}") || id == "get_item_by_sku";
    codes.extend(product.then_some(Code::ProductNotFound));
    codes.extend((product && is_write).then_some(Code::VersionMismatch));
    codes.extend(path.contains("/orders/{orderId}").then_some(Code::OrderNotFound));
    codes.extend_from_slice(match id {
        "create_item" => &[Code::ProductExists, Code::SkuTaken],
        "patch_item" => &[Code::SkuTaken],
        "add_stock" | "return_stock" => &[Code::LocationNotFound],
        "remove_stock" | "damage_stock" | "transfer_stock" => &[Code::LocationNotFound, Code::InsufficientStock],
        "adjust_stock" => {
            &[Code::LocationNotFound, Code::BelowReserved, Code::CountMismatch, Code::PreconditionRequired]
        }
        "reserve_order" => &[
            Code::ProductNotFound,
            Code::LocationNotFound,
            Code::InsufficientStock,
            Code::OrderAlreadyReserved,
            Code::OrderAlreadyClosed,
        ],
        "replace_lines" => &[
            Code::ProductNotFound,
            Code::LocationNotFound,
            Code::InsufficientStock,
            Code::OrderStateConflict,
            Code::ExtensionLimit,
        ],
        "confirm_order" => &[Code::OrderStateConflict, Code::ReservationExpired, Code::InsufficientStock],
        "release_order" => &[Code::OrderStateConflict],
        "extend_order" => &[Code::OrderStateConflict, Code::ExtensionLimit],
        "get_reservation" => &[Code::ReservationNotFound],
        "get_dead_letter" | "retry_dead_letter" | "discard_dead_letter" => &[Code::NotFound],
        "create_location" => &[Code::LocationExists],
        _ => &[],
    });
    codes
}

/// Adds a code to the problem answer of its status.
fn add_problem(responses: &mut Map<String, Value>, code: Code, has_outcome: bool) {
    let word = code.as_str();
    let response = responses.entry(code.status().as_str()).or_insert_with(|| {
        json!({
            "description": "",
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        })
    });
    let said = response["description"].as_str().unwrap_or_default();
    let separator = if said.is_empty() { "" } else { " · " };
    response["description"] = format!("{said}{separator}`{word}`: {}", code.title()).into();
    response["content"][PROBLEM_JSON]["examples"][word] = problem_examples::reference(code, has_outcome);
}

fn add_headers(id: &str, status: &str, is_write: bool, changes_item: bool, response: &mut Value) {
    let is_good = status.starts_with('2');
    let has_tag = is_good && (shows_item(id) || changes_item || id == "create_item");
    let is_problem = response.pointer("/content/application~1problem+json").is_some();
    let names = HEADERS.iter().map(|(name, _)| *name).filter(|name| match *name {
        "ETag" => has_tag || matches!(status, "304" | "412"),
        "Link" => is_good && is_list(id),
        "Location" => status == "201" && id != "create_location",
        "Idempotent-Replayed" => is_write && matches!(status, "200" | "201" | "207" | "404" | "409"),
        "Retry-After" => status == "503" && is_problem,
        _ => true,
    });
    let headers = names.map(|name| (name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")})));
    response["headers"] = headers.collect::<Map<String, Value>>().into();
}

/// The headers of answers.
const HEADERS: &[(&str, &str)] = &[
    ("X-Request-Id", "The request's id: yours, where you sent one, else a new one."),
    ("ETag", "The item's version, such as \"v17\"."),
    ("Link", "The next page, with rel=\"next\"; left out on the last one."),
    ("Location", "Where it can be read."),
    ("Idempotent-Replayed", "`true` when the answer was given before, under the same key."),
    ("Retry-After", "After how many seconds to try again."),
];

fn header(name: &str, help: &str) -> (String, Value) {
    (name.to_owned(), json!({"description": help, "schema": {"type": "string"}}))
}

/// The headers of requests.
fn parameters() -> Value {
    let parameter = |name: &str, help: &str, schema: Value| json!({"name": name, "in": "header", "required": false, "description": help, "schema": schema});
    let key = json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"});
    let tag = json!({"type": "string"});
    json!({
        "Idempotency-Key": parameter(
            "Idempotency-Key",
            "Makes the change happen once, however often the request is sent.",
            key,
        ),
        "If-Match": parameter(
            "If-Match",
            "The ETag of the item the caller knows; another version is refused with 412.",
            tag.clone(),
        ),
        "If-None-Match": parameter(
            "If-None-Match",
            "The ETag of the item the caller knows; the same version is answered with 304.",
            tag,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_current() {
        let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json"));
        let is_current = committed.expect("openapi.json is there") == openapi_json();
        assert!(is_current, "refresh it: cargo run -p holdfast -- openapi > openapi.json");
    }

    #[test]
    fn every_operation_has_an_id_a_summary_and_its_problems() {
        let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let place = format!("{method} {path}");
                assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{place}");
                if path.starts_with("/api/") {
                    let responses = operation["responses"].as_object().expect("responses");
                    assert!(responses.contains_key("400") && responses.contains_key("503"), "{place}");
                }
            }
        }
    }
}
