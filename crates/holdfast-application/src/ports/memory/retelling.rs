//! Movements as they are told, out of the books.

use std::collections::HashMap;

use holdfast_domain::location::Locations;
use holdfast_domain::movement::MovementReference;
use holdfast_domain::{ItemNumber, ProductId, ReservationId, StockMovement, StockReservation};

use super::books::Books;
use crate::events::stock::{ToldMovement, told};
use crate::queries::{LedgerPlace, ToldPlace};

/// Where a movement stands.
pub(super) fn place_of(movement: &StockMovement) -> LedgerPlace {
    LedgerPlace { created_at: movement.created_at, item: movement.item, sequence: movement.sequence }
}

/// What these movements are told as.
pub(super) fn events_at(books: &Books, movements: &[(ItemNumber, u64)]) -> Vec<ToldPlace> {
    let locations = Locations::new(books.locations.clone());
    let products: HashMap<ItemNumber, ProductId> =
        books.items.values().map(|item| (item.number, item.product)).collect();
    let found = movements.iter().filter_map(|(item, sequence)| {
        let product = *products.get(item)?;
        retold(books, books.movements.get(&(product, *sequence))?, &locations)
    });
    found.collect()
}

fn retold(books: &Books, movement: &StockMovement, locations: &Locations) -> Option<ToldPlace> {
    let item = books.items.get(&movement.product)?;
    let order = match &movement.cause.reference {
        MovementReference::Order(order) => books.orders.get(order),
        MovementReference::Document(_) | MovementReference::None => None,
    };
    let line = movement.cause.reservation.and_then(ReservationId::names).map(|(_, line)| line);
    let is_its = |held: &&StockReservation| Some(held.line) == line;
    let held = order.and_then(|order| order.reservations.iter().find(is_its));
    let fact = ToldMovement {
        movement,
        sku: &item.sku,
        status: held.map(|held| held.status),
        expires_at: held.and_then(|held| held.expired_at).or_else(|| order?.expires_at),
    };
    let alerts = books.alerts.get(&(movement.product, movement.sequence)).map(Vec::as_slice).unwrap_or_default();
    let events = told(&fact, &item.name, alerts, locations);
    Some(ToldPlace { place: place_of(movement), product: movement.product, events })
}
