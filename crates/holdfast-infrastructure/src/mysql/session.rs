//! The MySQL driver: a connection with its prepared statements.

use std::ops::ControlFlow;

use holdfast_application::ports::{CommitError, StoreError};
use holdfast_application::queries::UnfitRow;
use mysql::prelude::Queryable as _;
use mysql::{Conn, Params};

use crate::mysql::connect::{Address, Purpose};
use crate::mysql::fault::{commit_fault, ends_connection, fault, is_key_there};
use crate::mysql::many_rows::{self, Frame, ROWS_MAX};
use crate::sql::codec::broken;
use crate::sql::dialect::{Dialect, MYSQL};
use crate::sql::session::{
    GuardedChange, Row, RowFinder, RowGuard, RowRemover, RowVisitor, RowWriter, SqlSession, Value,
};

/// A connection, made anew when it was lost.
pub(crate) struct MysqlSession {
    address: Address,
    purpose: Purpose,
    connection: Option<Conn>,
    /// Whether a transaction was begun and not ended.
    is_open: bool,
    /// Whether a row met another one with its key since a transaction was begun last.
    met_key: bool,
}

impl MysqlSession {
    /// A session with a connection.
    pub(crate) fn connect(address: &Address, purpose: Purpose) -> mysql::Result<Self> {
        let connection = address.connect(purpose)?;
        Ok(Self { address: address.clone(), purpose, connection: Some(connection), is_open: false, met_key: false })
    }

    /// Another session to the same place, which connects when it begins its first transaction.
    pub(crate) fn another(&self, purpose: Purpose) -> Self {
        Self { address: self.address.clone(), purpose, connection: None, is_open: false, met_key: false }
    }

    /// Begins a transaction, on a new connection when the old one is gone.
    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        let sql = match self.purpose {
            Purpose::Writing | Purpose::Filling => "START TRANSACTION",
            Purpose::Reading | Purpose::Walking => "START TRANSACTION WITH CONSISTENT SNAPSHOT",
        };
        self.rollback();
        self.met_key = false;
        if self.connection.is_some() && self.say(sql).is_ok() {
            self.is_open = true;
            return Ok(());
        }
        self.connection = Some(self.address.connect(self.purpose).map_err(fault)?);
        self.say(sql).map_err(fault)?;
        self.is_open = true;
        Ok(())
    }

    /// Runs a statement that is a transaction of its own, on a new connection when the old one is gone.
    pub(crate) fn execute_alone(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        if self.connection.is_none() {
            self.connection = Some(self.address.connect(self.purpose).map_err(fault)?);
        }
        self.run(sql, owned(values), None)
    }

    /// Makes the transaction durable.
    pub(crate) fn commit(&mut self) -> Result<(), CommitError> {
        let committed = self.say("COMMIT").map(|_| ()).map_err(commit_fault);
        if committed.is_ok() {
            self.is_open = false;
        } else if matches!(committed, Err(CommitError::Unknown(_))) {
            self.leave();
        } else {
            self.rollback();
        }
        committed
    }

    /// Undoes the transaction. Where that fails the connection is left, and the database undoes it.
    pub(crate) fn rollback(&mut self) {
        if self.is_open && self.connection.is_some() && self.say("ROLLBACK").is_err() {
            self.leave();
        }
        self.is_open = false;
    }

    /// Whether a row met another one with its key since a transaction was begun last.
    pub(crate) const fn met_key(&self) -> bool {
        self.met_key
    }

    fn leave(&mut self) {
        self.connection = None;
        self.is_open = false;
    }

    /// Says something that has neither values nor rows; how many rows it concerned.
    fn say(&mut self, sql: &str) -> mysql::Result<u64> {
        let Some(connection) = &mut self.connection else { return Err(gone()) };
        let said = connection.query_iter(sql).map(|result| result.affected_rows());
        self.noting(said)
    }

    /// Leaves the connection after an error that ended it.
    fn noting<T>(&mut self, result: mysql::Result<T>) -> mysql::Result<T> {
        if result.as_ref().is_err_and(ends_connection) {
            self.leave();
        }
        self.met_key |= result.as_ref().is_err_and(is_key_there);
        result
    }

    /// Runs a statement and visits its rows; says how many rows it concerned.
    fn run(&mut self, sql: &str, values: Vec<mysql::Value>, visit: Option<RowVisitor<'_>>) -> Result<u64, StoreError> {
        let Some(connection) = &mut self.connection else { return Err(fault(gone())) };
        let parameters = if values.is_empty() { Params::Empty } else { Params::Positional(values) };
        let mut fallen: Option<StoreError> = None;
        let done = connection.exec_iter(sql, parameters).and_then(|mut rows| {
            let concerned = rows.affected_rows();
            if let Some(visit) = visit {
                for row in rows.by_ref() {
                    match visit(&MysqlRow(row?)) {
                        Ok(ControlFlow::Continue(())) => {}
                        Ok(ControlFlow::Break(())) => break,
                        Err(error) => {
                            fallen = Some(error);
                            break;
                        }
                    }
                }
            }
            Ok(concerned)
        });
        let done = self.noting(done).map_err(fault);
        match fallen {
            Some(error) => Err(error),
            None => done,
        }
    }

    /// Writes rows, in statements of as many as may be.
    fn write_framed(
        &mut self,
        frame: &Frame,
        rows: &mut dyn Iterator<Item = Vec<Value<'_>>>,
    ) -> Result<(), StoreError> {
        frame.fill(rows, &mut |sql| self.say(sql).map(|_| ()).map_err(fault))
    }
}

/// What is said to a connection that is not there.
fn gone() -> mysql::Error {
    mysql::Error::IoError(std::io::ErrorKind::NotConnected.into())
}

/// So many keys that a statement for that many is prepared once: how many, and their values.
fn filled_up(keys: &[Vec<Value<'_>>]) -> (usize, Vec<mysql::Value>) {
    let size = keys.len().next_power_of_two();
    let again = keys.last().into_iter().cycle().take(size.saturating_sub(keys.len()));
    (size, keys.iter().chain(again).flat_map(|key| owned(key)).collect())
}

fn owned(values: &[Value<'_>]) -> Vec<mysql::Value> {
    let of = |value: &Value<'_>| match value {
        Value::Null => mysql::Value::NULL,
        Value::Int(number) => mysql::Value::Int(*number),
        Value::Text(text) => mysql::Value::Bytes(text.as_bytes().to_vec()),
        Value::Blob(bytes) => mysql::Value::Bytes(bytes.to_vec()),
    };
    values.iter().map(of).collect()
}

impl SqlSession for MysqlSession {
    fn dialect(&self) -> &'static Dialect {
        &MYSQL
    }

    fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.run(sql, owned(values), None)
    }

    fn query(&mut self, sql: &str, values: &[Value<'_>], visit: RowVisitor<'_>) -> Result<(), StoreError> {
        self.run(sql, owned(values), Some(visit)).map(|_| ())
    }

    fn find_rows(
        &mut self,
        finder: &RowFinder,
        keys: &[Vec<Value<'_>>],
        visit: RowVisitor<'_>,
    ) -> Result<(), StoreError> {
        let lock = if self.purpose == Purpose::Writing { MYSQL.lock_rows } else { "" };
        let mut ended = false;
        for some in keys.chunks(ROWS_MAX) {
            let (size, values) = filled_up(some);
            self.run(
                &many_rows::find_sql(finder, size, lock),
                values,
                Some(&mut |row| {
                    let flow = visit(row)?;
                    ended = flow.is_break();
                    Ok(flow)
                }),
            )?;
            if ended {
                break;
            }
        }
        Ok(())
    }

    fn write_rows(
        &mut self,
        writer: &RowWriter,
        rows: &mut dyn Iterator<Item = Vec<Value<'_>>>,
    ) -> Result<(), StoreError> {
        self.write_framed(&Frame::of_writer(writer), rows)
    }

    fn remove_rows(&mut self, remover: &RowRemover, keys: &[Vec<Value<'_>>]) -> Result<(), StoreError> {
        for some in keys.chunks(ROWS_MAX) {
            let (size, values) = filled_up(some);
            self.run(&many_rows::remove_sql(remover, size), values, None)?;
        }
        Ok(())
    }

    /// The version of the schema is looked at when a store is opened, and there is nothing else.
    fn unfit_of_its_own(&mut self) -> Result<Vec<UnfitRow>, StoreError> {
        Ok(Vec::new())
    }

    /// Two steps: the guards of all rows rise while they are as they were read, and what is written then cannot be stale.
    fn change_rows(&mut self, guard: &RowGuard, changes: &[GuardedChange<'_>]) -> Result<usize, StoreError> {
        let mut raised = 0_usize;
        for some in changes.chunks(ROWS_MAX) {
            let some = self.say(&many_rows::guard_sql(guard, some)).map_err(fault)?;
            raised = raised.saturating_add(usize::try_from(some).unwrap_or(usize::MAX));
        }
        if raised == changes.len() {
            let mut rows = changes.iter().map(|change| change.row.clone());
            self.write_framed(&Frame::of_guard(guard), &mut rows)?;
        }
        Ok(raised)
    }
}

struct MysqlRow(mysql::Row);

impl MysqlRow {
    fn value(&self, column: usize) -> Result<&mysql::Value, StoreError> {
        self.0.as_ref(column).ok_or_else(|| broken(format!("no column {column}")))
    }
}

fn other_type(column: usize) -> StoreError {
    broken(format!("a value of another type in column {column}"))
}

impl Row for MysqlRow {
    fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.int_or_null(column)?.ok_or_else(|| other_type(column))
    }

    fn int_or_null(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.value(column)? {
            mysql::Value::NULL => Ok(None),
            mysql::Value::Int(number) => Ok(Some(*number)),
            mysql::Value::UInt(number) => i64::try_from(*number).map(Some).map_err(|_too_large| other_type(column)),
            _ => Err(other_type(column)),
        }
    }

    fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.text_or_null(column)?.ok_or_else(|| other_type(column))
    }

    fn text_or_null(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.value(column)? {
            mysql::Value::NULL => Ok(None),
            mysql::Value::Bytes(bytes) => {
                std::str::from_utf8(bytes).map(Some).map_err(|_not_text| broken("bytes that are no text"))
            }
            _ => Err(other_type(column)),
        }
    }

    fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.value(column)? {
            mysql::Value::NULL => Ok(&[]),
            mysql::Value::Bytes(bytes) => Ok(bytes),
            _ => Err(other_type(column)),
        }
    }
}
