//! How an event stands in a topic: its topic, key, headers and value.

use holdfast_application::events::cloud_event::{self, DATA_CONTENT_TYPE, STRUCTURED_CONTENT_TYPE, UnfitData};
use holdfast_application::events::{OutgoingEvent, Stream};
use rdkafka::message::{Header, OwnedHeaders};

use super::settings::{EventFormat, PublishSettings};

/// An event as a record.
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) key: String,
    pub(super) headers: Option<OwnedHeaders>,
    pub(super) value: Vec<u8>,
}

impl Message {
    /// The record of an event.
    ///
    /// # Errors
    ///
    /// [`UnfitData`].
    pub(super) fn of(event: &OutgoingEvent, settings: &PublishSettings) -> Result<Self, UnfitData> {
        let topic = match (settings.format, event.place.stream) {
            (EventFormat::Plain, _) => event.kind.as_str().to_owned(),
            (_, Stream::Stock) => settings.topic_stock.clone(),
            (_, Stream::Orders) => settings.topic_orders.clone(),
        };
        let (headers, value) = match settings.format {
            EventFormat::Plain => (None, event.data.clone()),
            EventFormat::Binary => (Some(attributes(event, &settings.source)), event.data.clone()),
            EventFormat::Structured => {
                let headers = OwnedHeaders::new().insert(text("content-type", STRUCTURED_CONTENT_TYPE));
                (Some(headers), cloud_event::structured(event, &settings.source)?)
            }
        };
        Ok(Self { topic, key: event.place.key_text(), headers, value })
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
