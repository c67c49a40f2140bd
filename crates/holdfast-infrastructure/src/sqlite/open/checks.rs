//! What must hold of a file before it is served.

use rusqlite::Connection;

use super::{OpenError, SqliteSettings};
use crate::sqlite::beacon::{self, Beacon};

/// The largest file whose structure is checked at every start: some 50 ms.
const STRUCTURE_CHECKED_MAX: u64 = 64 << 20;

/// The beacon, once it is sure that the file is not older.
pub(super) fn beacon_of(settings: &SqliteSettings, batch: i64) -> Result<Beacon, OpenError> {
    let beacon = Beacon::open(&settings.folder).map_err(|source| no_beacon(settings, source))?;
    let acknowledged = beacon.batch().map_err(|source| no_beacon(settings, source))?;
    not_older(acknowledged, batch)?;
    Ok(beacon)
}

/// The file must not be older than its beacon. A reader stands beside a writer, which commits first and tells the
/// beacon afterwards; so the beacon is read first: what it tells of must be in the file by then.
pub(super) fn check_beacon(settings: &SqliteSettings, connection: &Connection) -> Result<(), OpenError> {
    let beacon = Beacon::look(&settings.folder).map_err(|source| no_beacon(settings, source))?;
    let acknowledged = beacon.map(|beacon| beacon.batch()).transpose().map_err(|source| no_beacon(settings, source))?;
    let batch = connection.query_row("SELECT batch FROM books WHERE id = 1", [], |row| row.get(0))?;
    not_older(acknowledged.unwrap_or(0), batch)
}

fn no_beacon(settings: &SqliteSettings, source: std::io::Error) -> OpenError {
    OpenError::Folder { path: settings.folder.join(beacon::FILE), source }
}

fn not_older(acknowledged: u64, batch: i64) -> Result<(), OpenError> {
    if i64::try_from(acknowledged).unwrap_or(i64::MAX) <= batch {
        return Ok(());
    }
    Err(OpenError::Damaged(format!(
        "batch {acknowledged} was acknowledged, but the file ends at {batch}. If a backup was restored on purpose, \
         remove holdfast.beacon; else what was acknowledged since is lost"
    )))
}

/// Looks at the tips: items and levels must stand where their last movements left them. `holdfast verify` looks at all.
pub(super) fn check(connection: &Connection) -> Result<(), OpenError> {
    // Of a group's rows SQLite takes the other columns from the one with the maximum.
    let tips = "WITH recent AS (SELECT * FROM movements ORDER BY rowid DESC LIMIT 10000) ";
    let items = "SELECT COUNT(*) FROM (SELECT item, MAX(sequence) AS sequence FROM recent GROUP BY item) tip \
                 LEFT JOIN stock s ON s.item = tip.item WHERE s.sequence IS NOT tip.sequence";
    let levels = "SELECT COUNT(*) FROM (SELECT item, location, MAX(sequence), available, reserved FROM recent \
                  GROUP BY item, location) tip LEFT JOIN levels l ON l.item = tip.item AND l.location = tip.location \
                  WHERE l.available IS NOT tip.available OR l.reserved IS NOT tip.reserved";
    for (what, sql) in [("items", items), ("levels", levels)] {
        let apart: i64 = connection.query_row(&format!("{tips}{sql}"), [], |row| row.get(0))?;
        if apart > 0 {
            return Err(OpenError::Damaged(format!(
                "{apart} {what} do not stand where their last movement left them; run `holdfast verify`"
            )));
        }
    }
    Ok(())
}

/// Looks at the structure of a file that is small enough to be read at a start.
pub(super) fn check_structure(connection: &Connection, settings: &SqliteSettings) -> Result<(), OpenError> {
    if settings.bytes() > STRUCTURE_CHECKED_MAX {
        return Ok(());
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged(found)) }
}
