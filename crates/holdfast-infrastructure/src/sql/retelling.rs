//! Movements as they are told, out of the tables that hold what their events say.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;

use holdfast_application::events::stock::{ToldMovement, told};
use holdfast_application::ports::StoreError;
use holdfast_application::queries::{Horizon, LedgerPlace, ToldPlace};
use holdfast_domain::event::{Alert, Crossing};
use holdfast_domain::location::Locations;
use holdfast_domain::{ItemNumber, Name, ReservationStatus, Sku, StockMovement, Timestamp};

use crate::sql::codec::{self, broken};
use crate::sql::dialect::Dialect;
use crate::sql::session::{Row, RowFinder, SqlSession, Value};
use crate::sql::{locations, movements, reservations};

/// Up to when the ledger is complete.
pub(crate) fn horizon(session: &mut dyn SqlSession) -> Result<Horizon, StoreError> {
    let dialect = session.dialect();
    let mut told = None;
    session.query(dialect.decided_up_to, &[], &mut |row| {
        told = Some(codec::time(row.int(0)?));
        Ok(ControlFlow::Break(()))
    })?;
    let clock = told.ok_or_else(|| broken("no time"))?;
    Ok(Horizon { settled: clock.before(dialect.unsettled_max), clock, now: clock.after(dialect.ahead_max) })
}

/// The first movements behind a place, up to a time: a stretch of the index by time.
pub(crate) fn places(
    session: &mut dyn SqlSession,
    after: LedgerPlace,
    until: Timestamp,
    most: usize,
) -> Result<Vec<LedgerPlace>, StoreError> {
    // The first bound is what the index is entered by: not every database finds its way by a comparison of rows.
    let sql = "SELECT m.created_at, m.item, m.sequence FROM movements m WHERE m.created_at >= ? AND m.created_at <= ? \
               AND (m.created_at > ? OR m.item > ? OR (m.item = ? AND m.sequence > ?)) \
               ORDER BY m.created_at, m.item, m.sequence LIMIT ?";
    let (at, item) = (Value::time(after.created_at), Value::Int(i64::from(after.item.0)));
    let most = Value::count(most);
    let values = [at, Value::time(until), at, item, item, Value::count(after.sequence), most];
    let mut found = Vec::new();
    session.query(sql, &values, &mut |row| {
        found.push(LedgerPlace {
            created_at: codec::time(row.int(0)?),
            item: ItemNumber(codec::number(row.int(1)?)?),
            sequence: codec::number(row.int(2)?)?,
        });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Where the columns behind those of the movement begin.
const TOLD_AT: usize = 16;

/// Looks up movements with what their events say beside them, a row for each line that was crossed.
fn finder(dialect: &Dialect) -> RowFinder {
    let select = format!(
        "SELECT {}, i.sku, i.name, r.status, r.expired_at, o.expires_at, a.crossing, a.available, a.reorder_level FROM {} \
         LEFT JOIN reservations r ON r.number = m.reservation \
         LEFT JOIN alerts a ON a.item = m.item AND a.sequence = m.sequence",
        movements::COLUMNS,
        *movements::TABLES,
    );
    let key = match &dialect.stages {
        Some(_) => "(m.item = ? AND m.sequence = ? AND (m.sequence >> 4) = ?)",
        None => "(m.item = ? AND m.sequence = ?)",
    };
    RowFinder::new(&select, key, "m.item, m.sequence, a.crossing").by_index("movements m", "PRIMARY")
}

/// A movement with what its events say beside it.
struct Fact {
    movement: StockMovement,
    sku: Sku,
    name: Name,
    status: Option<ReservationStatus>,
    expires_at: Option<Timestamp>,
    alerts: Vec<Alert>,
}

/// What these movements are told as, in the order asked.
pub(crate) fn events_at(
    session: &mut dyn SqlSession,
    asked: &[(ItemNumber, u64)],
) -> Result<Vec<ToldPlace>, StoreError> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let places = Locations::new(locations::load(session)?);
    let dialect = session.dialect();
    let key = |(item, sequence): &(ItemNumber, u64)| {
        let stage = dialect.stages.as_ref().map(|stages| Value::count(sequence >> stages.bits));
        [Value::Int(i64::from(item.0)), Value::count(*sequence)].into_iter().chain(stage).collect()
    };
    let keys: Vec<Vec<Value<'_>>> = asked.iter().map(key).collect();
    let mut facts: HashMap<(ItemNumber, u64), Fact> = HashMap::with_capacity(asked.len());
    session.find_rows(&finder(dialect), &keys, &mut |row| {
        let place = (ItemNumber(codec::number(row.int(0)?)?), codec::number(row.int(1)?)?);
        let fact = match facts.entry(place) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(fact(row)?),
        };
        if let Some(alert) = alert(row, &fact.movement)?
            && fact.alerts.last().is_none_or(|last| last.crossing.code() < alert.crossing.code())
        {
            fact.alerts.push(alert);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(asked.iter().filter_map(|place| facts.get(place)).map(|fact| retold(fact, &places)).collect())
}

fn fact(row: &dyn Row) -> Result<Fact, StoreError> {
    let [ended, held] = [3, 4].map(|column| row.int_or_null(TOLD_AT.saturating_add(column)));
    Ok(Fact {
        movement: movements::from_row(row)?,
        sku: codec::text(row.text(TOLD_AT)?, Sku::new)?,
        name: codec::text(row.text(TOLD_AT.saturating_add(1))?, Name::new)?,
        status: row.int_or_null(TOLD_AT.saturating_add(2))?.map(reservations::status).transpose()?,
        expires_at: ended?.or(held?).map(codec::time),
        alerts: Vec::new(),
    })
}

/// The line of a row, if it has one.
fn alert(row: &dyn Row, movement: &StockMovement) -> Result<Option<Alert>, StoreError> {
    let Some(code) = row.int_or_null(TOLD_AT.saturating_add(5))? else { return Ok(None) };
    let crossing = u8::try_from(code).ok().and_then(Crossing::from_code);
    Ok(Some(Alert {
        product: movement.product,
        item: movement.item,
        sequence: movement.sequence,
        crossing: crossing.ok_or_else(|| broken(format!("the crossing {code}")))?,
        available: codec::count(row.int(TOLD_AT.saturating_add(6))?)?,
        reorder_level: codec::count(row.int(TOLD_AT.saturating_add(7))?)?,
    }))
}

fn retold(fact: &Fact, locations: &Locations) -> ToldPlace {
    let Fact { movement, sku, name, status, expires_at, alerts } = fact;
    let (status, expires_at) = (*status, *expires_at);
    ToldPlace {
        place: LedgerPlace { created_at: movement.created_at, item: movement.item, sequence: movement.sequence },
        product: movement.product,
        events: told(&ToldMovement { movement, sku, status, expires_at }, name, alerts, locations),
    }
}
