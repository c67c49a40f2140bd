//! The settings of Kafka.

use holdfast_application::events::{Destination, EventSet};
use holdfast_domain::Timestamp;
use holdfast_infrastructure::kafka::{EventFormat, KafkaSettings, PublishSettings};

use super::reader::Reader;

/// How a service takes part.
pub(super) fn read(from: &Reader<'_>, brokers: String, faults: &mut Vec<String>) -> KafkaSettings {
    let mut properties = Vec::new();
    for property in from.list("kafka.properties") {
        match property.split_once('=') {
            Some((name, value)) => properties.push((name.trim().to_owned(), value.to_owned())),
            None => faults.push("kafka.properties: a property is name=value".to_owned()),
        }
    }
    let topics_in = from.list("kafka.topics_in");
    if topics_in.is_empty() {
        faults.push("kafka.topics_in names no topic".to_owned());
    }
    let (group, topic_dead_letter) = (from.text("kafka.group"), from.text("kafka.topic_dead_letter"));
    let publish = PublishSettings {
        is_on: from.flag("kafka.publish"),
        topic_stock: from.text("kafka.topic_stock"),
        topic_orders: from.text("kafka.topic_orders"),
        format: match (from.text("kafka.compatibility").as_str(), from.text("kafka.mode").as_str()) {
            ("plain", _) => EventFormat::Plain,
            (_, "structured") => EventFormat::Structured,
            _ => EventFormat::Binary,
        },
        source: from.text("kafka.source"),
    };
    KafkaSettings { brokers, topics_in, group, topic_dead_letter, publish, properties }
}

/// From when on what is published is compared with the ledger; `None`: it is not.
pub(super) fn rollback_check(from: &Reader<'_>, faults: &mut Vec<String>) -> Option<Timestamp> {
    let since = from.filled("kafka.rollback_check_since");
    let since = since.map_or(Some(Timestamp::EPOCH), |text| Timestamp::parse(text.trim()));
    if since.is_none() {
        faults.push("kafka.rollback_check_since is no time such as 2026-11-22T10:00:00Z".to_owned());
    }
    since.filter(|_| from.flag("kafka.rollback_check") && from.flag("kafka.publish"))
}

/// What the outbox calls the brokers.
pub(crate) const DESTINATION: &str = "kafka";
/// What the outbox calls the brokers as those who are told of dead letters: a topic that does not take one keeps no
/// event waiting.
const DEAD_LETTERS: &str = "kafka dead letters";

/// The brokers as those who are told of events and of dead letters, where they are.
pub(crate) fn kafka_destinations(kafka: &KafkaSettings) -> Vec<Destination> {
    if !kafka.publish.is_on {
        return Vec::new();
    }
    [(DESTINATION, EventSet::ALL), (DEAD_LETTERS, EventSet::DEAD_LETTERS)]
        .map(|(name, wants)| Destination { name: name.into(), wants })
        .to_vec()
}
