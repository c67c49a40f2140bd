//! Reads: a few connections beside the writer, each question at one moment.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use holdfast_application::ports::StoreError;
use holdfast_application::queries::ReadError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::sql::due_holders::SharedHolders;
use crate::sql::lending::{Lending, Lent};
use crate::sql::queries::{READ_MAX, Readers};
use crate::sql::session::SqlSession;
use crate::sqlite::order_runs::OrderRuns;
use crate::sqlite::session::SqliteSession;
use crate::sqlite::steady_plans::steady_plans;
use crate::sqlite::together;

/// How many steps of SQLite's machine lie between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;
/// Page cache of one reader, in KiB; negative as SQLite wants it.
const CACHE_KIB: i32 = -8_192;

struct Reader {
    session: SqliteSession,
    /// Milliseconds after the pool's start at which the read at hand is cut off; 0 for never.
    cut_off: Arc<AtomicU64>,
}

/// Connections that read an embedded store.
pub(crate) struct SqliteReaders {
    readers: Lending<Reader>,
    /// The connection of the sweep and of health: slow lists never keep them waiting.
    upkeep: Mutex<Reader>,
    /// What the writer of this process and its readers remember of due orders.
    due: Option<SharedHolders>,
    started: Instant,
}

impl std::fmt::Debug for SqliteReaders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteReaders").finish_non_exhaustive()
    }
}

impl SqliteReaders {
    pub(crate) fn open(file: &Path, readers: usize, runs: &Arc<RwLock<OrderRuns>>) -> rusqlite::Result<Self> {
        let started = Instant::now();
        let readers = (0..readers.max(1)).map(|_| connect(file, runs, started)).collect::<Result<Vec<_>, _>>()?;
        let upkeep = Mutex::new(connect(file, runs, started)?);
        Ok(Self { readers: Lending::new(readers), upkeep, due: None, started })
    }

    /// The same, beside the writer of this process.
    pub(crate) fn beside_writer(self) -> Self {
        Self { due: Some(SharedHolders::default()), ..self }
    }

    /// Does something while nobody reads, if that comes about within `most`; meanwhile new reads wait. Says whether it
    /// was done.
    pub(crate) fn while_idle(&self, most: Duration, work: impl FnOnce()) -> bool {
        let _upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        self.readers.while_idle(most, work)
    }

    fn read<T>(
        &self,
        most: Option<Duration>,
        question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>,
    ) -> Result<T, ReadError> {
        answer(&mut *self.lend()?, self.started, most, question)
    }

    /// A reader for a while, as soon as one is free.
    fn lend(&self) -> Result<Lent<'_, Reader>, ReadError> {
        self.readers.lend(READ_MAX).ok_or(ReadError::TooSlow(READ_MAX))
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

impl Readers for SqliteReaders {
    fn due(&self) -> Option<&SharedHolders> {
        self.due.as_ref()
    }

    fn ask<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError> {
        self.read(Some(READ_MAX), question)
    }

    fn walk<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError> {
        self.read(None, question)
    }

    fn keep_up<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError> {
        let mut reader = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        answer(&mut reader, self.started, Some(READ_MAX), question)
    }

    fn walk_together(
        &self,
        mut one: impl FnMut(&mut dyn SqlSession) -> Result<(), StoreError>,
        mut other: impl FnMut(&mut dyn SqlSession) -> Result<(), StoreError> + Send,
    ) -> Result<(), ReadError> {
        let mut reader = self.lend()?;
        if let Some(mut second) = self.readers.lend_now() {
            let both = together::at_one_moment(
                (&mut reader.session, |session: &mut SqliteSession| one(session)),
                (&mut second.session, |session: &mut SqliteSession| other(session)),
            );
            if let Some(read) = both {
                return read.map_err(|error| ReadError::Unavailable(Box::new(error)));
            }
        }
        answer(&mut reader, self.started, None, |session| {
            one(session)?;
            other(session)
        })
    }
}
