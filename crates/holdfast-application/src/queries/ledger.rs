//! The whole ledger as a store hands it over for a proof: rows as numbers, and who hears of them.

use holdfast_domain::{
    Count, LocationCode, LocationNumber, OrderId, OrderStatus, ProductId, ReservationStatus, StockMovementType,
    Timestamp,
};

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
