//! The schema and its versions.

use std::collections::BTreeMap;

use holdfast_application::queries::UnfitRow;
use rusqlite::Connection;

/// Each step leads from the version before it; a step is one transaction.
const STEPS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_books.sql"),
    include_str!("../../migrations/sqlite/0002_events.sql"),
    include_str!("../../migrations/sqlite/0003_outbox.sql"),
    include_str!("../../migrations/sqlite/0004_parcels.sql"),
];

/// The version this program writes.
pub fn version() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The version of a file; 0 of an empty one.
pub(crate) fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Nobody's yet, or this program's with this version of the schema.
    Ours(i64),
    /// This program's, but its version is lost, as in what was read back from a dump.
    Unversioned,
    /// Another program's.
    Other,
}

/// Whose a file is: every step makes its tables and sets the version in one transaction.
pub(crate) fn owner_of(connection: &Connection) -> rusqlite::Result<Owner> {
    let sql = "SELECT (SELECT user_version FROM pragma_user_version), COUNT(*), COUNT(CASE WHEN name = 'books' THEN 1 END) \
               FROM sqlite_schema";
    let (version, parts, books): (i64, i64, i64) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(match (version, parts, books) {
        (0, 0, _) => Owner::Ours(0),
        (0, _, 1..) => Owner::Unversioned,
        (_, _, 0) => Owner::Other,
        _ => Owner::Ours(version),
    })
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

/// What a file has otherwise than the steps make it: tables and indexes that are missing, changed or of nobody.
pub(crate) fn differences(connection: &Connection) -> rusqlite::Result<Vec<UnfitRow>> {
    let fresh = Connection::open_in_memory()?;
    upgrade(&fresh)?;
    let (mut found, wanted) = (parts(connection)?, parts(&fresh)?);
    let mut differences = Vec::new();
    let mut tell = |row: String, words: &str| {
        differences.push(UnfitRow { table: "sqlite_schema", row, words: words.to_owned() });
    };
    for (part, sql) in wanted {
        match found.remove(&part) {
            None => tell(part, "it is missing"),
            Some(other) if other != sql => tell(part, "it is not what this program made"),
            Some(_) => {}
        }
    }
    for part in found.into_keys() {
        tell(part, "this program did not make it");
    }
    Ok(differences)
}

/// What is damaged of a file's pages, and where an index does not hold what its table does.
pub(crate) fn damage(connection: &Connection) -> rusqlite::Result<Vec<UnfitRow>> {
    let mut statement = connection.prepare("PRAGMA integrity_check(100)")?;
    let found = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let words = found.into_iter().filter(|words| words != "ok");
    Ok(words.map(|words| UnfitRow { table: "sqlite_schema", row: String::new(), words }).collect())
}

/// The parts of a schema by kind and name, and what made each. What SQLite notes for its planner is no part.
fn parts(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Option<String>>> {
    let sql = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_in_the_outbox_of_an_older_file_waits_on_in_its_order() {
        let connection = Connection::open_in_memory().expect("a file");
        for sql in STEPS.iter().take(2) {
            connection.execute_batch(sql).expect("an older file");
        }
        connection.pragma_update(None, "user_version", 2).expect("its version");
        let add = "INSERT INTO outbox (destination, stream, written_at, event_key, key_seq, part, kind, told_at, data) \
                   VALUES (?, ?, ?, x'0102', ?, ?, 1, 7, x'7b7d')";
        let waiting = [("b", 0, 9, 1, 0), ("a", 1, 4, 2, 1), ("a", 1, 4, 2, 0), ("a", 0, 8, 1, 0), ("a", 0, 3, 9, 0)];
        for row in waiting {
            connection.execute(add, row).expect("an event that waits");
        }
        upgrade(&connection).expect("the present version");
        let sql = "SELECT destination, stream, written_at, key_seq, part FROM outbox ORDER BY rowid";
        let mut statement = connection.prepare(sql).expect("a statement");
        let row = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        };
        let found: Vec<(String, i32, i32, i32, i32)> =
            statement.query_map([], row).expect("rows").collect::<Result<_, _>>().expect("rows");
        let mut wanted =
            waiting.map(|(name, stream, at, sequence, part)| (name.to_owned(), stream, at, sequence, part));
        wanted.sort_unstable();
        assert_eq!(found, wanted);
        connection.execute(add, waiting[0]).expect_err("an event waits once");
        assert_eq!(differences(&connection).expect("reads"), []);
    }
}
