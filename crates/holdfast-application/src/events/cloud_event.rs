//! An event's envelope: `CloudEvents` 1.0, as attributes beside the data or around it.

use serde::Serialize;
use serde_json::value::RawValue;

use super::kind::EventKind;
use super::outgoing::OutgoingEvent;
use crate::shown::Shown;

/// Where events come from, unless a setting says otherwise.
pub const SOURCE: &str = "/holdfast/inventory";
/// The version of the envelope.
pub const SPEC_VERSION: &str = "1.0";
/// What the data is.
pub const DATA_CONTENT_TYPE: &str = "application/json";
/// What an event with its envelope around it is.
pub const STRUCTURED_CONTENT_TYPE: &str = "application/cloudevents+json";

/// Where the schema of a kind of event is described.
pub fn data_schema(kind: EventKind) -> String {
    format!("urn:holdfast:event:{}:v1", kind.as_str())
}

/// An event with its envelope around it.
#[derive(Serialize)]
struct Structured<'a> {
    specversion: &'static str,
    id: String,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: String,
    time: Shown<holdfast_domain::Timestamp>,
    datacontenttype: &'static str,
    dataschema: String,
    partitionkey: String,
    data: &'a RawValue,
}

/// What an event says is no JSON: somebody has changed the outbox.
#[derive(Debug, thiserror::Error)]
#[error("what the event says is no JSON")]
pub struct UnfitData(#[from] serde_json::Error);

/// The event with its envelope around it, as JSON.
///
/// # Errors
///
/// [`UnfitData`].
pub fn structured(event: &OutgoingEvent, source: &str) -> Result<Vec<u8>, UnfitData> {
    let data: &RawValue = serde_json::from_slice(&event.data)?;
    let key = event.place.key_text();
    let structured = serde_json::to_vec(&Structured {
        specversion: SPEC_VERSION,
        id: event.place.event_id(),
        source,
        kind: event.kind.cloud_event_type(),
        subject: key.clone(),
        time: Shown(event.at),
        datacontenttype: DATA_CONTENT_TYPE,
        dataschema: data_schema(event.kind),
        partitionkey: key,
        data,
    })?;
    Ok(structured)
}
