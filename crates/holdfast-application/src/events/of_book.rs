//! From the pages of a batch to its events, in order of decision.

use holdfast_domain::movement::MovementReference;
use holdfast_domain::{Book, ReservationId, StockReservation};

use super::outgoing::OutgoingEvent;
use super::stock::{ToldMovement, names};
use super::{orders, stock};

/// Everything that a decided batch tells: each product's events and each order's in their order.
pub fn events_of(book: &Book) -> Vec<OutgoingEvent> {
    let mut events = Vec::with_capacity(book.movements.len());
    let mut alerts = book.alerts.iter().peekable();
    for movement in &book.movements {
        let Some(item) = book.item(movement.product) else { continue };
        let order = match &movement.cause.reference {
            MovementReference::Order(order) => book.order(*order),
            MovementReference::Document(_) | MovementReference::None => None,
        };
        let line = movement.cause.reservation.and_then(ReservationId::names).map(|(_, line)| line);
        let held = order.zip(line).and_then(|(order, line)| reservation(&order.reservations, line));
        let told = ToldMovement {
            movement,
            sku: &item.sku,
            status: held.map(|held| held.status),
            expires_at: held.and_then(|held| held.expired_at).or_else(|| order?.expires_at),
        };
        events.push(stock::moved(&told, &book.locations));
        let mut part = 0_u32;
        while let Some(alert) =
            alerts.next_if(|alert| (alert.product, alert.sequence) == (movement.product, movement.sequence))
        {
            part = part.saturating_add(1);
            events.push(stock::crossed(alert, part, movement.created_at, names(item)));
        }
    }
    let outcomes = book.outcomes.iter().flatten();
    events.extend(outcomes.flat_map(|outcome| orders::told(outcome, &book.locations)));
    events
}

/// The reservation with this number: they are numbered 1, 2, 3 … in their order.
fn reservation(reservations: &[StockReservation], line: u32) -> Option<&StockReservation> {
    let place = usize::try_from(line).ok()?.checked_sub(1)?;
    reservations.get(place).filter(|held| held.line == line)
}
