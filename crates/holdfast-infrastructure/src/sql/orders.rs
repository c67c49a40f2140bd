//! Orders: found by id, saved with their reservations.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use holdfast_application::ports::StoreError;
use holdfast_domain::book::OrderPage;
use holdfast_domain::{AskedLine, Order, OrderId, OrderNumber, OrderStatus, ProductId, Reason};

use crate::sql::codec::{self, broken};
use crate::sql::order_index::OrderRow;
use crate::sql::session::{GuardedChange, Row, RowGuard, RowWriter, SqlSession, Upsert, Value};
use crate::sql::{items, reservations};

pub(crate) static ORDERS: RowWriter = RowWriter {
    insert: "INSERT INTO orders (number, order_seq, id, numbered_at, status, events_seen, reserved_at, expires_at, \
             first_ttl, ended_at, reason, asked, event_seq)",
    columns: 13,
    upsert: Upsert::Never,
};

/// The columns that [`from_row`] reads, of `orders` as `o`.
pub(crate) const COLUMNS: &str = "o.number, o.id, o.numbered_at, o.status, o.order_seq, o.events_seen, \
     o.reserved_at, o.expires_at, o.first_ttl, o.ended_at, o.reason, o.asked, o.event_seq";

/// An order that exists changes only while its `order_seq` is as it was read (PROTOCOL, section 3.2).
static CHANGES: RowGuard = RowGuard {
    table: "orders",
    is: "an order",
    key: "number",
    guard: "order_seq",
    kept: &["id", "numbered_at"],
    changed: &[
        "status",
        "events_seen",
        "reserved_at",
        "expires_at",
        "first_ttl",
        "ended_at",
        "reason",
        "asked",
        "event_seq",
    ],
};

/// The status that a code names.
pub(crate) fn status(code: i64) -> Result<OrderStatus, StoreError> {
    let status = u8::try_from(code).ok().and_then(OrderStatus::from_code);
    status.ok_or_else(|| broken(format!("the order status {code}")))
}

/// The order of a row with [`COLUMNS`] first, without its reservations, and what it asked for as bytes.
pub(crate) fn from_row(row: &dyn Row) -> Result<OrderRow, StoreError> {
    let number = OrderNumber(codec::number(row.int(0)?)?);
    let id = OrderId::from_bytes(codec::uuid(row.blob(1)?)?);
    let mut order = Order::new(id, number, codec::time(row.int(2)?), status(row.int(3)?)?);
    order.order_seq = codec::number(row.int(4)?)?;
    order.events_seen = codec::number(row.int(5)?)?;
    order.reserved_at = row.int_or_null(6)?.map(codec::time);
    order.expires_at = row.int_or_null(7)?.map(codec::time);
    order.first_ttl = duration_or_null(row.int_or_null(8)?)?;
    order.ended_at = row.int_or_null(9)?.map(codec::time);
    order.reason = codec::text_or_null(row.text_or_null(10)?, Reason::new)?;
    order.event_seq = codec::number(row.int(12)?)?;
    Ok((order, row.blob(11)?.to_vec()))
}

/// A time to live, in microseconds.
pub(crate) fn duration_or_null(micros: Option<i64>) -> Result<Option<Duration>, StoreError> {
    Ok(micros.map(codec::number).transpose()?.map(Duration::from_micros))
}

/// One order with its reservations.
pub(crate) fn load_one(session: &mut dyn SqlSession, id: OrderId) -> Result<Option<Order>, StoreError> {
    load(session, &[id]).map(|mut found| found.pop())
}

/// The number of an order.
pub(crate) fn number_of(session: &mut dyn SqlSession, id: OrderId) -> Result<Option<OrderNumber>, StoreError> {
    Ok(session.find_orders(&[id])?.first().map(|(order, _)| order.number))
}

/// The orders with these ids, each with its reservations, by id. A session that writes locks them.
pub(crate) fn load(session: &mut dyn SqlSession, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
    let mut rows = session.find_orders(ids)?;
    rows.sort_unstable_by_key(|(order, _)| order.id);
    let numbers: Vec<OrderNumber> = rows.iter().map(|(order, _)| order.number).collect();
    let mut reservations = reservations::of_orders(session, &numbers)?;
    let mut found = Vec::with_capacity(rows.len());
    for (mut order, asked) in rows {
        order.reservations = reservations.remove(&order.number).unwrap_or_default();
        order.asked = asked_lines(session, &order, &asked)?;
        found.push(order);
    }
    Ok(found)
}

/// What an order asked for. It held everything it asked for once, so its reservations tell the products.
fn asked_lines(session: &mut dyn SqlSession, order: &Order, bytes: &[u8]) -> Result<Vec<AskedLine>, StoreError> {
    let mut products: HashMap<u32, ProductId> =
        order.reservations.iter().map(|held| (held.item.0, held.product)).collect();
    let mut lines = Vec::new();
    for line in codec::asked(bytes) {
        let (item, location, quantity) = line?;
        let product = match products.get(&item) {
            Some(product) => *product,
            None => {
                let known = items::products_of_numbers(session, &[item])?;
                products.extend(known);
                *products.get(&item).ok_or_else(|| broken(format!("an order for item {item}, which does not exist")))?
            }
        };
        lines.push(AskedLine { product, location, quantity });
    }
    Ok(lines)
}

/// What the order asked for, as bytes. It held everything it asked for once, so its reservations tell the items.
fn asked(order: &Order) -> Vec<u8> {
    let mut items: Vec<(ProductId, u32)> = order.reservations.iter().map(|held| (held.product, held.item.0)).collect();
    items.sort_unstable();
    codec::asked_to_bytes(&order.asked, |product| {
        let at = items.binary_search_by_key(&product, |(product, _)| *product);
        at.ok().and_then(|at| items.get(at)).map(|(_, item)| *item).expect("an order held what it asked for")
    })
}

/// Saves orders, new or changed, and their reservations.
pub(crate) fn save(session: &mut dyn SqlSession, pages: &[&OrderPage]) -> Result<(), StoreError> {
    let bytes: Vec<([u8; 16], Vec<u8>)> =
        pages.iter().map(|page| (page.order.id.to_bytes(), asked(&page.order))).collect();
    let written = || pages.iter().zip(&bytes).map(|(page, (id, asked))| (page, id, asked));
    let new = written().filter(|(page, ..)| page.loaded_seq.is_none());
    session.write_rows(&ORDERS, &mut new.map(|(page, id, asked)| to_row(&page.order, id, asked)))?;
    let changes: Vec<GuardedChange<'_>> = written()
        .filter_map(|(page, id, asked)| {
            let was = i64::try_from(page.loaded_seq?).unwrap_or(i64::MAX);
            Some(GuardedChange { was, row: to_row(&page.order, id, asked) })
        })
        .collect();
    session.change_rows(&CHANGES, &changes)?;
    reservations::save(session, pages)
}

/// An order's row in the order of [`ORDERS`], which is that of [`CHANGES`].
fn to_row<'a>(order: &'a Order, id: &'a [u8], asked: &'a [u8]) -> Vec<Value<'a>> {
    vec![
        Value::count(order.number.0),
        Value::count(order.order_seq),
        Value::Blob(id),
        Value::time(order.numbered_at),
        Value::Int(i64::from(order.status.code())),
        Value::Int(i64::from(order.events_seen)),
        Value::time_or_null(order.reserved_at),
        Value::time_or_null(order.expires_at),
        micros_or_null(order.first_ttl),
        Value::time_or_null(order.ended_at),
        Value::text_or_null(order.reason.as_ref().map(Reason::as_str)),
        Value::Blob(asked),
        Value::count(order.event_seq),
    ]
}

fn micros_or_null(duration: Option<Duration>) -> Value<'static> {
    duration.map_or(Value::Null, |duration| Value::count(duration.as_micros()))
}

/// Ids that a statement with one column finds.
pub(crate) fn ids(session: &mut dyn SqlSession, sql: &str, values: &[Value<'_>]) -> Result<Vec<OrderId>, StoreError> {
    let mut found = Vec::new();
    session.query(sql, values, &mut |row| {
        found.push(OrderId::from_bytes(codec::uuid(row.blob(0)?)?));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
