//! All rows of a store, read from one and written to another, whatever databases the two are.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::ControlFlow;

use holdfast_application::events::UnsentEvent;
use holdfast_application::ports::StoreError;

use crate::sql::dialect::Dialect;
use crate::sql::session::{Row, RowWriter, SqlSession, Value};
use crate::sql::{
    command_log, dead_letters, items, locations, movements, orders, outbox, reservations, waiting_payments,
};

/// Rows that are handed over together, and how many bytes they have at most, but for the last one.
const ROWS_AT_ONCE: usize = 1_000;
const BYTES_AT_ONCE: usize = 4 << 20;

/// The rows that go over for one.
type Spread = fn(&dyn Row) -> Result<Vec<Vec<Owned>>, StoreError>;

/// A table that is copied.
struct Table {
    name: &'static str,
    writer: &'static RowWriter,
    /// What the writer's columns hold: `i` a number, `t` text, `b` bytes.
    kinds: &'static str,
    /// The columns that its rows are read in order of.
    order: fn(&Dialect) -> &'static str,
    /// The rows that go over for one that is read, where they are others.
    spread: Option<Spread>,
}

/// Every table that the books consist of. What a database keeps for itself (versions, numbers, its tip) it makes anew.
static TABLES: &[Table] = &[
    table("locations", &locations::LOCATIONS, "itti", |_| "number"),
    table("items", &items::NEW_CARDS, "ibttiii", |_| "number"),
    table("stock", &items::STOCK, "iiiiii", |_| "item"),
    table("levels", &items::LEVELS, "iiii", |_| "item, location"),
    table("orders", &orders::ORDERS, "iibiiiiiiitbi", |_| "number"),
    table("reservations", &reservations::RESERVATIONS, "iiiiiiiiit", |_| "number"),
    table("movements", &movements::MOVEMENTS, "iiiiiiiiitttt", |dialect| dialect.commit_order),
    table("alerts", &outbox::ALERTS, "iiiii", |_| "item, sequence, crossing"),
    Table {
        spread: Some(each_event),
        ..table("outbox", &outbox::OUTBOX, "tiibiiiiib", |dialect| dialect.written_order)
    },
    table("dead_letters", &dead_letters::LETTERS, "bbiiitiittttttttb", |_| "id"),
    table("waiting_payments", &waiting_payments::WAITING, "bi", |_| "id"),
    table("answers", &command_log::ANSWERS, "ttibibtti", |_| "number"),
];

/// A table whose rows go over as they are.
const fn table(
    name: &'static str,
    writer: &'static RowWriter,
    kinds: &'static str,
    order: fn(&Dialect) -> &'static str,
) -> Table {
    Table { name, writer, kinds, order, spread: None }
}

/// How many rows a table has, and what they say together, in whatever order they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) rows: u64,
    sum: u64,
}

impl Digest {
    fn add(&mut self, row: &[Owned]) {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        self.rows = self.rows.saturating_add(1);
        self.sum = self.sum.wrapping_add(hasher.finish());
    }
}

/// A value that outlives its row.
#[derive(Debug, Hash)]
enum Owned {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Owned {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(number) => Self::Int(number),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => size_of::<i64>(),
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }

    fn as_value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::Text(text),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

/// The tables that are copied, in the order in which they are.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|table| table.name)
}

/// Whether nothing was written to a store since it was made.
pub(crate) fn is_empty(session: &mut dyn SqlSession) -> Result<bool, StoreError> {
    for table in TABLES {
        // A new store has the location `main`.
        let made_with = u32::from(table.name == "locations");
        let mut rows = 0_u32;
        let sql = format!("SELECT 1 FROM {} LIMIT 2", table.name);
        session.query(&sql, &[], &mut |_| {
            rows = rows.saturating_add(1);
            Ok(ControlFlow::Continue(()))
        })?;
        if rows > made_with {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Copies all rows into an empty store, telling how many went over since it told last, and says what each table held;
/// nothing when whoever was told wants no more.
pub(crate) fn copy(
    from: &mut dyn SqlSession,
    to: &mut dyn SqlSession,
    tell: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Option<Vec<Digest>>, StoreError> {
    to.execute("DELETE FROM locations", &[])?;
    let mut digests = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let mut waiting: Vec<Vec<Owned>> = Vec::with_capacity(ROWS_AT_ONCE);
        let (mut bytes, mut flow) = (0_usize, ControlFlow::Continue(()));
        let digest = read(table, from, &mut |row| {
            bytes = row.iter().map(Owned::bytes).fold(bytes, usize::saturating_add);
            waiting.push(row);
            if waiting.len() >= ROWS_AT_ONCE || bytes >= BYTES_AT_ONCE {
                bytes = 0;
                flow = write(table, to, &mut waiting, tell)?;
            }
            Ok(flow)
        })?;
        if flow.is_break() || write(table, to, &mut waiting, tell)?.is_break() {
            return Ok(None);
        }
        digests.push(digest);
    }
    Ok(Some(digests))
}

/// What each table holds.
pub(crate) fn digests(session: &mut dyn SqlSession) -> Result<Vec<Digest>, StoreError> {
    TABLES.iter().map(|table| read(table, session, &mut |_| Ok(ControlFlow::Continue(())))).collect()
}

/// Reads a table row by row.
fn read(
    table: &Table,
    session: &mut dyn SqlSession,
    visit: &mut dyn FnMut(Vec<Owned>) -> Result<ControlFlow<()>, StoreError>,
) -> Result<Digest, StoreError> {
    let order = (table.order)(session.dialect());
    let sql = format!("SELECT {} FROM {} ORDER BY {order}", columns(table.writer), table.name);
    let mut digest = Digest::default();
    session.query(&sql, &[], &mut |row| {
        let rows = match table.spread {
            Some(spread) => spread(row)?,
            None => vec![owned(row, table.kinds)?],
        };
        for row in rows {
            digest.add(&row);
            if visit(row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(digest)
}

fn write(
    table: &Table,
    to: &mut dyn SqlSession,
    rows: &mut Vec<Vec<Owned>>,
    tell: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, StoreError> {
    to.write_rows(table.writer, &mut rows.iter().map(|row| row.iter().map(Owned::as_value).collect()))?;
    let written = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    rows.clear();
    Ok(tell(written))
}

/// The columns of a writer, as its statement names them.
fn columns(writer: &RowWriter) -> &'static str {
    let named = writer.insert.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    named.map(|(columns, _)| columns).expect("a writer names its columns")
}

fn owned(row: &dyn Row, kinds: &str) -> Result<Vec<Owned>, StoreError> {
    let value = |(column, kind)| {
        Ok(match kind {
            'i' => row.int_or_null(column)?.map_or(Owned::Null, Owned::Int),
            't' => row.text_or_null(column)?.map_or(Owned::Null, |text| Owned::Text(text.to_owned())),
            _ => Owned::Blob(row.blob(column)?.to_vec()),
        })
    };
    kinds.chars().enumerate().map(value).collect()
}

/// Of a row that holds several events each gets its own: not every store keeps them together.
fn each_event(row: &dyn Row) -> Result<Vec<Vec<Owned>>, StoreError> {
    let destination = row.text(0)?;
    let events = outbox::from_row(row)?;
    let rows = events.iter().map(|UnsentEvent { event, parcel }| {
        let values = outbox::row_of(destination, parcel.written_at, event, 1, &event.data);
        values.into_iter().map(Owned::of).collect()
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_a_writer_has_its_kind() {
        for table in TABLES {
            let columns = columns(table.writer).split(',').count();
            assert_eq!((columns, table.kinds.len()), (table.writer.columns, columns), "{}", table.name);
        }
    }
}
