//! Statements over many rows at once: one round trip for hundreds of them.
//!
//! Each size of a statement is prepared once on a connection, so sizes are powers of two: what is asked for is filled up by
//! asking for the last key again, and what is written is split.

use std::fmt::Write as _;

use crate::sql::session::{RowFinder, RowGuard, RowRemover, RowWriter, Upsert};

/// The most rows of one statement: beyond some hundreds nothing is won (docs/performance.md).
pub(crate) const ROWS_MAX: usize = 1_024;
/// The most bytes of values in one statement, roughly: packets may end at 1 MiB.
pub(crate) const BYTES_MAX: usize = 512 << 10;

/// The largest power of two up to `rows`.
pub(crate) const fn at_once(rows: usize) -> usize {
    match rows.checked_ilog2() {
        Some(power) => 1 << power,
        None => 0,
    }
}

/// Looks up the rows of `keys` keys.
pub(crate) fn find_sql(finder: &RowFinder, keys: usize, lock: &str) -> String {
    let any = vec![finder.key; keys].join(" OR ");
    let lock = if finder.locks { lock } else { "" };
    let select = match finder.by_index {
        Some((table, index)) => finder.select.replacen(table, &format!("{table} FORCE INDEX ({index})"), 1),
        None => finder.select.clone(),
    };
    format!("{select} WHERE {any} ORDER BY {}{lock}", finder.order)
}

/// Writes `rows` rows.
pub(crate) fn write_sql(writer: &RowWriter, rows: usize) -> String {
    let mut sql = format!("{} VALUES {}", writer.insert, places(writer.columns, rows));
    if let Upsert::Columns { columns, .. } = &writer.upsert {
        take_over(&mut sql, columns);
    }
    sql
}

/// Raises the guards of `rows` rows that are as they were read: two values a row, the key and what the guard was.
pub(crate) fn guard_sql(guard: &RowGuard, rows: usize) -> String {
    let RowGuard { table, key, guard: is, .. } = guard;
    let any = vec![format!("({key} = ? AND {is} = ?)"); rows].join(" OR ");
    format!("UPDATE {table} SET {is} = {is} + 1 WHERE {any}")
}

/// Removes the rows of `keys` keys.
pub(crate) fn remove_sql(remover: &RowRemover, keys: usize) -> String {
    let any = vec![format!("({})", remover.key); keys].join(" OR ");
    format!("DELETE FROM {} WHERE {any}", remover.table)
}

/// Writes `rows` rows whose guards were raised.
pub(crate) fn change_sql(guard: &RowGuard, rows: usize) -> String {
    let all: Vec<&str> =
        [guard.key, guard.guard].into_iter().chain(guard.kept.iter().chain(guard.changed).copied()).collect();
    let mut sql = format!("INSERT INTO {} ({}) VALUES {}", guard.table, all.join(", "), places(all.len(), rows));
    let changed: Vec<&str> = std::iter::once(guard.guard).chain(guard.changed.iter().copied()).collect();
    take_over(&mut sql, &changed);
    sql
}

fn places(columns: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}

/// What a row takes over whose key is there already.
fn take_over(sql: &mut String, columns: &[&str]) {
    for (at, column) in columns.iter().enumerate() {
        let before = if at == 0 { " ON DUPLICATE KEY UPDATE " } else { ", " };
        let _ = write!(sql, "{before}{column} = VALUES({column})"); // writing to a string does not fail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_are_one_statement_with_its_locks_in_order() {
        let finder = RowFinder::new("SELECT a FROM t", "k = ?", "k").that_locks("t", "by_k");
        let sql = find_sql(&finder, 2, " FOR UPDATE");
        assert_eq!(sql, "SELECT a FROM t FORCE INDEX (by_k) WHERE k = ? OR k = ? ORDER BY k FOR UPDATE");
    }

    #[test]
    fn a_guarded_change_raises_the_guard_and_then_writes_what_changes() {
        let guard = RowGuard { table: "t", key: "k", guard: "g", kept: &["a"], changed: &["b"] };
        assert_eq!(guard_sql(&guard, 2), "UPDATE t SET g = g + 1 WHERE (k = ? AND g = ?) OR (k = ? AND g = ?)");
        let expected =
            "INSERT INTO t (k, g, a, b) VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE g = VALUES(g), b = VALUES(b)";
        assert_eq!(change_sql(&guard, 1), expected);
    }

    #[test]
    fn many_rows_are_removed_by_their_keys_at_once() {
        let remover = RowRemover { table: "t", key: "a = ? AND b = ?" };
        assert_eq!(remove_sql(&remover, 2), "DELETE FROM t WHERE (a = ? AND b = ?) OR (a = ? AND b = ?)");
    }

    #[test]
    fn statements_come_in_powers_of_two() {
        assert_eq!([0, 1, 3, 512, 1_023].map(at_once), [0, 1, 2, 512, 512]);
    }
}
