//! Reads of the books: each sees one moment, and says by scanning what a database finds by an index.

use std::collections::HashSet;
use std::ops::ControlFlow;

use holdfast_domain::allocation::Part;
use holdfast_domain::book::{PaymentWait, ProductRef};
use holdfast_domain::ids::LocationNumber;
use holdfast_domain::location::Locations;
use holdfast_domain::movement::MovementReference;
use holdfast_domain::{
    DeadLetterId, InventoryItem, ItemNumber, LocationCode, Order, OrderId, OrderStatus, ProductId, ReservationId, Sku,
    StockMovement, StockReservation, Timestamp,
};

use super::books::{Books, is_at};
use super::{MemoryQueries, ledger, retelling};
use crate::dead_letters::{DeadLetter, LetterHead, LetterStatus};
use crate::events::{Parcel, Stream, UnsentEvent};
use crate::queries::{
    DueHold, Horizon, LedgerPlace, LetterFilter, MovementFilter, OrderFilter, OutboxDepth, OutboxStep, ProductFilter,
    ProductSort, PromiseReader, ReadError, ReservationFilter, ReservationRow, StockQueries, StockReader, ToldPlace,
    UnfitRow, Visitor, WaitingPayment,
};

impl StockQueries for MemoryQueries {
    fn locations(&self) -> Result<Locations, ReadError> {
        Ok(Locations::new(self.shared.books().locations.clone()))
    }

    fn items(&self, products: &[ProductRef]) -> Result<Vec<InventoryItem>, ReadError> {
        Ok(self.shared.books().named_items(products))
    }

    fn find_items(&self, filter: &ProductFilter) -> Result<Vec<InventoryItem>, ReadError> {
        let books = self.shared.books();
        let mut found: Vec<(SortKey, &InventoryItem)> = books
            .items
            .values()
            .filter(|item| is_wanted(item, filter))
            .map(|item| (SortKey::of(item, filter.sort), item))
            .filter(|(key, _)| filter.after.as_ref().is_none_or(|after| key.is_behind(after, filter)))
            .collect();
        found.sort_by(|(a, _), (b, _)| if filter.descending { b.cmp(a) } else { a.cmp(b) });
        Ok(found.into_iter().take(filter.limit).map(|(_, item)| item.clone()).collect())
    }

    fn low_stock(&self, after: Option<&Sku>, limit: usize) -> Result<Vec<InventoryItem>, ReadError> {
        let books = self.shared.books();
        let behind = books.skus.iter().filter(|(sku, _)| after.is_none_or(|after| *sku > after));
        let low = behind.filter_map(|(_, product)| books.items.get(product)).filter(|item| item.is_low());
        Ok(low.take(limit).cloned().collect())
    }

    fn movements(&self, filter: &MovementFilter) -> Result<Vec<StockMovement>, ReadError> {
        let books = self.shared.books();
        let order = filter.reference.as_deref().and_then(OrderId::parse);
        let location = filter.location.as_ref().map(|code| number_of(&books, code));
        let mut found: Vec<&StockMovement> = books
            .movements
            .values()
            .filter(|movement| filter.product.is_none_or(|product| movement.product == product))
            .filter(|movement| filter.kinds.is_empty() || filter.kinds.contains(&movement.kind))
            .filter(|movement| filter.from.is_none_or(|from| movement.created_at >= from))
            .filter(|movement| filter.to.is_none_or(|to| movement.created_at < to))
            .filter(|movement| filter.reference.as_ref().is_none_or(|text| refers_to(movement, text, order)))
            .filter(|movement| filter.reason.as_ref().is_none_or(|is| movement.cause.reason.as_ref() == Some(is)))
            .filter(|movement| filter.actor.as_ref().is_none_or(|actor| movement.cause.actor == *actor))
            .filter(|movement| location.is_none_or(|number| number == Some(movement.location)))
            .filter(|movement| is_behind(movement, filter))
            .collect();
        match filter.product {
            Some(_) => found.sort_by_key(|movement| movement.sequence),
            None => found.sort_by_key(|movement| (movement.created_at, movement.id())),
        }
        if !filter.ascending {
            found.reverse();
        }
        Ok(found.into_iter().take(filter.limit).cloned().collect())
    }

    fn order(&self, id: OrderId) -> Result<Option<Order>, ReadError> {
        let books = self.shared.books();
        Ok(books.orders.get(&id).map(|order| books.told(order)))
    }

    fn find_orders(&self, filter: &OrderFilter) -> Result<Vec<Order>, ReadError> {
        let books = self.shared.books();
        let behind = books.orders.values().filter(|order| filter.after.is_none_or(|after| order.id > after));
        let wanted = behind.filter(|order| filter.statuses.is_empty() || filter.statuses.contains(&order.status));
        Ok(wanted.take(filter.limit).map(without_reservations).collect())
    }

    fn reservation(&self, id: ReservationId) -> Result<Option<ReservationRow>, ReadError> {
        let books = self.shared.books();
        let order = id.names().and_then(|(number, _)| books.orders.get(books.numbers.get(&number)?));
        Ok(order.and_then(|order| rows_of(&books, order).into_iter().find(|row| row.id == id)))
    }

    fn find_reservations(&self, filter: &ReservationFilter) -> Result<Vec<ReservationRow>, ReadError> {
        let books = self.shared.books();
        let location = filter.location.as_ref().map(|code| number_of(&books, code));
        let mut found: Vec<ReservationRow> = books
            .orders
            .values()
            .filter(|order| filter.order.is_none_or(|id| order.id == id))
            .flat_map(|order| rows_of(&books, order))
            .filter(|row| filter.after.is_none_or(|after| row.id > after))
            .filter(|row| filter.statuses.is_empty() || filter.statuses.contains(&row.reservation.status))
            .filter(|row| filter.product.is_none_or(|product| row.reservation.product == product))
            .filter(|row| location.is_none_or(|number| number == Some(row.reservation.location)))
            .filter(|row| {
                filter.expires_before.is_none_or(|before| row.expires_at.is_some_and(|expires_at| expires_at < before))
            })
            .collect();
        found.sort_by_key(|row| row.id);
        found.truncate(filter.limit);
        Ok(found)
    }

    fn due_orders(&self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, ReadError> {
        Ok(self.shared.books().due(now).take(most).map(|order| order.id).collect())
    }

    fn due_step(&self, now: Timestamp, most: usize, reservations_max: usize) -> Result<Vec<OrderId>, ReadError> {
        let books = self.shared.books();
        let mut reservations = 0_usize;
        let fits = |order: &&Order| {
            let is_first = reservations == 0;
            reservations = reservations.saturating_add(order.reservations.len());
            is_first || reservations <= reservations_max
        };
        Ok(books.due(now).take(most).take_while(fits).map(|order| order.id).collect())
    }

    fn due_holds(
        &self,
        levels: &[(ProductId, Option<LocationNumber>)],
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<DueHold>, ReadError> {
        let books = self.shared.books();
        let holds = |order: &Order| -> Vec<DueHold> {
            let part = |held: &StockReservation| Part { location: held.location, quantity: held.quantity };
            let held = order.live().filter(|held| is_at(levels, held));
            held.map(|held| DueHold { order: order.id, product: held.product, part: part(held) }).collect()
        };
        Ok(books.due_holding(levels, now).take(most).flat_map(holds).collect())
    }

    fn waiting_payments(
        &self,
        after: Option<WaitingPayment>,
        most: usize,
    ) -> Result<Vec<(WaitingPayment, Option<OrderStatus>)>, ReadError> {
        let books = self.shared.books();
        let waits = books.waiting.iter().filter_map(|(order, wait)| match wait {
            PaymentWait::Until(until) => Some(WaitingPayment { until: *until, order: *order }),
            PaymentWait::GivenUp(_) => None,
        });
        let mut waiting: Vec<_> = waits.filter(|payment| after.is_none_or(|after| *payment > after)).collect();
        waiting.sort_unstable();
        waiting.truncate(most);
        let with_order =
            |payment: WaitingPayment| (payment, books.orders.get(&payment.order).map(|order| order.status));
        Ok(waiting.into_iter().map(with_order).collect())
    }

    fn overdue_payments(&self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, ReadError> {
        let books = self.shared.books();
        let waits = books.waiting.iter().filter_map(|(id, wait)| match wait {
            PaymentWait::Until(until) if *until < now => Some((*until, *id)),
            PaymentWait::Until(_) | PaymentWait::GivenUp(_) => None,
        });
        let mut overdue: Vec<_> = waits.collect();
        overdue.sort_unstable();
        Ok(overdue.into_iter().take(most).map(|(_, id)| id).collect())
    }

    fn unsent(
        &self,
        destination: &str,
        stream: Stream,
        step: OutboxStep,
        told: &HashSet<Parcel>,
    ) -> Result<Vec<UnsentEvent>, ReadError> {
        let books = self.shared.books();
        let waiting = books.outbox.iter().filter(|((of, kind, ..), _)| of == destination && *kind == stream);
        let (mut unsent, mut bytes) = (Vec::new(), 0_usize);
        for ((_, _, written_at, _), event) in waiting {
            let row = UnsentEvent::alone(event.clone(), *written_at);
            if told.contains(&row.parcel) {
                continue;
            }
            if !step.fits(unsent.len(), bytes, event.data.len()) {
                break;
            }
            bytes = bytes.saturating_add(event.data.len());
            unsent.push(row);
        }
        Ok(unsent)
    }

    fn outbox_depth(&self, destinations: &[&str], most: usize) -> Result<OutboxDepth, ReadError> {
        let books = self.shared.books();
        let theirs = books.outbox.iter().filter(|((of, ..), _)| destinations.contains(&of.as_str()));
        let written: Vec<Timestamp> = theirs.map(|((_, _, written_at, _), _)| *written_at).collect();
        Ok(OutboxDepth { events: written.len().min(most), oldest: written.into_iter().min() })
    }

    fn find_letters(&self, filter: &LetterFilter) -> Result<Vec<LetterHead>, ReadError> {
        let books = self.shared.books();
        let heads = books.letters.values().rev().map(|letter| &letter.head);
        let is_wanted = |head: &&LetterHead| {
            (filter.statuses.is_empty() || filter.statuses.contains(&head.status))
                && filter
                    .topic
                    .as_ref()
                    .is_none_or(|topic| head.from.place.as_ref().is_some_and(|place| place.topic == *topic))
                && filter.code.as_ref().is_none_or(|code| head.from.code == *code)
                && filter.after.is_none_or(|after| head.id < after)
        };
        Ok(heads.filter(is_wanted).take(filter.limit).cloned().collect())
    }

    fn letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, ReadError> {
        Ok(self.shared.books().letters.get(&id).cloned())
    }

    fn open_letters(&self, most: usize) -> Result<usize, ReadError> {
        let books = self.shared.books();
        Ok(books.letters.values().filter(|letter| letter.head.status == LetterStatus::Open).take(most).count())
    }

    fn horizon(&self) -> Result<Horizon, ReadError> {
        let now = self.shared.books().decided_at;
        Ok(Horizon { settled: now, clock: now, now })
    }

    fn places_between(&self, after: LedgerPlace, until: Timestamp, most: usize) -> Result<Vec<LedgerPlace>, ReadError> {
        let books = self.shared.books();
        let mut places: Vec<LedgerPlace> = books.movements.values().map(retelling::place_of).collect();
        places.retain(|place| *place > after && place.created_at <= until);
        places.sort_unstable();
        places.truncate(most);
        Ok(places)
    }

    fn events_at(&self, movements: &[(ItemNumber, u64)]) -> Result<Vec<ToldPlace>, ReadError> {
        Ok(retelling::events_at(&self.shared.books(), movements))
    }

    fn each_item(&self, visit: Visitor<'_, InventoryItem>) -> Result<(), ReadError> {
        let books = self.shared.books();
        let items: Vec<InventoryItem> =
            books.skus.values().filter_map(|product| books.items.get(product)).cloned().collect();
        drop(books);
        walk(items, visit);
        Ok(())
    }

    fn each_movement(&self, visit: Visitor<'_, StockMovement>) -> Result<(), ReadError> {
        let movements: Vec<StockMovement> = self.shared.books().movements.values().cloned().collect();
        walk(movements, visit);
        Ok(())
    }

    fn each_order(&self, visit: Visitor<'_, Order>) -> Result<(), ReadError> {
        let orders: Vec<Order> = self.shared.books().orders.values().map(without_reservations).collect();
        walk(orders, visit);
        Ok(())
    }

    fn each_reservation(&self, visit: Visitor<'_, ReservationRow>) -> Result<(), ReadError> {
        let rows: Vec<ReservationRow> = {
            let books = self.shared.books();
            books.orders.values().flat_map(|order| rows_of(&books, order)).collect()
        };
        walk(rows, visit);
        Ok(())
    }

    fn damage(&self) -> Result<Vec<UnfitRow>, ReadError> {
        Ok(Vec::new())
    }

    fn read_ledger(
        &self,
        product: Option<ProductId>,
        stock: &mut dyn StockReader,
        promises: &mut dyn PromiseReader,
    ) -> Result<(), ReadError> {
        let books = self.shared.books();
        let is_asked = |of: ProductId| product.is_none_or(|product| product == of);
        ledger::tell_stock(&books, &is_asked, stock);
        if product.is_none() {
            ledger::tell_beside_orders(&books, promises);
        }
        for order in books.orders.values() {
            ledger::tell_promises(&books, order, &is_asked, product.is_some(), promises);
        }
        Ok(())
    }

    fn ping(&self) -> Result<(), ReadError> {
        drop(self.shared.books());
        Ok(())
    }
}

fn is_wanted(item: &InventoryItem, filter: &ProductFilter) -> bool {
    let is_out = item.available().get() == 0;
    filter.low.is_none_or(|low| item.is_low() == low)
        && filter.out.is_none_or(|out| is_out == out)
        && filter.search.as_deref().is_none_or(|piece| matches_search(item, piece))
}

fn matches_search(item: &InventoryItem, piece: &str) -> bool {
    let folded = piece.to_ascii_lowercase();
    ProductId::parse(piece) == Some(item.product)
        || item.sku.as_str().to_ascii_lowercase().contains(&folded)
        || item.name.as_str().to_ascii_lowercase().contains(&folded)
}

/// Where an item stands in a list.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct SortKey {
    number: i64,
    text: String,
    sku: String,
}

impl SortKey {
    fn of(item: &InventoryItem, sort: ProductSort) -> Self {
        let key = crate::queries::ProductCursor::of(item, sort);
        Self::read(&key, sort)
    }

    fn read(cursor: &crate::queries::ProductCursor, sort: ProductSort) -> Self {
        let (number, text) = match sort {
            ProductSort::Sku => (0, String::new()),
            ProductSort::Name => (0, cursor.key.clone()),
            ProductSort::Available | ProductSort::UpdatedAt => (cursor.key.parse().unwrap_or(0), String::new()),
        };
        Self { number, text, sku: cursor.sku.clone() }
    }

    fn is_behind(&self, after: &crate::queries::ProductCursor, filter: &ProductFilter) -> bool {
        let after = Self::read(after, filter.sort);
        if filter.descending { *self < after } else { *self > after }
    }
}

fn refers_to(movement: &StockMovement, text: &str, order: Option<OrderId>) -> bool {
    match &movement.cause.reference {
        MovementReference::None => false,
        MovementReference::Order(id) => Some(*id) == order,
        MovementReference::Document(document) => document.as_str() == text,
    }
}

fn is_behind(movement: &StockMovement, filter: &MovementFilter) -> bool {
    let Some(after) = filter.after else { return true };
    let order = match filter.product {
        Some(_) => movement.sequence.cmp(&after.id.names().map_or(0, |(_, sequence)| sequence)),
        None => (movement.created_at, movement.id()).cmp(&(after.created_at, after.id)),
    };
    if filter.ascending { order.is_gt() } else { order.is_lt() }
}

fn number_of(books: &Books, code: &LocationCode) -> Option<LocationNumber> {
    books.locations.iter().find(|location| location.code == *code).map(|location| location.number)
}

fn without_reservations(order: &Order) -> Order {
    Order { reservations: Vec::new(), ..order.clone() }
}

fn walk<T>(rows: Vec<T>, visit: Visitor<'_, T>) {
    for row in rows {
        if visit(row) == ControlFlow::Break(()) {
            break;
        }
    }
}

/// An order's reservations as they are told.
fn rows_of(books: &Books, order: &Order) -> Vec<ReservationRow> {
    ReservationRow::of(&books.told(order)).collect()
}
