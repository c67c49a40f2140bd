//! One record of a broker's topic: bare JSON named by its topic or its own `type`, or a `CloudEvent` 1.0, structured or
//! in binary mode.

use serde_json::Value;

use super::cloud_event;
use super::flaw::Flaw;
use super::reading::read_event;
use super::strict_json;
use super::upstream_event::{EventNames, ReadEvent, Unreadable, kind_of};
use crate::ports::Record;

/// The most bytes a record may have.
const BYTES_MAX: usize = 1 << 20;

/// Reads a record: what it says about itself, and the event or why it can never be applied.
pub fn read_record(record: &Record) -> (EventNames, Result<ReadEvent, Unreadable>) {
    match json_of(record) {
        Ok(value) => read_event(&value),
        Err(unreadable) => {
            let kind = named_by_topic(record).map(str::to_owned);
            (EventNames { kind, ..EventNames::default() }, Err(unreadable))
        }
    }
}

/// The event as it would come over HTTP.
fn json_of(record: &Record) -> Result<Value, Unreadable> {
    let bytes = record.value.as_deref().ok_or(Unreadable::Invalid(Flaw::NoValue))?;
    if bytes.len() > BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    let data = strict_json::parse(bytes).map_err(Unreadable::NoJson)?;
    let attribute = |name: &str| record.header(&format!("ce_{name}")).map(str::to_owned);
    let mut value = cloud_event::with_attributes(attribute, data);
    if let (Value::Object(members), Some(kind)) = (&mut value, named_by_topic(record)) {
        // What is null is not there, here as everywhere.
        let has =
            |wanted: &str| members.iter().any(|(name, value)| !value.is_null() && name.eq_ignore_ascii_case(wanted));
        if !has("specversion") && !has("type") {
            members.insert("type".to_owned(), kind.into());
        }
    }
    Ok(value)
}

/// The type that a topic of one type is named after: `OrderCreated`, or `shop.OrderCreated`.
fn named_by_topic(record: &Record) -> Option<&str> {
    let name = record.topic.rsplit('.').next()?;
    kind_of(name).map(|_| name)
}

#[cfg(test)]
mod tests {
    use holdfast_domain::order::OrderEventKind;

    use super::*;

    const ORDER: &str = "95570777-a170-5cd6-98a5-117f65ca1582";

    fn record(topic: &str, value: &str, headers: &[(&str, &str)]) -> Record {
        let headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec()))).collect();
        Record { topic: topic.to_owned(), value: Some(value.as_bytes().to_vec()), headers, ..Record::default() }
    }

    fn kind(record: &Record) -> Result<OrderEventKind, &'static str> {
        read_record(record).1.map(|read| read.event.kind).map_err(|unreadable| unreadable.code())
    }

    #[test]
    fn a_bare_event_is_what_it_says_or_what_its_topic_is_named_after() {
        let cancelled = format!(r#"{{"OrderId":"{ORDER}"}}"#);
        for topic in ["OrderCancelled", "OrderCancelledEvent", "shop.OrderCancelled"] {
            assert_eq!(kind(&record(topic, &cancelled, &[])), Ok(OrderEventKind::OrderCancelled), "{topic}");
        }
        assert_eq!(kind(&record("orders", &cancelled, &[])), Err("validation_failed"), "nobody says what it is");
        let unsaid = format!(r#"{{"type":null,"specversion":null,"orderId":"{ORDER}"}}"#);
        assert_eq!(
            kind(&record("OrderCancelled", &unsaid, &[])),
            Ok(OrderEventKind::OrderCancelled),
            "null is nothing"
        );
        let failed = format!(r#"{{"Type":"PaymentFailed","orderId":"{ORDER}"}}"#);
        assert_eq!(kind(&record("orders", &failed, &[])), Ok(OrderEventKind::PaymentFailed));
        assert_eq!(
            kind(&record("OrderCancelled", &failed, &[])),
            Ok(OrderEventKind::PaymentFailed),
            "its own word counts"
        );
    }

    #[test]
    fn a_cloud_event_is_read_in_both_modes_under_one_identity() {
        let data = format!(r#"{{"orderId":"{ORDER}","reason":"x"}}"#);
        let headers = [
            ("ce_specversion", "1.0"),
            ("ce_type", "com.shop.OrderCancelled.v1"),
            ("ce_source", "shop"),
            ("ce_id", "7"),
        ];
        let binary = read_record(&record("any", &data, &headers)).1.expect("an event");
        let structured = format!(
            r#"{{"specversion":"1.0","type":"com.shop.OrderCancelled.v1","source":"shop","id":"7","data":{data}}}"#
        );
        assert_eq!(read_record(&record("OrderCreated", &structured, &[])).1.expect("an event"), binary);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let faults = [
            (
                Record { topic: "OrderCreated".to_owned(), ..Record::default() },
                "the event has a fault: it has no value",
            ),
            (
                record("OrderCreated", "{", &[]),
                "the event's data are no JSON: EOF while parsing an object at line 1 column 1",
            ),
            (
                record("OrderCreated", &"[".repeat(100_000), &[]),
                "the event's data are no JSON: recursion limit exceeded at line 1 column 128",
            ),
            (record("OrderCreated", &format!("\"{}\"", "x".repeat(BYTES_MAX)), &[]), "the event is too large"),
            (
                Record { value: Some(vec![0xff, 0xfe]), ..record("OrderCreated", "", &[]) },
                "the event's data are no JSON: expected value at line 1 column 1",
            ),
        ];
        for (record, fault) in faults {
            let (names, read) = read_record(&record);
            let told = read.expect_err("it cannot be read").to_string();
            assert_eq!((names.kind.as_deref(), told.as_str()), (Some("OrderCreated"), fault));
        }
    }
}
