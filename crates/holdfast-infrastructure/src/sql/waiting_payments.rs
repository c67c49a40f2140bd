//! Payments that came before their order, and until when each waits.

use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_domain::book::WaitingPayments;
use holdfast_domain::{OrderId, Timestamp};

use crate::sql::session::{RowWriter, SqlSession, Upsert, Value};
use crate::sql::{codec, orders};

static WAITING: RowWriter = RowWriter {
    insert: "INSERT INTO waiting_payments (id, until)",
    columns: 2,
    upsert: Upsert::Columns { key: "id", columns: &["until"] },
};

/// Those that wait for one of these orders.
pub(crate) fn load(session: &mut dyn SqlSession, orders: &[OrderId]) -> Result<Vec<(OrderId, Timestamp)>, StoreError> {
    let mut waiting = Vec::new();
    let mut any = false;
    session.query("SELECT 1 FROM waiting_payments LIMIT 1", &[], &mut |_| {
        any = true;
        Ok(ControlFlow::Break(()))
    })?;
    for order in orders.iter().filter(|_| any) {
        let bytes = order.to_bytes();
        session.query("SELECT until FROM waiting_payments WHERE id = ?", &[Value::Blob(&bytes)], &mut |row| {
            waiting.push((*order, codec::time(row.int(0)?)));
            Ok(ControlFlow::Break(()))
        })?;
    }
    Ok(waiting)
}

/// Saves what changed among the waiting payments.
pub(crate) fn save(session: &mut dyn SqlSession, waiting: &WaitingPayments) -> Result<(), StoreError> {
    for order in &waiting.ended {
        session.execute("DELETE FROM waiting_payments WHERE id = ?", &[Value::Blob(&order.to_bytes())])?;
    }
    let added: Vec<([u8; 16], Timestamp)> =
        waiting.added.iter().map(|(order, until)| (order.to_bytes(), *until)).collect();
    let mut rows = added.iter().map(|(id, until)| vec![Value::Blob(id), Value::time(*until)]);
    session.write_rows(&WAITING, &mut rows)
}

/// Orders whose payment waited until before `now`.
pub(crate) fn overdue(session: &mut dyn SqlSession, now: Timestamp, most: usize) -> Result<Vec<OrderId>, StoreError> {
    let sql = "SELECT id FROM waiting_payments WHERE until <= ? ORDER BY until, id LIMIT ?";
    let most = Value::count(u64::try_from(most).unwrap_or(u64::MAX));
    orders::ids(session, sql, &[Value::time(now), most])
}
