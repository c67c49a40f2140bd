//! Examples of requests and answers: one story, which a test tells to the service and compares word by word.

use serde_json::{Value, json};

/// The steps of the story in their order, each with its operation, its request and its answer.
const STORY: &str = include_str!("examples.json");

/// Shows the operation's request and answer.
pub(super) fn add_to_operation(id: &str, operation: &mut Value) {
    let story: Vec<Value> = serde_json::from_str(STORY).expect("the story is JSON");
    let steps = || story.iter().filter(|step| step["operation"] == id);
    for step in steps() {
        let status = step["status"].to_string();
        operation["responses"][status]["content"]["application/json"]["example"] = step["answer"].clone();
    }
    let Some(step) = steps().next() else { return };
    let Some(content) = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut) else { return };
    for (kind, body) in content {
        body["example"] = match kind.as_str() {
            "application/cloudevents+json" => cloud_event(),
            "application/cloudevents-batch+json" => json!([cloud_event()]),
            _ => step["request"].clone(),
        };
    }
}

fn cloud_event() -> Value {
    json!({
        "specversion": "1.0",
        "type": "com.example.OrderCreated.v1",
        "source": "/shop/orders",
        "id": "4711",
        "data": {
            "orderId": "5c0e7a10-93b4-4f1d-8f66-2b7d1e9c4a44",
            "items": [{"sku": "LAMP-1", "quantity": 2}],
        },
    })
}

/// Shows what a part of the path may be: what the story made.
pub(super) fn add_to_parameter(parameter: &mut Value) {
    let example = match (parameter["in"].as_str(), parameter["name"].as_str()) {
        (Some("path"), Some("productId")) => "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        (Some("path"), Some("sku")) => "LAMP-1",
        (Some("path"), Some("orderId")) => "9f2c1b52-7c1e-4d0a-9a35-0c6f2f5f0a11",
        (Some("path"), Some("code")) => "insufficient_stock",
        _ => return,
    };
    parameter["example"] = example.into();
}
