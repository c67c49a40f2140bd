//! One upstream event as it came: bare JSON or a `CloudEvent` 1.0, in any capitals, with fields nobody knows.

use holdfast_domain::OrderId;
use serde_json::Value;

use super::members::Members;
use super::upstream_event::{EventNames, ReadEvent, Unreadable};
use super::{bare_event, cloud_event};

/// Reads one event: what it says about itself, and the event or why it can never be applied.
pub fn read_event(value: &Value) -> (EventNames, Result<ReadEvent, Unreadable>) {
    let members = match Members::of(value) {
        Ok(members) => members,
        Err(flaw) => return (EventNames::default(), Err(Unreadable::Invalid(flaw))),
    };
    let (mut names, read) =
        if members.find("specversion").is_some() { cloud_event::read(members) } else { bare_event::read(members) };
    // The order's id as it is always written.
    names.order = match &read {
        Ok(read) => Some(read.event.order.to_string()),
        Err(_) => names.order.map(|text| OrderId::parse(&text).map_or(text, |id| id.to_string())),
    };
    (names, read)
}
