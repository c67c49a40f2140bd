//! Topics as a place where events go: each key's events in order, each taken for certain before it counts as told.
//!
//! The client library numbers what it sends, so that the broker drops repeats and refuses gaps; should a message fail
//! all the same, the library stops (`enable.gapless.guarantee`), and a new producer begins where the first failure was.
//! So it does where a producer is told nothing for long: the library may never go on after a broker that stood still.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use holdfast_application::events::{OutgoingEvent, Stream};
use holdfast_application::ports::EventSink;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError as LibraryError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};

use super::message::Messages;
use super::settings::KafkaSettings;
use super::source::KafkaError;

/// How long a producer is left alone when the library has nothing to tell. Given time to tell, the library takes all of
/// it, however soon messages were taken, and the last millisecond of it without a pause, which took half a processor.
const TELL_EVERY: Duration = Duration::from_micros(500);
/// How long a producer may hear nothing of what it has sent. Seen with librdkafka 2.12.1: a broker that went on just as
/// requests to it timed out after 30 s answered that it did not lead, and the library sent nothing more for a minute
/// and longer.
const UNHEARD_MAX: Duration = Duration::from_secs(20);

/// Topics as a place where events go.
pub struct KafkaPublisher {
    settings: KafkaSettings,
    messages: Messages,
    /// How a producer of its is made.
    config: fn(&KafkaSettings) -> ClientConfig,
    /// None after a failure, until the next events.
    producer: Option<BaseProducer<Acknowledged>>,
    fault: Option<String>,
}

impl std::fmt::Debug for KafkaPublisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaPublisher").field("fault", &self.fault).finish_non_exhaustive()
    }
}

impl KafkaPublisher {
    /// A publisher. No broker needs to answer yet.
    ///
    /// # Errors
    ///
    /// [`KafkaError`]: a property is unknown or wrong.
    pub fn new(settings: KafkaSettings) -> Result<Self, KafkaError> {
        Self::with(settings, KafkaSettings::publisher)
    }

    /// A publisher of dead letters, between which there are holes, and which are given up for a while where a topic is
    /// not there or does not take them: they wait in the outbox.
    ///
    /// # Errors
    ///
    /// [`KafkaError`]: a property is unknown or wrong.
    pub fn of_dead_letters(settings: KafkaSettings) -> Result<Self, KafkaError> {
        Self::with(settings, KafkaSettings::producer)
    }

    fn with(settings: KafkaSettings, config: fn(&KafkaSettings) -> ClientConfig) -> Result<Self, KafkaError> {
        let producer = Some(producer(&config(&settings))?);
        let messages = Messages::new(&settings);
        Ok(Self { settings, messages, config, producer, fault: None })
    }

    /// Hands an event to the library, which may be full for a while.
    fn hand_over(
        &self,
        producer: &BaseProducer<Acknowledged>,
        at: usize,
        event: &OutgoingEvent,
        give_up: &dyn Fn() -> bool,
    ) -> Result<(), String> {
        let message = self.messages.of(event).map_err(|error| error.to_string())?;
        let mut record: BaseRecord<'_, [u8], [u8], usize> = BaseRecord::with_opaque_to(&message.topic, at);
        if let Some(key) = &message.key {
            record = record.key(key.as_slice());
        }
        if let Some(value) = &message.value {
            record = record.payload(value);
        }
        if let Some(headers) = message.headers {
            record = record.headers(headers);
        }
        loop {
            match producer.send(record) {
                Ok(()) => return Ok(()),
                Err((LibraryError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) if !give_up() => {
                    record = back;
                    hear(producer);
                }
                Err((error, _)) => return Err(error.to_string()),
            }
        }
    }
}

/// Hears what the library has to tell, and pauses where that was nothing. Says whether it was something.
fn hear(producer: &BaseProducer<Acknowledged>) -> bool {
    let before = producer.context().waiting();
    producer.poll(Duration::ZERO);
    let has_told = producer.context().waiting() < before;
    if !has_told {
        std::thread::sleep(TELL_EVERY);
    }
    has_told
}

fn producer(config: &ClientConfig) -> Result<BaseProducer<Acknowledged>, KafkaError> {
    Ok(config.create_with_context(Acknowledged::default())?)
}

impl EventSink for KafkaPublisher {
    fn send(&mut self, events: &[&OutgoingEvent], give_up: &dyn Fn() -> bool) -> Vec<bool> {
        let nothing = vec![false; events.len()];
        let producer = match self.producer.take().map_or_else(|| producer(&(self.config)(&self.settings)), Ok) {
            Ok(producer) => producer,
            Err(error) => {
                self.fault = Some(error.to_string());
                return nothing;
            }
        };
        producer.context().begin(events.len());
        let mut stopped: HashSet<(Stream, [u8; 16])> = HashSet::new();
        for (at, event) in events.iter().enumerate() {
            let key = (event.place.stream, event.place.key);
            if stopped.contains(&key) {
                continue;
            }
            if let Err(error) = self.hand_over(&producer, at, event, give_up) {
                producer.context().fail(error);
                stopped.insert(key);
            } else {
                producer.context().expect_one();
            }
        }
        let mut heard = Instant::now();
        while producer.context().waiting() > 0 && !give_up() {
            if hear(&producer) {
                heard = Instant::now();
            } else if heard.elapsed() > UNHEARD_MAX {
                let waiting = producer.context().waiting();
                tracing::warn!(waiting, "a broker has told nothing of events for long: they are sent anew");
                producer.context().fail(format!("no broker has taken an event for {} s", UNHEARD_MAX.as_secs()));
                break;
            }
        }
        let Told { taken, fault, .. } = producer.context().told();
        // After a failure the library is not asked to go on: whatever it still holds must not overtake.
        let has_failed = fault.is_some() || producer.context().waiting() > 0;
        self.fault = fault;
        if !has_failed {
            self.producer = Some(producer);
        }
        first_of_each_key(events, taken)
    }

    fn fault(&self) -> Option<String> {
        self.fault.clone()
    }
}

/// Of each key only those count as taken that stand before the first that was not.
fn first_of_each_key(events: &[&OutgoingEvent], mut taken: Vec<bool>) -> Vec<bool> {
    let mut stopped: HashSet<(Stream, [u8; 16])> = HashSet::new();
    for (event, taken) in events.iter().zip(&mut taken) {
        let key = (event.place.stream, event.place.key);
        if !*taken {
            stopped.insert(key);
        } else if stopped.contains(&key) {
            *taken = false;
        }
    }
    taken
}

/// What became of the messages that are on their way together.
#[derive(Clone, Debug, Default)]
struct Told {
    taken: Vec<bool>,
    waiting: usize,
    fault: Option<String>,
}

/// Hears from the library what became of each message.
#[derive(Default)]
struct Acknowledged(Mutex<Told>);

impl Acknowledged {
    fn with<T>(&self, change: impl FnOnce(&mut Told) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn begin(&self, events: usize) {
        self.with(|told| *told = Told { taken: vec![false; events], waiting: 0, fault: None });
    }

    fn expect_one(&self) {
        self.with(|told| told.waiting = told.waiting.saturating_add(1));
    }

    fn waiting(&self) -> usize {
        self.with(|told| told.waiting)
    }

    fn fail(&self, fault: String) {
        self.with(|told| told.fault = Some(fault));
    }

    fn told(&self) -> Told {
        self.with(|told| told.clone())
    }
}

impl ClientContext for Acknowledged {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, words: &str) {
        match level {
            // That it was asked for a guarantee which it calls experimental.
            _ if facility == "CONFWARN" => tracing::debug!(words, "the client of Kafka tells"),
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(words, "the client of Kafka tells");
            }
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => tracing::warn!(words, "the client of Kafka tells"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(words, "the client of Kafka tells");
            }
        }
    }

    fn error(&self, error: LibraryError, reason: &str) {
        tracing::debug!(%error, reason, "the client of Kafka tells");
    }
}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, at: usize) {
        self.with(|told| {
            told.waiting = told.waiting.saturating_sub(1);
            match result {
                Ok(_) => {
                    if let Some(taken) = told.taken.get_mut(at) {
                        *taken = true;
                    }
                }
                Err((error, _)) => told.fault = Some(error.to_string()),
            }
        });
    }
}
