//! Which due orders hold units of which items, as the one writer of a store remembers it: each order that becomes due is
//! looked at once, so a backlog of orders that hold other units costs an attempt that is short nothing.
//!
//! It may name an order that is due no more or holds nothing of the item any more, so what it names is looked at again. It
//! never misses one: orders become due in the order of their ends, up to where it has looked; and one that changes
//! behind that point is noted when it is saved.

use std::collections::{BTreeSet, HashMap};

use holdfast_domain::{Order, OrderStatus, Timestamp};

/// The most entries that are kept, some 50 bytes each; beyond them it forgets all and looks again.
const ENTRIES_MAX: usize = 1_000_000;

/// An order's place among all that become due: its end and its number.
pub(crate) type End = (i64, i64);

/// Which due orders hold units of which items.
#[derive(Debug, Default)]
pub(crate) struct DueHolders {
    /// Every order that became due before this time, in microseconds, was looked at.
    pub(crate) seen_until: i64,
    of_item: HashMap<i64, BTreeSet<End>>,
    entries: usize,
}

impl DueHolders {
    /// Starts anew when too much is kept.
    pub(crate) fn make_room(&mut self) {
        if self.entries > ENTRIES_MAX {
            *self = Self::default();
        }
    }

    /// Notes that the order with this end holds units of an item.
    pub(crate) fn add(&mut self, item: i64, end: End) {
        if self.of_item.entry(item).or_default().insert(end) {
            self.entries = self.entries.saturating_add(1);
        }
    }

    /// Notes what a saved order holds, if its end lies where nobody looks again.
    pub(crate) fn saved(&mut self, order: &Order) {
        let Some(expires_at) = order.expires_at.filter(|_| order.status == OrderStatus::Reserved) else { return };
        if expires_at > Timestamp::from_micros(self.seen_until) {
            return;
        }
        let end = (expires_at.micros(), i64::try_from(order.number.0).unwrap_or(i64::MAX));
        for held in order.live() {
            self.add(i64::from(held.item.0), end);
        }
    }

    /// The orders that may hold units of one of these items, the oldest end first.
    pub(crate) fn of<'a>(&self, items: impl Iterator<Item = &'a i64>) -> BTreeSet<End> {
        items.filter_map(|item| self.of_item.get(item)).flatten().copied().collect()
    }

    /// Forgets an order that is due no more.
    pub(crate) fn forget<'a>(&mut self, items: impl Iterator<Item = &'a i64>, end: End) {
        for item in items {
            let Some(ends) = self.of_item.get_mut(item) else { continue };
            if ends.remove(&end) {
                self.entries = self.entries.saturating_sub(1);
            }
            if ends.is_empty() {
                self.of_item.remove(item);
            }
        }
    }
}
