//! The whole ledger, for a proof.

use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::{LedgerLevel, LedgerLine, LedgerReader, LedgerReservation};
use holdfast_domain::ProductId;

use crate::sql::session::{Row, SqlSession, Value};
use crate::sql::{codec, movements, orders, reservations};

/// Reads items, levels, movements in the order of their commits (so each item's in order of sequence) and reservations.
pub(crate) fn read(
    session: &mut dyn SqlSession,
    product: Option<ProductId>,
    reader: &mut dyn LedgerReader,
) -> Result<(), StoreError> {
    let bytes = product.map(ProductId::to_bytes);
    let only: &[Value<'_>] = match &bytes {
        Some(bytes) => &[Value::Blob(bytes)],
        None => &[],
    };
    let of_item = |column: &str| match bytes {
        Some(_) => format!(" WHERE {column} = (SELECT number FROM items WHERE product = ?)"),
        None => String::new(),
    };
    let items = format!(
        "SELECT i.number, i.product, s.sequence FROM items i LEFT JOIN stock s ON s.item = i.number{}",
        of_item("i.number")
    );
    session.query(&items, only, &mut |row| {
        let sequence = row.int_or_null(2)?.unwrap_or(-1);
        let sequence = u64::try_from(sequence).unwrap_or(u64::MAX);
        reader.item(codec::number(row.int(0)?)?, ProductId::from_bytes(codec::uuid(row.blob(1)?)?), sequence);
        Ok(ControlFlow::Continue(()))
    })?;
    let levels = format!("SELECT item, location, available, reserved FROM levels{}", of_item("item"));
    session.query(&levels, only, &mut |row| {
        reader.level(LedgerLevel {
            item: codec::number(row.int(0)?)?,
            location: codec::location(row.int(1)?)?,
            available: codec::number(row.int(2)?)?,
            reserved: codec::number(row.int(3)?)?,
        });
        Ok(ControlFlow::Continue(()))
    })?;
    let in_order = session.dialect().commit_order;
    let lines = format!(
        "SELECT item, sequence, location, kind, quantity, available, reserved, reservation, created_at, actor <> '' \
         FROM movements{} ORDER BY {in_order}",
        of_item("item")
    );
    session.query(&lines, only, &mut |row| {
        reader.movement(&line(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    let held = format!(
        "SELECT r.number, r.item, r.location, r.quantity, r.status, r.sequence, o.status FROM reservations r \
         JOIN orders o ON o.number = r.number >> 20{}",
        of_item("r.item")
    );
    session.query(&held, only, &mut |row| {
        let (order, line) = reservations::parts(row.int(0)?)?;
        reader.reservation(&LedgerReservation {
            order: order.0,
            order_status: orders::status(row.int(6)?)?,
            line,
            item: codec::number(row.int(1)?)?,
            location: codec::location(row.int(2)?)?,
            quantity: codec::number(row.int(3)?)?,
            status: reservations::status(row.int(4)?)?,
            sequence: codec::number(row.int(5)?)?,
        });
        Ok(ControlFlow::Continue(()))
    })
}

fn line(row: &dyn Row) -> Result<LedgerLine, StoreError> {
    let reservation = match row.int_or_null(7)? {
        Some(number) => {
            let (order, line) = reservations::parts(number)?;
            Some((order.0, line))
        }
        None => None,
    };
    Ok(LedgerLine {
        item: codec::number(row.int(0)?)?,
        sequence: codec::number(row.int(1)?)?,
        location: codec::location(row.int(2)?)?,
        kind: movements::kind(row.int(3)?)?,
        quantity: row.int(4)?,
        available: codec::number(row.int(5)?)?,
        reserved: codec::number(row.int(6)?)?,
        reservation,
        created_at: codec::time(row.int(8)?),
        has_actor: row.int(9)? != 0,
    })
}
