//! What the world is told: one event for each movement, each line that was crossed and each outcome of an order
//! (CONTRACT, section 7), written down by the transaction they tell of.
//!
//! Reading order: [`kind`] (the words), [`outgoing`] (one event), [`stock`] and [`orders`] (what they say), [`of_book`]
//! (from a batch's pages to events), [`publishing`] (who is told), [`cloud_event`] (the envelope) and [`read_back`] (what
//! was told, read again).

use serde::Serialize;

pub mod cloud_event;
pub mod kind;
pub mod of_book;
pub mod orders;
pub mod outgoing;
pub mod publishing;
pub mod read_back;
pub mod stock;

pub use kind::{EventKind, Stream};
pub use outgoing::{OutgoingEvent, Parcel, PlaceInStream, SentParcel, UnsentEvent};
pub use publishing::{Destination, EventSet, Publishing};

/// Room for what most events say, in bytes.
const DATA_BYTES: usize = 512;

/// What an event says, as JSON.
fn json(data: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::with_capacity(DATA_BYTES);
    serde_json::to_writer(&mut text, data).expect("events are numbers and text");
    text
}
