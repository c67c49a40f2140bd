//! The shapes on the wire (CONTRACT, section 10), converted by hand from what the domain knows, so that a promise on the
//! wire never freezes the domain.

use holdfast_domain::book::Effect;

pub mod availability;
pub mod bodies;
pub mod dead_letter;
pub mod item;
pub mod location;
pub mod movement;
pub mod order;

pub use holdfast_application::Shown;

/// The word for what a write did.
pub(crate) const fn outcome(effect: Effect) -> &'static str {
    match effect {
        Effect::Applied => "applied",
        Effect::Replayed => "replayed",
    }
}
