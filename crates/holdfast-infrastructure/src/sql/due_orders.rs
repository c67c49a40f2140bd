//! Orders whose time is over, and what they hold.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::DueHold;
use holdfast_domain::allocation::Part;
use holdfast_domain::{LocationNumber, OrderId, ProductId, Timestamp};

use crate::sql::due_holders::DueHolders;
use crate::sql::session::{SqlSession, Value};
use crate::sql::{codec, orders, reservations};

/// Stock levels, by product and location; `None` stands for any location.
pub(crate) type Levels<'a> = &'a [(ProductId, Option<LocationNumber>)];

/// Reserved orders whose time is over at `now`, the oldest first.
pub(crate) fn find(session: &mut dyn SqlSession, now: Timestamp, most: usize) -> Result<Vec<OrderId>, StoreError> {
    let sql = "SELECT id FROM orders WHERE status = 1 AND expires_at IS NOT NULL AND expires_at <= ? \
               ORDER BY expires_at, number LIMIT ?";
    orders::ids(session, sql, &[Value::time(now), Value::Int(i64::try_from(most).unwrap_or(i64::MAX))])
}

/// Up to `most` of those that hold units of one of `levels`.
pub(crate) fn holding(
    session: &mut dyn SqlSession,
    levels: Levels<'_>,
    now: Timestamp,
    most: usize,
) -> Result<Vec<OrderId>, StoreError> {
    let mut found: Vec<OrderId> = holds(session, levels, now, most)?.iter().map(|hold| hold.order).collect();
    found.dedup();
    Ok(found)
}

/// The same, by one who remembers which due orders hold what.
pub(crate) fn holding_as_remembered(
    session: &mut dyn SqlSession,
    holders: &mut DueHolders,
    levels: Levels<'_>,
    now: Timestamp,
    most: usize,
) -> Result<Vec<OrderId>, StoreError> {
    look_on(session, holders, now)?;
    let wanted = Wanted::find(session, levels)?;
    let sql = format!(
        "SELECT o.id, r.item, r.location FROM orders o JOIN reservations r ON r.number {} \
         WHERE o.number = ? AND o.expires_at = ? AND o.status = 1 AND +r.status = 1",
        reservations::of_order_in("o.number")
    );
    let mut found = Vec::new();
    for end @ (expires_at, number) in holders.of(wanted.products.keys()) {
        if found.len() >= most || expires_at > now.micros() {
            break;
        }
        let (mut is_live, mut holder) = (false, None);
        session.query(&sql, &[Value::Int(number), Value::Int(expires_at)], &mut |row| {
            is_live |= wanted.products.contains_key(&row.int(1)?);
            if wanted.product_at(row.int(1)?, row.int(2)?).is_none() {
                return Ok(ControlFlow::Continue(()));
            }
            holder = Some(OrderId::from_bytes(codec::uuid(row.blob(0)?)?));
            Ok(ControlFlow::Break(()))
        })?;
        if !is_live {
            holders.forget(wanted.products.keys(), end);
        }
        found.extend(holder);
    }
    Ok(found)
}

/// Looks at the orders that became due since `holders` looked last.
fn look_on(session: &mut dyn SqlSession, holders: &mut DueHolders, now: Timestamp) -> Result<(), StoreError> {
    holders.make_room();
    let sql = format!(
        "SELECT o.expires_at, o.number, r.item FROM orders o CROSS JOIN reservations r ON r.number {} \
         WHERE o.status = 1 AND o.expires_at IS NOT NULL AND o.expires_at >= ? AND o.expires_at <= ? AND +r.status = 1 \
         ORDER BY o.expires_at, o.number",
        reservations::of_order_in("o.number")
    );
    // Orders that end at the same moment as the last one are looked at again: one may have come since.
    session.query(&sql, &[Value::Int(holders.seen_until), Value::time(now)], &mut |row| {
        let end = (row.int(0)?, row.int(1)?);
        holders.add(row.int(2)?, end);
        Ok(ControlFlow::Continue(()))
    })?;
    holders.seen_until = holders.seen_until.max(now.micros());
    Ok(())
}

/// What up to `most` of them hold of `levels`. One statement walks the live reservations of due orders in their order, so a
/// backlog of orders that hold other units hides nobody.
pub(crate) fn holds(
    session: &mut dyn SqlSession,
    levels: Levels<'_>,
    now: Timestamp,
    most: usize,
) -> Result<Vec<DueHold>, StoreError> {
    let wanted = Wanted::find(session, levels)?;
    // The plus keeps SQLite from building an index of its own over all live reservations, every time.
    let sql = format!(
        "SELECT o.id, r.item, r.location, r.quantity FROM orders o CROSS JOIN reservations r ON r.number {} \
         WHERE o.status = 1 AND o.expires_at IS NOT NULL AND o.expires_at <= ? AND +r.status = 1 \
         ORDER BY o.expires_at, o.number",
        reservations::of_order_in("o.number")
    );
    let mut found: Vec<DueHold> = Vec::new();
    let mut orders = 0_usize;
    session.query(&sql, &[Value::time(now)], &mut |row| {
        let (item, location) = (row.int(1)?, row.int(2)?);
        let Some(product) = wanted.product_at(item, location) else { return Ok(ControlFlow::Continue(())) };
        let order = OrderId::from_bytes(codec::uuid(row.blob(0)?)?);
        if found.last().is_none_or(|last| last.order != order) {
            if orders >= most {
                return Ok(ControlFlow::Break(()));
            }
            orders = orders.saturating_add(1);
        }
        let part = Part { location: codec::location(location)?, quantity: codec::quantity(row.int(3)?)? };
        found.push(DueHold { order, product, part });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
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
        for (product, location) in levels {
            let location = location.map(|location| i64::from(location.0));
            let bytes = product.to_bytes();
            session.query("SELECT number FROM items WHERE product = ?", &[Value::Blob(&bytes)], &mut |row| {
                wanted.products.insert(row.int(0)?, *product);
                wanted.levels.insert((row.int(0)?, location));
                Ok(ControlFlow::Break(()))
            })?;
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
