//! The ledger as a proof reads it.

use holdfast_domain::book::PaymentWait;
use holdfast_domain::movement::Balance;
use holdfast_domain::{
    AskedLine, InventoryItem, Order, ProductId, Reason, ReservationId, StockMovement, StockMovementType,
};

use super::books::Books;
use crate::events::{Stream, UnsentEvent};
use crate::queries::{
    LedgerAsk, LedgerItem, LedgerLevel, LedgerLine, LedgerOrder, LedgerReason, LedgerReservation, LedgerStock,
    OutboxReader, PromiseReader, StockReader,
};

/// Hands over what waits to be told in a stream.
fn tell_unsent<R: OutboxReader + ?Sized>(
    books: &Books,
    stream: Stream,
    is_asked: &dyn Fn(ProductId) -> bool,
    reader: &mut R,
) {
    for ((destination, _, written_at, place), event) in books.outbox.iter().filter(|((_, of, ..), _)| *of == stream) {
        if stream != Stream::Stock || is_asked(ProductId::from_bytes(place.key)) {
            reader.unsent(destination, &UnsentEvent::alone(event.clone(), *written_at));
        }
    }
}

/// Hands over what stands beside orders: payments that wait for theirs, dead letters, and what waits to be told of
/// both.
pub(super) fn tell_beside_orders(books: &Books, reader: &mut dyn PromiseReader) {
    tell_unsent(books, Stream::Orders, &|_| true, reader);
    tell_unsent(books, Stream::DeadLetters, &|_| true, reader);
    books.letters.values().for_each(|letter| reader.letter(&letter.head));
    let waiting = books.waiting.iter().filter(|(_, wait)| matches!(wait, PaymentWait::Until(_)));
    waiting.for_each(|(order, _)| reader.waiting_payment(*order));
}

/// Hands over what concerns stock.
pub(super) fn tell_stock(books: &Books, is_asked: &dyn Fn(ProductId) -> bool, reader: &mut dyn StockReader) {
    tell_unsent(books, Stream::Stock, is_asked, reader);
    for location in &books.locations {
        reader.location(location.number, location.code.clone());
    }
    let items: Vec<&InventoryItem> = books.items.values().filter(|item| is_asked(item.product)).collect();
    for item in &items {
        let (number, product) = (item.number.0, item.product);
        reader.item(LedgerItem { number, product, reorder_level: item.reorder_level });
    }
    for item in &items {
        reader.stock(LedgerStock { item: item.number.0, sequence: item.sequence, is_low: item.is_low() });
    }
    for item in &items {
        for level in item.levels() {
            let Balance { available, reserved } = level.balance;
            reader.level(LedgerLevel { item: item.number.0, location: level.location, available, reserved });
        }
    }
    for movement in books.movements.values().filter(|movement| is_asked(movement.product)) {
        reader.movement(&ledger_line(movement));
    }
}

/// Hands over an order, if it holds or held some of what is asked for.
pub(super) fn tell_promises(
    books: &Books,
    order: &Order,
    is_asked: &dyn Fn(ProductId) -> bool,
    only_concerned: bool,
    reader: &mut dyn PromiseReader,
) {
    let held: Vec<_> = order.reservations.iter().filter(|held| is_asked(held.product)).collect();
    if only_concerned && held.is_empty() {
        return;
    }
    let number_of = |product: ProductId| books.items.get(&product).map_or(0, |item| item.number.0);
    let ask = |line: &AskedLine| LedgerAsk {
        item: number_of(line.product),
        location: line.location,
        quantity: line.quantity.get(),
    };
    let asked: Vec<LedgerAsk> = order.asked.iter().map(ask).collect();
    reader.order(&LedgerOrder::of(order, &asked));
    for held in held {
        reader.reservation(&LedgerReservation {
            order: order.number.0,
            line: held.line,
            item: held.item.0,
            location: held.location,
            quantity: held.quantity.get(),
            status: held.status,
            sequence: held.sequence,
            has_expired_at: held.expired_at.is_some(),
            has_ended_at: held.ended_at.is_some(),
            reason: LedgerReason::of(held.reason.as_ref().map(Reason::as_str)),
        });
    }
}

fn ledger_line(movement: &StockMovement) -> LedgerLine {
    let size = i64::try_from(movement.quantity.get()).unwrap_or(i64::MAX);
    let took_away =
        movement.kind == StockMovementType::Adjustment && movement.after.available < movement.before.available;
    LedgerLine {
        item: movement.item.0,
        sequence: movement.sequence,
        location: movement.location,
        kind: movement.kind,
        quantity: if took_away { size.saturating_neg() } else { size },
        available: movement.after.available,
        reserved: movement.after.reserved,
        reservation: movement.cause.reservation.and_then(ReservationId::names).map(|(order, line)| (order.0, line)),
        created_at: movement.created_at,
        has_actor: !movement.cause.actor.as_str().is_empty(),
    }
}
