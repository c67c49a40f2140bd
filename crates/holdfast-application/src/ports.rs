//! What a store is: few, wide ports that take many records at once.
//!
//! A port exists because at least two implementations do; [`memory`] is the reference, what the port *means*, and
//! `contract` (a feature, for tests) says how every store behaves.

use holdfast_domain::book::{ItemPage, Numbering, OrderPage, PaymentWait, ProductRef, WaitingPayments};
use holdfast_domain::event::Alert;
use holdfast_domain::{
    DeadLetterId, InventoryItem, Location, LocationNumber, Order, OrderId, ProductId, StockMovement, Timestamp,
};

use crate::answer::KeptAnswer;
use crate::command::CommandKey;
use crate::dead_letters::{DeadLetter, LetterHead};
use crate::events::{OutgoingEvent, SentParcel};

#[cfg(feature = "contract")]
pub mod contract;
mod event_sink;
mod event_source;
mod lock;
pub mod memory;
pub mod memory_lock;
mod published_events;

pub use event_sink::EventSink;
pub use event_source::{EventSource, PollLimits, Record, SourceError};
pub use lock::{DistributedLock, Lease, LockFault, LockState};
pub use published_events::{LatestEvents, PublishedEvent, PublishedEvents, Unreadable};

/// Why a store could not do what was asked, before a commit was sent: nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer got in between: the same again will do.
    #[error("another writer was faster")]
    Contention(Collision, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// No write can be made at present: the disk is full, the database away.
    #[error("the store cannot write")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something is broken that no retry mends.
    #[error("the store failed")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What two writers met at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collision {
    /// The fence: a movement with this product and sequence is there, so both decided on the same state.
    Fence,
    /// An order or an item that has changed since it was read.
    Guard,
    /// A key that is there by now: an order's, a product's, a SKU, the key of a kept answer.
    Key,
    /// They waited for each other.
    Deadlock,
    /// The other one kept a row locked for too long.
    LockWait,
    /// A row that the database saw change.
    Conflict,
}

impl Collision {
    /// Every one of them.
    pub const ALL: [Self; 6] = [Self::Fence, Self::Guard, Self::Key, Self::Deadlock, Self::LockWait, Self::Conflict];

    /// What the metrics call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fence => "fence",
            Self::Guard => "guard",
            Self::Key => "key",
            Self::Deadlock => "deadlock",
            Self::LockWait => "lock_wait",
            Self::Conflict => "conflict",
        }
    }
}

/// Why a commit did not succeed for certain.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// It was rolled back: nothing was done.
    #[error(transparent)]
    NotApplied(#[from] StoreError),
    /// It may have happened or not. Only the same commands under the same keys will tell.
    #[error("the outcome of the commit is not known")]
    Unknown(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Items, one per product, and the locations their levels name.
pub trait InventoryRepository {
    /// All locations; `main` is among them.
    fn load_locations(&mut self) -> Result<Vec<Location>, StoreError>;
    /// Saves new locations.
    fn save_locations(&mut self, locations: &[Location]) -> Result<(), StoreError>;
    /// The items of `products`, locked until the transaction ends. Unknown ones are left out; an item that is named
    /// twice comes once.
    fn load_items(&mut self, products: &[ProductRef]) -> Result<Vec<InventoryItem>, StoreError>;
    /// Saves items, new or changed.
    fn save_items(&mut self, items: &[&ItemPage]) -> Result<(), StoreError>;
    /// The numbers the next new things get. Up to `most` orders and `most` items may be numbered from there on; numbers
    /// in between may be left out.
    fn numbering(&mut self, most: usize) -> Result<Numbering, StoreError>;
}

/// Orders with their reservations, and payments that wait for their order.
pub trait StockReservationRepository {
    /// The orders with all their reservations, locked until the transaction ends. Unknown ones are left out.
    fn load_orders(&mut self, orders: &[OrderId]) -> Result<Vec<Order>, StoreError>;
    /// Saves orders, new or changed, and their reservations. An order that another writer changed meanwhile is
    /// [`StoreError::Contention`].
    fn save_orders(&mut self, orders: &[&OrderPage]) -> Result<(), StoreError>;
    /// Reserved orders whose time is over at `now`, by `expires_at`, then by their number.
    fn due_orders(&mut self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, StoreError>;
    /// Those of them that hold units of one of these levels (`None`: at any location), in the same order: up to `most`
    /// of those that do, however many others are due.
    fn due_orders_holding(
        &mut self,
        levels: &[(ProductId, Option<LocationNumber>)],
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<OrderId>, StoreError>;
    /// Payments that wait for one of these orders, or waited in vain.
    fn load_waiting(&mut self, orders: &[OrderId]) -> Result<Vec<(OrderId, PaymentWait)>, StoreError>;
    /// Saves what changed among the waiting payments.
    fn save_waiting(&mut self, waiting: &WaitingPayments) -> Result<(), StoreError>;
    /// Forgets up to `most` payments that were given up before `before`, and says how many.
    fn forget_given_up(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError>;
}

/// The audit trail.
pub trait StockMovementRepository {
    /// Appends movements. One whose (product, sequence) is there already is [`StoreError::Contention`]: the fence.
    fn append_movements(&mut self, movements: &[StockMovement]) -> Result<(), StoreError>;
    /// Appends the lines that these movements crossed.
    fn append_alerts(&mut self, alerts: &[Alert]) -> Result<(), StoreError>;
}

/// Events that are to be told, until they were.
pub trait Outbox {
    /// Appends events for a destination, decided at `now`: see [`OutgoingEvent::written_at`].
    fn append_events(&mut self, destination: &str, events: &[&OutgoingEvent], now: Timestamp)
    -> Result<(), StoreError>;
    /// Removes events that a destination was told. Those that are not there any more are no fault.
    fn remove_events(&mut self, destination: &str, sent: &[SentParcel]) -> Result<(), StoreError>;
}

/// Records and payments that can never be applied, until somebody has dealt with them.
pub trait DeadLetterRepository {
    /// Those of these origins that were put away.
    fn known_letters(&mut self, origins: &[[u8; 16]]) -> Result<Vec<[u8; 16]>, StoreError>;
    /// Puts letters away. One whose origin is there already is [`StoreError::Contention`].
    fn put_away(&mut self, letters: &[DeadLetter]) -> Result<(), StoreError>;
    /// These letters without what they say, locked until the transaction ends. Unknown ones are left out.
    fn load_letters(&mut self, ids: &[DeadLetterId]) -> Result<Vec<LetterHead>, StoreError>;
    /// Saves what became of a letter.
    fn settle_letter(&mut self, letter: &LetterHead) -> Result<(), StoreError>;
    /// Forgets up to `most` letters that were dealt with before `before`, and says how many.
    fn forget_letters(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError>;
}

/// An answer found under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedAnswer {
    /// The fingerprint of what was asked.
    pub fingerprint: [u8; 32],
    /// What was answered.
    pub answer: KeptAnswer,
}

/// The answers kept under the callers' keys.
pub trait CommandLog {
    /// What is kept under each key, in their order.
    fn find_answers(&mut self, keys: &[&CommandKey]) -> Result<Vec<Option<LoggedAnswer>>, StoreError>;
    /// Keeps answers.
    fn keep_answers(&mut self, answers: &[(&CommandKey, &KeptAnswer)], now: Timestamp) -> Result<(), StoreError>;
    /// Forgets up to `most` answers kept before `before`, and says how many.
    fn forget_answers(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError>;
}

/// All changes of one batch: all of them become durable, or none.
pub trait StoreTransaction:
    InventoryRepository + StockReservationRepository + StockMovementRepository + CommandLog + Outbox + DeadLetterRepository
{
    /// Says that these orders will be loaded, and then the items of these products and no others, so that a store that
    /// is far away can be asked for all of them at once. Whoever needs other items after all begins anew.
    fn expect(&mut self, _orders: &[OrderId], _products: &[ProductRef]) {}
    /// The time to decide by, read after what it decides about was locked; later than that of the batch before.
    fn now(&mut self) -> Result<Timestamp, StoreError>;
    /// Brings everything that was saved before the store. What somebody else has done in between is told by whatever
    /// saves, or here at the latest: a store may gather what is saved.
    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    /// Makes everything durable; that, too, brings it before the store first.
    fn commit(self: Box<Self>) -> Result<(), CommitError>;
}

/// A place that keeps the books.
pub trait Store: Send {
    /// Starts a transaction. Dropping it undoes it.
    fn begin(&mut self) -> Result<Box<dyn StoreTransaction + '_>, StoreError>;
    /// Whether it can be asked on after a commit whose outcome is not known, because what it holds is read anew for
    /// every batch; else the process must end and start anew.
    fn outlives_unknown(&self) -> bool {
        false
    }
    /// Whether others wait for the rows a transaction has loaded. It must then load all of them in one go, in their
    /// order, so that nobody waits in a circle; who needs more of them begins anew.
    fn shares_rows(&self) -> bool {
        false
    }
    /// Housekeeping between two batches.
    ///
    /// # Errors
    ///
    /// It is left for later; or nobody knows what the store holds any more.
    fn rest(&mut self) -> Result<(), CommitError>;
}
