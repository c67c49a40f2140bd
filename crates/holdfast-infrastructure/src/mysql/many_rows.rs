//! Statements over many rows at once: one round trip for hundreds of them.
//!
//! Each size of a question is prepared once on a connection, so sizes are powers of two, filled up by naming the last
//! key again. What is written is text of the exact size.

use std::fmt::Write as _;

use crate::mysql::literals;
use crate::sql::session::{GuardedChange, RowFinder, RowGuard, RowRemover, RowWriter, Upsert, Value};

/// The most rows of one statement: beyond some hundreds nothing is won (docs/performance.md).
pub(crate) const ROWS_MAX: usize = 1_024;
/// The most bytes of one statement that writes, roughly: packets may end at 1 MiB.
pub(crate) const BYTES_MAX: usize = 512 << 10;

/// Looks up the rows of `keys` keys. Keys of one column stand in a list, which MariaDB plans in half the time of as
/// many conditions.
pub(crate) fn find_sql(finder: &RowFinder, keys: usize, lock: &str) -> String {
    let any = match finder.key.strip_suffix(" = ?") {
        Some(column) => format!("{column} IN ({})", vec!["?"; keys].join(", ")),
        None => vec![finder.key; keys].join(" OR "),
    };
    find_any(finder, &any, lock)
}

/// The same as text, for keys of one column that means the same wherever it stands: a number, or bytes in a column of
/// bytes.
pub(crate) fn find_text(finder: &RowFinder, keys: &[Vec<Value<'_>>], lock: &str) -> Option<String> {
    let column = finder.key.strip_suffix(" = ?")?;
    let mut any = format!("{column} IN (");
    for (at, key) in keys.iter().enumerate() {
        any.push_str(if at == 0 { "" } else { ", " });
        match key.as_slice() {
            [Value::Int(number)] => literals::push(&mut any, &Value::Int(*number)),
            [Value::Blob(bytes)] => literals::push_hex(&mut any, bytes),
            _ => return None,
        }
    }
    any.push(')');
    Some(find_any(finder, &any, lock))
}

fn find_any(finder: &RowFinder, any: &str, lock: &str) -> String {
    let lock = if finder.locks { lock } else { "" };
    let select = match finder.by_index {
        Some((table, index)) => finder.select.replacen(table, &format!("{table} FORCE INDEX ({index})"), 1),
        None => finder.select.clone(),
    };
    format!("{select} WHERE {any} ORDER BY {}{lock}", finder.order)
}

/// What the statements that write rows begin and end with; the rows stand in between.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    head: String,
    tail: String,
}

impl Frame {
    /// Writes rows as `writer` says.
    pub(crate) fn of_writer(writer: &RowWriter) -> Self {
        let columns = match &writer.upsert {
            Upsert::Columns { columns, .. } => columns,
            Upsert::Never | Upsert::Fence => &[][..],
        };
        Self { head: format!("{} VALUES ", writer.insert), tail: take_over(columns.iter()) }
    }

    /// The same for these rows, of which those columns are left out that all of them leave empty: reading a statement's
    /// text is a fifth of the database's work for it.
    pub(crate) fn of_rows(writer: &RowWriter, rows: &mut [Vec<Value<'_>>]) -> Self {
        let whole = Self::of_writer(writer);
        let names = writer.insert.split_once(" (").and_then(|(into, names)| Some((into, names.strip_suffix(')')?)));
        let (Upsert::Never | Upsert::Fence, Some((into, names))) = (&writer.upsert, names) else { return whole };
        let is_filled: Vec<bool> =
            (0..writer.columns).map(|at| rows.iter().any(|row| row.get(at) != Some(&Value::Null))).collect();
        for row in rows {
            let mut is_filled = is_filled.iter();
            row.retain(|_| is_filled.next().copied().unwrap_or(true));
        }
        let names = names.split(", ").zip(&is_filled).filter(|(_, is_filled)| **is_filled);
        let names: Vec<&str> = names.map(|(name, _)| name).collect();
        Self { head: format!("{into} ({}) VALUES ", names.join(", ")), ..whole }
    }

    /// Writes rows whose guards were raised.
    pub(crate) fn of_guard(guard: &RowGuard) -> Self {
        let changed = || std::iter::once(&guard.guard).chain(guard.changed);
        let all: Vec<&str> =
            [guard.key, guard.guard].into_iter().chain(guard.kept.iter().chain(guard.changed).copied()).collect();
        let head = format!("INSERT INTO {} ({}) VALUES ", guard.table, all.join(", "));
        Self { head, tail: take_over(changed()) }
    }

    /// The statements that write `rows`, one after the other, none longer than may be.
    pub(crate) fn fill<E>(
        &self,
        rows: &mut dyn Iterator<Item = Vec<Value<'_>>>,
        write: &mut dyn FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut sql = String::new();
        let mut waiting = 0_usize;
        for row in rows {
            sql.push_str(if waiting == 0 { &self.head } else { ", " });
            literals::push_row(&mut sql, &row);
            waiting = waiting.saturating_add(1);
            if waiting >= ROWS_MAX || sql.len() >= BYTES_MAX {
                sql.push_str(&self.tail);
                write(&sql)?;
                sql.clear();
                waiting = 0;
            }
        }
        if waiting == 0 {
            return Ok(());
        }
        sql.push_str(&self.tail);
        write(&sql)
    }
}

/// Raises the guards of rows that are as they were read.
pub(crate) fn guard_sql(guard: &RowGuard, changes: &[GuardedChange<'_>]) -> String {
    let RowGuard { table, key, guard: is, .. } = guard;
    let mut sql = format!("UPDATE {table} SET {is} = {is} + 1 WHERE ");
    for (at, change) in changes.iter().enumerate() {
        sql.push_str(if at == 0 { "(" } else { " OR (" });
        sql.push_str(key);
        sql.push_str(" = ");
        literals::push(&mut sql, change.row.first().unwrap_or(&Value::Null));
        let _ = write!(sql, " AND {is} = {})", change.was); // writing to a string does not fail
    }
    sql
}

/// Removes the rows of `keys` keys.
pub(crate) fn remove_sql(remover: &RowRemover, keys: usize) -> String {
    let any = vec![format!("({})", remover.key); keys].join(" OR ");
    format!("DELETE FROM {} WHERE {any}", remover.table)
}

/// What a row takes over whose key is there already.
fn take_over<'a>(columns: impl Iterator<Item = &'a &'static str>) -> String {
    let mut sql = String::new();
    for (at, column) in columns.enumerate() {
        let before = if at == 0 { " ON DUPLICATE KEY UPDATE " } else { ", " };
        let _ = write!(sql, "{before}{column} = VALUES({column})");
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_are_one_statement_with_its_locks_in_order() {
        let finder = RowFinder::new("SELECT a FROM t", "k = ?", "k").that_locks("t", "by_k");
        let sql = find_sql(&finder, 2, " FOR UPDATE");
        assert_eq!(sql, "SELECT a FROM t FORCE INDEX (by_k) WHERE k IN (?, ?) ORDER BY k FOR UPDATE");
        let finder = RowFinder::new("SELECT a FROM t", "(k = ? AND l = ?)", "k, l");
        let sql = find_sql(&finder, 2, " FOR UPDATE");
        assert_eq!(sql, "SELECT a FROM t WHERE (k = ? AND l = ?) OR (k = ? AND l = ?) ORDER BY k, l");
    }

    /// The statements that write these rows.
    fn filled(frame: &Frame, rows: Vec<Vec<Value<'_>>>) -> Vec<String> {
        let mut written = Vec::new();
        let mut write = |sql: &str| -> Result<(), std::convert::Infallible> {
            written.push(sql.to_owned());
            Ok(())
        };
        frame.fill(&mut rows.into_iter(), &mut write).expect("nothing fails");
        written
    }

    #[test]
    fn many_rows_are_removed_by_their_keys_at_once() {
        let remover = RowRemover { table: "t", key: "a = ? AND b = ?" };
        assert_eq!(remove_sql(&remover, 2), "DELETE FROM t WHERE (a = ? AND b = ?) OR (a = ? AND b = ?)");
    }

    #[test]
    fn a_guarded_change_raises_the_guard_and_then_writes_what_changes() {
        let guard = RowGuard { table: "t", is: "a row", key: "k", guard: "g", kept: &["a"], changed: &["b"] };
        let change = |key, was| GuardedChange { was, row: vec![Value::Int(key)] };
        let expected = "UPDATE t SET g = g + 1 WHERE (k = 1 AND g = 5) OR (k = 2 AND g = 6)";
        assert_eq!(guard_sql(&guard, &[change(1, 5), change(2, 6)]), expected);
        let row = vec![Value::Int(1), Value::Int(6), Value::Text("x"), Value::Null];
        let expected =
            "INSERT INTO t (k, g, a, b) VALUES (1, 6, 'x', NULL) ON DUPLICATE KEY UPDATE g = VALUES(g), b = VALUES(b)";
        assert_eq!(filled(&Frame::of_guard(&guard), vec![row]), [expected]);
    }

    #[test]
    fn columns_that_all_rows_leave_empty_are_left_out() {
        let writer = RowWriter { insert: "INSERT INTO t (a, b, c)", columns: 3, upsert: Upsert::Never };
        let rows = |last: Value<'static>| {
            vec![vec![Value::Int(1), Value::Null, Value::Null], vec![Value::Int(2), Value::Null, last]]
        };
        let mut some = rows(Value::Text("x"));
        let frame = Frame::of_rows(&writer, &mut some);
        assert_eq!(filled(&frame, some), ["INSERT INTO t (a, c) VALUES (1, NULL), (2, 'x')"]);
        let mut none = rows(Value::Null);
        let frame = Frame::of_rows(&writer, &mut none);
        assert_eq!(filled(&frame, none), ["INSERT INTO t (a) VALUES (1), (2)"]);
        // A row that is there already must take over that nothing stands in a column.
        let writer = RowWriter { upsert: Upsert::Columns { key: "a", columns: &["b"] }, ..writer };
        let mut taken_over = rows(Value::Int(3));
        assert_eq!(Frame::of_rows(&writer, &mut taken_over), Frame::of_writer(&writer));
        assert_eq!(taken_over, rows(Value::Int(3)));
    }

    #[test]
    fn rows_are_one_statement_until_it_would_be_too_long() {
        let frame = Frame::of_writer(&RowWriter { insert: "INSERT INTO t (a)", columns: 1, upsert: Upsert::Never });
        let rows = |number: usize| (0..number).map(|_| vec![Value::Int(1)]).collect::<Vec<_>>();
        assert_eq!(filled(&frame, rows(0)), [""; 0]);
        assert_eq!(filled(&frame, rows(3)), ["INSERT INTO t (a) VALUES (1), (1), (1)"]);
        assert_eq!(filled(&frame, rows(ROWS_MAX)).len(), 1);
        assert_eq!(filled(&frame, rows(ROWS_MAX + 1)).len(), 2);
        let long = "x".repeat(BYTES_MAX);
        assert_eq!(filled(&frame, vec![vec![Value::Text(&long)], vec![Value::Int(1)]]).len(), 2);
    }
}
