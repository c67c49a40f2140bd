//! The runs of orders, as the file holds them.

use holdfast_application::audit::promises::is_stray;
use holdfast_domain::OrderId;
use rusqlite::Connection;

use super::OpenError;
use crate::sqlite::order_runs::OrderRuns;

/// The filters that tell the runs of orders, and the first order that they cannot hold.
pub(super) struct Runs {
    pub(super) filters: OrderRuns,
    damage: Option<String>,
}

impl Runs {
    /// The filters, if they hold all orders.
    pub(super) fn undamaged(self) -> Result<OrderRuns, OpenError> {
        let damaged = |words| OpenError::Damaged(format!("{words}; run `holdfast verify`"));
        self.damage.map_or(Ok(self.filters), |words| Err(damaged(words)))
    }
}

/// Reads all order ids into the filters. An order whose number lies far behind all others stays out of them: they are
/// as large as the highest number.
pub(super) fn read_runs(connection: &Connection) -> rusqlite::Result<Runs> {
    let mut runs = Runs { filters: OrderRuns::default(), damage: None };
    let mut statement = connection.prepare("SELECT number, id FROM orders ORDER BY number >> 10, id")?;
    let mut rows = statement.query([])?;
    let mut read = 0_u64;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let fitting = u64::try_from(number).ok().filter(|number| !is_stray(*number, read));
        let id = row.get_ref(1)?.as_bytes().ok().and_then(|bytes| bytes.try_into().ok());
        match (fitting, id) {
            (Some(number), Some(id)) => runs.filters.add(number, OrderId::from_bytes(id)),
            (None, _) => {
                let words = || format!("an order has the number {number}, but {read} orders stand in front of it");
                runs.damage.get_or_insert_with(words);
            }
            (_, None) => {
                runs.damage.get_or_insert_with(|| format!("order number {number} has an id of another size"));
            }
        }
        read = read.saturating_add(1);
    }
    Ok(runs)
}
