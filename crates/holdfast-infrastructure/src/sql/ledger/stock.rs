//! The side of the stock: locations, items, levels and movements.

use holdfast_application::events::Stream;
use holdfast_application::ports::StoreError;
use holdfast_application::queries::{LedgerItem, LedgerLevel, LedgerLine, LedgerStock, StockReader};
use holdfast_domain::{LocationCode, ProductId};

use super::outbox::read_unsent;
use super::question::{Asked, Question};
use crate::sql::session::{Row, SqlSession};
use crate::sql::{codec, items, movements, reservations};

/// Reads what waits to be told of products, then locations, items, what changes of them, levels, and movements in the
/// order of their commits, so each item's in order of sequence.
pub(crate) fn read_stock(
    session: &mut dyn SqlSession,
    product: Option<ProductId>,
    reader: &mut dyn StockReader,
) -> Result<(), StoreError> {
    let asked = Asked::of(product);
    let values = asked.values();
    session.unfit_of_its_own()?.into_iter().for_each(|unfit| reader.unfit(unfit));
    read_unsent(session, Stream::Stock, product, reader)?;
    let locations = "SELECT number, code, name, priority FROM locations";
    Question { table: "locations", sql: locations, values: &[], key: &[(0, "number")] }.ask(
        session,
        reader,
        |row, reader| {
            let number = codec::location(row.int(0)?)?;
            let code = codec::text(row.text(1)?, LocationCode::new)?;
            codec::text(row.text(2)?, holdfast_domain::Name::new)?;
            codec::number::<u32>(row.int(3)?)?;
            reader.location(number, code);
            Ok(())
        },
    )?;
    let cards = format!(
        "SELECT number, product, sku, name, reorder_level, max_stock_level, created_at FROM items{}",
        asked.condition("number")
    );
    Question { table: "items", sql: &cards, values: &values, key: &[(0, "number")] }.ask(
        session,
        reader,
        |row, reader| {
            let card = items::card(row)?;
            codec::moment(row.int(6)?)?;
            let (number, reorder_level) = (card.number.0, card.reorder_level);
            reader.item(LedgerItem { number, product: card.product, reorder_level });
            Ok(())
        },
    )?;
    let stock = format!(
        "SELECT item, sequence, low, version, last_restocked, updated_at FROM stock{}",
        asked.condition("item")
    );
    Question { table: "stock", sql: &stock, values: &values, key: &[(0, "item")] }.ask(
        session,
        reader,
        |row, reader| {
            let is_low = match row.int(2)? {
                0 => false,
                1 => true,
                other => return Err(codec::broken(format!("{other} where low is 0 or 1"))),
            };
            codec::number::<u64>(row.int(3)?)?;
            codec::moment_or_null(row.int_or_null(4)?)?;
            codec::moment(row.int(5)?)?;
            reader.stock(LedgerStock {
                item: codec::number(row.int(0)?)?,
                sequence: codec::number(row.int(1)?)?,
                is_low,
            });
            Ok(())
        },
    )?;
    let levels = format!("SELECT item, location, available, reserved FROM levels{}", asked.condition("item"));
    Question { table: "levels", sql: &levels, values: &values, key: &[(0, "item"), (1, "location")] }.ask(
        session,
        reader,
        |row, reader| {
            reader.level(LedgerLevel {
                item: codec::number(row.int(0)?)?,
                location: codec::location(row.int(1)?)?,
                available: codec::count(row.int(2)?)?,
                reserved: codec::count(row.int(3)?)?,
            });
            Ok(())
        },
    )?;
    let in_order = session.dialect().commit_order;
    let lines = format!(
        "SELECT item, sequence, location, kind, quantity, available, reserved, reservation, created_at, actor <> '' \
         FROM movements{} ORDER BY {in_order}",
        asked.condition("item")
    );
    Question { table: "movements", sql: &lines, values: &values, key: &[(0, "item"), (1, "sequence")] }.ask(
        session,
        reader,
        |row, reader| {
            reader.movement(&line(row)?);
            Ok(())
        },
    )
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
        available: codec::count(row.int(5)?)?,
        reserved: codec::count(row.int(6)?)?,
        reservation,
        created_at: codec::moment(row.int(8)?)?,
        has_actor: row.int(9)? != 0,
    })
}
