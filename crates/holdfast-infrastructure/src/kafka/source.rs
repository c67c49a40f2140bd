//! Topics as a source of upstream events.
//!
//! One thread polls, decides and settles, so a rebalance, which is only heard of while polling, never meets records
//! under way but while [`EventSource::stay`] waits for a store: partitions that go then are left to their new owner.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_application::ports::{EventSource, PollLimits, Record, SourceError};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::gathering::gather;
use super::incoming::record;
use super::membership::Membership;
use super::settings::KafkaSettings;
use super::status::KafkaStatus;

/// Why a source cannot be made. A property is named without its value, which may be a password.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// The client library does not take a property.
    #[error("kafka.properties: the client library does not take {0}")]
    Property(String),
    /// Something else.
    #[error("Kafka cannot be taken part in")]
    Other(#[source] rdkafka::error::KafkaError),
}

impl From<rdkafka::error::KafkaError> for KafkaError {
    fn from(error: rdkafka::error::KafkaError) -> Self {
        match error {
            rdkafka::error::KafkaError::ClientConfig(_, _, property, _) => Self::Property(property),
            other => Self::Other(other),
        }
    }
}

/// Topics with upstream events.
pub struct KafkaSource {
    consumer: BaseConsumer<Membership>,
    /// Records that came while none were wanted.
    early: VecDeque<Record>,
}

impl std::fmt::Debug for KafkaSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (early, partitions) = (self.early.len(), self.consumer.context().assigned().len());
        f.debug_struct("KafkaSource").field("early", &early).field("partitions", &partitions).finish_non_exhaustive()
    }
}

impl KafkaSource {
    /// Joins the group. No broker needs to answer yet.
    ///
    /// # Errors
    ///
    /// [`KafkaError`]: a property is unknown or wrong.
    pub fn join(settings: &KafkaSettings) -> Result<(Self, Arc<KafkaStatus>), KafkaError> {
        let status = Arc::new(KafkaStatus::default());
        let consumer: BaseConsumer<Membership> =
            settings.consumer().create_with_context(Membership::new(status.clone()))?;
        let topics: Vec<&str> = settings.topics_in.iter().map(String::as_str).collect();
        consumer.subscribe(&topics)?;
        Ok((Self { consumer, early: VecDeque::new() }, status))
    }

    /// Whether this member has the record's partition.
    fn has(&self, record: &Record) -> bool {
        self.consumer.context().assigned().contains(&(record.topic.clone(), record.partition))
    }
}

fn failed(error: rdkafka::error::KafkaError) -> SourceError {
    SourceError(Box::new(error))
}

/// The next record, if one comes within `patience`.
fn next(consumer: &BaseConsumer<Membership>, patience: Duration) -> Result<Option<Record>, SourceError> {
    match consumer.poll(patience) {
        None => Ok(None),
        Some(Ok(message)) => Ok(Some(record(&message))),
        Some(Err(error)) => Err(failed(error)),
    }
}

impl EventSource for KafkaSource {
    fn poll(&mut self, limits: PollLimits, patience: Duration) -> Result<Vec<Record>, SourceError> {
        let consumer = &self.consumer;
        let mut records = gather(limits, patience, &mut self.early, |patience| next(consumer, patience))?;
        // A rebalance on the way may have taken partitions from this member.
        records.retain(|record| self.has(record));
        Ok(records)
    }

    fn stay(&mut self, time: Duration) {
        let until = Instant::now().checked_add(time);
        self.consumer.context().stay(&self.consumer);
        while let Some(left) = until.and_then(|until| until.checked_duration_since(Instant::now())) {
            match next(&self.consumer, left) {
                Ok(Some(record)) => self.early.push_back(record),
                // The time is over, or the library has told something else.
                Ok(None) => {}
                // It is told again by the next poll, should it last.
                Err(_) => std::thread::sleep(left.min(Duration::from_millis(50))),
            }
        }
        self.consumer.context().go_on(&self.consumer);
        let early = std::mem::take(&mut self.early);
        self.early = early.into_iter().filter(|record| self.has(record)).collect();
    }

    fn settle(&mut self, records: &[Record]) {
        let mut dealt_with = TopicPartitionList::new();
        for record in records.iter().filter(|record| self.has(record)) {
            let next = Offset::Offset(record.offset.saturating_add(1));
            let noted = match dealt_with.find_partition(&record.topic, record.partition) {
                Some(mut place) => place.set_offset(next),
                None => dealt_with.add_partition_offset(&record.topic, record.partition, next),
            };
            noted.expect("the library keeps every offset from 0 on");
        }
        // The library tells the brokers: soon, before a partition goes to another member, and before the group is left.
        if let Err(error) = self.consumer.store_offsets(&dealt_with) {
            tracing::warn!(%error, "how far this member is was not noted: events come again");
        }
    }
}
