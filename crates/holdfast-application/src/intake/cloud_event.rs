//! An event in the envelope of `CloudEvents` 1.0, its data as JSON or as base64 of JSON.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::flaw::Flaw;
use super::identity::Identity;
use super::members::Members;
use super::upstream_event::{EventNames, ReadEvent, Unreadable, kind_of};
use super::{order_fields, strict_json};

/// Reads a `CloudEvent` 1.0.
pub(super) fn read(members: Members<'_>) -> (EventNames, Result<ReadEvent, Unreadable>) {
    let (id, source, kind) = (members.filled("id"), members.filled("source"), members.filled("type"));
    let data = data_of(members);
    let within = |data| {
        Members::of(data).map_err(|flaw| Unreadable::Invalid(if flaw == Flaw::NoObject { Flaw::Data } else { flaw }))
    };
    let data = data.as_ref().map_err(Unreadable::clone).and_then(|data| within(data));
    let mut names = EventNames {
        event_id: id.map(str::to_owned),
        kind: kind.map(str::to_owned),
        order: data.as_ref().ok().and_then(|data| data.text("orderId")).map(str::to_owned),
    };
    let known = kind.and_then(|kind| kind_of(kind.strip_suffix(".v1").unwrap_or(kind).rsplit('.').next()?));
    if let Some(kind) = known {
        names.kind = Some(kind.as_str().to_owned());
    }
    let read = data.and_then(|data| {
        let event = || {
            (members.text("specversion") == Some("1.0")).then_some(()).ok_or(Flaw::Version)?;
            let (source, id) = source.zip(id).ok_or(Flaw::Nameless)?;
            let event = order_fields::order_event(known.ok_or(Flaw::Type)?, data, false)?;
            Ok(ReadEvent { identity: Identity::of_cloud_event(source, id, &event), event })
        };
        event().map_err(Unreadable::Invalid)
    });
    (names, read)
}

/// An event in binary mode, put together from its attributes and its data; data without attributes stay as they are.
pub fn with_attributes(attribute: impl Fn(&str) -> Option<String>, data: Value) -> Value {
    match attribute("specversion") {
        Some(version) => json!({
            "specversion": version,
            "type": attribute("type"),
            "source": attribute("source"),
            "id": attribute("id"),
            "data": data,
        }),
        None => data,
    }
}

/// What the event carries: `data`, or the JSON that `data_base64` stands for, but not both.
fn data_of(members: Members<'_>) -> Result<Cow<'_, Value>, Unreadable> {
    match (members.find("data"), members.find("data_base64")) {
        (data, None) => Ok(data.map_or(Cow::Owned(Value::Null), Cow::Borrowed)),
        (Some(_), Some(_)) => Err(Unreadable::Invalid(Flaw::Data)),
        (None, Some(encoded)) => {
            let bytes =
                encoded.as_str().and_then(|text| STANDARD.decode(text).ok()).ok_or(Unreadable::Invalid(Flaw::Data))?;
            strict_json::parse(&bytes).map(Cow::Owned).map_err(Unreadable::NoJson)
        }
    }
}
