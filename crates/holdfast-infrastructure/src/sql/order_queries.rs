//! Reads over many orders and reservations.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::{OrderFilter, ReservationFilter, ReservationRow, Visitor};
use holdfast_domain::{Order, OrderId, OrderNumber, ReservationId};

use crate::sql::order_index::OrderStretch;
use crate::sql::session::{Row, SqlSession, Value};
use crate::sql::{codec, orders, reservations};

/// Orders whose reservations a walk looks up at a time.
const ORDERS_STEP: usize = 512;

/// A page of orders by id, without their reservations.
pub(crate) fn find(session: &mut dyn SqlSession, filter: &OrderFilter) -> Result<Vec<Order>, StoreError> {
    let Some(first) = first_after(filter.after) else { return Ok(Vec::new()) };
    session.list_orders(OrderStretch { ids: (first, [0xFF; 16]), statuses: &filter.statuses, limit: filter.limit })
}

/// The lowest id behind `after`.
fn first_after(after: Option<OrderId>) -> Option<[u8; 16]> {
    let Some(after) = after else { return Some([0; 16]) };
    u128::from_be_bytes(after.to_bytes()).checked_add(1).map(u128::to_be_bytes)
}

/// Walks over all orders by id, without their reservations.
pub(crate) fn each(session: &mut dyn SqlSession, visit: Visitor<'_, Order>) -> Result<(), StoreError> {
    walk(session, &mut |_, orders| Ok(orders.into_iter().try_for_each(&mut *visit)))
}

/// Walks over all reservations by order id.
pub(crate) fn each_reservation(
    session: &mut dyn SqlSession,
    visit: Visitor<'_, ReservationRow>,
) -> Result<(), StoreError> {
    walk(session, &mut |session, mut orders| {
        for step in orders.chunks_mut(ORDERS_STEP) {
            let numbers: Vec<OrderNumber> = step.iter().map(|order| order.number).collect();
            let mut reservations = reservations::of_orders(session, &numbers)?;
            for order in step {
                order.reservations = reservations.remove(&order.number).unwrap_or_default();
                let flow = ReservationRow::of(order).try_for_each(&mut *visit);
                if flow.is_break() {
                    return Ok(flow);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

type OrdersVisitor<'a> = &'a mut dyn FnMut(&mut dyn SqlSession, Vec<Order>) -> Result<ControlFlow<()>, StoreError>;

/// Goes through a 256th of all ids at a time.
fn walk(session: &mut dyn SqlSession, visit: OrdersVisitor<'_>) -> Result<(), StoreError> {
    for first_byte in 0..=u8::MAX {
        let (mut low, mut high) = ([0; 16], [0xFF; 16]);
        (low[0], high[0]) = (first_byte, first_byte);
        let part = session.list_orders(OrderStretch { ids: (low, high), statuses: &[], limit: usize::MAX })?;
        if visit(session, part)?.is_break() {
            break;
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
        let Some(number) = orders::number_of(session, order)? else { return Ok(Vec::new()) };
        sql.push_str(" AND r.number BETWEEN ? AND ?");
        values.extend(reservations::numbers(number));
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
    values.push(Value::count(filter.limit));
    let mut found = Vec::new();
    session.query(&sql, &values, &mut |row| {
        found.push(from_row(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
