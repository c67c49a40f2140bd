//! Events that are missing between others of their key: they were never written, for a service that shares the store
//! does not publish, or publishing was switched off for a while; or somebody has removed them. What follows is told all
//! the same, and `holdfast republish` tells the missing ones.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::events::{PlaceInStream, Stream, UnsentEvent};

/// Of so many products the last event is remembered; with more of them all are forgotten, and what is missing just then
/// is not seen.
const PRODUCTS_MAX: usize = 1 << 16;
/// How often people are told: where a service beside this one does not publish, events are missing all the time.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What was seen of products, and of which holes nobody was told yet.
#[derive(Default)]
pub(super) struct Holes {
    last: HashMap<[u8; 16], PlaceInStream>,
    untold: u64,
    told: Option<Instant>,
}

impl Holes {
    /// Looks at what waits now, a key's events side by side and in their order, and tells people what is missing.
    pub(super) fn look(&mut self, unsent: &[UnsentEvent]) {
        let mut before = None;
        for UnsentEvent { event, .. } in unsent {
            let here = event.place;
            let Some(last) = self.last_before(here, before.replace(here)) else { continue };
            if last < here && !here.follows(&last) {
                self.tell(last, here);
            }
        }
    }

    /// Forgets what was seen: others may tell from now on.
    pub(super) fn forget(&mut self) {
        self.last.clear();
    }

    /// The last event that was seen of the key of `here`. An order has few outcomes, mostly one behind the other.
    fn last_before(&mut self, here: PlaceInStream, before: Option<PlaceInStream>) -> Option<PlaceInStream> {
        if here.stream != Stream::Stock {
            return before.filter(|before| (before.stream, before.key) == (here.stream, here.key));
        }
        if self.last.len() >= PRODUCTS_MAX && !self.last.contains_key(&here.key) {
            self.last.clear();
        }
        let last = self.last.get(&here.key).copied();
        self.last.insert(here.key, last.map_or(here, |last| last.max(here)));
        last
    }

    fn tell(&mut self, last: PlaceInStream, here: PlaceInStream) {
        metrics::counter!("holdfast_outbox_holes_total").increment(1);
        self.untold = self.untold.saturating_add(1);
        if self.told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        let (key, sequence, next) = (here.key_text(), last.sequence, here.sequence);
        let holes = std::mem::take(&mut self.untold);
        tracing::error!(%key, sequence, next, holes, "an event is missing in the outbox: does every service publish alike? Republish it");
    }
}

#[cfg(test)]
mod tests {
    use holdfast_domain::Timestamp;

    use super::*;
    use crate::events::{EventKind, OutgoingEvent};

    fn unsent(stream: Stream, key: u8, sequence: u64, part: u32) -> UnsentEvent {
        let place = PlaceInStream { stream, key: [key; 16], sequence, part };
        let event = OutgoingEvent { place, kind: EventKind::StockAdjusted, at: Timestamp::EPOCH, data: Vec::new() };
        UnsentEvent::alone(event, Timestamp::EPOCH)
    }

    /// How many holes are seen when these come, a list at a time.
    fn holes(rounds: &[&[(Stream, u8, u64, u32)]]) -> u64 {
        // Nobody is told, so they are all there to be counted.
        let mut holes = Holes { told: Some(Instant::now()), ..Holes::default() };
        for round in rounds {
            let unsent: Vec<_> = round.iter().map(|&(stream, key, at, part)| unsent(stream, key, at, part)).collect();
            holes.look(&unsent);
        }
        holes.untold
    }

    #[test]
    fn what_is_missing_of_a_product_is_seen_once_whenever_the_rest_comes() {
        use Stream::Stock;
        assert_eq!(holes(&[&[(Stock, 1, 57, 0), (Stock, 1, 57, 1), (Stock, 1, 58, 0), (Stock, 2, 1, 0)]]), 0);
        assert_eq!(holes(&[&[(Stock, 1, 1, 0), (Stock, 1, 3, 0)]]), 1);
        assert_eq!(holes(&[&[(Stock, 1, 1, 0)], &[(Stock, 2, 8, 0)], &[(Stock, 1, 3, 0)]]), 1);
        // What could not be told waits on.
        let waits = [(Stock, 1, 1, 0), (Stock, 1, 3, 0)];
        assert_eq!(holes(&[&waits, &waits, &waits[1..], &[(Stock, 1, 4, 0)]]), 1);
    }

    #[test]
    fn of_an_order_it_is_seen_between_those_that_wait_together() {
        use Stream::Orders;
        assert_eq!(holes(&[&[(Orders, 1, 1, 0), (Orders, 1, 3, 0), (Orders, 2, 7, 0)]]), 1);
        assert_eq!(holes(&[&[(Orders, 1, 1, 0)], &[(Orders, 1, 3, 0)]]), 0);
    }

    #[test]
    fn what_others_may_have_told_meanwhile_is_no_hole() {
        let mut holes = Holes::default();
        holes.look(&[unsent(Stream::Stock, 1, 1, 0)]);
        holes.forget();
        holes.look(&[unsent(Stream::Stock, 1, 9, 0)]);
        assert_eq!((holes.untold, holes.told), (0, None));
    }
}
