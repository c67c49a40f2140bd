//! The lines of the audit trail.

use std::fmt;

use crate::ids::{ItemNumber, LocationNumber, MovementId, OrderId, ProductId, ReservationId};
use crate::quantity::Count;
use crate::text::{Actor, Notes, Reason, Reference};
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What kind of change a movement is.
    StockMovementType {
        /// Units came in.
        StockIn = 1,
        /// Units went out.
        StockOut = 2,
        /// Units were set aside for an order.
        Reserved = 3,
        /// Units set aside came back.
        Released = 4,
        /// A count corrected the books.
        Adjustment = 5,
        /// Units were written off.
        Damaged = 6,
        /// Units came back from a customer.
        Returned = 7,
        /// Units set aside left the house.
        Confirmed = 8,
        /// Units came from another location.
        TransferIn = 9,
        /// Units went to another location.
        TransferOut = 10,
    }
}

/// What a movement refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MovementReference {
    /// Nothing.
    None,
    /// The order that owns the reservation.
    Order(OrderId),
    /// A document of the caller's.
    Document(Reference),
}

impl fmt::Display for MovementReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Order(order) => order.fmt(f),
            Self::Document(reference) => reference.fmt(f),
        }
    }
}

/// Who asked for a change, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Who asked.
    pub actor: Actor,
    /// The reservation whose units moved.
    pub reservation: Option<ReservationId>,
    /// The order or document behind it.
    pub reference: MovementReference,
    /// Why, as a code.
    pub reason: Option<Reason>,
    /// Why, in words.
    pub notes: Option<Notes>,
}

impl Cause {
    /// A change that `actor` asked for without more words.
    pub fn by(actor: Actor) -> Self {
        Self { actor, reservation: None, reference: MovementReference::None, reason: None, notes: None }
    }
}

/// A stock level's two numbers at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Units free to promise.
    pub available: Count,
    /// Units promised.
    pub reserved: Count,
}

impl Balance {
    /// All units in the house.
    pub fn on_hand(self) -> Count {
        [self.available, self.reserved].into_iter().sum()
    }
}

/// One immutable line of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockMovement {
    /// The product that moved.
    pub product: ProductId,
    /// Its item's number.
    pub item: ItemNumber,
    /// 1, 2, 3 … per product, over all its locations.
    pub sequence: u64,
    /// Where.
    pub location: LocationNumber,
    /// What kind of change.
    pub kind: StockMovementType,
    /// How many units; of an adjustment the size of the difference.
    pub quantity: Count,
    /// The level before.
    pub before: Balance,
    /// The level after.
    pub after: Balance,
    /// Who asked, and why.
    pub cause: Cause,
    /// When it was decided.
    pub created_at: Timestamp,
}

impl StockMovement {
    /// Its id, a calculation from time, item and sequence.
    pub fn id(&self) -> MovementId {
        MovementId::new(self.created_at, self.item, self.sequence)
    }
}

/// Whether `after` follows from `before` by a movement of `kind` over `quantity` units (PROTOCOL, section 2: the legal
/// deltas).
pub fn is_legal(kind: StockMovementType, quantity: Count, before: Balance, after: Balance) -> bool {
    use StockMovementType as Kind;
    let gains = |from: Count, to: Count| from.with(quantity) == Some(to);
    let same = |from: Count, to: Count| from == to;
    quantity > Count::ZERO
        && match kind {
            Kind::StockIn | Kind::Returned | Kind::TransferIn => {
                gains(before.available, after.available) && same(before.reserved, after.reserved)
            }
            Kind::StockOut | Kind::Damaged | Kind::TransferOut => {
                gains(after.available, before.available) && same(before.reserved, after.reserved)
            }
            Kind::Adjustment => {
                (gains(before.available, after.available) || gains(after.available, before.available))
                    && same(before.reserved, after.reserved)
            }
            Kind::Reserved => gains(after.available, before.available) && gains(before.reserved, after.reserved),
            Kind::Released => gains(before.available, after.available) && gains(after.reserved, before.reserved),
            Kind::Confirmed => same(before.available, after.available) && gains(after.reserved, before.reserved),
        }
}
