//! Orders by id: an index for each run of them, as the first migration makes it.

use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_domain::{Order, OrderId};

use crate::sql::order_index::{OrderIndex, OrderRow, OrderStretch};
use crate::sql::orders;
use crate::sql::session::{SqlSession, Value};
use crate::sqlite::order_runs::RUN_BITS;
use crate::sqlite::session::SqliteSession;

impl OrderIndex for SqliteSession {
    fn find_orders(&mut self, ids: &[OrderId]) -> Result<Vec<OrderRow>, StoreError> {
        let mut sql = None;
        let mut found = Vec::new();
        for id in ids {
            let bytes = id.to_bytes();
            // None for most ids that are looked up: those of new orders.
            let runs = self.runs().that_may_hold(*id);
            for run in runs {
                let sql = sql.get_or_insert_with(|| {
                    format!("SELECT {} FROM orders o WHERE (o.number >> {RUN_BITS}) = ? AND o.id = ?", orders::COLUMNS)
                });
                let before = found.len();
                self.query(sql, &[Value::Int(run), Value::Blob(&bytes)], &mut |row| {
                    found.push(orders::from_row(row)?);
                    Ok(ControlFlow::Break(()))
                })?;
                if found.len() > before {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Each run gives a few of its first, and more of them only while the page needs them: random ids lie evenly in all
    /// runs.
    fn list_orders(&mut self, stretch: OrderStretch<'_>) -> Result<Vec<Order>, StoreError> {
        let sql = format!(
            "SELECT {} FROM orders o WHERE (o.number >> {RUN_BITS}) = ? AND o.id BETWEEN ? AND ?{} ORDER BY o.id LIMIT ?",
            orders::COLUMNS,
            stretch.in_statuses()
        );
        let runs = runs(self)?;
        let limit = i64::try_from(stretch.limit).unwrap_or(i64::MAX);
        let mut each = limit.checked_div(runs).unwrap_or(limit).saturating_mul(2).clamp(2, limit.max(2));
        loop {
            let mut found: Vec<Order> = Vec::new();
            let mut complete_until = OrderId::from_bytes([0xFF; 16]);
            let mut more = false;
            for run in 0..runs {
                let mut values = vec![Value::Int(run), Value::Blob(&stretch.ids.0), Value::Blob(&stretch.ids.1)];
                values.extend(stretch.statuses.iter().map(|status| Value::Int(i64::from(status.code()))));
                values.push(Value::Int(each));
                let mut rows = 0_i64;
                self.query(&sql, &values, &mut |row| {
                    found.push(orders::from_row(row)?.0);
                    rows = rows.saturating_add(1);
                    Ok(ControlFlow::Continue(()))
                })?;
                if let Some(last) = found.last().filter(|_| rows == each) {
                    more = true;
                    complete_until = complete_until.min(last.id);
                }
            }
            found.sort_unstable_by_key(|order| order.id);
            let complete = found.partition_point(|order| order.id <= complete_until);
            if complete >= stretch.limit || !more {
                found.truncate(stretch.limit.min(complete));
                return Ok(found);
            }
            each = each.saturating_mul(4);
        }
    }
}

/// How many runs of orders there are.
fn runs(session: &mut SqliteSession) -> Result<i64, StoreError> {
    let mut last = None;
    session.query("SELECT MAX(number) FROM orders", &[], &mut |row| {
        last = row.int_or_null(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(last.map_or(0, |last| (last >> RUN_BITS).saturating_add(1)))
}
