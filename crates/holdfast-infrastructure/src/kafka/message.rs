//! How an event stands in a topic, and a dead letter in its own: topic, key, headers and value.

use std::borrow::Cow;
use std::collections::HashMap;

use holdfast_application::dead_letters::{ToldLetter, UnfitContent};
use holdfast_application::events::cloud_event::{
    self, DATA_CONTENT_TYPE, SPEC_VERSION, STRUCTURED_CONTENT_TYPE, UnfitData,
};
use holdfast_application::events::{EventKind, OutgoingEvent, Stream};
use rdkafka::message::{Header, OwnedHeaders};

use super::settings::{EventFormat, KafkaSettings, PublishSettings};

/// An event as a record.
pub(super) struct Message<'a> {
    pub(super) topic: Cow<'a, str>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) headers: Option<OwnedHeaders>,
    pub(super) value: Option<Cow<'a, [u8]>>,
}

/// What waits in the outbox is not what was written there.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error(transparent)]
    Data(#[from] UnfitData),
    #[error(transparent)]
    Letter(#[from] UnfitContent),
}

/// Makes records of events.
pub(super) struct Messages {
    publish: PublishSettings,
    topic_dead_letter: String,
    /// Of each kind the headers that all of its events have, made once.
    envelopes: HashMap<EventKind, OwnedHeaders>,
}

impl Messages {
    pub(super) fn new(settings: &KafkaSettings) -> Self {
        let publish = settings.publish.clone();
        let envelopes = EventKind::ALL.map(|kind| (kind, envelope(kind, &publish.source))).into();
        Self { publish, topic_dead_letter: settings.topic_dead_letter.clone(), envelopes }
    }

    /// The record of an event or of a dead letter.
    ///
    /// # Errors
    ///
    /// [`Unfit`].
    pub(super) fn of<'a>(&'a self, event: &'a OutgoingEvent) -> Result<Message<'a>, Unfit> {
        match (self.publish.format, event.place.stream) {
            (_, Stream::DeadLetters) => self.of_letter(event),
            (EventFormat::Plain, _) => self.of_event(event, event.kind.as_str()),
            (_, Stream::Stock) => self.of_event(event, &self.publish.topic_stock),
            (_, Stream::Orders) => self.of_event(event, &self.publish.topic_orders),
        }
    }

    /// The record as it came, with headers that tell its cause and where it came from.
    fn of_letter(&self, event: &OutgoingEvent) -> Result<Message<'static>, Unfit> {
        let ToldLetter { topic: came_from, content } = ToldLetter::of(event)?;
        let headers = content
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: value.as_deref() }));
        let topic = self.topic_dead_letter.replace("<topic>", &came_from).into();
        Ok(Message { topic, key: content.key, headers: Some(headers), value: content.value.map(Cow::Owned) })
    }

    fn of_event<'a>(&'a self, event: &'a OutgoingEvent, topic: &'a str) -> Result<Message<'a>, Unfit> {
        let key = event.place.key_text();
        let data = || Cow::Borrowed(event.data.as_slice());
        let (headers, value) = match self.publish.format {
            EventFormat::Plain => (None, data()),
            EventFormat::Binary => (Some(self.attributes(event, &key)), data()),
            EventFormat::Structured => {
                let headers = OwnedHeaders::new().insert(text("content-type", STRUCTURED_CONTENT_TYPE));
                (Some(headers), Cow::Owned(cloud_event::structured(event, &self.publish.source)?))
            }
        };
        Ok(Message { topic: topic.into(), key: Some(key.into_bytes()), headers, value: Some(value) })
    }

    /// The envelope as headers (`CloudEvents`, Kafka protocol binding 1.0, section 3.2).
    fn attributes(&self, event: &OutgoingEvent, key: &str) -> OwnedHeaders {
        let kept = self.envelopes.get(&event.kind).cloned();
        kept.unwrap_or_else(|| envelope(event.kind, &self.publish.source))
            .insert(text("ce_id", &event.place.event_id()))
            .insert(text("ce_subject", key))
            .insert(text("ce_time", event.at.text().as_str()))
            .insert(text("ce_partitionkey", key))
    }
}

/// What the headers of all events of a kind say.
fn envelope(kind: EventKind, source: &str) -> OwnedHeaders {
    OwnedHeaders::new_with_capacity(9)
        .insert(text("ce_specversion", SPEC_VERSION))
        .insert(text("ce_source", source))
        .insert(text("ce_type", kind.cloud_event_type()))
        .insert(text("ce_dataschema", &cloud_event::data_schema(kind)))
        .insert(text("content-type", DATA_CONTENT_TYPE))
}

const fn text<'a>(key: &'a str, value: &'a str) -> Header<'a, &'a str> {
    Header { key, value: Some(value) }
}
