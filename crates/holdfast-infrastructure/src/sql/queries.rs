//! The reads of the application, in SQL.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use holdfast_application::dead_letters::{DeadLetter, LetterHead};
use holdfast_application::events::{Parcel, Stream, UnsentEvent};
use holdfast_application::ports::StoreError;
use holdfast_application::queries::{
    DueHold, Horizon, LedgerPlace, LetterFilter, MovementFilter, OrderFilter, OutboxDepth, OutboxStep, ProductFilter,
    PromiseReader, ReadError, ReservationFilter, ReservationRow, StockQueries, StockReader, ToldPlace, UnfitRow,
    Visitor, WaitingPayment,
};
use holdfast_domain::book::ProductRef;
use holdfast_domain::location::Locations;
use holdfast_domain::{
    DeadLetterId, InventoryItem, ItemNumber, LocationNumber, Order, OrderId, OrderStatus, ProductId, ReservationId,
    Sku, StockMovement, Timestamp,
};

use crate::sql::due_holders::SharedHolders;
use crate::sql::due_orders::Asker;
use crate::sql::session::SqlSession;
use crate::sql::{
    dead_letters, due_orders, item_queries, items, ledger, locations, movement_queries, order_queries, orders, outbox,
    retelling, waiting_payments,
};

/// How long one read may take; walks over everything may take longer.
pub(crate) const READ_MAX: Duration = Duration::from_secs(5);

/// Sessions that only read; each question sees one moment.
pub(crate) trait Readers: Send + Sync {
    /// What they and the only writer, if it is in this process, remember of due orders.
    fn due(&self) -> Option<&SharedHolders>;
    /// Asks one question, which is cut off when it takes too long.
    fn ask<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError>;
    /// Walks over much, however long it takes.
    fn walk<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError>;
    /// Asks a question of the sweep's or of health's, which does not wait for the others.
    fn keep_up<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError>;
    /// Asks two questions at one moment, side by side where that can be had.
    fn walk_together(
        &self,
        one: impl FnMut(&mut dyn SqlSession) -> Result<(), StoreError>,
        other: impl FnMut(&mut dyn SqlSession) -> Result<(), StoreError> + Send,
    ) -> Result<(), ReadError>;
}

/// The reads of the application on sessions of one kind.
#[derive(Debug)]
pub(crate) struct SqlQueries<R>(pub(crate) R);

impl<R: Readers> StockQueries for SqlQueries<R> {
    fn locations(&self) -> Result<Locations, ReadError> {
        self.0.ask(|session| locations::load(session).map(Locations::new))
    }

    fn items(&self, products: &[ProductRef]) -> Result<Vec<InventoryItem>, ReadError> {
        self.0.ask(|session| items::load(session, products, None))
    }

    fn find_items(&self, filter: &ProductFilter) -> Result<Vec<InventoryItem>, ReadError> {
        self.0.ask(|session| item_queries::find(session, filter))
    }

    fn low_stock(&self, after: Option<&Sku>, limit: usize) -> Result<Vec<InventoryItem>, ReadError> {
        self.0.ask(|session| item_queries::low_stock(session, after, limit))
    }

    fn movements(&self, filter: &MovementFilter) -> Result<Vec<StockMovement>, ReadError> {
        self.0.ask(|session| movement_queries::find(session, filter))
    }

    fn order(&self, id: OrderId) -> Result<Option<Order>, ReadError> {
        self.0.ask(|session| orders::load_one(session, id))
    }

    fn find_orders(&self, filter: &OrderFilter) -> Result<Vec<Order>, ReadError> {
        self.0.ask(|session| order_queries::find(session, filter))
    }

    fn reservation(&self, id: ReservationId) -> Result<Option<ReservationRow>, ReadError> {
        self.0.ask(|session| order_queries::reservation(session, id))
    }

    fn find_reservations(&self, filter: &ReservationFilter) -> Result<Vec<ReservationRow>, ReadError> {
        self.0.ask(|session| order_queries::find_reservations(session, filter))
    }

    fn due_orders(&self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, ReadError> {
        self.0.keep_up(|session| due_orders::find(session, now, most))
    }

    fn due_step(&self, now: Timestamp, most: usize, reservations_max: usize) -> Result<Vec<OrderId>, ReadError> {
        self.0.keep_up(|session| due_orders::find_step(session, now, most, reservations_max))
    }

    fn due_holds(
        &self,
        levels: &[(ProductId, Option<LocationNumber>)],
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<DueHold>, ReadError> {
        let Some(shared) = self.0.due() else {
            return self.0.ask(|session| due_orders::holds(session, levels, now, most));
        };
        let until = Instant::now().checked_add(READ_MAX);
        loop {
            let found = self
                .0
                .ask(|session| due_orders::holds_as_remembered(session, shared, Asker::Reader, levels, now, most))?;
            if let Some(holds) = found {
                return Ok(holds);
            }
            if until.is_none_or(|until| Instant::now() >= until) {
                return Err(ReadError::TooSlow(READ_MAX));
            }
        }
    }

    fn waiting_payments(
        &self,
        after: Option<WaitingPayment>,
        most: usize,
    ) -> Result<Vec<(WaitingPayment, Option<OrderStatus>)>, ReadError> {
        self.0.keep_up(|session| waiting_payments::page(session, after, most))
    }

    fn overdue_payments(&self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, ReadError> {
        self.0.keep_up(|session| waiting_payments::overdue(session, now, most))
    }

    fn unsent(
        &self,
        destination: &str,
        stream: Stream,
        step: OutboxStep,
        told: &HashSet<Parcel>,
    ) -> Result<Vec<UnsentEvent>, ReadError> {
        self.0.keep_up(|session| outbox::unsent(session, destination, stream, step, told))
    }

    fn outbox_depth(&self, destinations: &[&str], most: usize) -> Result<OutboxDepth, ReadError> {
        self.0.keep_up(|session| outbox::depth(session, destinations, most))
    }

    fn find_letters(&self, filter: &LetterFilter) -> Result<Vec<LetterHead>, ReadError> {
        self.0.ask(|session| dead_letters::find(session, filter))
    }

    fn letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, ReadError> {
        self.0.ask(|session| dead_letters::load_one(session, id))
    }

    fn open_letters(&self, most: usize) -> Result<usize, ReadError> {
        self.0.keep_up(|session| dead_letters::open(session, most))
    }

    fn horizon(&self) -> Result<Horizon, ReadError> {
        self.0.ask(retelling::horizon)
    }

    fn places_between(&self, after: LedgerPlace, until: Timestamp, most: usize) -> Result<Vec<LedgerPlace>, ReadError> {
        self.0.ask(|session| retelling::places(session, after, until, most))
    }

    fn events_at(&self, movements: &[(ItemNumber, u64)]) -> Result<Vec<ToldPlace>, ReadError> {
        self.0.ask(|session| retelling::events_at(session, movements))
    }

    fn each_item(&self, visit: Visitor<'_, InventoryItem>) -> Result<(), ReadError> {
        self.0.walk(|session| item_queries::each(session, visit))
    }

    fn each_movement(&self, visit: Visitor<'_, StockMovement>) -> Result<(), ReadError> {
        self.0.walk(|session| movement_queries::each(session, visit))
    }

    fn each_order(&self, visit: Visitor<'_, Order>) -> Result<(), ReadError> {
        self.0.walk(|session| order_queries::each(session, visit))
    }

    fn each_reservation(&self, visit: Visitor<'_, ReservationRow>) -> Result<(), ReadError> {
        self.0.walk(|session| order_queries::each_reservation(session, visit))
    }

    fn read_ledger(
        &self,
        product: Option<ProductId>,
        stock: &mut dyn StockReader,
        promises: &mut dyn PromiseReader,
    ) -> Result<(), ReadError> {
        self.0.walk_together(
            |session| ledger::read_stock(session, product, stock),
            |session| ledger::read_promises(session, product, promises),
        )
    }

    fn damage(&self) -> Result<Vec<UnfitRow>, ReadError> {
        self.0.walk(|session| session.damage())
    }

    fn ping(&self) -> Result<(), ReadError> {
        self.0.keep_up(|session| {
            session.query("SELECT 1 FROM locations LIMIT 1", &[], &mut |_| Ok(ControlFlow::Break(())))
        })
    }
}
