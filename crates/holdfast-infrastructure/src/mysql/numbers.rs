//! Numbers of new things, taken in blocks: writers meet at the table of numbers once in thousands of orders only.

use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_domain::book::Numbering;
use holdfast_domain::{ItemNumber, LocationNumber, OrderNumber, Timestamp};

use crate::mysql::session::MysqlSession;
use crate::sql::codec;
use crate::sql::session::{SqlSession as _, Value};

/// Numbers of items that are taken at a time, at least.
const ITEMS_BLOCK: u64 = 256;
/// Numbers of orders that are taken at a time, at least.
const ORDERS_BLOCK: u64 = 4_096;

/// Numbers that nobody else uses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    items: Block,
    orders: Block,
    /// When the last order got its number.
    ordered_at: Timestamp,
}

/// From here to before there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Block {
    next: u64,
    end: u64,
}

impl Block {
    /// Room for `most`, with another block from the table when this one has not enough. A block that follows is joined
    /// on.
    fn with_room_for(self, most: u64, kind: &str, size: u64, session: &mut MysqlSession) -> Result<Self, StoreError> {
        if self.end.saturating_sub(self.next) >= most {
            return Ok(self);
        }
        let mut start = None;
        let sql = "SELECT next_free FROM numbers WHERE kind = ? FOR UPDATE";
        session.query(sql, &[Value::Text(kind)], &mut |row| {
            start = Some(codec::number(row.int(0)?)?);
            Ok(ControlFlow::Break(()))
        })?;
        let start: u64 = start.ok_or_else(|| codec::broken(format!("no number for {kind}")))?;
        let start = start.max(behind_all(kind, session)?);
        let end = start.saturating_add(most.max(size));
        session.execute("UPDATE numbers SET next_free = ? WHERE kind = ?", &[Value::count(end), Value::Text(kind)])?;
        Ok(if self.end == start { Self { next: self.next, end } } else { Self { next: start, end } })
    }
}

impl Numbers {
    /// Room for `most` items and orders behind `known`; new blocks are the transaction's until it commits.
    pub(crate) fn with_room_for(
        known: Option<Self>,
        most: usize,
        session: &mut MysqlSession,
    ) -> Result<Self, StoreError> {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let known = match known {
            Some(known) => known,
            None => Self { items: Block::default(), orders: Block::default(), ordered_at: last_ordered_at(session)? },
        };
        Ok(Self {
            items: known.items.with_room_for(most, "items", ITEMS_BLOCK, session)?,
            orders: known.orders.with_room_for(most, "orders", ORDERS_BLOCK, session)?,
            ..known
        })
    }

    /// What is left once everything before `numbering` is used.
    pub(crate) fn behind(self, numbering: &Numbering) -> Self {
        Self {
            items: Block { next: u64::from(numbering.item.0), ..self.items },
            orders: Block { next: numbering.order.0, ..self.orders },
            ordered_at: numbering.ordered_at,
        }
    }

    /// As a book wants it.
    pub(crate) fn numbering(&self, location: LocationNumber) -> Result<Numbering, StoreError> {
        let item =
            u32::try_from(self.items.next).map_err(|_too_large| codec::broken("numbers for items beyond all"))?;
        let order = OrderNumber(self.orders.next);
        Ok(Numbering { item: ItemNumber(item), location, order, ordered_at: self.ordered_at })
    }
}

/// The number behind the highest that is in use. The table of numbers may be behind it: a database that took over from
/// another one, or came out of a backup, does not know the blocks that were taken since, and whoever took one goes on
/// with it.
fn behind_all(kind: &str, session: &mut MysqlSession) -> Result<u64, StoreError> {
    let mut behind = 0;
    session.query(&format!("SELECT number FROM {kind} ORDER BY number DESC LIMIT 1"), &[], &mut |row| {
        behind = codec::number::<u64>(row.int(0)?)?.saturating_add(1);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(behind)
}

/// When the order with the highest number got it.
fn last_ordered_at(session: &mut MysqlSession) -> Result<Timestamp, StoreError> {
    let mut last = Timestamp::EPOCH;
    session.query("SELECT numbered_at FROM orders ORDER BY number DESC LIMIT 1", &[], &mut |row| {
        last = codec::time(row.int(0)?);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(last)
}

/// The number behind the highest of the locations, which are few and seldom made: two writers that make one at the same
/// time collide at its key.
pub(crate) fn next_location(session: &mut MysqlSession) -> Result<LocationNumber, StoreError> {
    let mut highest = 0;
    session.query("SELECT COALESCE(MAX(number), 0) FROM locations", &[], &mut |row| {
        highest = row.int(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(LocationNumber(codec::number(highest.saturating_add(1))?))
}
