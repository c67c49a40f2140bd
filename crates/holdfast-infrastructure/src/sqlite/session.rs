//! The SQLite driver: a connection with its prepared statements.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use holdfast_application::ports::{Collision, StoreError};
use holdfast_application::queries::UnfitRow;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, ToSql};

use crate::sql::codec::{self, broken};
use crate::sql::dialect::{Dialect, SQLITE};
use crate::sql::ledger;
use crate::sql::session::{
    GuardedChange, Row, RowFinder, RowGuard, RowRemover, RowVisitor, RowWriter, SqlSession, Upsert, Value,
};
use crate::sqlite::order_runs::OrderRuns;
use crate::sqlite::schema;

/// A connection with its prepared statements.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    connection: Connection,
    runs: Arc<RwLock<OrderRuns>>,
    /// The statements of writers, by what they insert and whether a row may be there already.
    inserts: HashMap<(&'static str, bool), String>,
    /// The statements of guarded changes, by their table.
    changes: HashMap<&'static str, String>,
}

impl SqliteSession {
    pub(crate) fn new(connection: Connection, runs: Arc<RwLock<OrderRuns>>) -> Self {
        connection.set_prepared_statement_cache_capacity(256);
        Self { connection, runs, inserts: HashMap::new(), changes: HashMap::new() }
    }

    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The filters that tell in which runs of orders an id may be.
    pub(crate) fn runs(&self) -> RwLockReadGuard<'_, OrderRuns> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        self.connection.prepare_cached(sql).map_err(fault)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn bind(statement: &mut CachedStatement<'_>, values: &[Value<'_>]) -> Result<(), StoreError> {
    for (at, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(at.saturating_add(1), value).map_err(fault)?;
    }
    Ok(())
}

/// Visits the rows of a statement whose values are bound, and says whether the visitor has seen enough.
fn visit_rows(statement: &mut CachedStatement<'_>, visit: RowVisitor<'_>) -> Result<ControlFlow<()>, StoreError> {
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(fault)? {
        if visit(&SqliteRow(row))?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

impl SqlSession for SqliteSession {
    fn dialect(&self) -> &'static Dialect {
        &SQLITE
    }

    fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let mut statement = self.prepare(sql)?;
        bind(&mut statement, values)?;
        let changed = statement.raw_execute().map_err(fault)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn query(&mut self, sql: &str, values: &[Value<'_>], visit: RowVisitor<'_>) -> Result<(), StoreError> {
        let mut statement = self.prepare(sql)?;
        bind(&mut statement, values)?;
        visit_rows(&mut statement, visit).map(|_| ())
    }

    fn write_rows(
        &mut self,
        writer: &'static RowWriter,
        rows: &mut dyn Iterator<Item = Vec<Value<'_>>>,
    ) -> Result<(), StoreError> {
        // A prepared insert a row is faster here than many rows a statement (docs/performance.md).
        let mut statement: Option<CachedStatement<'_>> = None;
        for row in rows {
            let statement = match &mut statement {
                Some(statement) => statement,
                None => {
                    let name = (writer.insert, matches!(writer.upsert, Upsert::Columns { .. }));
                    let sql = self.inserts.entry(name).or_insert_with(|| insert_sql(writer));
                    statement.insert(self.connection.prepare_cached(sql).map_err(fault)?)
                }
            };
            bind(statement, &row)?;
            statement.raw_execute().map_err(|error| writer.met(fault(error)))?;
        }
        Ok(())
    }

    /// The writer is the only one, so there is nothing to lock; and a prepared look-up a key is faster here than many
    /// keys a statement.
    fn find_rows(
        &mut self,
        finder: &RowFinder,
        keys: &[Vec<Value<'_>>],
        visit: RowVisitor<'_>,
    ) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut statement = self.prepare(finder.for_one_key())?;
        for key in keys {
            bind(&mut statement, key)?;
            if visit_rows(&mut statement, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn remove_rows(&mut self, remover: &RowRemover, keys: &[Vec<Value<'_>>]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut statement = self.prepare(&format!("DELETE FROM {} WHERE {}", remover.table, remover.key))?;
        for key in keys {
            bind(&mut statement, key)?;
            statement.raw_execute().map_err(fault)?;
        }
        Ok(())
    }

    /// Its schema, and where the books end.
    fn unfit_of_its_own(&mut self) -> Result<Vec<UnfitRow>, StoreError> {
        let mut unfit = schema::differences(&self.connection).map_err(fault)?;
        let tip = "SELECT id, batch, decided_at FROM books";
        unfit.extend(ledger::unfit_rows(self, "books", tip, &[(0, "id")], |row| {
            codec::number::<u64>(row.int(1)?)?;
            codec::moment(row.int(2)?).map(|_| ())
        })?);
        Ok(unfit)
    }

    fn damage(&mut self) -> Result<Vec<UnfitRow>, StoreError> {
        schema::damage(&self.connection).map_err(fault)
    }

    fn change_rows(&mut self, guard: &'static RowGuard, changes: &[GuardedChange<'_>]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let sql = self.changes.entry(guard.table).or_insert_with(|| change_sql(guard));
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let mut count = 0_usize;
        for change in changes {
            let unkept = change.row.iter().skip(guard.kept.len().saturating_add(2));
            let key = change.row.first().copied().unwrap_or(Value::Null);
            let new = change.row.get(1).copied().into_iter().chain(unkept.copied());
            let values: Vec<Value<'_>> = new.chain([key, Value::Int(change.was)]).collect();
            bind(&mut statement, &values)?;
            count = count.saturating_add(statement.raw_execute().map_err(fault)?);
        }
        if count == changes.len() { Ok(()) } else { Err(guard.missed()) }
    }
}

/// The whole statement for one row.
fn insert_sql(writer: &RowWriter) -> String {
    let places = vec!["?"; writer.columns].join(", ");
    let mut sql = format!("{} VALUES ({places})", writer.insert);
    if let Upsert::Columns { key, columns } = &writer.upsert {
        let taken: Vec<String> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let _ = write!(sql, " ON CONFLICT ({key}) DO UPDATE SET {}", taken.join(", "));
    }
    sql
}

/// The whole statement for one guarded change: the guard, what changes, the key, and what the guard was.
fn change_sql(guard: &RowGuard) -> String {
    let set: Vec<String> =
        std::iter::once(&guard.guard).chain(guard.changed).map(|column| format!("{column} = ?")).collect();
    let (table, key, is) = (guard.table, guard.key, guard.guard);
    format!("UPDATE {table} SET {} WHERE {key} = ? AND {is} = ?", set.join(", "))
}

struct SqliteRow<'a>(&'a rusqlite::Row<'a>);

impl SqliteRow<'_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, StoreError> {
        self.0.get_ref(column).map_err(fault)
    }
}

fn other_type(column: usize, value: ValueRef<'_>) -> StoreError {
    broken(format!("{} in column {column}", value.data_type()))
}

impl Row for SqliteRow<'_> {
    fn int(&self, column: usize) -> Result<i64, StoreError> {
        match self.value(column)? {
            ValueRef::Integer(number) => Ok(number),
            other => Err(other_type(column, other)),
        }
    }

    fn int_or_null(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.value(column)? {
            ValueRef::Integer(number) => Ok(Some(number)),
            ValueRef::Null => Ok(None),
            other => Err(other_type(column, other)),
        }
    }

    fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.text_or_null(column)?.ok_or_else(|| other_type(column, ValueRef::Null))
    }

    fn text_or_null(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.value(column)? {
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).map(Some).map_err(|_not_text| broken("bytes that are no text"))
            }
            ValueRef::Null => Ok(None),
            other => Err(other_type(column, other)),
        }
    }

    fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.value(column)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            ValueRef::Null => Ok(&[]),
            other => Err(other_type(column, other)),
        }
    }
}

/// What an error before COMMIT means: nothing was done.
pub(crate) fn fault(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) if !is_check(&error) => {
            StoreError::Contention(Collision::Key, Box::new(error))
        }
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::OperationInterrupted,
        ) => StoreError::Unavailable(Box::new(error)),
        _ => StoreError::Broken(Box::new(error)),
    }
}

/// A CHECK that fails is a bug of ours, not another writer.
fn is_check(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_CHECK)
}
