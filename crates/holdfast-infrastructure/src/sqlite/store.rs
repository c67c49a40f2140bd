//! The writer: the only connection that changes the file.

use std::fs::File;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use holdfast_application::ports::{CommitError, Store, StoreError, StoreTransaction};
use holdfast_application::{Clock, failpoint};
use holdfast_domain::book::{Numbering, ProductRef};
use holdfast_domain::{InventoryItem, ItemNumber, Location, LocationNumber, Order, OrderNumber, Timestamp};

use crate::sql::codec;
use crate::sql::due_holders::SharedHolders;
use crate::sql::queries::{Readers as _, SqlQueries};
use crate::sql::session::{SqlSession, Value};
use crate::sql::transaction::{SqlTransaction, TransactionHost};
use crate::sqlite::beacon::Beacon;
use crate::sqlite::cache::ItemCache;
use crate::sqlite::no_room::is_no_room;
use crate::sqlite::order_runs::OrderRuns;
use crate::sqlite::readers::SqliteReaders;
use crate::sqlite::session::{SqliteSession, fault};

/// How long the writer waits for a foreign lock on the file.
pub(crate) const BUSY_MAX: Duration = Duration::from_secs(2);
/// The log may grow to so many times its usual size before readers have to wait.
const LOG_FACTOR_MAX: i64 = 4;
/// How long the writer waits for readers to finish, and new ones for the writer.
const READERS_WAIT_MAX: Duration = Duration::from_millis(300);

/// The writer of an embedded store.
pub struct SqliteStore {
    session: SqliteSession,
    queries: Arc<SqlQueries<SqliteReaders>>,
    runs: Arc<RwLock<OrderRuns>>,
    cache: ItemCache,
    locations: Option<Vec<Location>>,
    numbering: Option<Numbering>,
    due: SharedHolders,
    clock: Arc<dyn Clock>,
    tip: Tip,
    log: Log,
    held: Held,
    /// Whether the outcome of a commit is not known: the file is not touched any more.
    is_lost: bool,
}

/// The last batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tip {
    /// Its number: 1, 2, 3 …
    pub(crate) batch: u64,
    /// When it was decided.
    pub(crate) decided_at: Timestamp,
}

/// The write-ahead log.
#[derive(Debug)]
pub(crate) struct Log {
    /// How many pages it has.
    pub(crate) pages: Arc<AtomicI64>,
    /// At how many it is carried over into the file.
    pub(crate) checkpoint_at: i64,
}

/// Files that are held as long as the store is open.
#[derive(Debug)]
pub(crate) struct Held {
    /// Keeps a second writer away.
    pub(crate) _lock: File,
    /// Tells which batch was acknowledged last.
    pub(crate) beacon: Beacon,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("tip", &self.tip).field("held", &self.held).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// The session, for whoever fills a new store.
    pub(crate) const fn session(&mut self) -> &mut SqliteSession {
        &mut self.session
    }

    pub(crate) fn new(
        session: SqliteSession,
        queries: Arc<SqlQueries<SqliteReaders>>,
        runs: Arc<RwLock<OrderRuns>>,
        clock: Arc<dyn Clock>,
        tip: Tip,
        log: Log,
        held: Held,
    ) -> Self {
        let cache = ItemCache::default();
        let (locations, numbering, due) = (None, None, queries.0.due().cloned().unwrap_or_default());
        Self { session, queries, runs, cache, locations, numbering, due, clock, tip, log, held, is_lost: false }
    }

    /// Touches the file no more: what it holds is not known.
    pub(crate) const fn lose(&mut self) {
        self.is_lost = true;
    }

    /// When the last batch was decided: a clock must not start before.
    pub fn decided_at(&self) -> Timestamp {
        self.tip.decided_at
    }

    /// Carries the log over into the file. Readers that overlap for ever would let the log grow for ever, so from
    /// [`LOG_FACTOR_MAX`] times its usual size on they wait for a moment.
    fn checkpoint(&mut self) -> rusqlite::Result<()> {
        let pages = self.log.pages.swap(0, Ordering::Relaxed);
        let connection = self.session.connection();
        let carry = |how: &str| connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()));
        if pages < self.log.checkpoint_at.saturating_mul(LOG_FACTOR_MAX) {
            return carry("PASSIVE");
        }
        let mut carried = Ok(());
        // Whoever reads in another process is not waited for.
        connection.busy_timeout(Duration::ZERO)?;
        let alone = self.queries.0.while_idle(READERS_WAIT_MAX, || carried = carry("RESTART"));
        connection.busy_timeout(BUSY_MAX)?;
        if !alone {
            tracing::warn!(pages, "the log grows: a long read keeps it from being carried over");
            metrics::counter!("holdfast_log_starved_total").increment(1);
        }
        carried
    }
}

/// Whether a sync has failed: what the disk holds is not known then, and no sync is tried again (PROTOCOL, section
/// 4.1).
fn is_failed_sync(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_FSYNC)
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<Box<dyn StoreTransaction + '_>, StoreError> {
        self.session.execute("BEGIN IMMEDIATE", &[])?;
        Ok(Box::new(SqlTransaction::new(Writing { store: self, now: None })))
    }

    fn rest(&mut self) -> Result<(), CommitError> {
        if self.log.pages.load(Ordering::Relaxed) < self.log.checkpoint_at {
            return Ok(());
        }
        self.checkpoint().map_err(|error| {
            if is_failed_sync(&error) {
                self.is_lost = true;
                return CommitError::Unknown(Box::new(error));
            }
            fault(error).into()
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if self.is_lost {
            return;
        }
        // Not needed for safety: the log is read at the next start. It makes that start short.
        let connection = self.session.connection();
        let _ = connection.busy_timeout(Duration::ZERO); // somebody who reads need not be waited for
        let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }
}

/// An open transaction of the writer.
struct Writing<'a> {
    store: &'a mut SqliteStore,
    now: Option<Timestamp>,
}

impl Writing<'_> {
    /// Notes in the file that the batch is over, and when it was decided.
    fn end_batch(&mut self) -> Result<(), StoreError> {
        let time = self.now()?;
        let sql = "UPDATE books SET batch = batch + 1, decided_at = ? WHERE id = 1";
        self.store.session.execute(sql, &[Value::time(time)]).map(|_| ())
    }
}

/// The numbers behind the highest ones in the file.
fn numbering_behind_what_is_there(session: &mut SqliteSession) -> Result<Numbering, StoreError> {
    let mut numbers = [0_i64; 4];
    let sql = "SELECT COALESCE((SELECT MAX(number) FROM items), 0), COALESCE((SELECT MAX(number) FROM locations), 0), \
               COALESCE((SELECT MAX(number) FROM orders), 0), \
               COALESCE((SELECT numbered_at FROM orders ORDER BY number DESC LIMIT 1), 0)";
    session.query(sql, &[], &mut |row| {
        for (at, number) in numbers.iter_mut().enumerate() {
            *number = row.int(at)?;
        }
        Ok(ControlFlow::Break(()))
    })?;
    let [item, location, order, ordered_at] = numbers;
    Ok(Numbering {
        item: ItemNumber(codec::number(item.saturating_add(1))?),
        location: LocationNumber(codec::number(location.saturating_add(1))?),
        order: OrderNumber(codec::number(order.saturating_add(1))?),
        ordered_at: codec::time(ordered_at),
    })
}

impl TransactionHost for Writing<'_> {
    fn session(&mut self) -> &mut dyn SqlSession {
        &mut self.store.session
    }

    /// Read once a batch, and always later than the batch before.
    fn now(&mut self) -> Result<Timestamp, StoreError> {
        let earliest = Timestamp::from_micros(self.store.tip.decided_at.micros().saturating_add(1));
        let clock = &self.store.clock;
        Ok(*self.now.get_or_insert_with(|| clock.now().max(earliest)))
    }

    fn known_item(&self, product: &ProductRef) -> Option<InventoryItem> {
        self.store.cache.find(product).cloned()
    }

    fn learn_item(&mut self, item: &InventoryItem, is_saved: bool) {
        if is_saved { self.store.cache.will_be(item) } else { self.store.cache.keep(item.clone()) }
    }

    fn known_locations(&mut self) -> Result<Option<Vec<Location>>, StoreError> {
        Ok(self.store.locations.clone())
    }

    fn learn_locations(&mut self, locations: Option<&[Location]>) {
        self.store.locations = locations.map(<[Location]>::to_vec);
    }

    /// Nobody else makes anything, so what is highest is known after the first look.
    fn numbering(&mut self, _most: usize) -> Result<Numbering, StoreError> {
        match self.store.numbering {
            Some(known) => Ok(known),
            None => numbering_behind_what_is_there(&mut self.store.session),
        }
    }

    fn learn_numbering(&mut self, numbering: Option<Numbering>) {
        self.store.numbering = numbering;
    }

    fn due(&self) -> Option<SharedHolders> {
        Some(self.store.due.clone())
    }

    fn learn_order(&mut self, order: &Order) {
        let mut runs = self.store.runs.write().unwrap_or_else(PoisonError::into_inner);
        runs.add(order.number.0, order.id);
    }

    fn commit(&mut self) -> Result<(), CommitError> {
        if let Err(error) = self.end_batch() {
            self.rollback();
            return Err(error.into());
        }
        failpoint::reach("before_commit");
        let connection = self.store.session.connection();
        let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        match committed {
            Ok(_) => {
                self.store.cache.committed();
                self.store.due.lock().settled();
                let store = &mut *self.store;
                store.tip.decided_at = self.now.unwrap_or(store.tip.decided_at);
                store.tip.batch = store.tip.batch.saturating_add(1);
                if let Err(error) = store.held.beacon.light(store.tip.batch) {
                    tracing::warn!(%error, "the beacon could not be written");
                }
                Ok(())
            }
            // The frame that makes a commit is the last one written and is not there (PROTOCOL, section 3.3).
            Err(full) if is_no_room(&full) => {
                self.rollback();
                Err(CommitError::NotApplied(StoreError::Unavailable(Box::new(full))))
            }
            Err(error) => {
                self.store.is_lost = true;
                Err(CommitError::Unknown(Box::new(error)))
            }
        }
    }

    fn rollback(&mut self) {
        self.store.cache.rolled_back();
        self.store.locations = None;
        self.store.numbering = None;
        if let Err(error) = self.store.session.execute("ROLLBACK", &[])
            && !self.store.session.connection().is_autocommit()
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
        self.store.due.lock().settled();
    }
}
