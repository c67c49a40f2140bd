//! The books themselves: one collection per table of a database.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_domain::book::{PaymentWait, ProductRef};
use holdfast_domain::event::Alert;
use holdfast_domain::{
    DeadLetterId, InventoryItem, Location, LocationNumber, Order, OrderId, OrderNumber, OrderStatus, ProductId, Sku,
    StockMovement, StockReservation, Timestamp,
};

use crate::dead_letters::DeadLetter;
use crate::events::{OutgoingEvent, PlaceInStream, Stream};
use crate::ports::LoggedAnswer;

/// What an answer is kept under: scope, key and position.
pub(super) type AnswerKey = (String, String, u32);

/// What an unsent event is kept under: its destination, its stream, when it was written, its place.
pub(super) type UnsentKey = (String, Stream, Timestamp, PlaceInStream);

/// An answer, and since when it is kept.
#[derive(Clone, Debug)]
pub(super) struct KeptSince {
    pub(super) logged: LoggedAnswer,
    pub(super) at: Timestamp,
}

/// Everything the store keeps.
#[derive(Debug)]
pub(super) struct Books {
    /// When the last committed batch was decided.
    pub(super) decided_at: Timestamp,
    pub(super) locations: Vec<Location>,
    pub(super) items: BTreeMap<ProductId, InventoryItem>,
    pub(super) skus: BTreeMap<Sku, ProductId>,
    pub(super) movements: BTreeMap<(ProductId, u64), StockMovement>,
    /// The lines that movements crossed, in their order.
    pub(super) alerts: BTreeMap<(ProductId, u64), Vec<Alert>>,
    /// Events that a destination was not told yet.
    pub(super) outbox: BTreeMap<UnsentKey, OutgoingEvent>,
    pub(super) letters: BTreeMap<DeadLetterId, DeadLetter>,
    pub(super) orders: BTreeMap<OrderId, Order>,
    pub(super) numbers: BTreeMap<OrderNumber, OrderId>,
    /// Reserved orders by their end, then their number: an index over `orders`.
    pub(super) ends: BTreeSet<(Timestamp, OrderNumber)>,
    pub(super) waiting: BTreeMap<OrderId, PaymentWait>,
    pub(super) answers: BTreeMap<AnswerKey, KeptSince>,
    /// When the order with the largest number got it.
    pub(super) ordered_at: Timestamp,
}

impl Books {
    /// Empty books with the location `main`.
    pub(super) fn new() -> Self {
        Self {
            decided_at: Timestamp::EPOCH,
            locations: vec![Location::main()],
            items: BTreeMap::new(),
            skus: BTreeMap::new(),
            movements: BTreeMap::new(),
            alerts: BTreeMap::new(),
            outbox: BTreeMap::new(),
            letters: BTreeMap::new(),
            orders: BTreeMap::new(),
            numbers: BTreeMap::new(),
            ends: BTreeSet::new(),
            waiting: BTreeMap::new(),
            answers: BTreeMap::new(),
            ordered_at: Timestamp::EPOCH,
        }
    }

    /// The items that are named, each once, by product id.
    pub(super) fn named_items(&self, products: &[ProductRef]) -> Vec<InventoryItem> {
        let ids: BTreeSet<ProductId> = products
            .iter()
            .filter_map(|product| match product {
                ProductRef::Id(id) => Some(*id),
                ProductRef::Sku(sku) => self.skus.get(sku).copied(),
            })
            .collect();
        ids.iter().filter_map(|id| self.items.get(id)).cloned().collect()
    }

    /// The order as it is told: its reservations bear the SKUs their products have now.
    pub(super) fn told(&self, order: &Order) -> Order {
        let mut order = order.clone();
        for reservation in &mut order.reservations {
            if let Some(item) = self.items.get(&reservation.product) {
                reservation.sku = item.sku.clone();
            }
        }
        order
    }

    /// Reserved orders whose time is over at `now`, by their end, then their number.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = &Order> {
        let ends = self.ends.iter().take_while(move |(expires_at, _)| *expires_at <= now);
        ends.filter_map(|(_, number)| self.orders.get(self.numbers.get(number)?))
    }

    /// Those of them that hold units of one of these levels.
    pub(super) fn due_holding(
        &self,
        levels: &[(ProductId, Option<LocationNumber>)],
        now: Timestamp,
    ) -> impl Iterator<Item = &Order> {
        self.due(now).filter(|order| order.live().any(|held| is_at(levels, held)))
    }

    /// Puts an order in its place and returns the one that stood there.
    pub(super) fn put_order(&mut self, order: Order) -> Option<Order> {
        let before = self.take_order(order.id);
        if let Some(end) = end_of(&order) {
            self.ends.insert(end);
        }
        self.numbers.insert(order.number, order.id);
        self.orders.insert(order.id, order);
        before
    }

    /// Takes an order out.
    pub(super) fn take_order(&mut self, id: OrderId) -> Option<Order> {
        let order = self.orders.remove(&id)?;
        self.numbers.remove(&order.number);
        if let Some(end) = end_of(&order) {
            self.ends.remove(&end);
        }
        Some(order)
    }
}

/// Whether these levels (`None`: at any location) have the units that `held` holds.
pub(super) fn is_at(levels: &[(ProductId, Option<LocationNumber>)], held: &StockReservation) -> bool {
    levels.iter().any(|(product, location)| {
        *product == held.product && location.is_none_or(|location| location == held.location)
    })
}

/// Where an order stands among the ends.
fn end_of(order: &Order) -> Option<(Timestamp, OrderNumber)> {
    let held = order.status == OrderStatus::Reserved;
    order.expires_at.filter(|_| held).map(|expires_at| (expires_at, order.number))
}
