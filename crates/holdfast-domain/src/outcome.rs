//! What the world is told about whole orders: reserved, refused, and how each ended (CONTRACT, section 7).

use crate::ids::{LocationNumber, OrderId, ProductId, ReservationId};
use crate::order::OrderStatus;
use crate::quantity::Quantity;
use crate::refusal::ShortLine;
use crate::text::{Reason, Sku};
use crate::time::Timestamp;

/// What became of an order by one decision. The decisions of an order that are published are numbered 1, 2, 3 …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderOutcome {
    /// The order.
    pub order: OrderId,
    /// 1, 2, 3 … per order.
    pub event_seq: u64,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What became of it.
    pub fate: OrderFate,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderFate {
    /// Its lines are held, or are no longer.
    Is(OrderState),
    /// An attempt was refused, or money was taken for goods that are not held.
    Failed(OrderFailure),
}

/// An order's lines and what they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// `Reserved`, or how the order ended.
    pub status: OrderStatus,
    /// Why it ended.
    pub reason: Option<Reason>,
    /// When its lines were first held.
    pub reserved_at: Option<Timestamp>,
    /// Until when they are held at least; `None` for good.
    pub expires_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The reservations that are held, or that this decision ended.
    pub lines: Vec<OutcomeLine>,
}

/// One reservation of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeLine {
    /// The reservation.
    pub reservation: ReservationId,
    /// The product.
    pub product: ProductId,
    /// The product's SKU.
    pub sku: Sku,
    /// Where the units are.
    pub location: LocationNumber,
    /// How many.
    pub quantity: Quantity,
    /// The product's movement that the last change of this reservation wrote.
    pub sequence: u64,
}

/// Why an order does not hold what was asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFailure {
    /// The stable code of the rule.
    pub code: &'static str,
    /// A sentence about it.
    pub detail: String,
    /// The lines that were bad or short, if any were.
    pub lines: Vec<ShortLine>,
    /// Whether money was taken for it.
    pub is_paid: bool,
}
