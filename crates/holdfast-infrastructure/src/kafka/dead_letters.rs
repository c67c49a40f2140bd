//! Records that can never be applied, written to a topic of their own as they came, with their cause and origin.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_application::ports::{DeadLetter, SourceError};
use rdkafka::ClientContext;
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use sha2::{Digest as _, Sha256};

use super::settings::KafkaSettings;
use super::source::{KafkaError, failed};

/// How long it may take until dead letters are safe.
const SAFE_WITHIN: Duration = Duration::from_secs(15);
/// The most bytes of a value that is put away as it came: brokers take 1 MiB a record unless they are told otherwise.
const LETTER_BYTES_MAX: usize = 900 * 1_024;

/// The way to the dead-letter topics.
pub(super) struct DeadLetters {
    producer: BaseProducer<Deliveries>,
    /// The topic's name; `<topic>` stands for the one the record came from.
    topic: String,
}

impl DeadLetters {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        let producer = settings.producer().create_with_context(Deliveries::default())?;
        Ok(Self { producer, topic: settings.topic_dead_letter.clone() })
    }

    /// Writes letters; when it returns they are safe.
    pub(super) fn put_away(&self, letters: &[DeadLetter<'_>]) -> Result<(), SourceError> {
        if letters.is_empty() {
            return Ok(());
        }
        self.producer.context().failed.store(0, Ordering::Relaxed);
        for letter in letters {
            self.send(letter)?;
        }
        self.producer.flush(SAFE_WITHIN).map_err(failed)?;
        match self.producer.context().failed.load(Ordering::Relaxed) {
            0 => Ok(()),
            letters => Err(SourceError(format!("{letters} dead letters were not taken").into())),
        }
    }

    fn send(&self, letter: &DeadLetter<'_>) -> Result<(), SourceError> {
        let record = letter.record;
        let topic = self.topic.replace("<topic>", &record.topic);
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
        self.producer.send(sent).map_err(|(error, _)| failed(error))
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
