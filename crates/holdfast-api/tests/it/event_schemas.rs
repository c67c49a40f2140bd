//! Every event that random histories really tell fits its schema, member by member.

use std::collections::BTreeMap;

use holdfast_api::asyncapi::event_schema;
use holdfast_application::events::{EventKind, Stream, cloud_event};
use holdfast_application::ports::contract::{Warehouse, everybody, random_history, random_policy, to_the_brokers};
use serde_json::Value;

#[test]
fn every_event_of_random_histories_fits_its_schema() {
    let mut seen: BTreeMap<EventKind, usize> = BTreeMap::new();
    for seed in 1..=12 {
        let mut warehouse = Warehouse::in_memory();
        warehouse.policy = random_policy(seed);
        warehouse.policy.publishing = everybody();
        for step in random_history(seed, 1_500) {
            warehouse.wait(step.pause);
            warehouse.decide_all(&step.batch);
        }
        for event in Stream::ALL.iter().flat_map(|stream| to_the_brokers(&warehouse, *stream)) {
            let data: Value = serde_json::from_slice(&event.data).expect("JSON");
            must_fit(&event_schema(event.kind), &data, &format!("seed {seed}: {}", event.kind.as_str()));
            let whole = cloud_event::structured(&event, cloud_event::SOURCE).expect("an envelope");
            let whole: Value = serde_json::from_slice(&whole).expect("JSON");
            assert_eq!((&whole["data"], &whole["type"]), (&data, &event.kind.cloud_event_type().into()));
            *seen.entry(event.kind).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), EventKind::ALL.len(), "every kind was told: {seen:?}");
}

#[test]
fn what_does_not_fit_is_told_apart() {
    let schema = event_schema(EventKind::LowStock);
    let data = serde_json::json!({
        "productId": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "sku": "L", "productName": "Lamp", "quantityAvailable": 3,
        "reorderLevel": 10, "occurredAt": "2026-11-22T10:00:00.000000Z", "sequence": 2, "part": 1,
    });
    must_fit(&schema, &data, "the sample");
    for (name, wrong) in
        [("part", Value::Null), ("sequence", 0.into()), ("occurredAt", "noon".into()), ("new", 1.into())]
    {
        let mut changed = data.clone();
        changed[name] = wrong;
        let fits = std::panic::catch_unwind(|| must_fit(&schema, &changed, "a wrong one")).is_ok();
        assert!(!fits, "{changed} fits");
    }
}

/// Fails unless the value fits the schema: every word of JSON Schema that our schemas use, and no other, is known here.
fn must_fit(schema: &Value, value: &Value, place: &str) {
    for (word, said) in schema.as_object().expect("a schema") {
        match word.as_str() {
            "description" => {}
            "type" => {
                let kinds = said.as_array().cloned().unwrap_or_else(|| vec![said.clone()]);
                let fits = kinds.iter().any(|kind| is(kind.as_str().expect("a type"), value));
                assert!(fits, "{place}: {value} is no {said}");
            }
            "enum" => assert!(said.as_array().expect("words").contains(value), "{place}: {value} is none of {said}"),
            "minimum" => {
                assert!(value.is_null() || value.as_u64() >= said.as_u64(), "{place}: {value} is below {said}");
            }
            "maxItems" => {
                let most = said.as_u64().and_then(|most| usize::try_from(most).ok());
                assert!(value.as_array().map(Vec::len) <= most, "{place}: too many");
            }
            "format" => {
                if let Some(text) = value.as_str() {
                    let fits = match said.as_str() {
                        Some("uuid") => holdfast_domain::ProductId::parse(text).is_some(),
                        Some("date-time") => holdfast_domain::Timestamp::parse(text).is_some(),
                        other => panic!("the format {other:?} is not known here"),
                    };
                    assert!(fits, "{place}: {text} is no {said}");
                }
            }
            "required" => {
                for name in said.as_array().expect("names").iter().filter_map(Value::as_str) {
                    assert!(value.get(name).is_some(), "{place}: {name} is missing in {value}");
                }
            }
            "properties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = said.get(name) {
                        must_fit(schema, member, &format!("{place}.{name}"));
                    }
                }
            }
            "additionalProperties" => {
                assert_eq!(said, &Value::Bool(false), "{place}");
                for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
                    assert!(schema["properties"].get(name).is_some(), "{place}: {name} is not in the schema");
                }
            }
            "items" => {
                for (at, element) in value.as_array().into_iter().flatten().enumerate() {
                    must_fit(said, element, &format!("{place}[{at}]"));
                }
            }
            other => panic!("{place}: the word {other} is not known here"),
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not known here"),
    }
}
