//! The schema and its versions. The database commits each statement that changes a table by itself, so every statement
//! can be run again: who is interrupted starts over, and two who start at once do the same.

use std::collections::BTreeSet;

use mysql::prelude::Queryable as _;
use mysql::{Conn, params};

/// Each file leads from the version before it.
const STEPS: &[&str] = &[
    include_str!("../../migrations/mysql/0001_books.sql"),
    include_str!("../../migrations/mysql/0002_leases.sql"),
    include_str!("../../migrations/mysql/0003_events.sql"),
    include_str!("../../migrations/mysql/0004_parcels.sql"),
];

/// The column that is to be added is there already: the step was interrupted behind it.
const DUPLICATE_COLUMN: u16 = 1_060;

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_versions (
    version     BIGINT NOT NULL PRIMARY KEY,
    finished_at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin";

/// The version this program writes.
pub fn version() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The version of a database; 0 of an empty one.
pub(crate) fn version_of(connection: &mut Conn) -> mysql::Result<i64> {
    let known = "SELECT COUNT(*) FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name = 'schema_versions'";
    if connection.query_first::<i64, _>(known)? != Some(1) {
        return Ok(0);
    }
    Ok(connection.query_first::<i64, _>("SELECT COALESCE(MAX(version), 0) FROM schema_versions")?.unwrap_or(0))
}

/// The statements a database at `version` still needs, with the version each belongs to.
pub(crate) fn statements_after(version: i64) -> Vec<(i64, String)> {
    let steps = (1_i64..).zip(STEPS).filter(|(step, _)| *step > version);
    steps.flat_map(|(step, file)| statements(file).map(move |statement| (step, statement))).collect()
}

/// The statements of a file, without the lines that explain them.
fn statements(file: &'static str) -> impl Iterator<Item = String> {
    let lines = file.lines().filter(|line| !line.starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let statements: Vec<String> = text
        .split(";\n")
        .map(|part| part.trim().trim_end_matches(';').to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    statements.into_iter()
}

/// The tables of the present version.
pub(crate) fn tables() -> BTreeSet<&'static str> {
    let made = STEPS.iter().flat_map(|file| file.lines());
    let named = made.filter_map(|line| line.strip_prefix("CREATE TABLE IF NOT EXISTS "));
    named.filter_map(|rest| rest.split(' ').next()).collect()
}

/// Brings a database to the present version. Where it has that, nothing is asked for that only a migration may.
pub(crate) fn upgrade(connection: &mut Conn) -> mysql::Result<()> {
    let found = version_of(connection)?;
    if found >= version() {
        return Ok(());
    }
    connection.query_drop(VERSIONS)?;
    for step in found.saturating_add(1)..=version() {
        for (_, statement) in statements_after(step.saturating_sub(1)).iter().filter(|(of, _)| *of == step) {
            match connection.query_drop(statement) {
                Err(mysql::Error::MySqlError(error)) if error.code == DUPLICATE_COLUMN => {}
                done => done?,
            }
        }
        let done = "INSERT INTO schema_versions (version, finished_at) \
                    VALUES (:step, CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)) \
                    ON DUPLICATE KEY UPDATE version = VALUES(version)";
        connection.exec_drop(done, params! { "step" => step })?;
    }
    Ok(())
}
