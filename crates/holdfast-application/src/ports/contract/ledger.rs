//! Everything a store keeps, row by row: two stores that went through the same must keep the same.

use std::ops::ControlFlow;

use holdfast_domain::location::Locations;
use holdfast_domain::{InventoryItem, Order, StockMovement};

use crate::queries::{ReservationRow, StockQueries};

/// Everything a store keeps that a history leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// All locations.
    pub locations: Locations,
    /// All items with their levels, by SKU.
    pub items: Vec<InventoryItem>,
    /// All movements, by product and sequence.
    pub movements: Vec<StockMovement>,
    /// All orders without their reservations, by id.
    pub orders: Vec<Order>,
    /// All reservations, by order.
    pub reservations: Vec<ReservationRow>,
}

impl Ledger {
    /// Reads everything.
    pub fn of(queries: &dyn StockQueries) -> Self {
        let (mut items, mut movements) = (Vec::new(), Vec::new());
        let (mut orders, mut reservations) = (Vec::new(), Vec::new());
        queries.each_item(&mut |row| push(&mut items, row)).expect("reads");
        queries.each_movement(&mut |row| push(&mut movements, row)).expect("reads");
        queries.each_order(&mut |row| push(&mut orders, listed(row))).expect("reads");
        queries.each_reservation(&mut |row| push(&mut reservations, row)).expect("reads");
        Self { locations: queries.locations().expect("reads"), items, movements, orders, reservations }
    }
}

/// An order as lists tell it: what it asked for need not be read for that.
pub(super) fn listed(order: Order) -> Order {
    Order { asked: Vec::new(), reservations: Vec::new(), ..order }
}

fn push<T>(rows: &mut Vec<T>, row: T) -> ControlFlow<()> {
    rows.push(row);
    ControlFlow::Continue(())
}

/// Two stores must keep the same, row by row.
pub fn same_ledger(one: &dyn StockQueries, other: &dyn StockQueries) {
    let (one, other) = (Ledger::of(one), Ledger::of(other));
    same_rows("location", &one.locations.iter().collect::<Vec<_>>(), &other.locations.iter().collect::<Vec<_>>());
    same_rows("item", &one.items, &other.items);
    same_rows("movement", &one.movements, &other.movements);
    same_rows("order", &one.orders, &other.orders);
    same_rows("reservation", &one.reservations, &other.reservations);
}

fn same_rows<T: PartialEq + std::fmt::Debug>(what: &str, one: &[T], other: &[T]) {
    for (at, (left, right)) in one.iter().zip(other).enumerate() {
        assert_eq!(left, right, "{what} {at} of {}", one.len());
    }
    assert_eq!(one.len(), other.len(), "there are as many rows of kind {what}");
}
