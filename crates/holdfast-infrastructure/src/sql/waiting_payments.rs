//! Payments that came before their order: until when each waits, or since when it is given up.
//!
//! One column tells both: the time at which the wait ends, or, as a negative number, the time at which it was given up.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::WaitingPayment;
use holdfast_domain::book::{PaymentWait, WaitingPayments};
use holdfast_domain::{OrderId, OrderStatus, Timestamp};

use crate::sql::session::{RowFinder, RowWriter, SqlSession, Upsert, Value};
use crate::sql::{codec, orders};

pub(crate) static WAITING: RowWriter = RowWriter {
    insert: "INSERT INTO waiting_payments (id, `until`)",
    columns: 2,
    upsert: Upsert::Columns { key: "id", columns: &["`until`"] },
};

static BY_ID: LazyLock<RowFinder> =
    LazyLock::new(|| RowFinder::new("SELECT w.id, w.`until` FROM waiting_payments w", "w.id = ?", "w.id"));

/// Whether any waits, which is seldom.
pub(crate) fn any(session: &mut dyn SqlSession) -> Result<bool, StoreError> {
    let mut any = false;
    session.query("SELECT 1 FROM waiting_payments LIMIT 1", &[], &mut |_| {
        any = true;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(any)
}

/// Those that wait for one of these orders.
pub(crate) fn load(
    session: &mut dyn SqlSession,
    orders: &[OrderId],
) -> Result<Vec<(OrderId, PaymentWait)>, StoreError> {
    let mut waiting = Vec::new();
    let ids: Vec<[u8; 16]> = orders.iter().map(|order| order.to_bytes()).collect();
    let keys: Vec<Vec<Value<'_>>> = ids.iter().map(|id| vec![Value::Blob(id)]).collect();
    session.find_rows(&BY_ID, &keys, &mut |row| {
        waiting.push((OrderId::from_bytes(codec::uuid(row.blob(0)?)?), from_column(row.int(1)?)));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(waiting)
}

fn to_column(wait: PaymentWait) -> i64 {
    match wait {
        PaymentWait::Until(until) => until.micros(),
        PaymentWait::GivenUp(at) => at.micros().saturating_neg(),
    }
}

fn from_column(until: i64) -> PaymentWait {
    if until < 0 {
        PaymentWait::GivenUp(codec::time(until.saturating_neg()))
    } else {
        PaymentWait::Until(codec::time(until))
    }
}

/// Saves what changed among the waiting payments.
pub(crate) fn save(session: &mut dyn SqlSession, waiting: &WaitingPayments) -> Result<(), StoreError> {
    for order in &waiting.ended {
        session.execute("DELETE FROM waiting_payments WHERE id = ?", &[Value::Blob(&order.to_bytes())])?;
    }
    let added: Vec<([u8; 16], i64)> =
        waiting.added.iter().map(|(order, wait)| (order.to_bytes(), to_column(*wait))).collect();
    let mut rows = added.iter().map(|(id, until)| vec![Value::Blob(id), Value::Int(*until)]);
    session.write_rows(&WAITING, &mut rows)
}

/// The next `most` that wait, by until when, then by order, and what has become of their orders, where one is there.
pub(crate) fn page(
    session: &mut dyn SqlSession,
    after: Option<WaitingPayment>,
    most: usize,
) -> Result<Vec<(WaitingPayment, Option<OrderStatus>)>, StoreError> {
    // Those that were given up stand below 0. The first condition alone tells a database which stretch of the key it
    // needs.
    let sql = "SELECT id, `until` FROM waiting_payments WHERE `until` >= ? AND (`until` > ? OR id > ?) \
               ORDER BY `until`, id LIMIT ?";
    let (until, order) =
        after.map_or((Value::Int(0), Vec::new()), |last| (Value::time(last.until), last.order.to_bytes().to_vec()));
    let most = Value::count(most);
    let mut waiting = Vec::new();
    session.query(sql, &[until, until, Value::Blob(&order), most], &mut |row| {
        let order = OrderId::from_bytes(codec::uuid(row.blob(0)?)?);
        waiting.push(WaitingPayment { until: codec::time(row.int(1)?), order });
        Ok(ControlFlow::Continue(()))
    })?;
    if waiting.is_empty() {
        return Ok(Vec::new()); // as nearly always
    }
    let ids: Vec<OrderId> = waiting.iter().map(|payment| payment.order).collect();
    let statuses: HashMap<OrderId, OrderStatus> =
        session.find_orders(&ids)?.into_iter().map(|(order, _)| (order.id, order.status)).collect();
    Ok(waiting.into_iter().map(|payment| (payment, statuses.get(&payment.order).copied())).collect())
}

/// Orders whose payment waited until before `now`.
pub(crate) fn overdue(session: &mut dyn SqlSession, now: Timestamp, most: usize) -> Result<Vec<OrderId>, StoreError> {
    let sql = "SELECT id FROM waiting_payments WHERE `until` >= 0 AND `until` < ? ORDER BY `until`, id LIMIT ?";
    let most = Value::count(most);
    orders::ids(session, sql, &[Value::time(now), most])
}

/// Forgets up to `most` that were given up before `before`, and says how many.
pub(crate) fn forget_given_up(
    session: &mut dyn SqlSession,
    before: Timestamp,
    most: usize,
) -> Result<usize, StoreError> {
    let given_up_before = Value::Int(before.micros().saturating_neg());
    let most = Value::count(most);
    let mut last = Vec::new();
    let sql = "SELECT MAX(first.id) FROM (SELECT id FROM waiting_payments WHERE `until` < 0 AND `until` > ? \
               ORDER BY id LIMIT ?) AS first";
    session.query(sql, &[given_up_before, most], &mut |row| {
        last = row.blob(0)?.to_vec();
        Ok(ControlFlow::Break(()))
    })?;
    if last.is_empty() {
        return Ok(0);
    }
    let sql = "DELETE FROM waiting_payments WHERE `until` < 0 AND `until` > ? AND id <= ?";
    let forgotten = session.execute(sql, &[given_up_before, Value::Blob(&last)])?;
    Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
}
