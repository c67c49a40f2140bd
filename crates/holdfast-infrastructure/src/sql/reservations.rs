//! Reservations: rows of an order, named by its number and their place.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use holdfast_application::ports::StoreError;
use holdfast_domain::book::OrderPage;
use holdfast_domain::ids::{PLACE_BITS, PLACE_MAX};
use holdfast_domain::{ItemNumber, Order, OrderNumber, ProductId, Reason, ReservationStatus, Sku, StockReservation};

use crate::sql::codec::{self, broken};
use crate::sql::session::{Row, RowFinder, RowWriter, SqlSession, Upsert, Value};

pub(crate) static RESERVATIONS: RowWriter = RowWriter {
    insert: "INSERT INTO reservations (number, item, location, quantity, status, sequence, reserved_at, expired_at, \
             ended_at, reason)",
    columns: 10,
    upsert: Upsert::Never,
};

static ENDS: RowWriter = RowWriter {
    insert: "INSERT INTO reservations (number, item, location, quantity, status, sequence, reserved_at, expired_at, \
             ended_at, reason)",
    columns: 10,
    upsert: Upsert::Columns { key: "number", columns: &["status", "sequence", "expired_at", "ended_at", "reason"] },
};

/// The columns that [`from_row`] reads, of `reservations` as `r` and `items` as `i`.
pub(crate) const COLUMNS: &str = "r.number, r.item, r.location, r.quantity, r.status, r.sequence, r.reserved_at, \
     r.expired_at, r.ended_at, r.reason, i.product, i.sku";

/// What [`COLUMNS`] come from.
pub(crate) const TABLES: &str = "reservations r JOIN items i ON i.number = r.item";

static OF_ORDER: LazyLock<RowFinder> = LazyLock::new(|| {
    RowFinder::new(&format!("SELECT {COLUMNS} FROM {TABLES}"), "(r.number BETWEEN ? AND ?)", "r.number")
});

/// The number of an order's reservation: the order's, and behind it the place in 20 bits.
pub(crate) fn number(order: OrderNumber, line: u32) -> i64 {
    i64::try_from((order.0 << PLACE_BITS) | u64::from(line)).unwrap_or(i64::MAX)
}

/// The first and the last number that an order's reservations can have.
pub(crate) fn numbers(order: OrderNumber) -> [Value<'static>; 2] {
    [0, PLACE_MAX].map(|line| Value::Int(number(order, line)))
}

/// The order and place that a number means.
pub(crate) fn parts(number: i64) -> Result<(OrderNumber, u32), StoreError> {
    let number: u64 = codec::number(number)?;
    Ok((OrderNumber(number >> PLACE_BITS), u32::try_from(number & u64::from(PLACE_MAX)).unwrap_or(0)))
}

/// In SQL: the number of the order that the reservation with the number in `column` belongs to.
pub(crate) fn order_of(column: &str) -> String {
    format!("({column} >> {PLACE_BITS})")
}

/// The status that a code names.
pub(crate) fn status(code: i64) -> Result<ReservationStatus, StoreError> {
    let status = u8::try_from(code).ok().and_then(ReservationStatus::from_code);
    status.ok_or_else(|| broken(format!("the reservation status {code}")))
}

/// The reservation of a row with [`COLUMNS`] first.
pub(crate) fn from_row(row: &dyn Row) -> Result<StockReservation, StoreError> {
    let (_, line) = parts(row.int(0)?)?;
    Ok(StockReservation {
        line,
        product: ProductId::from_bytes(codec::uuid(row.blob(10)?)?),
        sku: codec::text(row.text(11)?, Sku::new)?,
        item: ItemNumber(codec::number(row.int(1)?)?),
        location: codec::location(row.int(2)?)?,
        quantity: codec::quantity(row.int(3)?)?,
        status: status(row.int(4)?)?,
        sequence: codec::number(row.int(5)?)?,
        reserved_at: codec::time(row.int(6)?),
        expired_at: row.int_or_null(7)?.map(codec::time),
        ended_at: row.int_or_null(8)?.map(codec::time),
        reason: codec::text_or_null(row.text_or_null(9)?, Reason::new)?,
    })
}

/// All reservations that these orders ever had, each order's oldest first.
pub(crate) fn of_orders(
    session: &mut dyn SqlSession,
    orders: &[OrderNumber],
) -> Result<HashMap<OrderNumber, Vec<StockReservation>>, StoreError> {
    let mut found: HashMap<OrderNumber, Vec<StockReservation>> = HashMap::with_capacity(orders.len());
    let keys: Vec<Vec<Value<'_>>> = orders.iter().map(|order| numbers(*order).to_vec()).collect();
    session.find_rows(&OF_ORDER, &keys, &mut |row| {
        let (order, _) = parts(row.int(0)?)?;
        found.entry(order).or_default().push(from_row(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Saves the new reservations of these orders, and the ends of the others.
pub(crate) fn save(session: &mut dyn SqlSession, pages: &[&OrderPage]) -> Result<(), StoreError> {
    let mut new = pages.iter().flat_map(|page| {
        let fresh = page.order.reservations.iter().skip(page.loaded_reservations);
        fresh.map(|reservation| to_row(&page.order, reservation))
    });
    session.write_rows(&RESERVATIONS, &mut new)?;
    let mut ended = pages.iter().flat_map(|page| {
        let changed = page.changed_reservations.iter();
        changed.filter_map(|at| page.order.reservations.get(*at)).map(|reservation| to_row(&page.order, reservation))
    });
    session.write_rows(&ENDS, &mut ended)
}

fn to_row<'a>(order: &Order, reservation: &'a StockReservation) -> Vec<Value<'a>> {
    vec![
        Value::Int(number(order.number, reservation.line)),
        Value::Int(i64::from(reservation.item.0)),
        Value::Int(i64::from(reservation.location.0)),
        Value::Int(i64::from(reservation.quantity.get())),
        Value::Int(i64::from(reservation.status.code())),
        Value::count(reservation.sequence),
        Value::time(reservation.reserved_at),
        Value::time_or_null(reservation.expired_at),
        Value::time_or_null(reservation.ended_at),
        Value::text_or_null(reservation.reason.as_ref().map(Reason::as_str)),
    ]
}
