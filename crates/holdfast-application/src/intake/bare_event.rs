//! An event that is plain JSON and names itself in `type`.

use super::flaw::Flaw;
use super::identity::Identity;
use super::members::Members;
use super::order_fields;
use super::upstream_event::{EventNames, ReadEvent, Unreadable, kind_of};

/// Reads a bare event.
pub(super) fn read(members: Members<'_>) -> (EventNames, Result<ReadEvent, Unreadable>) {
    let kind = members.text("type");
    let mut names = EventNames {
        event_id: members.text("eventId").or_else(|| members.text("id")).map(str::to_owned),
        kind: kind.map(str::to_owned),
        order: members.text("orderId").map(str::to_owned),
    };
    let read = kind.and_then(kind_of).ok_or(Flaw::Type).and_then(|kind| {
        names.kind = Some(kind.as_str().to_owned());
        order_fields::order_event(kind, members, true)
    });
    let read = read.map(|event| ReadEvent { identity: Identity::of_bare(&event), event });
    (names, read.map_err(Unreadable::Invalid))
}
