//! Orders whose time is over, and what they hold.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::DueHold;
use holdfast_domain::allocation::Part;
use holdfast_domain::{LocationNumber, OrderId, ProductId, Timestamp};

use crate::sql::due_holders::{DueHolders, SharedHolders};
use crate::sql::session::{Row, SqlSession, Value};
use crate::sql::{codec, items, orders};

/// Stock levels, by product and location; `None` stands for any location.
pub(crate) type Levels<'a> = &'a [(ProductId, Option<LocationNumber>)];

/// Reserved orders whose time is over at `now`, the oldest first.
pub(crate) fn find(session: &mut dyn SqlSession, now: Timestamp, most: usize) -> Result<Vec<OrderId>, StoreError> {
    let sql = "SELECT id FROM orders WHERE status = 1 AND expires_at IS NOT NULL AND expires_at <= ? \
               ORDER BY expires_at, number LIMIT ?";
    orders::ids(session, sql, &[Value::time(now), Value::count(most)])
}

/// The first `most` of them, or those that have up to `reservations_max` reservations together; one at least.
pub(crate) fn find_step(
    session: &mut dyn SqlSession,
    now: Timestamp,
    most: usize,
    reservations_max: usize,
) -> Result<Vec<OrderId>, StoreError> {
    let sql = format!(
        "SELECT o.id, (SELECT COUNT(*) FROM reservations r WHERE {}) FROM orders o \
         WHERE o.status = 1 AND o.expires_at IS NOT NULL AND o.expires_at <= ? ORDER BY o.expires_at, o.number LIMIT ?",
        session.dialect().reservations_of_order
    );
    let values = [Value::time(now), Value::count(most)];
    let (mut found, mut reservations) = (Vec::new(), 0_usize);
    session.query(&sql, &values, &mut |row| {
        reservations = reservations.saturating_add(codec::number(row.int(1)?)?);
        if !found.is_empty() && reservations > reservations_max {
            return Ok(ControlFlow::Break(()));
        }
        found.push(OrderId::from_bytes(codec::uuid(row.blob(0)?)?));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The orders of what they hold, each once.
pub(crate) fn orders_of(holds: &[DueHold]) -> Vec<OrderId> {
    let mut found: Vec<OrderId> = holds.iter().map(|hold| hold.order).collect();
    found.dedup();
    found
}

/// How many live reservations of due orders are looked at, beyond those that are remembered.
const LOOKED_AT_MAX: i64 = 10_000;
/// After so many a reader lets the writer get at what both remember.
const STEP_MAX: usize = 10_000;

/// Who asks with the help of what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The only writer.
    Writer,
    /// A reader: it sees only what is durable, and never keeps the writer waiting for long.
    Reader,
}

/// What up to `most` due orders hold of `levels`, by one who remembers which of them hold what. `None` tells a reader
/// to ask again, in another transaction: not all of them were looked at yet.
pub(crate) fn holds_as_remembered(
    session: &mut dyn SqlSession,
    shared: &SharedHolders,
    asker: Asker,
    levels: Levels<'_>,
    now: Timestamp,
    most: usize,
) -> Result<Option<Vec<DueHold>>, StoreError> {
    let now = now.micros();
    let (wanted, ends, seen_until);
    {
        // Locked before the first read: whatever was settled by then is seen.
        let mut holders = shared.lock();
        let oldest = oldest_end(session)?.unwrap_or(i64::MAX);
        let is_through = look_on(session, &mut holders, asker, oldest, now)?;
        if !is_through {
            return Ok(None);
        }
        wanted = Wanted::find(session, levels)?;
        ends = holders.of(wanted.products.keys(), oldest, now);
        seen_until = holders.seen_until;
    }
    let sql = format!(
        "SELECT o.id, r.item, r.location, r.quantity FROM orders o JOIN reservations r ON {} \
         WHERE o.number = ? AND o.expires_at = ? AND o.status = 1 AND +r.status = 1",
        session.dialect().reservations_of_order
    );
    let mut found = Found::default();
    let mut ended = Vec::new();
    for end @ (expires_at, number) in ends {
        if found.orders.len() >= most {
            break;
        }
        let mut is_live = false;
        session.query(&sql, &[Value::Int(number), Value::Int(expires_at)], &mut |row| {
            is_live |= wanted.products.contains_key(&row.int(1)?);
            found.add(&wanted, row, most)
        })?;
        if !is_live {
            ended.push(end);
        }
    }
    if asker == Asker::Writer && !ended.is_empty() {
        shared.lock().forget(wanted.products.keys(), &ended);
    }
    if seen_until < now && found.orders.len() < most {
        scan(session, &wanted, (seen_until, now), LOOKED_AT_MAX, most, &mut found)?;
    }
    Ok(Some(found.holds))
}

/// The end of the oldest order that is held for a time.
fn oldest_end(session: &mut dyn SqlSession) -> Result<Option<i64>, StoreError> {
    let mut oldest = None;
    let sql = "SELECT MIN(expires_at) FROM orders WHERE status = 1 AND expires_at IS NOT NULL";
    session.query(sql, &[], &mut |row| {
        oldest = row.int_or_null(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(oldest)
}

/// Looks at the orders that became due since somebody looked last. Says whether it came as far as it can.
fn look_on(
    session: &mut dyn SqlSession,
    holders: &mut DueHolders,
    asker: Asker,
    oldest: i64,
    now: i64,
) -> Result<bool, StoreError> {
    let until = if asker == Asker::Reader { holders.sure_until(now) } else { now };
    if asker == Asker::Reader || !holders.is_saving() {
        holders.forget_before(oldest);
    }
    if holders.seen_until >= until || holders.is_full() {
        return Ok(true);
    }
    let sql = format!(
        "SELECT o.expires_at, o.number, r.item FROM orders o CROSS JOIN reservations r ON {} \
         WHERE o.status = 1 AND o.expires_at IS NOT NULL AND o.expires_at >= ? AND o.expires_at <= ? AND +r.status = 1 \
         ORDER BY o.expires_at, o.number",
        session.dialect().reservations_of_order
    );
    let (mut looked_at, mut last, mut stopped_at) = (0_usize, None, None);
    // Orders that end at the same moment as the last one are looked at again: one may have come since.
    session.query(&sql, &[Value::Int(holders.seen_until), Value::Int(until)], &mut |row| {
        let end = (row.int(0)?, row.int(1)?);
        let is_enough = holders.is_full() || (asker == Asker::Reader && looked_at >= STEP_MAX);
        if is_enough && last.is_some_and(|last| last != end.0) {
            stopped_at = Some(end.0);
            return Ok(ControlFlow::Break(()));
        }
        holders.add(row.int(2)?, end);
        looked_at = looked_at.saturating_add(1);
        last = Some(end.0);
        Ok(ControlFlow::Continue(()))
    })?;
    holders.seen_until = holders.seen_until.max(stopped_at.unwrap_or(until));
    Ok(stopped_at.is_none() || holders.is_full())
}

/// What up to `most` of them hold of `levels`. One statement walks the live reservations of due orders in their order,
/// so a backlog of orders that hold other units hides nobody.
pub(crate) fn holds(
    session: &mut dyn SqlSession,
    levels: Levels<'_>,
    now: Timestamp,
    most: usize,
) -> Result<Vec<DueHold>, StoreError> {
    let wanted = Wanted::find(session, levels)?;
    let mut found = Found::default();
    scan(session, &wanted, (0, now.micros()), i64::MAX, most, &mut found)?;
    Ok(found.holds)
}

/// Walks over up to `rows` live reservations of orders that end within these times.
fn scan(
    session: &mut dyn SqlSession,
    wanted: &Wanted,
    (from, until): (i64, i64),
    rows: i64,
    most: usize,
    found: &mut Found,
) -> Result<(), StoreError> {
    // The plus keeps SQLite from building an index of its own over all live reservations, every time.
    let sql = format!(
        "SELECT o.id, r.item, r.location, r.quantity FROM orders o CROSS JOIN reservations r ON {} \
         WHERE o.status = 1 AND o.expires_at IS NOT NULL AND o.expires_at >= ? AND o.expires_at <= ? AND +r.status = 1 \
         ORDER BY o.expires_at, o.number, r.number LIMIT ?",
        session.dialect().reservations_of_order
    );
    let mut further = Found::default();
    let most = most.saturating_sub(found.orders.len());
    session.query(&sql, &[Value::Int(from), Value::Int(until), Value::Int(rows)], &mut |row| {
        if found.has(row)? { Ok(ControlFlow::Continue(())) } else { further.add(wanted, row, most) }
    })?;
    found.orders.append(&mut further.orders);
    found.holds.append(&mut further.holds);
    Ok(())
}

/// What was found, order by order.
#[derive(Default)]
struct Found {
    orders: Vec<OrderId>,
    holds: Vec<DueHold>,
}

impl Found {
    /// Whether the row's order was found already.
    fn has(&self, row: &dyn Row) -> Result<bool, StoreError> {
        Ok(!self.orders.is_empty() && self.orders.contains(&OrderId::from_bytes(codec::uuid(row.blob(0)?)?)))
    }

    /// Adds what a row with an order's id, an item, a location and a quantity holds, if it is wanted; breaks behind the
    /// last order that is.
    fn add(&mut self, wanted: &Wanted, row: &dyn Row, most: usize) -> Result<ControlFlow<()>, StoreError> {
        let (item, location) = (row.int(1)?, row.int(2)?);
        let Some(product) = wanted.product_at(item, location) else { return Ok(ControlFlow::Continue(())) };
        let order = OrderId::from_bytes(codec::uuid(row.blob(0)?)?);
        if self.orders.last() != Some(&order) {
            if self.orders.len() >= most {
                return Ok(ControlFlow::Break(()));
            }
            self.orders.push(order);
        }
        let part = Part { location: codec::location(location)?, quantity: codec::quantity(row.int(3)?)? };
        self.holds.push(DueHold { order, product, part });
        Ok(ControlFlow::Continue(()))
    }
}

/// Levels by the numbers that rows name them by.
#[derive(Default)]
struct Wanted {
    products: HashMap<i64, ProductId>,
    levels: HashSet<(i64, Option<i64>)>,
}

impl Wanted {
    fn find(session: &mut dyn SqlSession, levels: Levels<'_>) -> Result<Self, StoreError> {
        let mut wanted = Self::default();
        let products: Vec<ProductId> = levels.iter().map(|(product, _)| *product).collect();
        let numbers: HashMap<ProductId, i64> = items::numbers_of(session, &products)?.into_iter().collect();
        for (product, location) in levels {
            let Some(item) = numbers.get(product) else { continue };
            wanted.products.insert(*item, *product);
            wanted.levels.insert((*item, location.map(|location| i64::from(location.0))));
        }
        Ok(wanted)
    }

    /// The product with units at a level that is wanted.
    fn product_at(&self, item: i64, location: i64) -> Option<ProductId> {
        let product = self.products.get(&item)?;
        let is_wanted = self.levels.contains(&(item, None)) || self.levels.contains(&(item, Some(location)));
        is_wanted.then_some(*product)
    }
}
