//! The side of the promises: orders with their reservations, payments that wait, dead letters, and answers.

use holdfast_application::events::Stream;
use holdfast_application::ports::StoreError;
use holdfast_application::queries::{LedgerAsk, LedgerOrder, LedgerReason, LedgerReservation, PromiseReader};
use holdfast_domain::{OrderId, OrderNumber, ProductId, Reason};

use super::outbox::{read_lost, read_unsent};
use super::question::{Asked, Question, unfit};
use crate::sql::session::{Row, SqlSession};
use crate::sql::{codec, dead_letters, orders, reservations};

/// The columns that [`held`] reads, of `reservations` as `r`.
const HELD: &str = "r.number, r.item, r.location, r.quantity, r.status, r.sequence, r.expired_at, r.ended_at, r.reason, \
     r.reserved_at";
/// The columns behind them that [`Orders::tell`] reads, of `orders` as `o`.
const OWNER: &str = "o.number, o.id, o.status, o.asked, o.reserved_at, o.expires_at, o.first_ttl, o.ended_at, o.reason, \
     o.numbered_at, o.order_seq, o.events_seen, o.event_seq";
/// Where [`OWNER`] begins.
const OWNER_AT: usize = 10;

/// Reads every order with its reservations, and beside them payments, dead letters, what waits to be told, and answers;
/// of one product, those orders that hold or held some of it.
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
    read_letters(session, reader)?;
    read_unsent(session, Stream::Orders, None, reader)?;
    read_unsent(session, Stream::DeadLetters, None, reader)?;
    read_lost(session, reader)?;
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
    let waiting = "SELECT id, `until` FROM waiting_payments";
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

/// Reads the dead letters.
fn read_letters(session: &mut dyn SqlSession, reader: &mut dyn PromiseReader) -> Result<(), StoreError> {
    let letters = format!("SELECT {}, d.content FROM dead_letters d", dead_letters::HEAD);
    Question { table: "dead_letters", sql: &letters, values: &[], key: &[(0, "id")] }.ask(
        session,
        reader,
        |row, reader| {
            let letter = dead_letters::from_row(row)?;
            codec::moment(row.int(3)?)?;
            codec::moment_or_null(row.int_or_null(4)?)?;
            reader.letter(&letter.head);
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
            event_seq: codec::number(row.int(OWNER_AT + 12)?)?,
        })
    }
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

/// Why something ended, if a reason can be read.
fn reason(row: &dyn Row, column: usize) -> Result<LedgerReason, StoreError> {
    let text = row.text_or_null(column)?;
    let reason = LedgerReason::of(text);
    if reason == LedgerReason::Other {
        codec::text_or_null(text, Reason::new)?;
    }
    Ok(reason)
}
