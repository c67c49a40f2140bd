//! The settings of Kafka.

use holdfast_infrastructure::kafka::KafkaSettings;

use super::typed::Reader;

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
    KafkaSettings { brokers, topics_in, group, topic_dead_letter, properties }
}
