//! Reads over many movements.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::{MovementFilter, Visitor};
use holdfast_domain::book::ProductRef;
use holdfast_domain::{ItemNumber, OrderId, OrderNumber, ProductId, Reason, StockMovement};

use crate::sql::session::{SqlSession, Value};
use crate::sql::{codec, items, movements, orders, reservations};

/// How many items a walk over all movements looks up at a time.
const ITEMS_STEP: i64 = 1_000;

/// A page of movements: of one product by sequence, else by time and id.
pub(crate) fn find(session: &mut dyn SqlSession, filter: &MovementFilter) -> Result<Vec<StockMovement>, StoreError> {
    let order = match filter.reference.as_deref().and_then(OrderId::parse) {
        Some(id) => orders::number_of(session, id)?,
        None => None,
    };
    let location = match &filter.location {
        None => None,
        Some(code) => {
            let known = crate::sql::locations::load(session)?;
            match known.into_iter().find(|location| location.code == *code) {
                Some(location) => Some(location.number),
                None => return Ok(Vec::new()),
            }
        }
    };
    let (conditions, values) = conditions(filter, order, location.map(|location| location.0));
    match filter.product {
        Some(product) => of_product(session, filter, product, &conditions, &values),
        None => over_products(session, filter, &conditions, &values),
    }
}

/// The filter's conditions but for product and place in the list.
fn conditions(filter: &MovementFilter, order: Option<OrderNumber>, location: Option<u16>) -> (String, Vec<Value<'_>>) {
    let mut sql = String::new();
    let mut values = Vec::new();
    if !filter.kinds.is_empty() {
        let _ = write!(sql, " AND m.kind IN ({})", vec!["?"; filter.kinds.len()].join(", "));
        values.extend(filter.kinds.iter().map(|kind| Value::Int(i64::from(kind.code()))));
    }
    if let Some(from) = filter.from {
        sql.push_str(" AND m.created_at >= ?");
        values.push(Value::time(from));
    }
    if let Some(to) = filter.to {
        sql.push_str(" AND m.created_at < ?");
        values.push(Value::time(to));
    }
    if let Some(reference) = &filter.reference {
        match order {
            Some(order) => {
                sql.push_str(" AND (m.reference = ? OR m.reservation BETWEEN ? AND ?)");
                values.push(Value::Text(reference));
                values.extend(reservations::numbers(order));
            }
            None => {
                sql.push_str(" AND m.reference = ?");
                values.push(Value::Text(reference));
            }
        }
    }
    if let Some(reason) = &filter.reason {
        sql.push_str(" AND m.reason = ?");
        values.push(Value::Text(Reason::as_str(reason)));
    }
    if let Some(actor) = &filter.actor {
        sql.push_str(" AND m.actor = ?");
        values.push(Value::Text(actor.as_str()));
    }
    if let Some(location) = location {
        sql.push_str(" AND m.location = ?");
        values.push(Value::Int(i64::from(location)));
    }
    (sql, values)
}

/// A product's sequences are dense, so the stages of the fence that hold them are a calculation.
fn of_product(
    session: &mut dyn SqlSession,
    filter: &MovementFilter,
    product: ProductId,
    conditions: &str,
    values: &[Value<'_>],
) -> Result<Vec<StockMovement>, StoreError> {
    let found = items::load(session, &[ProductRef::Id(product)], None)?;
    let Some(item) = found.first() else { return Ok(Vec::new()) };
    let after = filter.after.and_then(|after| after.id.names()).map(|(_, sequence)| sequence);
    let (first, last) = match (filter.ascending, after) {
        (true, after) => (after.unwrap_or(0).saturating_add(1), item.sequence),
        (false, after) => (1, after.map_or(item.sequence, |after| after.saturating_sub(1))),
    };
    let mut found = Vec::new();
    of_item(session, item.number, (first, last), filter.ascending, (conditions, values), &mut |movement| {
        found.push(movement);
        if found.len() < filter.limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}

/// Walks over an item's movements from the first to the last sequence, or back, stage by stage.
fn of_item(
    session: &mut dyn SqlSession,
    item: ItemNumber,
    (first, last): (u64, u64),
    ascending: bool,
    (conditions, values): (&str, &[Value<'_>]),
    visit: Visitor<'_, StockMovement>,
) -> Result<(), StoreError> {
    if first > last {
        return Ok(());
    }
    let stages = session.dialect().stages.as_ref();
    let in_stage = stages.map_or_else(String::new, |stages| format!(" AND {}", stages.condition));
    let direction = if ascending { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT {} FROM {} WHERE m.item = ? AND m.sequence BETWEEN ? AND ?{in_stage}{conditions} \
         ORDER BY m.sequence {direction}",
        movements::COLUMNS,
        *movements::TABLES,
    );
    let stage = |sequence: u64| stages.map_or(0, |stages| sequence >> stages.bits);
    let (lowest, highest) = (stage(first), stage(last));
    let steps: Box<dyn Iterator<Item = u64>> =
        if ascending { Box::new(lowest..=highest) } else { Box::new((lowest..=highest).rev()) };
    for step in steps {
        let mut all = vec![Value::Int(i64::from(item.0)), Value::count(first), Value::count(last)];
        all.extend(stages.map(|_| Value::count(step)));
        all.extend_from_slice(values);
        let mut ended = false;
        session.query(&sql, &all, &mut |row| {
            let flow = visit(movements::from_row(row)?);
            ended = flow.is_break();
            Ok(flow)
        })?;
        if ended {
            break;
        }
    }
    Ok(())
}

fn over_products(
    session: &mut dyn SqlSession,
    filter: &MovementFilter,
    conditions: &str,
    values: &[Value<'_>],
) -> Result<Vec<StockMovement>, StoreError> {
    let (than, direction) = if filter.ascending { (">", "ASC") } else { ("<", "DESC") };
    let mut sql = format!("SELECT {} FROM {} WHERE 1 = 1{conditions}", movements::COLUMNS, *movements::TABLES);
    let mut all = values.to_vec();
    if let Some(after) = filter.after
        && let Some((item, sequence)) = after.id.names()
    {
        let _ = write!(sql, " AND (m.created_at, m.item, m.sequence) {than} (?, ?, ?)");
        all.extend([Value::time(after.created_at), Value::Int(i64::from(item.0)), Value::count(sequence)]);
    }
    let _ = write!(sql, " ORDER BY m.created_at {direction}, m.item {direction}, m.sequence {direction} LIMIT ?");
    all.push(Value::count(filter.limit));
    let mut found = Vec::new();
    session.query(&sql, &all, &mut |row| {
        found.push(movements::from_row(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Walks over all movements by product id and sequence.
pub(crate) fn each(session: &mut dyn SqlSession, visit: Visitor<'_, StockMovement>) -> Result<(), StoreError> {
    let sql = "SELECT i.number, i.product, s.sequence FROM items i JOIN stock s ON s.item = i.number \
               WHERE i.product > ? ORDER BY i.product LIMIT ?";
    let mut after: Vec<u8> = Vec::new();
    let mut ended = false;
    while !ended {
        let mut step = Vec::new();
        session.query(sql, &[Value::Blob(&after), Value::Int(ITEMS_STEP)], &mut |row| {
            let number = ItemNumber(codec::number(row.int(0)?)?);
            step.push((number, codec::uuid(row.blob(1)?)?, codec::number::<u64>(row.int(2)?)?));
            Ok(ControlFlow::Continue(()))
        })?;
        let Some((_, last, _)) = step.last() else { break };
        after = last.to_vec();
        for (item, _, sequence) in step {
            of_item(session, item, (1, sequence), true, ("", &[]), &mut |movement| {
                let flow = visit(movement);
                ended |= flow.is_break();
                flow
            })?;
            if ended {
                break;
            }
        }
    }
    Ok(())
}
