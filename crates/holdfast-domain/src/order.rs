//! The owner of reservations: its lines are reserved, ended and expire together.

use std::time::Duration;

use crate::ids::{LocationNumber, OrderId, OrderNumber, ProductId, ReservationId};
use crate::quantity::Quantity;
use crate::reservation::StockReservation;
use crate::text::Reason;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What has become of an order.
    OrderStatus {
        /// Its lines are held.
        Reserved = 1,
        /// Its last attempt was refused.
        Refused = 2,
        /// Its units left the house.
        Confirmed = 3,
        /// Its units went back.
        Released = 4,
        /// Its time was over and its units went back.
        Expired = 5,
        /// It ended before it was ever seen.
        Closed = 6,
    }
}

words! {
    /// The upstream events about an order.
    OrderEventKind {
        /// The order was made.
        OrderCreated = 1,
        /// The order was paid.
        PaymentCompleted = 2,
        /// The payment failed.
        PaymentFailed = 4,
        /// The order was cancelled.
        OrderCancelled = 8,
    }
}

/// What one order asks for of one product, summed: at one location, or wherever there is some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskedLine {
    /// The product.
    pub product: ProductId,
    /// The location it named.
    pub location: Option<LocationNumber>,
    /// How many units.
    pub quantity: Quantity,
}

/// The most lines an order has.
pub const LINES_MAX: usize = 5_000;

/// An order may be held this many times its first time to live, counted from `reservedAt`.
pub const EXTENSIONS_MAX: u32 = 4;

/// The owner of reservations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The order, as its owner names it.
    pub id: OrderId,
    /// Its short number.
    pub number: OrderNumber,
    /// When it got its number, never before the number before: the time in its reservations' ids.
    pub numbered_at: Timestamp,
    /// What has become of it.
    pub status: OrderStatus,
    /// Why it was refused, or ended.
    pub reason: Option<Reason>,
    /// When its present lines were first held.
    pub reserved_at: Option<Timestamp>,
    /// Until when they are held at least; `None` for good, or when nothing ever was.
    pub expires_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The time to live its lines were first held for; `None` for good.
    pub first_ttl: Option<Duration>,
    /// Rises with every change of the order and guards it.
    pub order_seq: u64,
    /// Rises with every change of the order that is told to the world: see [`crate::outcome`].
    pub event_seq: u64,
    /// The upstream events that were decided for this order by its own id, as a sum of [`OrderEventKind::code`]; and of
    /// those that were refused, 16 times the same.
    pub events_seen: u8,
    /// What it asked for when it was last reserved, in order.
    pub asked: Vec<AskedLine>,
    /// All reservations it ever had, oldest first.
    pub reservations: Vec<StockReservation>,
}

impl Order {
    /// An order that was not seen before.
    pub fn new(id: OrderId, number: OrderNumber, numbered_at: Timestamp, status: OrderStatus) -> Self {
        Self {
            id,
            number,
            numbered_at,
            status,
            reason: None,
            reserved_at: None,
            expires_at: None,
            ended_at: None,
            first_ttl: None,
            order_seq: 1,
            event_seq: 0,
            events_seen: 0,
            asked: Vec::new(),
            reservations: Vec::new(),
        }
    }

    /// The id of its reservation number `line`.
    pub fn reservation_id(&self, line: u32) -> ReservationId {
        ReservationId::new(self.numbered_at, self.number, line)
    }

    /// The reservations that hold units.
    pub fn live(&self) -> impl Iterator<Item = &StockReservation> {
        self.reservations.iter().filter(|reservation| reservation.is_live())
    }

    /// Whether its units are held and its time is over.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.status == OrderStatus::Reserved && self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// The latest time it can be held until.
    pub fn latest_expiry(&self) -> Option<Timestamp> {
        let most = self.first_ttl?.checked_mul(EXTENSIONS_MAX)?;
        Some(self.reserved_at?.after(most))
    }

    /// Whether an upstream event of this kind was decided before.
    pub fn has_seen(&self, kind: OrderEventKind) -> bool {
        self.events_seen & kind.code() != 0
    }

    /// Whether it was refused then.
    pub fn has_refused(&self, kind: OrderEventKind) -> bool {
        self.events_seen & refused(kind) != 0
    }

    /// Notes that an upstream event of this kind was decided, and whether it was refused. The first decision stands.
    pub(crate) fn see(&mut self, kind: OrderEventKind, is_refused: bool) {
        self.events_seen |= kind.code() | if is_refused { refused(kind) } else { 0 };
    }
}

/// What [`Order::events_seen`] has in it of a kind that was refused.
const fn refused(kind: OrderEventKind) -> u8 {
    kind.code() << 4
}
