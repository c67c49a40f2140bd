//! Orders by id: one index over all of them.

use std::ops::ControlFlow;
use std::sync::LazyLock;

use holdfast_application::ports::StoreError;
use holdfast_domain::{Order, OrderId};

use crate::mysql::session::MysqlSession;
use crate::sql::order_index::{OrderIndex, OrderRow, OrderStretch};
use crate::sql::orders;
use crate::sql::session::{RowFinder, SqlSession as _, Value};

/// Locks orders in the order of their ids: everybody does, so nobody waits in a circle.
static BY_ID: LazyLock<RowFinder> = LazyLock::new(|| {
    RowFinder::new(&format!("SELECT {} FROM orders o", orders::COLUMNS), "o.id = ?", "o.id")
        .that_locks("orders o", "id")
});

fn keys(ids: &[[u8; 16]]) -> Vec<Vec<Value<'_>>> {
    ids.iter().map(|id| vec![Value::Blob(id)]).collect()
}

impl OrderIndex for MysqlSession {
    fn find_orders(&mut self, ids: &[OrderId]) -> Result<Vec<OrderRow>, StoreError> {
        let ids: Vec<[u8; 16]> = ids.iter().map(|id| id.to_bytes()).collect();
        let mut found = Vec::new();
        self.find_rows(&BY_ID, &keys(&ids), &mut |row| {
            found.push(orders::from_row(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    fn find_orders_along(&mut self, ids: &[OrderId]) {
        let ids: Vec<[u8; 16]> = ids.iter().map(|id| id.to_bytes()).collect();
        self.find_along(&BY_ID, &keys(&ids));
    }

    fn list_orders(&mut self, stretch: OrderStretch<'_>) -> Result<Vec<Order>, StoreError> {
        let mut values = vec![Value::Blob(&stretch.ids.0), Value::Blob(&stretch.ids.1)];
        values.extend(stretch.statuses.iter().map(|status| Value::Int(i64::from(status.code()))));
        values.push(Value::count(stretch.limit));
        let sql = format!(
            "SELECT {} FROM orders o WHERE o.id BETWEEN ? AND ?{} ORDER BY o.id LIMIT ?",
            orders::COLUMNS,
            stretch.in_statuses()
        );
        let mut found = Vec::new();
        self.query(&sql, &values, &mut |row| {
            found.push(orders::from_row(row)?.0);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }
}
