//! Who is told what. With nobody to tell, no event is written down.

use std::sync::Arc;

use super::kind::{EventKind, Stream};

/// A set of kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSet(u32);

impl EventSet {
    /// All that tell what happens.
    pub const ALL: Self = Self(u32::MAX ^ Self::DEAD_LETTERS.0);
    /// Dead letters alone.
    pub const DEAD_LETTERS: Self = Self(1 << EventKind::DeadLetter.code());

    /// The streams its events stand in.
    pub fn streams(self) -> &'static [Stream] {
        if self == Self::DEAD_LETTERS { &[Stream::DeadLetters] } else { &Stream::OF_EVENTS }
    }

    /// Those in `kinds`.
    pub fn of(kinds: &[EventKind]) -> Self {
        Self(kinds.iter().fold(0, |set, kind| set | bit(*kind)))
    }

    /// Whether `kind` is one of them.
    pub fn has(self, kind: EventKind) -> bool {
        self.0 & bit(kind) != 0
    }
}

/// The bit of a kind, of which there are few.
fn bit(kind: EventKind) -> u32 {
    1_u32.checked_shl(u32::from(kind.code())).unwrap_or(0)
}

/// Somebody who is told of events, at a pace of their own: the brokers, or a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// What the outbox knows it by; it stays the same over restarts.
    pub name: Arc<str>,
    /// What it is told.
    pub wants: EventSet,
}

/// Everybody who is told of events.
#[derive(Clone, Debug, Default)]
pub struct Publishing {
    /// They.
    pub destinations: Vec<Destination>,
}

impl Publishing {
    /// Whether somebody is told.
    pub const fn is_on(&self) -> bool {
        !self.destinations.is_empty()
    }
}
