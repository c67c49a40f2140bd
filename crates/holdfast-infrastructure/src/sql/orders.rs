//! Orders: found by id, saved with their reservations.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use holdfast_application::ports::StoreError;
use holdfast_domain::book::OrderPage;
use holdfast_domain::{AskedLine, Order, OrderId, OrderNumber, OrderStatus, ProductId, Reason};

use crate::sql::codec::{self, broken};
use crate::sql::reservations;
use crate::sql::session::{Row, RowWriter, SqlSession, Upsert, Value};

static ORDERS: RowWriter = RowWriter {
    insert: "INSERT INTO orders (number, id, numbered_at, status, order_seq, events_seen, reserved_at, expires_at, \
             first_ttl, ended_at, reason, asked)",
    columns: 12,
    upsert: Upsert::Never,
};

/// The columns that [`from_row`] reads, of `orders` as `o`.
pub(crate) const COLUMNS: &str = "o.number, o.id, o.numbered_at, o.status, o.order_seq, o.events_seen, \
     o.reserved_at, o.expires_at, o.first_ttl, o.ended_at, o.reason, o.asked";

/// The changes of an order that exists, guarded by the `order_seq` it was read with (PROTOCOL, section 3.2).
const CHANGE: &str = "UPDATE orders SET status = ?, order_seq = ?, events_seen = ?, reserved_at = ?, expires_at = ?, \
     first_ttl = ?, ended_at = ?, reason = ?, asked = ? WHERE number = ? AND order_seq = ?";

/// The status that a code names.
pub(crate) fn status(code: i64) -> Result<OrderStatus, StoreError> {
    let status = u8::try_from(code).ok().and_then(OrderStatus::from_code);
    status.ok_or_else(|| broken(format!("the order status {code}")))
}

/// The order of a row with [`COLUMNS`] first, without its reservations, and what it asked for as bytes.
pub(crate) fn from_row(row: &dyn Row) -> Result<(Order, Vec<u8>), StoreError> {
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
    Ok((order, row.blob(11)?.to_vec()))
}

/// A time to live, in microseconds.
pub(crate) fn duration_or_null(micros: Option<i64>) -> Result<Option<Duration>, StoreError> {
    Ok(micros.map(codec::number).transpose()?.map(Duration::from_micros))
}

/// One order with its reservations.
pub(crate) fn load_one(session: &mut dyn SqlSession, id: OrderId) -> Result<Option<Order>, StoreError> {
    let runs = session.order_runs(id);
    if runs.is_empty() {
        return Ok(None); // as most ids that are looked up: those of new orders
    }
    let sql = format!("SELECT {COLUMNS} FROM orders o WHERE {}", session.dialect().order_by_id);
    let bytes = id.to_bytes();
    for run in runs {
        let mut found = None;
        session.query(&sql, &[Value::Int(run), Value::Blob(&bytes)], &mut |row| {
            found = Some(from_row(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        if let Some((order, asked)) = found {
            return with_reservations(session, order, &asked).map(Some);
        }
    }
    Ok(None)
}

/// The order with its reservations and what it asked for.
pub(crate) fn with_reservations(
    session: &mut dyn SqlSession,
    mut order: Order,
    asked: &[u8],
) -> Result<Order, StoreError> {
    order.reservations = reservations::of_order(session, order.number)?;
    let mut products: HashMap<u32, ProductId> =
        order.reservations.iter().map(|held| (held.item.0, held.product)).collect();
    for line in codec::asked(asked) {
        let (item, location, quantity) = line?;
        let product = match products.get(&item) {
            Some(product) => *product,
            None => product_of(session, item)?,
        };
        products.insert(item, product);
        order.asked.push(AskedLine { product, location, quantity });
    }
    Ok(order)
}

fn product_of(session: &mut dyn SqlSession, item: u32) -> Result<ProductId, StoreError> {
    let mut product = None;
    session.query("SELECT product FROM items WHERE number = ?", &[Value::Int(i64::from(item))], &mut |row| {
        product = Some(ProductId::from_bytes(codec::uuid(row.blob(0)?)?));
        Ok(ControlFlow::Break(()))
    })?;
    product.ok_or_else(|| broken(format!("an order for item {item}, which does not exist")))
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
    let (new, changed): (Vec<&&OrderPage>, Vec<&&OrderPage>) = pages.iter().partition(|page| page.loaded_seq.is_none());
    let fresh: Vec<([u8; 16], Vec<u8>)> =
        new.iter().map(|page| (page.order.id.to_bytes(), asked(&page.order))).collect();
    let mut rows = new.iter().zip(&fresh).map(|(page, (id, asked))| {
        let order = &page.order;
        let mut row = vec![Value::count(order.number.0), Value::Blob(id), Value::time(order.numbered_at)];
        row.extend(state(order, asked));
        row
    });
    session.write_rows(&ORDERS, &mut rows)?;
    for page in changed {
        change(session, page)?;
    }
    reservations::save(session, pages)
}

fn change(session: &mut dyn SqlSession, page: &OrderPage) -> Result<(), StoreError> {
    let order = &page.order;
    let asked = asked(order);
    let mut values = state(order, &asked).to_vec();
    values.extend([Value::count(order.number.0), Value::count(page.loaded_seq.unwrap_or(0))]);
    if session.execute(CHANGE, &values)? == 1 {
        Ok(())
    } else {
        Err(StoreError::Contention(format!("order {} has changed meanwhile", order.id).into()))
    }
}

/// What changes of an order, in the order in which [`ORDERS`] ends and [`CHANGE`] begins.
fn state<'a>(order: &'a Order, asked: &'a [u8]) -> [Value<'a>; 9] {
    [
        Value::Int(i64::from(order.status.code())),
        Value::count(order.order_seq),
        Value::Int(i64::from(order.events_seen)),
        Value::time_or_null(order.reserved_at),
        Value::time_or_null(order.expires_at),
        micros_or_null(order.first_ttl),
        Value::time_or_null(order.ended_at),
        Value::text_or_null(order.reason.as_ref().map(Reason::as_str)),
        Value::Blob(asked),
    ]
}

fn micros_or_null(duration: Option<Duration>) -> Value<'static> {
    duration.map_or(Value::Null, |duration| Value::Int(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
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
