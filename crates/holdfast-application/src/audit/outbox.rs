//! What waits in the outbox: each event tells of something the ledger has, and of a product or an order they come in
//! order.

use std::collections::HashMap;

use holdfast_domain::{OrderId, ProductId, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{LedgerFault, note};
use crate::dead_letters::ToldLetter;
use crate::events::{EventKind, OutgoingEvent, PlaceInStream, Stream, UnsentEvent};
use crate::queries::UnfitRow;

/// What waits of a product or an order.
#[derive(Debug, Default)]
struct Waiting {
    /// The last event that the present destination is to be told, and when it was written.
    last: Option<(u64, u32, Timestamp)>,
    /// The highest sequence that is told of to anybody.
    highest: u64,
}

/// Follows the events that wait, and notes what the ledger does not explain.
#[derive(Debug, Default)]
pub(super) struct OutboxProof {
    pub(super) faults: Vec<LedgerFault>,
    destination: String,
    waiting: HashMap<[u8; 16], Waiting>,
}

impl OutboxProof {
    /// An event that waits for this destination.
    pub(super) fn add(&mut self, destination: &str, unsent: &UnsentEvent) {
        if self.destination != destination {
            destination.clone_into(&mut self.destination);
            self.waiting.values_mut().for_each(|waiting| waiting.last = None);
        }
        let event = &unsent.event;
        if !is_readable(event) {
            let row = format!("{destination}, {}", event.place.event_id());
            let words = "what it says cannot be read".to_owned();
            note(&mut self.faults, LedgerFault::unfit(UnfitRow { table: "outbox", row, words }));
        } else if let Some(words) = contradiction(unsent).or_else(|| tells_of_another(event)) {
            self.fault("I18", &event.place, words);
        }
        // Letters tell of records, which are not in the ledger, and a letter that was dealt with is forgotten before
        // its event.
        if event.place.stream != Stream::DeadLetters {
            self.follow(&event.place, unsent.parcel.written_at);
        }
    }

    fn follow(&mut self, place: &PlaceInStream, written_at: Timestamp) {
        let waiting = self.waiting.entry(place.key).or_default();
        waiting.highest = waiting.highest.max(place.sequence);
        let last = waiting.last.replace((place.sequence, place.part, written_at));
        // The parts of an outcome were written together and are of one kind, so whoever hears one of them hears all.
        let is_hole =
            |(sequence, part, _): (u64, u32, _)| sequence == place.sequence && place.part != part.saturating_add(1);
        let is_behind = |(sequence, part, at)| (place.sequence, place.part) <= (sequence, part) || written_at < at;
        match place.stream {
            Stream::Orders if last.is_some_and(is_hole) => self.fault("I19", place, "a part in front of it is missing"),
            Stream::Stock if last.is_some_and(is_behind) => {
                self.fault("I19", place, "a later one stands in front of it");
            }
            _ => {}
        }
    }

    fn fault(&mut self, invariant: &'static str, place: &PlaceInStream, words: &str) {
        let detail = format!("of the events that wait for {}, {}: {words}", self.destination, place.event_id());
        let fault = LedgerFault::new(invariant, detail);
        let fault = match place.stream {
            Stream::Stock => {
                let product = Some(ProductId::from_bytes(place.key));
                LedgerFault { product, sequence: Some(place.sequence), ..fault }
            }
            Stream::Orders | Stream::DeadLetters => fault,
        };
        note(&mut self.faults, fault);
    }

    /// The highest sequence that is told of the product or the order with this key, if something is, which is explained
    /// therewith.
    pub(super) fn told(&mut self, key: [u8; 16]) -> Option<u64> {
        // As a rule nothing waits, and a proof asks for each product and each order.
        if self.waiting.is_empty() {
            return None;
        }
        self.waiting.remove(&key).map(|waiting| waiting.highest)
    }

    /// The orders of which something is told and that nobody explained.
    pub(super) fn strange_orders(&self) -> impl Iterator<Item = OrderId> {
        self.waiting.keys().map(|key| OrderId::from_bytes(*key))
    }

    /// The products of which something is told and that nobody explained.
    pub(super) fn strange_products(&self) -> impl Iterator<Item = ProductId> {
        self.waiting.keys().map(|key| ProductId::from_bytes(*key))
    }
}

/// Whether a destination can be told what an event says.
fn is_readable(event: &OutgoingEvent) -> bool {
    match event.place.stream {
        Stream::Stock | Stream::Orders => serde_json::from_slice::<IgnoredAny>(&event.data).is_ok(),
        Stream::DeadLetters => ToldLetter::of(event).is_ok(),
    }
}

/// What an event says of its own place and kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said<'a> {
    product_id: Option<&'a str>,
    order_id: Option<&'a str>,
    sequence: Option<u64>,
    order_sequence: Option<u64>,
    part: u32,
    reserved_at: Option<IgnoredAny>,
    ended_at: Option<IgnoredAny>,
    adjusted_at: Option<IgnoredAny>,
    occurred_at: Option<IgnoredAny>,
    failed_at: Option<IgnoredAny>,
    status: Option<&'a str>,
}

/// Whether what an event says belongs to another one.
fn tells_of_another(event: &OutgoingEvent) -> Option<&'static str> {
    use EventKind as Kind;
    let OutgoingEvent { place, kind, data, .. } = event;
    if place.stream == Stream::DeadLetters {
        return None;
    }
    let Ok(said) = serde_json::from_slice::<Said<'_>>(data) else { return Some("what it says is no event") };
    let (key, sequence) = match place.stream {
        Stream::Stock => (said.product_id, said.sequence),
        Stream::Orders | Stream::DeadLetters => (said.order_id, said.order_sequence),
    };
    if (key, sequence, said.part) != (Some(&*place.key_text()), Some(place.sequence), place.part) {
        return Some("what it says belongs to another place");
    }
    let is_of_kind = match kind {
        Kind::StockReserved => said.reserved_at.is_some(),
        Kind::StockConfirmed | Kind::StockReleased | Kind::StockReservationExpired => said.ended_at.is_some(),
        Kind::StockAdjusted => said.adjusted_at.is_some(),
        Kind::LowStock | Kind::OutOfStock | Kind::BackInStock => said.occurred_at.is_some(),
        Kind::StockReservationFailed => said.failed_at.is_some(),
        Kind::OrderReserved => said.status == Some("Reserved"),
        Kind::OrderConfirmed => said.status == Some("Confirmed"),
        Kind::OrderReleased => matches!(said.status, Some("Released" | "Closed")),
        Kind::OrderExpired => said.status == Some("Expired"),
        Kind::DeadLetter => true,
    };
    (!is_of_kind).then_some("what it says is of another kind")
}

/// What of an event contradicts another part of it.
fn contradiction(unsent: &UnsentEvent) -> Option<&'static str> {
    let OutgoingEvent { place, kind, at, .. } = &unsent.event;
    let is_crossing = matches!(kind, EventKind::LowStock | EventKind::OutOfStock | EventKind::BackInStock);
    if kind.stream() != place.stream {
        return Some("its kind does not belong among them");
    }
    if place.stream == Stream::Stock && is_crossing != (place.part > 0) {
        return Some("its kind has another part of a movement");
    }
    if place.sequence == 0 {
        return Some("nothing has the number 0");
    }
    (unsent.parcel.written_at < *at).then_some("it was written before it happened")
}
