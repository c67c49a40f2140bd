//! The rules say no: one variant per reason, with the numbers.

use std::fmt;

use crate::ids::ProductId;
use crate::order::OrderStatus;
use crate::quantity::Count;
use crate::text::{LocationCode, Sku};
use crate::time::Timestamp;

/// A line of an order, or a change of stock, that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortLine {
    /// The product, when it is known by id.
    pub product: Option<ProductId>,
    /// The product's SKU, when it is known by that.
    pub sku: Option<Sku>,
    /// The location the line named.
    pub location: Option<LocationCode>,
    /// Units asked for.
    pub requested: Count,
    /// Units available to this order; 0 when product or location is unknown.
    pub available: Count,
}

impl ShortLine {
    /// How many units are missing.
    pub fn short_by(&self) -> Count {
        self.requested.without(self.available).unwrap_or(Count::ZERO)
    }
}

/// Why the rules refused a command. Nothing was changed, but for an order's state `Refused`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such product. Of an order: every bad or short line.
    ProductNotFound(Vec<ShortLine>),
    /// No such location. Of an order: every bad or short line.
    LocationNotFound(Vec<ShortLine>),
    /// No such order.
    OrderNotFound,
    /// The product is there already.
    ProductExists,
    /// Another product has the SKU.
    SkuTaken,
    /// The location is there already.
    LocationExists,
    /// Too few units are available: every short line.
    InsufficientStock(Vec<ShortLine>),
    /// Fewer units were counted than are promised.
    BelowReserved {
        /// Units promised.
        reserved: Count,
        /// Units counted.
        counted: Count,
    },
    /// The books show another number than the caller expected.
    CountMismatch {
        /// Units on hand by the books.
        on_hand: Count,
        /// Units the caller expected.
        expected: Count,
    },
    /// The order holds other lines.
    OrderAlreadyReserved(OrderStatus),
    /// The order was released, or closed before it was seen.
    OrderAlreadyClosed(OrderStatus),
    /// The order's state does not allow it.
    OrderStateConflict(OrderStatus),
    /// The order's time is over.
    ReservationExpired,
    /// The order cannot be held that long.
    ExtensionLimit {
        /// The latest time it can be held until.
        latest: Timestamp,
    },
    /// The caller's copy of the item is stale.
    VersionMismatch {
        /// The item's version.
        current: u64,
    },
    /// No such dead letter.
    DeadLetterNotFound,
    /// A number is beyond the limits once everything is added up.
    OutOfRange {
        /// JSON pointer of the field.
        pointer: &'static str,
        /// A sentence about the limit.
        detail: &'static str,
    },
}

impl Refusal {
    /// The stable code of CONTRACT, section 10.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ProductNotFound(_) => "product_not_found",
            Self::LocationNotFound(_) => "location_not_found",
            Self::OrderNotFound => "order_not_found",
            Self::ProductExists => "product_exists",
            Self::SkuTaken => "sku_taken",
            Self::LocationExists => "location_exists",
            Self::InsufficientStock(_) => "insufficient_stock",
            Self::BelowReserved { .. } => "below_reserved",
            Self::CountMismatch { .. } => "count_mismatch",
            Self::OrderAlreadyReserved(_) => "order_already_reserved",
            Self::OrderAlreadyClosed(_) => "order_already_closed",
            Self::OrderStateConflict(_) => "order_state_conflict",
            Self::ReservationExpired => "reservation_expired",
            Self::ExtensionLimit { .. } => "extension_limit",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::DeadLetterNotFound => "not_found",
            Self::OutOfRange { .. } => "validation_failed",
        }
    }

    /// The lines it names.
    pub fn lines(&self) -> &[ShortLine] {
        match self {
            Self::ProductNotFound(lines) | Self::LocationNotFound(lines) | Self::InsufficientStock(lines) => lines,
            _ => &[],
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProductNotFound(_) => f.write_str("there is no such product"),
            Self::LocationNotFound(_) => f.write_str("there is no such location"),
            Self::OrderNotFound => f.write_str("there is no such order"),
            Self::ProductExists => f.write_str("the product exists already"),
            Self::SkuTaken => f.write_str("another product has this sku"),
            Self::LocationExists => f.write_str("the location exists already"),
            Self::InsufficientStock(lines) => {
                for (at, line) in lines.iter().take(3).enumerate() {
                    let comma = if at == 0 { "" } else { "; " };
                    let name = line.sku.as_ref().map_or("", Sku::as_str);
                    let short_by = line.short_by();
                    let (asked, available) = (line.requested, line.available);
                    write!(f, "{comma}{name} is short by {short_by}: asked {asked}, available {available}")?;
                }
                if lines.len() > 3 {
                    write!(f, "; and {} lines more", lines.len().saturating_sub(3))?;
                }
                Ok(())
            }
            Self::BelowReserved { reserved, counted } => {
                write!(f, "{counted} were counted, but {reserved} are reserved")
            }
            Self::CountMismatch { on_hand, expected } => {
                write!(f, "on hand is {on_hand}, you expected {expected}")
            }
            Self::OrderAlreadyReserved(status) => {
                write!(f, "the order is {status} with other lines")
            }
            Self::OrderAlreadyClosed(status) => write!(f, "the order is {status} for good"),
            Self::OrderStateConflict(status) => write!(f, "the order is {status}"),
            Self::ReservationExpired => f.write_str("the reservation has expired"),
            Self::ExtensionLimit { latest } => write!(f, "the order can be held until {latest} at most"),
            Self::VersionMismatch { current } => write!(f, "the item has changed: its version is {current}"),
            Self::DeadLetterNotFound => f.write_str("there is no such dead letter"),
            Self::OutOfRange { detail, .. } => f.write_str(detail),
        }
    }
}
