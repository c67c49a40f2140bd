//! A store that fails when a story says so: a wrapped reference store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use holdfast_application::answer::KeptAnswer;
use holdfast_application::clock::ManualClock;
use holdfast_application::command::CommandKey;
use holdfast_application::dead_letters::{DeadLetter, LetterHead};
use holdfast_application::events::{OutgoingEvent, SentParcel};
use holdfast_application::ports::contract::warehouse::order;
use holdfast_application::ports::memory::{MemoryQueries, MemoryStore};
use holdfast_application::ports::{
    Collision, CommandLog, CommitError, DeadLetterRepository, InventoryRepository, LoggedAnswer, Outbox,
    StockMovementRepository, StockReservationRepository, Store, StoreError, StoreTransaction,
};
use holdfast_domain::book::{ItemPage, Numbering, OrderPage, PaymentWait, ProductRef, WaitingPayments};
use holdfast_domain::event::Alert;
use holdfast_domain::{
    DeadLetterId, InventoryItem, Location, LocationNumber, Order, OrderId, ProductId, StockMovement, Timestamp,
};

/// The order that no batch can be saved with.
pub(crate) const POISON: u8 = 66;

/// What a poisonous order does to its batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Poison {
    Breaks,
    Collides,
    Panics,
}

/// What is to fail.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// So many transactions meet another writer.
    pub(crate) contentions: AtomicU32,
    /// No write can be made.
    pub(crate) unavailable: AtomicBool,
    /// Every statement breaks.
    pub(crate) broken: AtomicBool,
    /// The next commit's outcome is not known.
    pub(crate) unknown: AtomicBool,
    /// Whether that commit happened all the same.
    pub(crate) happened: AtomicBool,
    /// Whether the store can be asked on then.
    pub(crate) outlives_unknown: AtomicBool,
    /// So many transactions after that cannot be begun.
    pub(crate) away: AtomicU32,
    /// How many transactions were begun.
    pub(crate) begun: AtomicU32,
    /// How many of them are not over yet.
    pub(crate) open: AtomicU32,
}

/// A reference store with faults. Clones share the books.
#[derive(Clone)]
pub(crate) struct FaultyStore {
    inner: MemoryStore,
    faults: Arc<Faults>,
    poison: Poison,
}

impl FaultyStore {
    pub(crate) fn new(clock: Arc<ManualClock>, poison: Poison) -> (Self, Arc<MemoryQueries>, Arc<Faults>) {
        let (inner, queries) = MemoryStore::new(clock);
        let faults = Arc::new(Faults::default());
        (Self { inner, faults: faults.clone(), poison }, queries, faults)
    }
}

impl Store for FaultyStore {
    fn begin(&mut self) -> Result<Box<dyn StoreTransaction + '_>, StoreError> {
        self.faults.begun.fetch_add(1, Ordering::SeqCst);
        if self.faults.unavailable.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the disk is full".into()));
        }
        if self.faults.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Broken("no such table".into()));
        }
        if !self.faults.unknown.load(Ordering::SeqCst) && self.faults.away.load(Ordering::SeqCst) > 0 {
            self.faults.away.fetch_sub(1, Ordering::SeqCst);
            return Err(StoreError::Unavailable("nobody answers".into()));
        }
        let inner = self.inner.begin()?;
        let open = Open::one_more(&self.faults.open);
        Ok(Box::new(FaultyTransaction { inner, faults: &self.faults, poison: self.poison, _open: open }))
    }

    fn outlives_unknown(&self) -> bool {
        self.faults.outlives_unknown.load(Ordering::SeqCst)
    }

    fn rest(&mut self) -> Result<(), CommitError> {
        self.inner.rest()
    }
}

struct FaultyTransaction<'a> {
    inner: Box<dyn StoreTransaction + 'a>,
    faults: &'a Faults,
    poison: Poison,
    _open: Open<'a>,
}

/// Counts as long as it is there.
struct Open<'a>(&'a AtomicU32);

impl<'a> Open<'a> {
    fn one_more(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl InventoryRepository for FaultyTransaction<'_> {
    fn load_locations(&mut self) -> Result<Vec<Location>, StoreError> {
        self.inner.load_locations()
    }
    fn save_locations(&mut self, locations: &[Location]) -> Result<(), StoreError> {
        self.inner.save_locations(locations)
    }
    fn load_items(&mut self, products: &[ProductRef]) -> Result<Vec<InventoryItem>, StoreError> {
        self.inner.load_items(products)
    }
    fn save_items(&mut self, items: &[&ItemPage]) -> Result<(), StoreError> {
        self.inner.save_items(items)
    }
    fn numbering(&mut self, most: usize) -> Result<Numbering, StoreError> {
        self.inner.numbering(most)
    }
}

impl StockReservationRepository for FaultyTransaction<'_> {
    fn load_orders(&mut self, orders: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        self.inner.load_orders(orders)
    }
    fn save_orders(&mut self, orders: &[&OrderPage]) -> Result<(), StoreError> {
        if orders.iter().any(|page| page.order.id == order(POISON)) {
            match self.poison {
                Poison::Breaks => return Err(StoreError::Broken("no such column".into())),
                Poison::Collides => return Err(StoreError::Contention(Collision::Key, "always".into())),
                Poison::Panics => panic!("an invariant is broken"),
            }
        }
        self.inner.save_orders(orders)
    }
    fn due_orders(&mut self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, StoreError> {
        self.inner.due_orders(now, most)
    }
    fn due_orders_holding(
        &mut self,
        levels: &[(ProductId, Option<LocationNumber>)],
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<OrderId>, StoreError> {
        self.inner.due_orders_holding(levels, now, most)
    }
    fn load_waiting(&mut self, orders: &[OrderId]) -> Result<Vec<(OrderId, PaymentWait)>, StoreError> {
        self.inner.load_waiting(orders)
    }
    fn save_waiting(&mut self, waiting: &WaitingPayments) -> Result<(), StoreError> {
        self.inner.save_waiting(waiting)
    }
    fn forget_given_up(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        self.inner.forget_given_up(before, most)
    }
}

impl StockMovementRepository for FaultyTransaction<'_> {
    fn append_movements(&mut self, movements: &[StockMovement]) -> Result<(), StoreError> {
        self.inner.append_movements(movements)
    }
    fn append_alerts(&mut self, alerts: &[Alert]) -> Result<(), StoreError> {
        self.inner.append_alerts(alerts)
    }
}

impl Outbox for FaultyTransaction<'_> {
    fn append_events(
        &mut self,
        destination: &str,
        events: &[&OutgoingEvent],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.append_events(destination, events, now)
    }
    fn remove_events(&mut self, destination: &str, sent: &[SentParcel]) -> Result<(), StoreError> {
        self.inner.remove_events(destination, sent)
    }
}

impl DeadLetterRepository for FaultyTransaction<'_> {
    fn known_letters(&mut self, origins: &[[u8; 16]]) -> Result<Vec<[u8; 16]>, StoreError> {
        self.inner.known_letters(origins)
    }
    fn put_away(&mut self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        self.inner.put_away(letters)
    }
    fn load_letters(&mut self, ids: &[DeadLetterId]) -> Result<Vec<LetterHead>, StoreError> {
        self.inner.load_letters(ids)
    }
    fn settle_letter(&mut self, letter: &LetterHead) -> Result<(), StoreError> {
        self.inner.settle_letter(letter)
    }
    fn forget_letters(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        self.inner.forget_letters(before, most)
    }
}

impl CommandLog for FaultyTransaction<'_> {
    fn find_answers(&mut self, keys: &[&CommandKey]) -> Result<Vec<Option<LoggedAnswer>>, StoreError> {
        self.inner.find_answers(keys)
    }
    fn keep_answers(&mut self, answers: &[(&CommandKey, &KeptAnswer)], now: Timestamp) -> Result<(), StoreError> {
        self.inner.keep_answers(answers, now)
    }
    fn forget_answers(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        self.inner.forget_answers(before, most)
    }
}

impl StoreTransaction for FaultyTransaction<'_> {
    fn now(&mut self) -> Result<Timestamp, StoreError> {
        self.inner.now()
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.inner.flush()
    }

    fn commit(self: Box<Self>) -> Result<(), CommitError> {
        let left = self.faults.contentions.load(Ordering::SeqCst);
        if left > 0 {
            self.faults.contentions.store(left.saturating_sub(1), Ordering::SeqCst);
            return Err(CommitError::NotApplied(StoreError::Contention(Collision::Key, "another writer".into())));
        }
        if self.faults.unknown.swap(false, Ordering::SeqCst) {
            if self.faults.happened.load(Ordering::SeqCst) {
                self.inner.commit()?;
            }
            return Err(CommitError::Unknown("the connection was lost".into()));
        }
        self.inner.commit()
    }
}
