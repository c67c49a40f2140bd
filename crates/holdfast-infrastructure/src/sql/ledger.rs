//! The whole ledger, for a proof: the side of the stock and the side of the promises, each in one pass.
//!
//! A row that nobody can have written is told as such and left out: the rest is proved all the same.

use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::{
    LedgerAsk, LedgerItem, LedgerLevel, LedgerLine, LedgerOrder, LedgerReason, LedgerReservation, LedgerStock,
    PromiseReader, StockReader, UnfitReader, UnfitRow,
};
use holdfast_domain::{LocationCode, OrderId, OrderNumber, ProductId, Reason};

use crate::sql::session::{Row, SqlSession, Value};
use crate::sql::{codec, items, movements, orders, reservations};

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

/// A statement over a table, and how its rows are called.
struct Question<'a> {
    table: &'static str,
    sql: &'a str,
    values: &'a [Value<'a>],
    /// The key's columns and what each is called.
    key: &'static [(usize, &'static str)],
}

impl Question<'_> {
    /// Tells every row; one that cannot be told is unfit, and so is a table whose rows do not come to an end.
    fn ask<R: UnfitReader + ?Sized>(
        &self,
        session: &mut dyn SqlSession,
        reader: &mut R,
        mut tell: impl FnMut(&dyn Row, &mut R) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let read = session.query(self.sql, self.values, &mut |row| {
            if let Err(error) = tell(row, reader) {
                reader.unfit(self.unfit(name(row, self.key), &error));
            }
            Ok(ControlFlow::Continue(()))
        });
        match read {
            Err(error @ StoreError::Broken(_)) => {
                reader.unfit(self.unfit(String::new(), &error));
                Ok(())
            }
            read => read,
        }
    }

    fn unfit(&self, row: String, error: &StoreError) -> UnfitRow {
        unfit(self.table, row, error)
    }
}

/// The rows of a table that `check` finds unfit; `key` names the key's columns.
pub(crate) fn unfit_rows(
    session: &mut dyn SqlSession,
    table: &'static str,
    sql: &str,
    key: &'static [(usize, &'static str)],
    mut check: impl FnMut(&dyn Row) -> Result<(), StoreError>,
) -> Result<Vec<UnfitRow>, StoreError> {
    struct Found(Vec<UnfitRow>);
    impl UnfitReader for Found {
        fn unfit(&mut self, row: UnfitRow) {
            self.0.push(row);
        }
    }
    let mut found = Found(Vec::new());
    Question { table, sql, values: &[], key }.ask(session, &mut found, |row, _| check(row))?;
    Ok(found.0)
}

fn unfit(table: &'static str, row: String, error: &StoreError) -> UnfitRow {
    let words = match error {
        StoreError::Broken(cause) => cause.to_string(),
        error => error.to_string(),
    };
    UnfitRow { table, row, words }
}

/// A row's key in words.
fn name(row: &dyn Row, key: &[(usize, &str)]) -> String {
    let member = |(column, what): &(usize, &str)| match row.int(*column) {
        Ok(number) => format!("{what} {number}"),
        Err(_) => match row.blob(*column) {
            Ok(bytes) => bytes.iter().fold(format!("{what} "), |words, byte| format!("{words}{byte:02x}")),
            Err(_) => format!("{what} unknown"),
        },
    };
    key.iter().map(member).collect::<Vec<String>>().join(", ")
}

/// Reads locations, items, what changes of them, levels, and movements in the order of their commits, so each item's in
/// order of sequence.
pub(crate) fn read_stock(
    session: &mut dyn SqlSession,
    product: Option<ProductId>,
    reader: &mut dyn StockReader,
) -> Result<(), StoreError> {
    let asked = Asked::of(product);
    let values = asked.values();
    session.unfit_of_its_own()?.into_iter().for_each(|unfit| reader.unfit(unfit));
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

/// The columns that [`held`] reads, of `reservations` as `r`.
const HELD: &str = "r.number, r.item, r.location, r.quantity, r.status, r.sequence, r.expired_at, r.ended_at, r.reason, \
     r.reserved_at";
/// The columns behind them that [`Orders::tell`] reads, of `orders` as `o`.
const OWNER: &str = "o.number, o.id, o.status, o.asked, o.reserved_at, o.expires_at, o.first_ttl, o.ended_at, o.reason, \
     o.numbered_at, o.order_seq, o.events_seen";
/// Where [`OWNER`] begins.
const OWNER_AT: usize = 10;

/// Reads every order with its reservations, and beside them payments and answers; of one product, those orders that hold
/// or held some of it.
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
        let values = asked.values();
        let question = Question { table: "reservations", sql: &of_product, values: &values, key: &[(0, "number")] };
        return question.ask(session, reader, |row, reader| {
            if row.int_or_null(OWNER_AT)?.is_none() {
                reader.orphan(&held(row)?);
            } else {
                orders.tell(row, reader)?;
                reader.reservation(&held(row)?);
            }
            Ok(())
        });
    }
    read_payments(session, reader)?;
    let everything = format!(
        "SELECT {HELD}, {OWNER} FROM orders o LEFT JOIN reservations r ON {} ORDER BY o.number, r.number",
        session.dialect().reservations_of_order
    );
    let mut found = 0_i64;
    let question = Question { table: "reservations", sql: &everything, values: &[], key: &[(0, "number")] };
    question.ask(session, reader, |row, reader| {
        let is_held = row.int_or_null(0)?.is_some();
        found = found.saturating_add(i64::from(is_held));
        orders.tell(row, reader)?;
        if is_held {
            reader.reservation(&held(row)?);
        }
        Ok(())
    })?;
    read_orphans(session, found, reader)?;
    read_answers(session, reader)
}

/// Reads the payments that wait for their order.
fn read_payments(session: &mut dyn SqlSession, reader: &mut dyn PromiseReader) -> Result<(), StoreError> {
    let waiting = "SELECT id, until FROM waiting_payments";
    Question { table: "waiting_payments", sql: waiting, values: &[], key: &[(0, "id")] }.ask(
        session,
        reader,
        |row, reader| {
            let (id, until) = (OrderId::from_bytes(codec::uuid(row.blob(0)?)?), row.int(1)?);
            codec::moment(until.saturating_abs())?;
            if until >= 0 {
                reader.waiting_payment(id);
            }
            Ok(())
        },
    )
}

/// Looks for kept answers that cannot be given again.
fn read_answers(session: &mut dyn SqlSession, reader: &mut dyn PromiseReader) -> Result<(), StoreError> {
    let unfit = "SELECT number FROM answers WHERE length(fingerprint) <> 32 OR status < 0 OR status > 65535";
    Question { table: "answers", sql: unfit, values: &[], key: &[(0, "number")] }
        .ask(session, reader, |_, _| Err(codec::broken("a fingerprint or a status of another size")))
}

/// Reads the reservations without an order, when there are more than the `found` ones that have theirs.
fn read_orphans(session: &mut dyn SqlSession, found: i64, reader: &mut dyn PromiseReader) -> Result<(), StoreError> {
    let mut all = 0;
    let count = "SELECT COUNT(*) FROM reservations";
    Question { table: "reservations", sql: count, values: &[], key: &[] }.ask(session, reader, |row, _| {
        all = row.int(0)?;
        Ok(())
    })?;
    if all == found {
        return Ok(());
    }
    let orphans = format!(
        "SELECT {HELD} FROM reservations r WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.number = {})",
        reservations::order_of("r.number")
    );
    Question { table: "reservations", sql: &orphans, values: &[], key: &[(0, "number")] }.ask(
        session,
        reader,
        |row, reader| {
            reader.orphan(&held(row)?);
            Ok(())
        },
    )
}

/// Orders, each told once however many rows it has.
#[derive(Default)]
struct Orders {
    told: Option<i64>,
    asked: Vec<LedgerAsk>,
}

impl Orders {
    /// Tells the order of a row, or that it cannot be read: its reservations can be all the same.
    fn tell(&mut self, row: &dyn Row, reader: &mut dyn PromiseReader) -> Result<(), StoreError> {
        let number = row.int(OWNER_AT)?;
        if self.told.replace(number) == Some(number) {
            return Ok(());
        }
        match self.read(row) {
            Ok(order) => reader.order(&order),
            Err(error) => reader.unfit(unfit("orders", format!("number {number}"), &error)),
        }
        Ok(())
    }

    fn read(&mut self, row: &dyn Row) -> Result<LedgerOrder<'_>, StoreError> {
        self.asked.clear();
        for line in codec::asked(row.blob(OWNER_AT + 3)?) {
            let (item, location, quantity) = line?;
            self.asked.push(LedgerAsk { item, location, quantity: quantity.get() });
        }
        codec::moment(row.int(OWNER_AT + 9)?)?;
        codec::number::<u64>(row.int(OWNER_AT + 10)?)?;
        codec::number::<u8>(row.int(OWNER_AT + 11)?)?;
        Ok(LedgerOrder {
            id: OrderId::from_bytes(codec::uuid(row.blob(OWNER_AT + 1)?)?),
            status: orders::status(row.int(OWNER_AT + 2)?)?,
            asked: &self.asked,
            number: codec::number(row.int(OWNER_AT)?)?,
            reserved_at: codec::moment_or_null(row.int_or_null(OWNER_AT + 4)?)?,
            expires_at: codec::moment_or_null(row.int_or_null(OWNER_AT + 5)?)?,
            first_ttl: orders::duration_or_null(row.int_or_null(OWNER_AT + 6)?)?,
            ended_at: codec::moment_or_null(row.int_or_null(OWNER_AT + 7)?)?,
            has_reason: reason(row, OWNER_AT + 8)? != LedgerReason::None,
        })
    }
}

/// Why something ended, if a reason can be read.
fn reason(row: &dyn Row, column: usize) -> Result<LedgerReason, StoreError> {
    let text = row.text_or_null(column)?;
    let reason = LedgerReason::of(text);
    if reason == LedgerReason::Other {
        codec::text_or_null(text, Reason::new)?;
    }
    Ok(reason)
}

fn held(row: &dyn Row) -> Result<LedgerReservation, StoreError> {
    let (OrderNumber(order), line) = reservations::parts(row.int(0)?)?;
    codec::moment(row.int(9)?)?;
    Ok(LedgerReservation {
        order,
        line,
        item: codec::number(row.int(1)?)?,
        location: codec::location(row.int(2)?)?,
        quantity: codec::quantity(row.int(3)?)?.get(),
        status: reservations::status(row.int(4)?)?,
        sequence: codec::number(row.int(5)?)?,
        has_expired_at: codec::moment_or_null(row.int_or_null(6)?)?.is_some(),
        has_ended_at: codec::moment_or_null(row.int_or_null(7)?)?.is_some(),
        reason: reason(row, 8)?,
    })
}
