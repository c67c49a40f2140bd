//! Reads: a few connections beside the writer, each question at one moment.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use holdfast_application::ports::StoreError;
use holdfast_application::queries::{
    DueHold, MovementFilter, OrderFilter, ProductFilter, PromiseReader, ReadError, ReservationFilter, ReservationRow,
    StockQueries, StockReader, Visitor,
};
use holdfast_domain::book::ProductRef;
use holdfast_domain::location::Locations;
use holdfast_domain::{
    InventoryItem, LocationNumber, Order, OrderId, ProductId, ReservationId, Sku, StockMovement, Timestamp,
};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::sql::due_holders::SharedHolders;
use crate::sql::due_orders::Asker;
use crate::sql::session::SqlSession;
use crate::sql::{
    due_orders, item_queries, items, ledger, locations, movement_queries, order_queries, orders, waiting_payments,
};
use crate::sqlite::open::steady_plans;
use crate::sqlite::order_runs::OrderRuns;
use crate::sqlite::session::{SqliteSession, fault};
use crate::sqlite::{schema, together};

/// How long one read may take; walks over everything may take longer.
const READ_MAX: Duration = Duration::from_secs(5);
/// How many steps of SQLite's machine lie between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;
/// Page cache of one reader, in KiB; negative as SQLite wants it.
const CACHE_KIB: i32 = -8_192;

struct Reader {
    session: SqliteSession,
    /// Milliseconds after the pool's start at which the read at hand is cut off; 0 for never.
    cut_off: Arc<AtomicU64>,
}

/// Reads of an embedded store.
pub struct SqliteQueries {
    idle: Mutex<Vec<Reader>>,
    freed: Condvar,
    /// How many connections there are for everybody.
    readers: usize,
    /// The connection of the sweep and of health: slow lists never keep them waiting.
    upkeep: Mutex<Reader>,
    /// What the writer of this process and its readers remember of due orders.
    due: Option<SharedHolders>,
    started: Instant,
}

impl std::fmt::Debug for SqliteQueries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteQueries").finish_non_exhaustive()
    }
}

impl SqliteQueries {
    pub(crate) fn open(file: &Path, readers: usize, runs: &Arc<RwLock<OrderRuns>>) -> rusqlite::Result<Self> {
        let started = Instant::now();
        let readers = readers.max(1);
        let idle = (0..readers).map(|_| connect(file, runs, started)).collect::<Result<Vec<_>, _>>()?;
        let upkeep = Mutex::new(connect(file, runs, started)?);
        Ok(Self { idle: Mutex::new(idle), freed: Condvar::new(), readers, upkeep, due: None, started })
    }

    /// The same, beside the writer of this process.
    pub(crate) fn beside_writer(self) -> Self {
        Self { due: Some(SharedHolders::default()), ..self }
    }

    /// What the writer shares with these readers.
    pub(crate) fn due(&self) -> SharedHolders {
        self.due.clone().unwrap_or_default()
    }

    /// Does something while nobody reads, if that comes about within `most`; meanwhile new reads wait. Says whether it was done.
    pub(crate) fn while_idle(&self, most: Duration, work: impl FnOnce()) -> bool {
        let until = Instant::now().checked_add(most);
        let _upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held: Vec<Reader> = Vec::new();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            held.append(&mut idle);
            let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
            if held.len() >= self.readers || left.is_zero() {
                break;
            }
            (idle, _) = self.freed.wait_timeout(idle, left).unwrap_or_else(PoisonError::into_inner);
        }
        let alone = held.len() >= self.readers;
        if alone {
            work();
        }
        idle.append(&mut held);
        drop(idle);
        self.freed.notify_all();
        alone
    }

    /// Asks one question at one moment, cut off after [`READ_MAX`].
    fn ask<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError> {
        self.read(Some(READ_MAX), question)
    }

    /// Walks over much at one moment.
    fn walk<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError> {
        self.read(None, question)
    }

    fn read<T>(
        &self,
        most: Option<Duration>,
        question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>,
    ) -> Result<T, ReadError> {
        answer(self.lend()?.reader(), self.started, most, question)
    }

    /// A reader for a while, as soon as one is free.
    fn lend(&self) -> Result<Lent<'_>, ReadError> {
        let until = Instant::now().checked_add(READ_MAX);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(reader) = idle.pop() {
                return Ok(Lent { queries: self, reader: Some(reader) });
            }
            let left = until.map_or(READ_MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(ReadError::TooSlow(READ_MAX));
            }
            (idle, _) = self.freed.wait_timeout(idle, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A reader for a while, if one is free now.
    fn lend_another(&self) -> Option<Lent<'_>> {
        let reader = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        Some(Lent { queries: self, reader: Some(reader) })
    }

    /// Asks a question of the sweep's or of health's.
    fn keep_up<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError> {
        let mut reader = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        answer(&mut reader, self.started, Some(READ_MAX), question)
    }
}

/// A reader that goes back to the others, whatever happens to the question.
struct Lent<'a> {
    queries: &'a SqliteQueries,
    reader: Option<Reader>,
}

impl Lent<'_> {
    fn reader(&mut self) -> &mut Reader {
        self.reader.as_mut().expect("it is lent until it is dropped")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.queries.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.reader.take());
        self.queries.freed.notify_one();
    }
}

/// Asks one question at one moment, cut off after `most`.
fn answer<T>(
    reader: &mut Reader,
    started: Instant,
    most: Option<Duration>,
    question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>,
) -> Result<T, ReadError> {
    let cut_off = most.map_or(0, |most| millis(started.elapsed().saturating_add(most)));
    reader.cut_off.store(cut_off, Ordering::Relaxed);
    let session = &mut reader.session;
    if !session.connection().is_autocommit() {
        // The question before ended in a panic.
        let _ = session.execute("ROLLBACK", &[]);
    }
    let answer = session.execute("BEGIN", &[]).and_then(|_| question(session));
    reader.cut_off.store(0, Ordering::Relaxed);
    let ended = session.execute("ROLLBACK", &[]);
    let was_cut_off = cut_off > 0 && millis(started.elapsed()) >= cut_off;
    match answer {
        Err(StoreError::Unavailable(_)) if was_cut_off => Err(ReadError::TooSlow(most.unwrap_or(READ_MAX))),
        Err(error) => Err(ReadError::Unavailable(Box::new(error))),
        Ok(answer) => ended.map(|_| answer).map_err(|error| ReadError::Unavailable(Box::new(error))),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn connect(file: &Path, runs: &Arc<RwLock<OrderRuns>>, started: Instant) -> rusqlite::Result<Reader> {
    let mut connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    steady_plans(&connection)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA trusted_schema = OFF; PRAGMA temp_store = FILE",
    )?;
    let cut_off = Arc::new(AtomicU64::new(0));
    let until = cut_off.clone();
    connection.progress_handler(
        STEPS_BETWEEN_LOOKS,
        Some(move || {
            let until = until.load(Ordering::Relaxed);
            until > 0 && millis(started.elapsed()) >= until
        }),
    )?;
    Ok(Reader { session: SqliteSession::new(connection, runs.clone()), cut_off })
}

/// Reads the stock of a ledger, once its schema is what it must be.
fn read_stock(
    session: &mut SqliteSession,
    product: Option<ProductId>,
    reader: &mut dyn StockReader,
) -> Result<(), StoreError> {
    schema::differences(session.connection()).map_err(fault)?.into_iter().for_each(|part| reader.unfit(part));
    ledger::read_stock(session, product, reader)
}

impl StockQueries for SqliteQueries {
    fn locations(&self) -> Result<Locations, ReadError> {
        self.ask(|session| locations::load(session).map(Locations::new))
    }

    fn items(&self, products: &[ProductRef]) -> Result<Vec<InventoryItem>, ReadError> {
        self.ask(|session| {
            let mut found = Vec::with_capacity(products.len());
            for product in products {
                found.extend(items::load_one(session, product)?);
            }
            found.sort_unstable_by_key(|item: &InventoryItem| item.product);
            found.dedup_by_key(|item| item.product);
            Ok(found)
        })
    }

    fn find_items(&self, filter: &ProductFilter) -> Result<Vec<InventoryItem>, ReadError> {
        self.ask(|session| item_queries::find(session, filter))
    }

    fn low_stock(&self, after: Option<&Sku>, limit: usize) -> Result<Vec<InventoryItem>, ReadError> {
        self.ask(|session| item_queries::low_stock(session, after, limit))
    }

    fn movements(&self, filter: &MovementFilter) -> Result<Vec<StockMovement>, ReadError> {
        self.ask(|session| movement_queries::find(session, filter))
    }

    fn order(&self, id: OrderId) -> Result<Option<Order>, ReadError> {
        self.ask(|session| orders::load_one(session, id))
    }

    fn find_orders(&self, filter: &OrderFilter) -> Result<Vec<Order>, ReadError> {
        self.ask(|session| order_queries::find(session, filter))
    }

    fn reservation(&self, id: ReservationId) -> Result<Option<ReservationRow>, ReadError> {
        self.ask(|session| order_queries::reservation(session, id))
    }

    fn find_reservations(&self, filter: &ReservationFilter) -> Result<Vec<ReservationRow>, ReadError> {
        self.ask(|session| order_queries::find_reservations(session, filter))
    }

    fn due_orders(&self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, ReadError> {
        self.keep_up(|session| due_orders::find(session, now, most))
    }

    fn due_holds(
        &self,
        levels: &[(ProductId, Option<LocationNumber>)],
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<DueHold>, ReadError> {
        let Some(shared) = &self.due else {
            return self.ask(|session| due_orders::holds(session, levels, now, most));
        };
        let until = Instant::now().checked_add(READ_MAX);
        loop {
            let found =
                self.ask(|session| due_orders::holds_as_remembered(session, shared, Asker::Reader, levels, now, most))?;
            if let Some(holds) = found {
                return Ok(holds);
            }
            if until.is_none_or(|until| Instant::now() >= until) {
                return Err(ReadError::TooSlow(READ_MAX));
            }
        }
    }

    fn overdue_payments(&self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, ReadError> {
        self.keep_up(|session| waiting_payments::overdue(session, now, most))
    }

    fn each_item(&self, visit: Visitor<'_, InventoryItem>) -> Result<(), ReadError> {
        self.walk(|session| item_queries::each(session, visit))
    }

    fn each_movement(&self, visit: Visitor<'_, StockMovement>) -> Result<(), ReadError> {
        self.walk(|session| movement_queries::each(session, visit))
    }

    fn each_order(&self, visit: Visitor<'_, Order>) -> Result<(), ReadError> {
        self.walk(|session| order_queries::each(session, visit))
    }

    fn each_reservation(&self, visit: Visitor<'_, ReservationRow>) -> Result<(), ReadError> {
        self.walk(|session| order_queries::each_reservation(session, visit))
    }

    fn read_ledger(
        &self,
        product: Option<ProductId>,
        stock: &mut dyn StockReader,
        promises: &mut dyn PromiseReader,
    ) -> Result<(), ReadError> {
        let mut one = self.lend()?;
        if let Some(mut other) = self.lend_another() {
            let (one, other) = (&mut one.reader().session, &mut other.reader().session);
            let both = together::at_one_moment(
                (one, |session: &mut SqliteSession| read_stock(session, product, &mut *stock)),
                (other, |session: &mut SqliteSession| ledger::read_promises(session, product, &mut *promises)),
            );
            if let Some(read) = both {
                return read.map_err(|error| ReadError::Unavailable(Box::new(error)));
            }
        }
        let both = together::by_one(&mut one.reader().session, |session| {
            read_stock(session, product, stock)?;
            ledger::read_promises(session, product, promises)
        });
        both.map_err(|error| ReadError::Unavailable(Box::new(error)))
    }

    fn ping(&self) -> Result<(), ReadError> {
        self.keep_up(|session| session.query("SELECT batch FROM books", &[], &mut |_| Ok(ControlFlow::Break(()))))
    }
}
