//! The examples of the OpenAPI document: what is sent, and what is heard.

use axum::body::Body;
use holdfast_domain::Timestamp;
use http::Method;
use serde_json::Value;

use crate::document::must_fit;
use crate::house::House;

const STORY: &str = include_str!("../../src/openapi/examples.json");

#[test]
fn what_the_examples_say_is_what_the_service_answers() {
    let house = House::new();
    let story: Vec<Value> = serde_json::from_str(STORY).expect("JSON");
    for step in story.iter().filter(|step| step["path"].is_string()) {
        let text = |name: &str| step[name].as_str().expect("a text");
        let method: Method = text("method").parse().expect("a method");
        let heard = match &step["request"] {
            Value::Null => house.request(method, text("path"), &[], Body::empty()),
            body => house.json(method, text("path"), &[], body),
        };
        let mut body = heard.body;
        let results = body.get_mut("results").and_then(Value::as_array_mut);
        results.into_iter().flatten().for_each(forget_request_id);
        let mut answer = step["answer"].clone();
        forget_microseconds(&mut answer);
        forget_microseconds(&mut body);
        assert_eq!((heard.status, &body), (status(step), &answer), "{step:#}\n{body:#}");
    }
}

/// A request's id is another one each time.
fn forget_request_id(result: &mut Value) {
    if let Some(id) = result.pointer_mut("/body/requestId") {
        *id = "ca8cac1c5fbb6667-4".into();
    }
}

/// The clock stands still, and each batch is decided a microsecond after the one before; which commands share one is by
/// chance.
fn forget_microseconds(told: &mut Value) {
    match told {
        Value::String(text) if Timestamp::parse(text).is_some() => text.truncate("2026-11-22T10:00:00".len()),
        Value::Array(values) => values.iter_mut().for_each(forget_microseconds),
        Value::Object(members) => members.values_mut().for_each(forget_microseconds),
        _ => {}
    }
}

fn status(step: &Value) -> u16 {
    step["status"].as_u64().and_then(|status| status.try_into().ok()).expect("a status")
}

#[test]
fn every_request_answer_and_problem_has_an_example_that_fits_its_shape() {
    let document: Value = serde_json::from_str(&holdfast_api::openapi_json()).expect("JSON");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let place = format!("{method} {path}");
            if operation["requestBody"].is_object() {
                contents_have_examples(&document, &operation["requestBody"], &place);
            }
            for (status, response) in operation["responses"].as_object().expect("responses") {
                // How an unhealthy service looks is told by its status.
                if !(path.starts_with("/health") && status == "503") {
                    contents_have_examples(&document, response, &format!("{place} {status}"));
                }
            }
        }
    }
    let problem = &document["components"]["schemas"]["Problem"];
    let codes = problem["properties"]["code"]["enum"].as_array().expect("codes");
    for code in codes {
        let name = code.as_str().expect("a text");
        let example = &document["components"]["examples"][name]["value"];
        must_fit(&document, problem, example, name);
        assert_eq!(&example["code"], code);
    }
}

fn contents_have_examples(document: &Value, described: &Value, place: &str) {
    let contents = described["content"].as_object().into_iter().flatten();
    for (kind, content) in contents.filter(|(kind, _)| kind.ends_with("json")) {
        let place = format!("{place} {kind}");
        if let Some(examples) = content["examples"].as_object() {
            assert!(!examples.is_empty(), "{place}");
            continue;
        }
        let example = content.get("example").unwrap_or_else(|| panic!("{place} has no example"));
        // An upstream event has a choice of shapes that `must_fit` does not know.
        if !place.contains("/events ") || place.contains(" 200 ") {
            must_fit(document, &content["schema"], example, &place);
        }
    }
}
