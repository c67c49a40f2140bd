//! The whole ledger as a store hands it over for a proof: rows as numbers, and who hears of them.

use std::time::Duration;

use holdfast_domain::{
    Count, LocationCode, LocationNumber, Order, OrderId, OrderStatus, ProductId, ReservationStatus, StockMovementType,
    Timestamp,
};

use crate::dead_letters::LetterHead;
use crate::events::UnsentEvent;

/// A row that no store writes, or a part of the store that is not what it was made as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfitRow {
    /// The table it stands in.
    pub table: &'static str,
    /// Which one it is, by its key in words; empty for the table as a whole.
    pub row: String,
    /// What is wrong with it.
    pub words: String,
}

/// Whoever reads a ledger also hears of what cannot be read, and goes on with the rest.
pub trait UnfitReader: Send {
    /// A row that was left out.
    fn unfit(&mut self, row: UnfitRow);
}

/// Whoever reads a side of a ledger hears before all else what waits in the outbox of that side.
pub trait OutboxReader: UnfitReader {
    /// An event that waits for this destination; a destination's come one behind the other, in the order in which they
    /// were written.
    fn unsent(&mut self, destination: &str, unsent: &UnsentEvent);
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
    /// Its number.
    pub number: u64,
    /// When its present lines were first held.
    pub reserved_at: Option<Timestamp>,
    /// Until when they are held at least.
    pub expires_at: Option<Timestamp>,
    /// The time to live they were first held for.
    pub first_ttl: Option<Duration>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Whether it says why.
    pub has_reason: bool,
    /// How many of its outcomes were told.
    pub event_seq: u64,
}

impl LedgerOrder<'_> {
    /// The same, of an order as it is, when what it asked for is named by items' numbers.
    pub fn of<'a>(order: &Order, asked: &'a [LedgerAsk]) -> LedgerOrder<'a> {
        LedgerOrder {
            id: order.id,
            status: order.status,
            asked,
            number: order.number.0,
            reserved_at: order.reserved_at,
            expires_at: order.expires_at,
            first_ttl: order.first_ttl,
            ended_at: order.ended_at,
            has_reason: order.reason.is_some(),
            event_seq: order.event_seq,
        }
    }
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
    /// Whether it says until when its units were promised.
    pub has_expired_at: bool,
    /// Whether it says when it ended.
    pub has_ended_at: bool,
    /// Why it ended.
    pub reason: LedgerReason,
}

/// Why a reservation ended, as far as a proof asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerReason {
    /// It does not say.
    None,
    /// Its time was over.
    Expired,
    /// Something else.
    Other,
}

impl LedgerReason {
    /// What a reason says.
    pub fn of(reason: Option<&str>) -> Self {
        match reason {
            None => Self::None,
            Some("expired") => Self::Expired,
            Some(_) => Self::Other,
        }
    }
}

/// The stock of a ledger, handed over in this order.
pub trait StockReader: OutboxReader {
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
pub trait PromiseReader: OutboxReader {
    /// An order.
    fn order(&mut self, order: &LedgerOrder<'_>);
    /// A reservation of the order told last.
    fn reservation(&mut self, reservation: &LedgerReservation);
    /// A reservation whose order is not there.
    fn orphan(&mut self, reservation: &LedgerReservation);
    /// A payment that still waits for this order; told before all orders.
    fn waiting_payment(&mut self, order: OrderId);
    /// A dead letter; told before all orders.
    fn letter(&mut self, letter: &LetterHead);
}
