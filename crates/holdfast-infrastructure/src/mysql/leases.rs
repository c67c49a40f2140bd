//! Leases: who of several services has which duty, by a row for each and the database's clock.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use holdfast_application::duties::{Duties, Duty};
use holdfast_application::ports::StoreError;
use holdfast_domain::Timestamp;

use crate::mysql::connect::Purpose;
use crate::mysql::session::MysqlSession;
use crate::mysql::store::{MysqlStore, database_time};
use crate::sql::session::Value;

/// The present by the database's clock, in microseconds.
const PRESENT: &str = "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)";

/// The duties of services that share a database.
pub struct MysqlLeases {
    session: Mutex<MysqlSession>,
    /// Who this is: nobody else's name.
    holder: String,
}

impl std::fmt::Debug for MysqlLeases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MysqlLeases").field("holder", &self.holder).finish_non_exhaustive()
    }
}

impl MysqlLeases {
    /// Leases in the database of `store`, for whoever bears this name, on a connection of their own that is made when
    /// it is first needed.
    pub fn of(store: &MysqlStore, holder: String) -> Self {
        Self { session: Mutex::new(store.another_session(Purpose::Writing)), holder }
    }
}

impl Duties for MysqlLeases {
    /// One statement takes the lease, and only where nobody else has one: nothing stays locked should this process stop
    /// here.
    fn take(&self, duty: Duty, lasts: Duration) -> Result<Option<Timestamp>, StoreError> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let holder = Value::Text(&self.holder);
        let lasts = Value::count(lasts.as_micros());
        // The epoch comes first: these databases let what follows see what was set before it.
        let sql = format!(
            "UPDATE leases SET epoch = epoch + (holder <> ?), holder = ?, `until` = {PRESENT} + ? \
             WHERE duty = ? AND (holder = ? OR `until` < {PRESENT})"
        );
        let taken = session.execute_alone(&sql, &[holder, holder, lasts, Value::Text(duty.as_str()), holder])?;
        if taken == 0 {
            return Ok(None);
        }
        database_time(&mut session).map(Some)
    }

    /// What cannot be told runs out by itself.
    fn leave(&self) {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let sql = "UPDATE leases SET `until` = 0 WHERE holder = ?";
        if let Err(error) = session.execute_alone(sql, &[Value::Text(&self.holder)]) {
            tracing::debug!(error = %error, "leases were not given back");
        }
    }
}
