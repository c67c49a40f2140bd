//! Connections: where to, and how a session is set.

use std::net::IpAddr;
use std::time::Duration;

use mysql::consts::CapabilityFlags;
use mysql::{Conn, Opts, OptsBuilder};

use crate::mysql::risks::Risk;
use crate::mysql::tls;
use crate::sql::queries::READ_MAX;

/// How long it may take to be connected.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How long a writer waits for a row that another one has locked, in seconds.
const LOCK_WAIT_SECONDS: u32 = 2;
/// How long a session waits for a table that somebody else has locked or changes, in seconds: the server, which does
/// not notice that whoever waited is gone, gives up before [`SILENCE_MAX`], so that those who wait do not become more
/// and more.
const TABLE_WAIT_SECONDS: u32 = 8;
/// As many rows as there are.
const EVERY_ROW: u64 = u64::MAX;
/// How long a writer may say nothing within a transaction before the database undoes it, in seconds: one that stands
/// still does not keep its rows from the others. MySQL does so outside of transactions, too; a writer connects anew
/// then.
const IDLE_SECONDS: u32 = 3;
/// How long the database may keep a session waiting before its connection is given up: well above the wait for a lock.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// Statements that stay prepared on a connection.
const STATEMENTS_KEPT: usize = 256;
/// After this long without a word a connection is tried, in milliseconds.
const KEEPALIVE_MS: u32 = 10_000;

/// Where a shared store is, and how many connections read from it.
#[derive(Clone)]
pub struct MysqlSettings {
    /// `mysql://user:password@host:port/database`.
    pub url: String,
    /// Connections for reads.
    pub readers: usize,
    /// What is put up with at the start.
    pub accepted_risks: Vec<Risk>,
}

impl std::fmt::Debug for MysqlSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MysqlSettings").field("readers", &self.readers).finish_non_exhaustive()
    }
}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It writes, and locks what it decides about.
    Writing,
    /// It asks questions, each cut off after [`READ_MAX`].
    Reading,
    /// It walks over much, however long that takes.
    Walking,
    /// It writes much, however long that takes.
    Filling,
}

/// Where connections lead.
#[derive(Clone)]
pub(crate) struct Address(Opts);

impl Address {
    /// What a URL says.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let (url, tls) = tls::split(url)?;
        let opts = Opts::from_url(&url).map_err(|error| error.to_string())?;
        let opts = Opts::from(OptsBuilder::from_opts(opts).ssl_opts(tls));
        if opts.get_db_name().is_none_or(str::is_empty) {
            return Err("it names no database: mysql://user:password@host:port/database".to_owned());
        }
        Ok(Self(opts))
    }

    /// Who connects.
    pub(crate) fn user(&self) -> &str {
        self.0.get_user().unwrap_or_default()
    }

    /// With which password.
    pub(crate) fn password(&self) -> &str {
        self.0.get_pass().unwrap_or_default()
    }

    /// Whether the database is reached over loopback.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        let host = self.0.get_ip_or_hostname();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// A new connection, its session set for `purpose`.
    pub(crate) fn connect(&self, purpose: Purpose) -> mysql::Result<Conn> {
        let silence_max = matches!(purpose, Purpose::Writing | Purpose::Reading).then_some(SILENCE_MAX);
        let opts = OptsBuilder::from_opts(self.0.clone())
            .tcp_connect_timeout(Some(CONNECT_MAX))
            .read_timeout(silence_max)
            .write_timeout(silence_max)
            .tcp_keepalive_time_ms(Some(KEEPALIVE_MS))
            .prefer_socket(false)
            .stmt_cache_size(STATEMENTS_KEPT)
            .additional_capabilities(CapabilityFlags::CLIENT_FOUND_ROWS)
            .init(session_settings(purpose));
        Conn::new(opts)
    }
}

/// What a session is told first, so that nothing depends on the server's defaults or on what it tells those who connect
/// (`init_connect`). Comments that begin with `/*M!` speak to MariaDB, those with `/*!80000` to MySQL.
fn session_settings(purpose: Purpose) -> Vec<String> {
    let isolation = match purpose {
        Purpose::Writing | Purpose::Filling => "READ COMMITTED",
        Purpose::Reading | Purpose::Walking => "REPEATABLE READ",
    };
    let limit = match purpose {
        Purpose::Reading => {
            let max = READ_MAX;
            format!(
                "/*M!100600 , max_statement_time = {} */ /*!80000 , max_execution_time = {} */",
                max.as_secs(),
                max.as_millis()
            )
        }
        Purpose::Writing => {
            format!(
                "/*M!100600 , idle_transaction_timeout = {IDLE_SECONDS} */ /*!80000 , wait_timeout = {IDLE_SECONDS} */"
            )
        }
        Purpose::Walking | Purpose::Filling => {
            "/*M!100600 , max_statement_time = 0 */ /*!80000 , max_execution_time = 0 */".to_owned()
        }
    };
    vec![
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin".to_owned(),
        format!("SET SESSION TRANSACTION ISOLATION LEVEL {isolation}, READ WRITE"),
        format!(
            "SET SESSION autocommit = 1, completion_type = 0, unique_checks = 1, sql_safe_updates = 0, \
             sql_big_selects = 1, sql_select_limit = {EVERY_ROW}, time_zone = '+00:00', \
             sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
             innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}, lock_wait_timeout = {TABLE_WAIT_SECONDS} \
             /*M!100600 , in_predicate_conversion_threshold = 0, check_constraint_checks = 1 */ {limit}"
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_session_says_itself_what_the_proof_rests_on() {
        for purpose in [Purpose::Writing, Purpose::Reading, Purpose::Walking, Purpose::Filling] {
            let told = session_settings(purpose).join("; ");
            for words in ["autocommit = 1", "unique_checks = 1", "check_constraint_checks = 1", "STRICT_ALL_TABLES"] {
                assert!(told.contains(words), "{purpose:?}: {words}: {told}");
            }
        }
        assert!(session_settings(Purpose::Writing).iter().any(|told| told.ends_with("READ COMMITTED, READ WRITE")));
    }
}
