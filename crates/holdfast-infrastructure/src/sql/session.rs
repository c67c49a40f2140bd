//! What a database driver does: send statements, hand over rows.

use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_domain::{OrderId, Timestamp};

use crate::sql::dialect::Dialect;

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
    pub(crate) fn count(units: u64) -> Self {
        Self::Int(i64::try_from(units).unwrap_or(i64::MAX))
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

/// What a row takes over whose key is there already.
#[derive(Debug)]
pub(crate) enum Upsert {
    /// There must be none.
    Never,
    /// These columns, of the row with this key.
    Columns { key: &'static str, columns: &'static [&'static str] },
}

/// A connection with its statements.
pub(crate) trait SqlSession {
    /// How this database spells things.
    fn dialect(&self) -> &'static Dialect;
    /// Runs a statement and says how many rows it concerned.
    fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError>;
    /// Runs a statement and visits its rows.
    fn query(&mut self, sql: &str, values: &[Value<'_>], visit: RowVisitor<'_>) -> Result<(), StoreError>;
    /// Writes rows, each with its values in the order of the columns.
    fn write_rows(
        &mut self,
        writer: &RowWriter,
        rows: &mut dyn Iterator<Item = Vec<Value<'_>>>,
    ) -> Result<(), StoreError>;
    /// The runs of orders that can hold `id`; see [`Dialect::order_by_id`].
    fn order_runs(&self, id: OrderId) -> Vec<i64>;
}
