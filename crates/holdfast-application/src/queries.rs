//! Reads: straight from the store, beside the queue.

use std::ops::ControlFlow;
use std::time::Duration;

use holdfast_domain::allocation::Part;
use holdfast_domain::book::ProductRef;
use holdfast_domain::location::Locations;
use holdfast_domain::{
    Actor, Count, InventoryItem, LocationCode, LocationNumber, MovementId, Order, OrderId, OrderStatus, ProductId,
    Quantity, Reason, ReservationId, ReservationStatus, Sku, StockMovement, StockMovementType, StockReservation,
    Timestamp,
};

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

/// One column to sort products by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductSort {
    /// By SKU, byte by byte.
    Sku,
    /// By name, then SKU.
    Name,
    /// By units available over all locations, then SKU.
    Available,
    /// By the last change, then SKU.
    UpdatedAt,
}

/// Where the page before ended, of a list of products: the sort key and the SKU of its last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductCursor {
    /// The sort key as text; empty when sorted by SKU.
    pub key: String,
    /// The SKU.
    pub sku: String,
}

impl ProductCursor {
    /// Where `item` stands in a list sorted by `sort`: names as they are, units and microseconds as decimals.
    pub fn of(item: &InventoryItem, sort: ProductSort) -> Self {
        let key = match sort {
            ProductSort::Sku => String::new(),
            ProductSort::Name => item.name.to_string(),
            ProductSort::Available => item.available().to_string(),
            ProductSort::UpdatedAt => item.updated_at.micros().to_string(),
        };
        Self { key, sku: item.sku.to_string() }
    }
}

/// Which products, in which order.
#[derive(Clone, Debug)]
pub struct ProductFilter {
    /// A piece of SKU or name, in any ASCII case; or a product id.
    pub search: Option<String>,
    /// Only those low (`Some(true)`) or not low.
    pub low: Option<bool>,
    /// Only those with nothing available (`Some(true)`) or something.
    pub out: Option<bool>,
    /// The order.
    pub sort: ProductSort,
    /// Whether it is turned round.
    pub descending: bool,
    /// Where the page before ended.
    pub after: Option<ProductCursor>,
    /// The most rows.
    pub limit: usize,
}

/// Where the page before ended, of a list of movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovementCursor {
    /// The time of its last row.
    pub created_at: Timestamp,
    /// The id of its last row.
    pub id: MovementId,
}

/// Which movements, in which order: those of one product by sequence, else by time and id.
#[derive(Clone, Debug, Default)]
pub struct MovementFilter {
    /// Only this product's.
    pub product: Option<ProductId>,
    /// Only of one of these kinds; empty for all.
    pub kinds: Vec<StockMovementType>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only with this reference (an order id or a document).
    pub reference: Option<String>,
    /// Only with this reason.
    pub reason: Option<Reason>,
    /// Only by this actor.
    pub actor: Option<Actor>,
    /// Only at this location.
    pub location: Option<LocationCode>,
    /// Oldest first, instead of newest first.
    pub ascending: bool,
    /// Where the page before ended; of one product its sequence is within the id.
    pub after: Option<MovementCursor>,
    /// The most rows.
    pub limit: usize,
}

/// Which reservations; by id.
#[derive(Clone, Debug, Default)]
pub struct ReservationFilter {
    /// Only in one of these states; empty for all.
    pub statuses: Vec<ReservationStatus>,
    /// Only this product's.
    pub product: Option<ProductId>,
    /// Only this order's.
    pub order: Option<OrderId>,
    /// Only at this location.
    pub location: Option<LocationCode>,
    /// Only those that expire before.
    pub expires_before: Option<Timestamp>,
    /// The last id of the page before.
    pub after: Option<ReservationId>,
    /// The most rows.
    pub limit: usize,
}

/// Which orders; by id.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Only in one of these states; empty for all.
    pub statuses: Vec<OrderStatus>,
    /// The last id of the page before.
    pub after: Option<OrderId>,
    /// The most rows.
    pub limit: usize,
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

/// An item as `verify` reads it.
#[derive(Clone, Copy, Debug)]
pub struct LedgerItem {
    /// Its number.
    pub number: u32,
    /// The product.
    pub product: ProductId,
    /// At this many available units or fewer it is low.
    pub reorder_level: Count,
}

/// What the books keep of an item's stock beside its levels, as `verify` reads it.
#[derive(Clone, Copy, Debug)]
pub struct LedgerStock {
    /// The item's number.
    pub item: u32,
    /// The sequence it says it has.
    pub sequence: u64,
    /// Whether it is among the low ones.
    pub is_low: bool,
}

/// A stock level as `verify` reads it.
#[derive(Clone, Copy, Debug)]
pub struct LedgerLevel {
    /// The item's number.
    pub item: u32,
    /// Where.
    pub location: LocationNumber,
    /// Units available.
    pub available: Count,
    /// Units reserved.
    pub reserved: Count,
}

/// A movement as `verify` reads it: the numbers only.
#[derive(Clone, Copy, Debug)]
pub struct LedgerLine {
    /// The item's number.
    pub item: u32,
    /// 1, 2, 3 … per item.
    pub sequence: u64,
    /// Where.
    pub location: LocationNumber,
    /// What kind of change.
    pub kind: StockMovementType,
    /// How many units, negative when an adjustment took units away.
    pub quantity: i64,
    /// Units available afterwards.
    pub available: Count,
    /// Units reserved afterwards.
    pub reserved: Count,
    /// The order and line of the reservation whose units moved.
    pub reservation: Option<(u64, u32)>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// Whether it says who asked.
    pub has_actor: bool,
}

/// Units of an item, as an order asks for them or holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerAsk {
    /// The item's number.
    pub item: u32,
    /// Where; `None` wherever there is some.
    pub location: Option<LocationNumber>,
    /// How many units.
    pub quantity: u32,
}

/// An order as `verify` reads it.
#[derive(Clone, Copy, Debug)]
pub struct LedgerOrder<'a> {
    /// The order.
    pub id: OrderId,
    /// What has become of it.
    pub status: OrderStatus,
    /// What it asked for when it was last reserved.
    pub asked: &'a [LedgerAsk],
}

/// A reservation as `verify` reads it.
#[derive(Clone, Copy, Debug)]
pub struct LedgerReservation {
    /// Its order's number.
    pub order: u64,
    /// Its place in the order.
    pub line: u32,
    /// The item's number.
    pub item: u32,
    /// Where.
    pub location: LocationNumber,
    /// How many units.
    pub quantity: u32,
    /// What has become of it.
    pub status: ReservationStatus,
    /// The movement that its last change wrote.
    pub sequence: u64,
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
    /// What such orders hold of these levels (`None`: at any location), the oldest order first, of up to `most` orders that
    /// hold some.
    fn due_holds(
        &self,
        levels: &[(ProductId, Option<LocationNumber>)],
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<DueHold>, ReadError>;
    /// Orders whose payment waited until before `now`, the longest waiting first.
    fn overdue_payments(&self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, ReadError>;

    /// Walks over all items by SKU.
    fn each_item(&self, visit: Visitor<'_, InventoryItem>) -> Result<(), ReadError>;
    /// Walks over all movements by product id and sequence.
    fn each_movement(&self, visit: Visitor<'_, StockMovement>) -> Result<(), ReadError>;
    /// Walks over all orders by id, without their reservations.
    fn each_order(&self, visit: Visitor<'_, Order>) -> Result<(), ReadError>;
    /// Walks over all reservations by order id.
    fn each_reservation(&self, visit: Visitor<'_, ReservationRow>) -> Result<(), ReadError>;

    /// Reads the whole ledger, or what concerns one product, at one moment: the stock to one reader, the promises to the
    /// other, perhaps at the same time.
    fn read_ledger(
        &self,
        product: Option<ProductId>,
        stock: &mut dyn StockReader,
        promises: &mut dyn PromiseReader,
    ) -> Result<(), ReadError>;

    /// Whether the store answers: the cheapest question there is.
    fn ping(&self) -> Result<(), ReadError>;
}

/// The stock of a ledger, handed over in this order.
pub trait StockReader: Send {
    /// A location.
    fn location(&mut self, number: LocationNumber, code: LocationCode);
    /// An item.
    fn item(&mut self, item: LedgerItem);
    /// What is kept of an item's stock beside its levels.
    fn stock(&mut self, stock: LedgerStock);
    /// A level as it is kept.
    fn level(&mut self, level: LedgerLevel);
    /// A movement; each item's come in order of sequence.
    fn movement(&mut self, line: &LedgerLine);
}

/// The promises of a ledger: each order, and behind it its reservations.
pub trait PromiseReader: Send {
    /// An order.
    fn order(&mut self, order: &LedgerOrder<'_>);
    /// A reservation of the order told last.
    fn reservation(&mut self, reservation: &LedgerReservation);
    /// A reservation whose order is not there.
    fn orphan(&mut self, reservation: &LedgerReservation);
}

/// What `availability` says about one product at one place: repeated lines are summed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityRow {
    /// The line, with repeated ones summed.
    pub line: AvailabilityLine,
    /// The item, if there is one.
    pub item: Option<InventoryItem>,
    /// Units the caller could have.
    pub available: Count,
}
