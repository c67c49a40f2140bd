//! The whole ledger, for a proof: the side of the stock and the side of the promises, each in one pass.

use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::{
    LedgerAsk, LedgerItem, LedgerLevel, LedgerLine, LedgerOrder, LedgerReservation, LedgerStock, PromiseReader,
    StockReader,
};
use holdfast_domain::{OrderId, ProductId};

use crate::sql::session::{Row, SqlSession, Value};
use crate::sql::{codec, locations, movements, orders, reservations};

/// What a ledger is read of: everything, or one product.
struct Asked {
    product: Option<[u8; 16]>,
}

impl Asked {
    fn of(product: Option<ProductId>) -> Self {
        Self { product: product.map(ProductId::to_bytes) }
    }

    /// The condition that a column with an item's number is asked for.
    fn condition(&self, column: &str) -> String {
        match self.product {
            Some(_) => format!(" WHERE {column} = (SELECT number FROM items WHERE product = ?)"),
            None => String::new(),
        }
    }

    /// Its value.
    fn values(&self) -> Vec<Value<'_>> {
        self.product.iter().map(|bytes| Value::Blob(bytes)).collect()
    }
}

/// Reads locations, items, what changes of them, levels, and movements in the order of their commits, so each item's in
/// order of sequence.
pub(crate) fn read_stock(
    session: &mut dyn SqlSession,
    product: Option<ProductId>,
    reader: &mut dyn StockReader,
) -> Result<(), StoreError> {
    for location in locations::load(session)? {
        reader.location(location.number, location.code);
    }
    let asked = Asked::of(product);
    let items = format!("SELECT number, product, reorder_level FROM items{}", asked.condition("number"));
    session.query(&items, &asked.values(), &mut |row| {
        reader.item(LedgerItem {
            number: codec::number(row.int(0)?)?,
            product: ProductId::from_bytes(codec::uuid(row.blob(1)?)?),
            reorder_level: codec::count(row.int(2)?)?,
        });
        Ok(ControlFlow::Continue(()))
    })?;
    let stock = format!("SELECT item, sequence, low FROM stock{}", asked.condition("item"));
    session.query(&stock, &asked.values(), &mut |row| {
        reader.stock(LedgerStock {
            item: codec::number(row.int(0)?)?,
            sequence: codec::number(row.int(1)?)?,
            is_low: row.int(2)? != 0,
        });
        Ok(ControlFlow::Continue(()))
    })?;
    let levels = format!("SELECT item, location, available, reserved FROM levels{}", asked.condition("item"));
    session.query(&levels, &asked.values(), &mut |row| {
        reader.level(LedgerLevel {
            item: codec::number(row.int(0)?)?,
            location: codec::location(row.int(1)?)?,
            available: codec::count(row.int(2)?)?,
            reserved: codec::count(row.int(3)?)?,
        });
        Ok(ControlFlow::Continue(()))
    })?;
    let in_order = session.dialect().commit_order;
    let lines = format!(
        "SELECT item, sequence, location, kind, quantity, available, reserved, reservation, created_at, actor <> '' \
         FROM movements{} ORDER BY {in_order}",
        asked.condition("item")
    );
    session.query(&lines, &asked.values(), &mut |row| {
        reader.movement(&line(row)?);
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
        available: codec::count(row.int(5)?)?,
        reserved: codec::count(row.int(6)?)?,
        reservation,
        created_at: codec::time(row.int(8)?),
        has_actor: row.int(9)? != 0,
    })
}

/// The columns that [`held`] reads, of `reservations` as `r`.
const HELD: &str = "r.number, r.item, r.location, r.quantity, r.status, r.sequence";
/// The columns behind them that [`Orders::tell`] reads, of `orders` as `o`.
const OWNER: &str = "o.number, o.id, o.status, o.asked";

/// Reads every order with its reservations; of one product, those orders that hold or held some of it.
pub(crate) fn read_promises(
    session: &mut dyn SqlSession,
    product: Option<ProductId>,
    reader: &mut dyn PromiseReader,
) -> Result<(), StoreError> {
    let asked = Asked::of(product);
    let mut orders = Orders::default();
    if product.is_some() {
        let of_product = format!(
            "SELECT {HELD}, {OWNER} FROM reservations r LEFT JOIN orders o ON o.number = {}{} ORDER BY r.number",
            reservations::order_of("r.number"),
            asked.condition("r.item")
        );
        return session.query(&of_product, &asked.values(), &mut |row| {
            if row.int_or_null(6)?.is_none() {
                reader.orphan(&held(row)?);
            } else {
                orders.tell(row, reader)?;
                reader.reservation(&held(row)?);
            }
            Ok(ControlFlow::Continue(()))
        });
    }
    let everything = format!(
        "SELECT {HELD}, {OWNER} FROM orders o LEFT JOIN reservations r ON r.number {} ORDER BY o.number, r.number",
        reservations::of_order_in("o.number")
    );
    let mut found = 0_i64;
    session.query(&everything, &[], &mut |row| {
        orders.tell(row, reader)?;
        if row.int_or_null(0)?.is_some() {
            reader.reservation(&held(row)?);
            found = found.saturating_add(1);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    read_orphans(session, found, reader)
}

/// Reads the reservations without an order, when there are more than the `found` ones that have theirs.
fn read_orphans(session: &mut dyn SqlSession, found: i64, reader: &mut dyn PromiseReader) -> Result<(), StoreError> {
    let mut all = 0;
    session.query("SELECT COUNT(*) FROM reservations", &[], &mut |row| {
        all = row.int(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    if all == found {
        return Ok(());
    }
    let orphans = format!(
        "SELECT {HELD} FROM reservations r WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.number = {})",
        reservations::order_of("r.number")
    );
    session.query(&orphans, &[], &mut |row| {
        reader.orphan(&held(row)?);
        Ok(ControlFlow::Continue(()))
    })
}

/// Orders, each told once however many rows it has.
#[derive(Default)]
struct Orders {
    told: Option<i64>,
    asked: Vec<LedgerAsk>,
}

impl Orders {
    fn tell(&mut self, row: &dyn Row, reader: &mut dyn PromiseReader) -> Result<(), StoreError> {
        let number = row.int(6)?;
        if self.told.replace(number) == Some(number) {
            return Ok(());
        }
        self.asked.clear();
        for line in codec::asked(row.blob(9)?) {
            let (item, location, quantity) = line?;
            self.asked.push(LedgerAsk { item, location, quantity: quantity.get() });
        }
        let id = OrderId::from_bytes(codec::uuid(row.blob(7)?)?);
        reader.order(&LedgerOrder { id, status: orders::status(row.int(8)?)?, asked: &self.asked });
        Ok(())
    }
}

fn held(row: &dyn Row) -> Result<LedgerReservation, StoreError> {
    let (order, line) = reservations::parts(row.int(0)?)?;
    Ok(LedgerReservation {
        order: order.0,
        line,
        item: codec::number(row.int(1)?)?,
        location: codec::location(row.int(2)?)?,
        quantity: codec::quantity(row.int(3)?)?.get(),
        status: reservations::status(row.int(4)?)?,
        sequence: codec::number(row.int(5)?)?,
    })
}
