//! A writer of the shared store: one lane's connection.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_application::ports::{Collision, CommitError, Store, StoreError, StoreTransaction};
use holdfast_application::{Clock, failpoint};
use holdfast_domain::book::{Numbering, ProductRef};
use holdfast_domain::{InventoryItem, Location, LocationNumber, OrderId, Timestamp};

use crate::mysql::connect::Purpose;
use crate::mysql::numbered_items::NumberedItems;
use crate::mysql::numbers::{Numbers, next_location};
use crate::mysql::session::MysqlSession;
use crate::sql::dialect::DATABASE_TIME;
use crate::sql::order_index::OrderIndex as _;
use crate::sql::session::SqlSession;
use crate::sql::transaction::{SqlTransaction, TransactionHost};
use crate::sql::{codec, items};

/// How long a transaction may take from its time to its commit. One that takes longer is undone and tried again, so
/// that who reads the ledger by time knows how far behind a movement may turn up (`sql/dialect.rs`).
const DECIDED_AGO_MAX: Duration = Duration::from_secs(10);

/// Whose clock decides.
#[derive(Clone)]
pub enum TimeSource {
    /// The database's, which all services that share it agree on.
    Database,
    /// One that a test or a replay sets.
    Clock(Arc<dyn Clock>),
}

impl std::fmt::Debug for TimeSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Database => "Database",
            Self::Clock(_) => "Clock",
        })
    }
}

/// A writer of the shared store.
pub struct MysqlStore {
    session: MysqlSession,
    time: TimeSource,
    /// Numbers that are this writer's.
    numbers: Option<Numbers>,
    /// When its last batch was decided.
    decided_at: Timestamp,
    /// All locations, and by which connection they were read: whoever is behind another one may have others.
    locations: Option<(u64, Vec<Location>)>,
    numbered: NumberedItems,
}

impl std::fmt::Debug for MysqlStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MysqlStore").field("time", &self.time).finish_non_exhaustive()
    }
}

impl MysqlStore {
    pub(crate) fn new(session: MysqlSession, time: TimeSource) -> Self {
        Self {
            session,
            time,
            numbers: None,
            decided_at: Timestamp::EPOCH,
            locations: None,
            numbered: NumberedItems::default(),
        }
    }

    /// Another writer of the same books, with a connection of its own, which it makes when it first needs it.
    #[must_use]
    pub fn another(&self) -> Self {
        let numbered = self.numbered.clone();
        Self { numbered, ..Self::new(self.another_session(Purpose::Writing), self.time.clone()) }
    }

    /// Another session to the same books, which connects when it is first needed.
    pub(crate) fn another_session(&self, purpose: Purpose) -> MysqlSession {
        self.session.another(purpose)
    }
}

impl Store for MysqlStore {
    fn begin(&mut self) -> Result<Box<dyn StoreTransaction + '_>, StoreError> {
        if self.session.met_key() {
            // Perhaps a number was the key: then those that are left are somebody else's, too.
            self.numbers = None;
        }
        self.session.begin()?;
        let numbers = self.numbers;
        Ok(Box::new(SqlTransaction::new(Writing {
            store: self,
            now: None,
            decided: None,
            numbers,
            next_location: None,
            makes_locations: false,
            surroundings: None,
        })))
    }

    /// Nothing is remembered but numbers, and those only of commits that are certain.
    fn outlives_unknown(&self) -> bool {
        true
    }

    fn shares_rows(&self) -> bool {
        true
    }

    fn rest(&mut self) -> Result<(), CommitError> {
        Ok(())
    }
}

/// An open transaction of a writer.
struct Writing<'a> {
    store: &'a mut MysqlStore,
    now: Option<Timestamp>,
    /// When that was read, on this machine.
    decided: Option<Instant>,
    /// Numbers that are this writer's once the transaction is durable.
    numbers: Option<Numbers>,
    next_location: Option<LocationNumber>,
    /// Whether locations are made in it.
    makes_locations: bool,
    surroundings: Option<Surroundings>,
}

/// What a batch is decided amid, besides its orders and items: read by one statement of its own behind the locks
/// (PROTOCOL, E12).
#[derive(Clone, Copy)]
struct Surroundings {
    now: Timestamp,
    /// When that was read, on this machine.
    read: Instant,
    anybody_waits: bool,
    /// The highest number of a location. There are only ever more of them, each with the next number.
    last_location: Option<i64>,
}

/// The time (as [`DATABASE_TIME`]), whether a payment waits, and the last location.
const SURROUNDINGS: &str = "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED), \
     EXISTS (SELECT 1 FROM waiting_payments), (SELECT MAX(number) FROM locations)";

impl Writing<'_> {
    fn surroundings(&mut self) -> Result<Surroundings, StoreError> {
        if let Some(known) = self.surroundings {
            return Ok(known);
        }
        let mut read = None;
        let heard_at = self.store.session.heard_at(SURROUNDINGS);
        self.store.session.query(SURROUNDINGS, &[], &mut |row| {
            read = Some(Surroundings {
                now: codec::time(row.int(0)?),
                read: heard_at.unwrap_or_else(Instant::now),
                anybody_waits: row.int(1)? != 0,
                last_location: row.int_or_null(2)?,
            });
            Ok(ControlFlow::Break(()))
        })?;
        self.surroundings = read;
        read.ok_or_else(|| codec::broken("no time"))
    }
}

impl TransactionHost for Writing<'_> {
    fn session(&mut self) -> &mut dyn SqlSession {
        &mut self.store.session
    }

    fn expect(&mut self, orders: &[OrderId], products: &[ProductRef]) {
        let MysqlStore { session, numbered, .. } = &mut *self.store;
        session.find_orders_along(orders);
        items::load_along(session, products, &|products| numbered.all_of(products), SURROUNDINGS);
    }

    fn asked_next(&mut self, products: &[ProductRef]) -> Option<&'static str> {
        // What was read before the locks is old by now.
        self.surroundings = None;
        self.expect(&[], products);
        Some(SURROUNDINGS)
    }

    fn learn_item(&mut self, item: &InventoryItem, is_saved: bool) {
        if !is_saved {
            self.store.numbered.learn(item.product, item.number);
        }
    }

    fn anybody_waits(&mut self) -> Result<bool, StoreError> {
        Ok(self.surroundings()?.anybody_waits)
    }

    fn known_locations(&mut self) -> Result<Option<Vec<Location>>, StoreError> {
        let last = self.surroundings()?.last_location;
        let by = self.store.session.connections();
        let known = self.store.locations.as_ref().filter(|(read_by, known)| {
            *read_by == by && known.last().map(|location| i64::from(location.number.0)) == last
        });
        let known = known.map(|(_, known)| known.clone());
        self.next_location = known.as_deref().and_then(behind);
        Ok(known)
    }

    /// Read once a batch, and always later than this writer's batch before.
    fn now(&mut self) -> Result<Timestamp, StoreError> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let (told, read) = match &self.store.time {
            TimeSource::Clock(clock) => (clock.now(), Instant::now()),
            TimeSource::Database => self.surroundings().map(|known| (known.now, known.read))?,
        };
        let now = told.max(self.store.decided_at.after(Duration::from_micros(1)));
        (self.now, self.decided) = (Some(now), Some(read));
        Ok(now)
    }

    fn numbering(&mut self, most: usize) -> Result<Numbering, StoreError> {
        let location = match self.next_location {
            Some(known) => known,
            None => next_location(&mut self.store.session)?,
        };
        let numbers = Numbers::with_room_for(self.numbers, most, &mut self.store.session)?;
        self.numbers = Some(numbers);
        numbers.numbering(location)
    }

    fn learn_numbering(&mut self, numbering: Option<Numbering>) {
        self.numbers = match (self.numbers, &numbering) {
            (Some(numbers), Some(numbering)) => Some(numbers.behind(numbering)),
            _ => None,
        };
    }

    /// Kept as they were read before any was made here, which is certain only later.
    fn learn_locations(&mut self, locations: Option<&[Location]>) {
        self.makes_locations |= locations.is_none();
        self.next_location = locations.and_then(behind);
        let certain = locations.filter(|_| !self.makes_locations);
        self.store.locations = certain.map(|all| (self.store.session.connections(), all.to_vec()));
    }

    fn commit(&mut self) -> Result<(), CommitError> {
        failpoint::reach("before_commit");
        self.store.numbers = None;
        let now = self.now().inspect_err(|_| self.store.session.rollback())?;
        if let Some(ago) = self.decided.map(|decided| decided.elapsed()).filter(|ago| *ago > DECIDED_AGO_MAX) {
            self.store.session.rollback();
            let late = format!("the batch was decided {ago:?} ago");
            return Err(StoreError::Contention(Collision::LockWait, late.into()).into());
        }
        self.store.session.commit()?;
        self.store.numbers = self.numbers;
        self.store.decided_at = now;
        Ok(())
    }

    fn rollback(&mut self) {
        self.store.session.rollback();
    }
}

/// The number behind the last of all locations.
fn behind(locations: &[Location]) -> Option<LocationNumber> {
    locations.last().map(|last| LocationNumber(last.number.0.saturating_add(1)))
}

pub(crate) fn database_time(session: &mut MysqlSession) -> Result<Timestamp, StoreError> {
    let mut now = None;
    session.query(DATABASE_TIME, &[], &mut |row| {
        now = Some(codec::time(row.int(0)?));
        Ok(ControlFlow::Break(()))
    })?;
    now.ok_or_else(|| codec::broken("no time"))
}
