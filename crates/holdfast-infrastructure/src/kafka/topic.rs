//! A topic as a client from outside writes and reads it: for benches.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError as LibraryError, RDKafkaErrorCode};
use rdkafka::producer::DefaultProducerContext;
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use rdkafka::{ClientConfig, Message as _};

use super::source::KafkaError;

/// How long brokers have to answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Writes records to a topic.
pub struct TopicWriter {
    producer: ThreadedProducer<DefaultProducerContext>,
    topic: String,
}

impl std::fmt::Debug for TopicWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicWriter").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl TopicWriter {
    /// A writer to `topic`, which the brokers make when it is first written to.
    ///
    /// # Errors
    ///
    /// The brokers' addresses cannot be read.
    pub fn to(brokers: &str, topic: &str) -> Result<Self, KafkaError> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("linger.ms", "1")
            .set("compression.type", "lz4")
            .set("queue.buffering.max.messages", "1000000");
        Ok(Self { producer: config.create()?, topic: topic.to_owned() })
    }

    /// Writes a record, once there is room for it.
    ///
    /// # Errors
    ///
    /// The library does not take it.
    pub fn write(&self, key: &str, value: &[u8]) -> Result<(), KafkaError> {
        let mut record = BaseRecord::to(&self.topic).key(key).payload(value);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((LibraryError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }

    /// Waits until the brokers have all records.
    ///
    /// # Errors
    ///
    /// They do not take them in time.
    pub fn finish(&self) -> Result<(), KafkaError> {
        Ok(self.producer.flush(ANSWER_MAX)?)
    }
}

/// Reads records of a topic as they come, alone.
pub struct TopicReader(BaseConsumer);

impl std::fmt::Debug for TopicReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicReader").finish_non_exhaustive()
    }
}

impl TopicReader {
    /// A reader of `topic` from its beginning.
    ///
    /// # Errors
    ///
    /// The brokers' addresses cannot be read.
    pub fn of(brokers: &str, topic: &str) -> Result<Self, KafkaError> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("group.id", format!("{topic}-reader"))
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("topic.metadata.refresh.interval.ms", "500")
            .set("fetch.wait.max.ms", "10");
        let consumer: BaseConsumer = config.create()?;
        consumer.subscribe(&[topic])?;
        Ok(Self(consumer))
    }

    /// The value of the next record, if one comes within `patience`.
    pub fn next(&self, patience: Duration) -> Option<Vec<u8>> {
        // A topic that is not there yet, or a broker that is away: both may pass.
        let message = self.0.poll(patience)?.ok()?;
        message.payload().map(<[u8]>::to_vec)
    }
}
