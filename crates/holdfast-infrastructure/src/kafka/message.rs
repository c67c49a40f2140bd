//! How an event stands in a topic, and a dead letter in its own: topic, key, headers and value.

use holdfast_application::dead_letters::{ToldLetter, UnfitContent};
use holdfast_application::events::cloud_event::{self, DATA_CONTENT_TYPE, STRUCTURED_CONTENT_TYPE, UnfitData};
use holdfast_application::events::{OutgoingEvent, Stream};
use rdkafka::message::{Header, OwnedHeaders};

use super::settings::{EventFormat, KafkaSettings, PublishSettings};

/// An event as a record.
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) key: Option<Vec<u8>>,
    pub(super) headers: Option<OwnedHeaders>,
    pub(super) value: Option<Vec<u8>>,
}

/// What waits in the outbox is not what was written there.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error(transparent)]
    Data(#[from] UnfitData),
    #[error(transparent)]
    Letter(#[from] UnfitContent),
}

impl Message {
    /// The record of an event or of a dead letter.
    ///
    /// # Errors
    ///
    /// [`Unfit`].
    pub(super) fn of(event: &OutgoingEvent, settings: &KafkaSettings) -> Result<Self, Unfit> {
        let publish = &settings.publish;
        match (publish.format, event.place.stream) {
            (_, Stream::DeadLetters) => Self::of_letter(event, &settings.topic_dead_letter),
            (EventFormat::Plain, _) => Self::of_event(event, event.kind.as_str(), publish),
            (_, Stream::Stock) => Self::of_event(event, &publish.topic_stock, publish),
            (_, Stream::Orders) => Self::of_event(event, &publish.topic_orders, publish),
        }
    }

    /// The record as it came, with headers that tell its cause and where it came from.
    fn of_letter(event: &OutgoingEvent, topic: &str) -> Result<Self, Unfit> {
        let ToldLetter { topic: came_from, content } = ToldLetter::of(event)?;
        let headers = content
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: value.as_deref() }));
        let topic = topic.replace("<topic>", &came_from);
        Ok(Self { topic, key: content.key, headers: Some(headers), value: content.value })
    }

    fn of_event(event: &OutgoingEvent, topic: &str, settings: &PublishSettings) -> Result<Self, Unfit> {
        let (headers, value) = match settings.format {
            EventFormat::Plain => (None, event.data.clone()),
            EventFormat::Binary => (Some(attributes(event, &settings.source)), event.data.clone()),
            EventFormat::Structured => {
                let headers = OwnedHeaders::new().insert(text("content-type", STRUCTURED_CONTENT_TYPE));
                (Some(headers), cloud_event::structured(event, &settings.source)?)
            }
        };
        let key = Some(event.place.key_text().into_bytes());
        Ok(Self { topic: topic.to_owned(), key, headers, value: Some(value) })
    }
}

/// The envelope as headers (`CloudEvents`, Kafka protocol binding 1.0, section 3.2).
fn attributes(event: &OutgoingEvent, source: &str) -> OwnedHeaders {
    let attributes = cloud_event::attributes(event, source);
    let headers = OwnedHeaders::new_with_capacity(attributes.len().saturating_add(1));
    let headers = attributes.iter().fold(headers, |headers, (name, value)| {
        let name = format!("ce_{name}");
        headers.insert(text(&name, value))
    });
    headers.insert(text("content-type", DATA_CONTENT_TYPE))
}

const fn text<'a>(key: &'a str, value: &'a str) -> Header<'a, &'a str> {
    Header { key, value: Some(value) }
}
