//! Units of one product at one location, promised to one order.

use crate::ids::{ItemNumber, LocationNumber, ProductId};
use crate::quantity::Quantity;
use crate::text::{Reason, Sku};
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What has become of a reservation.
    ReservationStatus {
        /// The units are held.
        Reserved = 1,
        /// The units left the house.
        Confirmed = 2,
        /// The units went back.
        Released = 3,
        /// The time was over and the units went back.
        Expired = 4,
    }
}

/// Units of one product at one location, promised to one order until its time is over.
///
/// Its id is made from the order's number and [`Self::line`]; its `expiresAt` is the order's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockReservation {
    /// 1, 2, 3 … among all reservations its order ever had.
    pub line: u32,
    /// The product.
    pub product: ProductId,
    /// The product's SKU.
    pub sku: Sku,
    /// The product's item.
    pub item: ItemNumber,
    /// Where the units are.
    pub location: LocationNumber,
    /// How many.
    pub quantity: Quantity,
    /// What has become of it.
    pub status: ReservationStatus,
    /// The product's movement that the last change of this reservation wrote.
    pub sequence: u64,
    /// When the units were set aside.
    pub reserved_at: Timestamp,
    /// Until when they were promised, of one that has ended; a live one shares its order's.
    pub expired_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it ended.
    pub reason: Option<Reason>,
}

impl StockReservation {
    /// Whether the units are held.
    pub fn is_live(&self) -> bool {
        self.status == ReservationStatus::Reserved
    }
}
