//! What is read of an upstream event: its names, and what happened to which order, or why it can never be applied.

use holdfast_domain::order::OrderEventKind;

use super::flaw::Flaw;
use super::identity::Identity;
use crate::order_event::OrderEvent;

/// What an event says about itself, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventNames {
    /// Its id.
    pub event_id: Option<String>,
    /// What happened: the plain word where it is known, else as it came.
    pub kind: Option<String>,
    /// To which order.
    pub order: Option<String>,
}

/// An event that can be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadEvent {
    /// What happened to which order.
    pub event: OrderEvent,
    /// What it is known by when it is delivered again.
    pub identity: Identity,
}

/// Why an event can never be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A field is missing, is of the wrong kind or breaks a limit; or its type is not known.
    #[error("the event has a fault: {0}")]
    Invalid(Flaw),
    /// Its data are bytes that are no JSON, as these words say.
    #[error("the event's data are no JSON: {0}")]
    NoJson(String),
    /// It has more bytes than an event may have.
    #[error("the event is too large")]
    TooLarge,
}

impl Unreadable {
    /// The stable code (CONTRACT, section 10).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_failed",
            Self::NoJson(_) => "malformed_json",
            Self::TooLarge => "body_too_large",
        }
    }
}

/// What a type's name means, with and without the suffix `Event`.
pub fn kind_of(name: &str) -> Option<OrderEventKind> {
    OrderEventKind::parse(name.strip_suffix("Event").unwrap_or(name))
}
