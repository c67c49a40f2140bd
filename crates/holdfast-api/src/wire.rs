//! The shapes on the wire (CONTRACT, section 10), converted by hand from what the domain knows, so that a promise on the
//! wire never freezes the domain.

use std::fmt::Display;

use holdfast_domain::book::Effect;
use serde::{Serialize, Serializer};

pub mod availability;
pub mod bodies;
pub mod dead_letter;
pub mod item;
pub mod location;
pub mod movement;
pub mod order;

/// Something that is written as the text it shows itself as: an id, a time, a name.
#[derive(Clone, Copy, Debug)]
pub struct Shown<T>(pub T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The word for what a write did.
pub(crate) const fn outcome(effect: Effect) -> &'static str {
    match effect {
        Effect::Applied => "applied",
        Effect::Replayed => "replayed",
    }
}
