//! Reads over many orders and reservations.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::{OrderFilter, ReservationFilter, ReservationRow, Visitor};
use holdfast_domain::{Order, OrderId, ReservationId};

use crate::sql::session::{Row, SqlSession, Value};
use crate::sql::{codec, orders, reservations};

/// A page of orders by id, without their reservations. Each run gives a few of its first, and more of them only while the
/// page needs them: random ids lie evenly in all runs.
pub(crate) fn find(session: &mut dyn SqlSession, filter: &OrderFilter) -> Result<Vec<Order>, StoreError> {
    let dialect = session.dialect();
    let mut sql = format!("SELECT {} FROM orders o WHERE {}", orders::COLUMNS, dialect.orders_of_run);
    let mut statuses = Vec::new();
    if !filter.statuses.is_empty() {
        let _ = write!(sql, " AND o.status IN ({})", vec!["?"; filter.statuses.len()].join(", "));
        statuses.extend(filter.statuses.iter().map(|status| Value::Int(i64::from(status.code()))));
    }
    sql.push_str(" ORDER BY o.id LIMIT ?");
    let Some(first) = first_after(filter.after) else { return Ok(Vec::new()) };
    let runs = runs(session)?;
    let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
    let mut each = limit.checked_div(runs).unwrap_or(limit).saturating_mul(2).clamp(2, limit.max(2));
    loop {
        let mut found: Vec<Order> = Vec::new();
        let mut complete_until = OrderId::from_bytes([0xFF; 16]);
        let mut more = false;
        for run in 0..runs {
            let mut values = vec![Value::Int(run), Value::Blob(&first), Value::Blob(&[0xFF; 16])];
            values.extend_from_slice(&statuses);
            values.push(Value::Int(each));
            let mut rows = 0_i64;
            session.query(&sql, &values, &mut |row| {
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
        if complete >= filter.limit || !more {
            found.truncate(filter.limit.min(complete));
            return Ok(found);
        }
        each = each.saturating_mul(4);
    }
}

/// The lowest id behind `after`.
fn first_after(after: Option<OrderId>) -> Option<[u8; 16]> {
    let Some(after) = after else { return Some([0; 16]) };
    u128::from_be_bytes(after.to_bytes()).checked_add(1).map(u128::to_be_bytes)
}

/// How many runs of orders there are.
fn runs(session: &mut dyn SqlSession) -> Result<i64, StoreError> {
    let mut last = None;
    session.query("SELECT MAX(number) FROM orders", &[], &mut |row| {
        last = row.int_or_null(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    let bits = session.dialect().run_bits;
    Ok(last.map_or(0, |last| (last >> bits).saturating_add(1)))
}

/// Walks over all orders by id, without their reservations.
pub(crate) fn each(session: &mut dyn SqlSession, visit: Visitor<'_, Order>) -> Result<(), StoreError> {
    walk(session, &mut |_, order| Ok(visit(order)))
}

/// Walks over all reservations by order id.
pub(crate) fn each_reservation(
    session: &mut dyn SqlSession,
    visit: Visitor<'_, ReservationRow>,
) -> Result<(), StoreError> {
    walk(session, &mut |session, mut order| {
        order.reservations = reservations::of_order(session, order.number)?;
        let mut rows = ReservationRow::of(&order);
        Ok(rows.try_for_each(&mut *visit))
    })
}

type OrderVisitor<'a> = &'a mut dyn FnMut(&mut dyn SqlSession, Order) -> Result<ControlFlow<()>, StoreError>;

/// Goes through a 256th of all ids at a time, from every run.
fn walk(session: &mut dyn SqlSession, visit: OrderVisitor<'_>) -> Result<(), StoreError> {
    let sql = format!("SELECT {} FROM orders o WHERE {}", orders::COLUMNS, session.dialect().orders_of_run);
    let runs = runs(session)?;
    for first_byte in 0..=u8::MAX {
        let (mut low, mut high) = ([0; 16], [0xFF; 16]);
        (low[0], high[0]) = (first_byte, first_byte);
        let mut part = Vec::new();
        for run in 0..runs {
            session.query(&sql, &[Value::Int(run), Value::Blob(&low), Value::Blob(&high)], &mut |row| {
                part.push(orders::from_row(row)?.0);
                Ok(ControlFlow::Continue(()))
            })?;
        }
        part.sort_unstable_by_key(|order| order.id);
        for order in part {
            if visit(session, order)?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One reservation.
pub(crate) fn reservation(
    session: &mut dyn SqlSession,
    id: ReservationId,
) -> Result<Option<ReservationRow>, StoreError> {
    let Some((order, line)) = id.names() else { return Ok(None) };
    let sql = row_sql("r.number = ?");
    let mut found = None;
    session.query(&sql, &[Value::Int(reservations::number(order, line))], &mut |row| {
        found = Some(from_row(row)?).filter(|row| row.id == id);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

fn row_sql(condition: &str) -> String {
    format!(
        "SELECT {}, o.id, o.numbered_at, o.expires_at FROM {} JOIN orders o ON o.number = {} WHERE {condition}",
        reservations::COLUMNS,
        reservations::TABLES,
        reservations::order_of("r.number")
    )
}

fn from_row(row: &dyn Row) -> Result<ReservationRow, StoreError> {
    let (number, line) = reservations::parts(row.int(0)?)?;
    let reservation = reservations::from_row(row)?;
    let expires_at = row.int_or_null(14)?.map(codec::time);
    Ok(ReservationRow {
        id: ReservationId::new(codec::time(row.int(13)?), number, line),
        order: OrderId::from_bytes(codec::uuid(row.blob(12)?)?),
        expires_at: if reservation.is_live() { expires_at } else { reservation.expired_at },
        reservation,
    })
}

/// A page of reservations by id, which is the order of their numbers.
pub(crate) fn find_reservations(
    session: &mut dyn SqlSession,
    filter: &ReservationFilter,
) -> Result<Vec<ReservationRow>, StoreError> {
    let mut sql = row_sql("r.number > ?");
    let product = filter.product.map(holdfast_domain::ProductId::to_bytes);
    let after = filter.after.and_then(ReservationId::names);
    let mut values = vec![Value::Int(after.map_or(0, |(order, line)| reservations::number(order, line)))];
    if let Some(order) = filter.order {
        let Some(order) = orders::load_one(session, order)? else { return Ok(Vec::new()) };
        sql.push_str(" AND r.number BETWEEN ? AND ?");
        values.extend(reservations::numbers(order.number));
    }
    if !filter.statuses.is_empty() {
        let _ = write!(sql, " AND r.status IN ({})", vec!["?"; filter.statuses.len()].join(", "));
        values.extend(filter.statuses.iter().map(|status| Value::Int(i64::from(status.code()))));
    }
    if let Some(product) = &product {
        sql.push_str(" AND r.item = (SELECT number FROM items WHERE product = ?)");
        values.push(Value::Blob(product));
    }
    if let Some(location) = &filter.location {
        sql.push_str(" AND r.location = (SELECT number FROM locations WHERE code = ?)");
        values.push(Value::Text(location.as_str()));
    }
    if let Some(before) = filter.expires_before {
        sql.push_str(" AND CASE r.status WHEN 1 THEN o.expires_at ELSE r.expired_at END < ?");
        values.push(Value::time(before));
    }
    sql.push_str(" ORDER BY r.number LIMIT ?");
    values.push(Value::count(u64::try_from(filter.limit).unwrap_or(u64::MAX)));
    let mut found = Vec::new();
    session.query(&sql, &values, &mut |row| {
        found.push(from_row(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
