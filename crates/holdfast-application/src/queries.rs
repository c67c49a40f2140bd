//! Reads: straight from the store, beside the queue.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

use holdfast_domain::allocation::Part;
use holdfast_domain::book::ProductRef;
use holdfast_domain::location::Locations;
use holdfast_domain::{
    DeadLetterId, InventoryItem, ItemNumber, LocationCode, LocationNumber, Order, OrderId, OrderStatus, ProductId,
    Quantity, ReservationId, Sku, StockMovement, StockReservation, Timestamp,
};

use crate::dead_letters::{DeadLetter, LetterHead};
use crate::events::{Parcel, Stream, UnsentEvent};

mod filters;
mod ledger;
mod telling;

pub use filters::{
    LetterFilter, MovementCursor, MovementFilter, OrderFilter, ProductCursor, ProductFilter, ProductSort,
    ReservationFilter,
};
pub use ledger::{
    LedgerAsk, LedgerItem, LedgerLevel, LedgerLine, LedgerOrder, LedgerReason, LedgerReservation, LedgerStock,
    OutboxReader, PromiseReader, StockReader, UnfitReader, UnfitRow,
};
pub use telling::{Horizon, LedgerPlace, ToldPlace};

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store cannot be read at present.
    #[error("the store cannot be read")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The read took longer than reads may.
    #[error("the read took longer than {0:?}")]
    TooSlow(Duration),
}

/// A reservation with what it shares with its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationRow {
    /// Its id.
    pub id: ReservationId,
    /// Its order.
    pub order: OrderId,
    /// Until when it is or was promised at least.
    pub expires_at: Option<Timestamp>,
    /// The reservation.
    pub reservation: StockReservation,
}

impl ReservationRow {
    /// The rows of an order, oldest first.
    pub fn of(order: &Order) -> impl Iterator<Item = Self> {
        order.reservations.iter().map(|reservation| Self {
            id: order.reservation_id(reservation.line),
            order: order.id,
            expires_at: if reservation.is_live() { order.expires_at } else { reservation.expired_at },
            reservation: reservation.clone(),
        })
    }
}

/// Units that a due order holds: an attempt that is short of them gets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueHold {
    /// The order.
    pub order: OrderId,
    /// The product.
    pub product: ProductId,
    /// Where, and how many.
    pub part: Part,
}

/// A payment that waits for its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaitingPayment {
    /// Until when.
    pub until: Timestamp,
    /// The order.
    pub order: OrderId,
}

/// One line of a question whether something can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityLine {
    /// The product.
    pub product: ProductRef,
    /// How many units.
    pub quantity: Quantity,
    /// From where; `None` wherever there is some.
    pub location: Option<LocationCode>,
}

/// How much is read from the outbox at once.
#[derive(Clone, Copy, Debug)]
pub struct OutboxStep {
    /// The most events.
    pub events_max: usize,
    /// The most bytes they say; one event always fits.
    pub bytes_max: usize,
}

impl OutboxStep {
    /// Everything.
    pub const ALL: Self = Self { events_max: usize::MAX, bytes_max: usize::MAX };

    /// Whether one more event of `bytes` fits behind those `read` with their bytes.
    pub const fn fits(self, read: usize, read_bytes: usize, bytes: usize) -> bool {
        read == 0 || (read < self.events_max && read_bytes.saturating_add(bytes) <= self.bytes_max)
    }
}

/// How full the outbox is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxDepth {
    /// Events that wait.
    pub events: usize,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
}

/// A visitor of rows: it may end the walk.
pub type Visitor<'a, T> = &'a mut dyn FnMut(T) -> ControlFlow<()>;

/// Reads of the books. Each call sees one moment; levels and sequence of an item belong together.
pub trait StockQueries: Send + Sync {
    /// All locations, in their order.
    fn locations(&self) -> Result<Locations, ReadError>;
    /// The items of `products`, each once, by product id; unknown ones are left out.
    fn items(&self, products: &[ProductRef]) -> Result<Vec<InventoryItem>, ReadError>;
    /// A page of items.
    fn find_items(&self, filter: &ProductFilter) -> Result<Vec<InventoryItem>, ReadError>;
    /// A page of items whose available units are at or below their reorder level, by SKU.
    fn low_stock(&self, after: Option<&Sku>, limit: usize) -> Result<Vec<InventoryItem>, ReadError>;
    /// A page of movements.
    fn movements(&self, filter: &MovementFilter) -> Result<Vec<StockMovement>, ReadError>;
    /// An order with all its reservations.
    fn order(&self, id: OrderId) -> Result<Option<Order>, ReadError>;
    /// A page of orders, without their reservations.
    fn find_orders(&self, filter: &OrderFilter) -> Result<Vec<Order>, ReadError>;
    /// A reservation.
    fn reservation(&self, id: ReservationId) -> Result<Option<ReservationRow>, ReadError>;
    /// A page of reservations.
    fn find_reservations(&self, filter: &ReservationFilter) -> Result<Vec<ReservationRow>, ReadError>;
    /// Reserved orders whose time is over at `now`, by `expires_at`, then by their number.
    fn due_orders(&self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, ReadError>;
    /// The first `most` of them, or fewer: together they have up to `reservations_max` reservations, ended ones
    /// included, but for the first, which always comes.
    fn due_step(&self, now: Timestamp, most: usize, reservations_max: usize) -> Result<Vec<OrderId>, ReadError>;
    /// What such orders hold of these levels (`None`: at any location), the oldest order first, of up to `most` orders
    /// that hold some.
    fn due_holds(
        &self,
        levels: &[(ProductId, Option<LocationNumber>)],
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<DueHold>, ReadError>;
    /// The next `most` payments that wait, by until when, then by order, and what has become of their orders, where one
    /// is there: the two that were decided at the same moment did not see each other.
    fn waiting_payments(
        &self,
        after: Option<WaitingPayment>,
        most: usize,
    ) -> Result<Vec<(WaitingPayment, Option<OrderStatus>)>, ReadError>;
    /// Orders whose payment waited until before `now`, the longest waiting first.
    fn overdue_payments(&self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, ReadError>;

    /// Some of the events of a stream that a destination was not told yet, the oldest first: of no key is one left out
    /// that comes before another. Parcels that it was told and that are only not removed yet are passed over.
    fn unsent(
        &self,
        destination: &str,
        stream: Stream,
        step: OutboxStep,
        told: &HashSet<Parcel>,
    ) -> Result<Vec<UnsentEvent>, ReadError>;
    /// A page of dead letters, without what they say.
    fn find_letters(&self, filter: &LetterFilter) -> Result<Vec<LetterHead>, ReadError>;
    /// A dead letter.
    fn letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, ReadError>;
    /// How many dead letters nobody has dealt with, counted up to `most`.
    fn open_letters(&self, most: usize) -> Result<usize, ReadError>;
    /// How many events of these destinations wait in the outbox, counted up to `most`, and since when the oldest does.
    fn outbox_depth(&self, destinations: &[&str], most: usize) -> Result<OutboxDepth, ReadError>;

    /// Up to when the ledger is complete at present.
    fn horizon(&self) -> Result<Horizon, ReadError>;
    /// The first `most` movements behind `after` that were decided up to `until`, in their order.
    fn places_between(&self, after: LedgerPlace, until: Timestamp, most: usize) -> Result<Vec<LedgerPlace>, ReadError>;
    /// What these movements, each of an item and with a sequence, are told as: in the order asked, without those that
    /// are not there. An end that was put off and a name that changed are told as they are now.
    fn events_at(&self, movements: &[(ItemNumber, u64)]) -> Result<Vec<ToldPlace>, ReadError>;

    /// Walks over all items by SKU.
    fn each_item(&self, visit: Visitor<'_, InventoryItem>) -> Result<(), ReadError>;
    /// Walks over all movements by product id and sequence.
    fn each_movement(&self, visit: Visitor<'_, StockMovement>) -> Result<(), ReadError>;
    /// Walks over all orders by id, without their reservations.
    fn each_order(&self, visit: Visitor<'_, Order>) -> Result<(), ReadError>;
    /// Walks over all reservations by order id.
    fn each_reservation(&self, visit: Visitor<'_, ReservationRow>) -> Result<(), ReadError>;

    /// Reads the whole ledger, or what concerns one product, at one moment: the stock to one reader, the promises to
    /// the other, perhaps at the same time.
    fn read_ledger(
        &self,
        product: Option<ProductId>,
        stock: &mut dyn StockReader,
        promises: &mut dyn PromiseReader,
    ) -> Result<(), ReadError>;

    /// What a store that keeps its own indexes finds damaged when it compares each of them with its table, and each
    /// page with what belongs there: a lookup by a damaged index does not find what is there.
    fn damage(&self) -> Result<Vec<UnfitRow>, ReadError>;

    /// Whether the store answers: the cheapest question there is.
    fn ping(&self) -> Result<(), ReadError>;
}
