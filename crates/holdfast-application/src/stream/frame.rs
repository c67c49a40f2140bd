//! An event as it is sent: an id, a word, and a `CloudEvent` in one line.

use super::position::StreamPosition;
use crate::events::{OutgoingEvent, cloud_event};

/// The text of an event. One whose data nobody can have written is left out.
pub fn frame(event: &OutgoingEvent, position: StreamPosition, source: &str) -> Option<String> {
    let data = cloud_event::structured(event, source).ok().and_then(|data| String::from_utf8(data).ok());
    if data.is_none() {
        tracing::error!(event.id = event.place.event_id(), "an event's data is no JSON");
    }
    data.map(|data| format!("id: {position}\nevent: {}\ndata: {data}\n\n", event.kind.as_str()))
}
