//! The schema and its versions.

use rusqlite::Connection;

/// Each step leads from the version before it; a step is one transaction.
const STEPS: &[&str] = &[include_str!("../../migrations/sqlite/0001_books.sql")];

/// The version this program writes.
pub(crate) fn version() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The version of a file; 0 of an empty one.
pub(crate) fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The steps a file at `version` still needs.
pub(crate) fn steps_after(version: i64) -> impl Iterator<Item = (i64, &'static str)> {
    (1_i64..).zip(STEPS.iter().copied()).filter(move |(step, _)| *step > version)
}

/// Brings a file to the present version.
pub(crate) fn upgrade(connection: &Connection) -> rusqlite::Result<()> {
    for (step, sql) in steps_after(version_of(connection)?) {
        connection.execute_batch(&format!("BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {step};\nCOMMIT;"))?;
    }
    Ok(())
}
