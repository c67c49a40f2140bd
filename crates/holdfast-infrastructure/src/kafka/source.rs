//! Topics as a source of upstream events.
//!
//! One thread polls, decides and settles, so a rebalance, which is only heard of while polling, never meets records under way
//! but while [`EventSource::stay`] waits for a store: partitions that go then are left to their new owner.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_application::ports::{DeadLetter, EventSource, Record, SourceError};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientContext, Offset, Statistics, TopicPartitionList};
use sha2::{Digest as _, Sha256};

use super::settings::KafkaSettings;
use super::status::KafkaStatus;

/// How long it may take until dead letters are safe.
const PUT_AWAY_WITHIN: Duration = Duration::from_secs(15);
/// The most bytes of a value that is put away as it came: brokers take 1 MiB a record unless they are told otherwise.
const LETTER_BYTES_MAX: usize = 900 * 1_024;

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
    letters: BaseProducer<Deliveries>,
    topic_dead_letter: String,
    /// Records that came while none were wanted.
    early: VecDeque<Record>,
}

impl std::fmt::Debug for KafkaSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaSource").field("early", &self.early.len()).finish_non_exhaustive()
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
        let membership = Membership { status: status.clone(), assigned: Mutex::default() };
        let consumer: BaseConsumer<Membership> = settings.consumer().create_with_context(membership)?;
        let topics: Vec<&str> = settings.topics_in.iter().map(String::as_str).collect();
        consumer.subscribe(&topics)?;
        let letters = settings.producer().create_with_context(Deliveries::default())?;
        let topic_dead_letter = settings.topic_dead_letter.clone();
        Ok((Self { consumer, letters, topic_dead_letter, early: VecDeque::new() }, status))
    }

    /// The next record, if one comes within `patience`.
    fn next(&mut self, patience: Duration) -> Result<Option<Record>, SourceError> {
        match self.consumer.poll(patience) {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(record(&message))),
            Some(Err(error)) => Err(failed(error)),
        }
    }

    /// Whether this member has the record's partition.
    fn has(&self, record: &Record) -> bool {
        self.consumer.context().assigned().contains(&(record.topic.clone(), record.partition))
    }

    fn send(&self, letter: &DeadLetter<'_>) -> Result<(), SourceError> {
        let record = letter.record;
        let topic = self.topic_dead_letter.replace("<topic>", &record.topic);
        let size = record.value.as_ref().map_or(0, Vec::len);
        let value = record.value.as_deref().filter(|_| size <= LETTER_BYTES_MAX);
        let mut headers = OwnedHeaders::new();
        for (key, value) in &record.headers {
            headers = headers.insert(Header { key, value: value.as_deref() });
        }
        let told = [
            ("holdfast-code", letter.code.clone()),
            ("holdfast-cause", letter.cause.clone()),
            ("holdfast-topic", record.topic.clone()),
            ("holdfast-partition", record.partition.to_string()),
            ("holdfast-offset", record.offset.to_string()),
        ];
        for (key, value) in &told {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        if let Some(left_out) = record.value.as_deref().filter(|_| value.is_none()) {
            let hash = STANDARD.encode(Sha256::digest(left_out));
            headers = headers.insert(Header { key: "holdfast-value-sha256", value: Some(&hash) });
        }
        let mut sent: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&topic).headers(headers);
        if let Some(key) = &record.key {
            sent = sent.key(key);
        }
        if let Some(value) = value {
            sent = sent.payload(value);
        }
        self.letters.send(sent).map_err(|(error, _)| failed(error))
    }
}

fn failed(error: rdkafka::error::KafkaError) -> SourceError {
    SourceError(Box::new(error))
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers(message),
    }
}

/// The headers; none where the name of one is no text, for the library does not get over that.
fn headers(message: &BorrowedMessage<'_>) -> Vec<(String, Option<Vec<u8>>)> {
    let owned = |header: Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(<[u8]>::to_vec));
    let read = || message.headers().map(|headers| headers.iter().map(owned).collect());
    catch_unwind(AssertUnwindSafe(read)).ok().flatten().unwrap_or_default()
}

impl EventSource for KafkaSource {
    fn poll(&mut self, most: usize, patience: Duration) -> Result<Vec<Record>, SourceError> {
        let mut records: Vec<Record> = Vec::new();
        while records.len() < most {
            let early = self.early.pop_front();
            let next = match early {
                Some(record) => Some(record),
                None => match self.next(if records.is_empty() { patience } else { Duration::ZERO }) {
                    Ok(next) => next,
                    // What was taken is handed over first: nobody would be given it again. An error that lasts is told anew.
                    Err(error) if !records.is_empty() => {
                        tracing::debug!(%error, "a poll broke off");
                        None
                    }
                    Err(error) => return Err(error),
                },
            };
            match next {
                Some(record) => records.push(record),
                None => break,
            }
        }
        // A rebalance on the way may have taken partitions from this member.
        records.retain(|record| self.has(record));
        Ok(records)
    }

    fn stay(&mut self, time: Duration) {
        let until = Instant::now().checked_add(time);
        let assigned = self.consumer.assignment().ok();
        if let Some(assigned) = &assigned {
            // What is not paused only comes early.
            let _ = self.consumer.pause(assigned);
        }
        while let Some(left) = until.and_then(|until| until.checked_duration_since(Instant::now())) {
            match self.next(left) {
                Ok(Some(record)) => self.early.push_back(record),
                Ok(None) => break,
                // It is told again by the next poll, should it last.
                Err(_) => std::thread::sleep(left.min(Duration::from_millis(50))),
            }
        }
        if let Some(assigned) = &assigned {
            let _ = self.consumer.resume(assigned);
        }
        let early = std::mem::take(&mut self.early);
        self.early = early.into_iter().filter(|record| self.has(record)).collect();
    }

    fn put_away(&mut self, letters: &[DeadLetter<'_>]) -> Result<(), SourceError> {
        if letters.is_empty() {
            return Ok(());
        }
        self.letters.context().failed.store(0, Ordering::Relaxed);
        for letter in letters {
            self.send(letter)?;
        }
        self.letters.flush(PUT_AWAY_WITHIN).map_err(failed)?;
        match self.letters.context().failed.load(Ordering::Relaxed) {
            0 => Ok(()),
            letters => Err(SourceError(format!("{letters} dead letters were not taken").into())),
        }
    }

    fn settle(&mut self, records: &[Record]) -> Result<(), SourceError> {
        let mut places = TopicPartitionList::new();
        for record in records.iter().filter(|record| self.has(record)) {
            let next = Offset::Offset(record.offset.saturating_add(1));
            match places.find_partition(&record.topic, record.partition) {
                Some(mut place) => place.set_offset(next).map_err(failed)?,
                None => places.add_partition_offset(&record.topic, record.partition, next).map_err(failed)?,
            }
        }
        if places.count() == 0 {
            return Ok(());
        }
        self.consumer.commit(&places, CommitMode::Sync).map_err(failed)
    }
}

/// What the library tells a member of the group.
struct Membership {
    status: Arc<KafkaStatus>,
    assigned: Mutex<HashSet<(String, i32)>>,
}

impl Membership {
    fn assigned(&self) -> std::sync::MutexGuard<'_, HashSet<(String, i32)>> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Membership {
    fn stats(&self, statistics: Statistics) {
        self.status.learn(&statistics);
    }

    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(rdkafka::types::RDKafkaErrorCode::AllBrokersDown) {
            self.status.lost();
        }
        tracing::debug!(%error, reason, "the client of Kafka tells");
    }
}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let of = |list: &TopicPartitionList| -> Vec<(String, i32)> {
            list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
        };
        let mut assigned = self.assigned();
        match rebalance {
            Rebalance::Assign(list) => assigned.extend(of(list)),
            Rebalance::Revoke(list) => of(list).iter().for_each(|place| {
                assigned.remove(place);
            }),
            Rebalance::Error(error) => {
                tracing::warn!(%error, "the group cannot be rebalanced");
                assigned.clear();
            }
        }
        tracing::info!(partitions = assigned.len(), "the partitions of this member have changed");
    }
}

/// Counts dead letters that no broker took.
#[derive(Default)]
struct Deliveries {
    failed: AtomicU32,
}

impl ClientContext for Deliveries {
    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the client of Kafka tells");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        if let Err((error, _)) = result {
            tracing::warn!(%error, "a dead letter was not taken");
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
