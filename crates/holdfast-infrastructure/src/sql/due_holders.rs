//! Which due orders hold units of which items, as the one writer of a store and its readers remember it: each order
//! that becomes due is looked at once, so a backlog of orders that hold other units costs an attempt or a quote that is
//! short nothing.
//!
//! It may name an order that is due no more or holds nothing of the item any more, so what it names is looked at again.
//! It never misses one: orders become due in the order of their ends, up to where somebody has looked; and one that
//! changes behind that point is noted when it is saved. What a transaction saves is not seen by readers before it is
//! durable, so until then nobody looks beyond the first end in it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_domain::{Order, OrderStatus, Timestamp};

/// The most entries that are kept, some 100 bytes each. What became due behind them is looked for each time anew.
const ENTRIES_MAX: usize = 500_000;

/// An order's place among all that become due: its end and its number.
pub(crate) type End = (i64, i64);

/// What is shared by a writer and the readers of its process.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedHolders(Arc<Mutex<DueHolders>>);

impl SharedHolders {
    /// For a moment nobody else looks or saves.
    pub(crate) fn lock(&self) -> MutexGuard<'_, DueHolders> {
        // Whoever panicked left entries too many, never too few.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which due orders hold units of which items.
#[derive(Debug)]
pub(crate) struct DueHolders {
    /// Every order that became due before this time, in microseconds, was looked at.
    pub(crate) seen_until: i64,
    of_item: HashMap<i64, BTreeSet<End>>,
    /// The same entries in the order of their ends.
    by_end: BTreeSet<(End, i64)>,
    /// The first end among orders that the open transaction saved.
    first_open: i64,
    /// Whether the open transaction has saved orders.
    is_saving: bool,
    entries_max: usize,
}

impl Default for DueHolders {
    fn default() -> Self {
        Self {
            seen_until: 0,
            of_item: HashMap::new(),
            by_end: BTreeSet::new(),
            first_open: i64::MAX,
            is_saving: false,
            entries_max: ENTRIES_MAX,
        }
    }
}

impl DueHolders {
    /// Whether nothing more is kept.
    pub(crate) fn is_full(&self) -> bool {
        self.by_end.len() >= self.entries_max
    }

    /// How far one may look at `now` who does not see what the open transaction saved.
    pub(crate) fn sure_until(&self, now: i64) -> i64 {
        now.min(self.first_open.saturating_sub(1))
    }

    /// Whether what the open transaction tells may be undone.
    pub(crate) const fn is_saving(&self) -> bool {
        self.is_saving
    }

    /// Forgets those that ended before `oldest`, the end of the oldest order that is due still.
    pub(crate) fn forget_before(&mut self, oldest: i64) {
        let oldest = oldest.min(self.first_open);
        while let Some((end, item)) = self.by_end.first().copied().filter(|((at, _), _)| *at < oldest) {
            self.remove(item, end);
        }
    }

    /// Notes that the order with this end holds units of an item.
    pub(crate) fn add(&mut self, item: i64, end: End) {
        if self.by_end.insert((end, item)) {
            self.of_item.entry(item).or_default().insert(end);
        }
    }

    /// Notes what an order holds that is being saved, if its end lies where nobody looks again.
    pub(crate) fn saved(&mut self, order: &Order) {
        self.is_saving = true;
        let Some(expires_at) = order.expires_at.filter(|_| order.status == OrderStatus::Reserved) else { return };
        self.first_open = self.first_open.min(expires_at.micros());
        if expires_at > Timestamp::from_micros(self.seen_until) {
            return;
        }
        let end = (expires_at.micros(), i64::try_from(order.number.0).unwrap_or(i64::MAX));
        for held in order.live() {
            self.add(i64::from(held.item.0), end);
        }
    }

    /// Notes that the transaction has ended, one way or the other.
    pub(crate) fn settled(&mut self) {
        (self.first_open, self.is_saving) = (i64::MAX, false);
    }

    /// The orders that may hold units of one of these items and end from `oldest` until `now`, the oldest end first.
    pub(crate) fn of<'a>(&self, items: impl Iterator<Item = &'a i64>, oldest: i64, now: i64) -> BTreeSet<End> {
        let ends = items.filter_map(|item| self.of_item.get(item));
        let oldest = oldest.min(now);
        ends.flat_map(|ends| ends.range((oldest, i64::MIN)..=(now, i64::MAX))).copied().collect()
    }

    /// Forgets orders that are due no more, unless the transaction that tells so may be undone.
    pub(crate) fn forget<'a>(&mut self, items: impl Iterator<Item = &'a i64>, ends: &[End]) {
        if self.is_saving {
            return;
        }
        for item in items {
            for end in ends {
                self.remove(*item, *end);
            }
        }
    }

    fn remove(&mut self, item: i64, end: End) {
        self.by_end.remove(&(end, item));
        let Some(ends) = self.of_item.get_mut(&item) else { return };
        ends.remove(&end);
        if ends.is_empty() {
            self.of_item.remove(&item);
        }
    }
}

#[cfg(test)]
impl SharedHolders {
    /// One that is full soon.
    pub(crate) fn with_room_for(entries_max: usize) -> Self {
        let holders = DueHolders { entries_max, ..DueHolders::default() };
        Self(Arc::new(Mutex::new(holders)))
    }
}
