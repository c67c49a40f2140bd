//! How orders are found by their ids, which each database indexes in its own way.

use holdfast_application::ports::StoreError;
use holdfast_domain::{Order, OrderId, OrderStatus};

/// An order as its row has it, without its reservations, and what it asked for as bytes.
pub(crate) type OrderRow = (Order, Vec<u8>);

/// Orders with ids in a stretch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderStretch<'a> {
    /// The first and the last id.
    pub(crate) ids: ([u8; 16], [u8; 16]),
    /// In one of these states; in any when there is none.
    pub(crate) statuses: &'a [OrderStatus],
    /// The most orders.
    pub(crate) limit: usize,
}

impl OrderStretch<'_> {
    /// The condition on the states, of `orders` as `o`: their codes are its values.
    pub(crate) fn in_statuses(&self) -> String {
        if self.statuses.is_empty() {
            return String::new();
        }
        format!(" AND o.status IN ({})", vec!["?"; self.statuses.len()].join(", "))
    }
}

/// Finds orders by their ids.
pub(crate) trait OrderIndex {
    /// The orders with these ids, in any order; a session that writes locks them until its transaction ends.
    fn find_orders(&mut self, ids: &[OrderId]) -> Result<Vec<OrderRow>, StoreError>;
    /// Says that these will be asked for next, where that saves a way.
    fn find_orders_along(&mut self, _ids: &[OrderId]) {}
    /// The first orders of a stretch, by id, without their reservations.
    fn list_orders(&mut self, stretch: OrderStretch<'_>) -> Result<Vec<Order>, StoreError>;
}
