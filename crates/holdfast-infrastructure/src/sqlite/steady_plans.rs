//! How statements are planned: once.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// Keeps statements prepared: without this SQLite plans a look-up by key anew for every value that is bound to it.
pub(crate) fn steady_plans(connection: &Connection) -> rusqlite::Result<bool> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
}
