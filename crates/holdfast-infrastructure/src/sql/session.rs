//! What a database driver does: send statements, hand over rows.

use std::ops::ControlFlow;

use holdfast_application::ports::{Collision, StoreError};
use holdfast_application::queries::UnfitRow;
use holdfast_domain::Timestamp;

use crate::sql::dialect::Dialect;
use crate::sql::order_index::OrderIndex;

/// A value that goes into a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl<'a> Value<'a> {
    /// A whole number, which is at most 2^62 wherever the books keep one.
    pub(crate) fn count(things: impl TryInto<i64>) -> Self {
        Self::Int(things.try_into().unwrap_or(i64::MAX))
    }

    pub(crate) fn time(at: Timestamp) -> Self {
        Self::Int(at.micros())
    }

    pub(crate) fn time_or_null(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Null, Self::time)
    }

    pub(crate) fn text_or_null(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

/// A row that came back. Columns count from 0; one of another type than asked for is [`StoreError::Broken`].
pub(crate) trait Row {
    fn int(&self, column: usize) -> Result<i64, StoreError>;
    fn int_or_null(&self, column: usize) -> Result<Option<i64>, StoreError>;
    fn text(&self, column: usize) -> Result<&str, StoreError>;
    fn text_or_null(&self, column: usize) -> Result<Option<&str>, StoreError>;
    fn blob(&self, column: usize) -> Result<&[u8], StoreError>;
}

/// What is done with each row; `Break` ends the statement.
pub(crate) type RowVisitor<'a> = &'a mut dyn FnMut(&dyn Row) -> Result<ControlFlow<()>, StoreError>;

/// Rows that are written alike: a table's columns, and what happens to a row whose key is there already.
#[derive(Debug)]
pub(crate) struct RowWriter {
    /// `INSERT INTO table (columns)` without the values.
    pub(crate) insert: &'static str,
    /// How many columns.
    pub(crate) columns: usize,
    /// What a row that is there already takes over.
    pub(crate) upsert: Upsert,
}

impl RowWriter {
    /// What an error means that these rows met: where they are the fence, a key that is there already is the fence.
    pub(crate) fn met(&self, error: StoreError) -> StoreError {
        match (error, &self.upsert) {
            (StoreError::Contention(Collision::Key, source), Upsert::Fence) => {
                StoreError::Contention(Collision::Fence, source)
            }
            (other, _) => other,
        }
    }
}

/// Rows that are looked up by many keys.
#[derive(Debug)]
pub(crate) struct RowFinder {
    /// `SELECT columns FROM tables` without a condition.
    pub(crate) select: String,
    /// The condition for one key, with its values as `?`.
    pub(crate) key: &'static str,
    /// The columns that rows come in order of.
    pub(crate) order: &'static str,
    /// Whether a session that writes locks the rows until its transaction ends, in that order.
    pub(crate) locks: bool,
    /// The table as it stands in `select`, and its index by which rows are found and locked, where the database would
    /// choose for itself: one that reads the whole table waits for rows that nobody asked for.
    pub(crate) by_index: Option<(&'static str, &'static str)>,
    /// The whole statement for one key, without locks.
    one: String,
}

impl RowFinder {
    /// A finder that locks nothing.
    pub(crate) fn new(select: &str, key: &'static str, order: &'static str) -> Self {
        let one = format!("{select} WHERE {key} ORDER BY {order}");
        Self { select: select.to_owned(), key, order, locks: false, by_index: None, one }
    }

    /// The same, with locks, by this index of this table of the statement.
    pub(crate) fn that_locks(self, table: &'static str, index: &'static str) -> Self {
        Self { locks: true, by_index: Some((table, index)), ..self }
    }

    /// The same, by this index of this table of the statement.
    pub(crate) fn by_index(self, table: &'static str, index: &'static str) -> Self {
        Self { by_index: Some((table, index)), ..self }
    }

    /// The whole statement for one key, without locks.
    pub(crate) fn for_one_key(&self) -> &str {
        &self.one
    }
}

/// Rows that are removed by their keys.
#[derive(Debug)]
pub(crate) struct RowRemover {
    /// The table.
    pub(crate) table: &'static str,
    /// The condition for one key, with its values as `?`.
    pub(crate) key: &'static str,
}

/// Rows that change only while they are as they were read.
#[derive(Debug)]
pub(crate) struct RowGuard {
    /// The table.
    pub(crate) table: &'static str,
    /// What a row is, for people: `an order`.
    pub(crate) is: &'static str,
    /// The column that names a row; it comes first among the values.
    pub(crate) key: &'static str,
    /// The column that rises with every change; its new value comes second.
    pub(crate) guard: &'static str,
    /// The columns that never change; their values follow.
    pub(crate) kept: &'static [&'static str],
    /// The columns that change; their values come last.
    pub(crate) changed: &'static [&'static str],
}

impl RowGuard {
    /// A row was not any more as it was read.
    pub(crate) fn missed(&self) -> StoreError {
        StoreError::Contention(Collision::Guard, format!("{} has changed meanwhile", self.is).into())
    }
}

/// A change of one row of a [`RowGuard`].
#[derive(Debug)]
pub(crate) struct GuardedChange<'a> {
    /// What the guard was when the row was read.
    pub(crate) was: i64,
    /// All columns as they will be.
    pub(crate) row: Vec<Value<'a>>,
}

/// What a row takes over whose key is there already.
#[derive(Debug)]
pub(crate) enum Upsert {
    /// There must be none.
    Never,
    /// There must be none: whoever wrote it acted on the same state.
    Fence,
    /// These columns, of the row with this key.
    Columns { key: &'static str, columns: &'static [&'static str] },
}

/// A connection with its statements.
pub(crate) trait SqlSession: OrderIndex {
    /// How this database spells things.
    fn dialect(&self) -> &'static Dialect;
    /// Runs a statement and says how many rows it concerned.
    fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError>;
    /// Runs a statement and visits its rows.
    fn query(&mut self, sql: &str, values: &[Value<'_>], visit: RowVisitor<'_>) -> Result<(), StoreError>;
    /// Writes rows, each with its values in the order of the columns. What they met may be told as late as by
    /// [`Self::flush`].
    fn write_rows(
        &mut self,
        writer: &'static RowWriter,
        rows: &mut dyn Iterator<Item = Vec<Value<'_>>>,
    ) -> Result<(), StoreError>;
    /// Visits the rows of each of `keys`; rows of one key come side by side, or all rows in the finder's order.
    fn find_rows(
        &mut self,
        finder: &RowFinder,
        keys: &[Vec<Value<'_>>],
        visit: RowVisitor<'_>,
    ) -> Result<(), StoreError>;
    /// Says what will be asked next, so that a session whose questions travel sends it along with the next look-up of
    /// rows.
    fn ask_along(&mut self, _question: &'static str) {}
    /// Says which rows will be looked up next: see [`Self::ask_along`]. Whoever looks up others after all, under a
    /// lock, has locked these for nothing.
    fn find_along(&mut self, _finder: &RowFinder, _keys: &[Vec<Value<'_>>]) {}
    /// Removes the rows of `keys`, where they are; as late as with [`Self::flush`].
    fn remove_rows(&mut self, remover: &RowRemover, keys: &[Vec<Value<'_>>]) -> Result<(), StoreError>;
    /// What nobody can have written of that which only this kind of store keeps.
    fn unfit_of_its_own(&mut self) -> Result<Vec<UnfitRow>, StoreError>;
    /// What is damaged of its pages and indexes, where no server looks after them.
    fn damage(&mut self) -> Result<Vec<UnfitRow>, StoreError>;
    /// Changes rows. That one of them was not as it was read may be told as late as by [`Self::flush`].
    fn change_rows(&mut self, guard: &'static RowGuard, changes: &[GuardedChange<'_>]) -> Result<(), StoreError>;
    /// Sends what was gathered of what is written, where that is cheaper than to send each statement by itself.
    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
