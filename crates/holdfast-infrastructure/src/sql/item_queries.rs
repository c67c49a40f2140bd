//! Reads over many items.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::{ProductFilter, ProductSort, Visitor};
use holdfast_domain::movement::Balance;
use holdfast_domain::{InventoryItem, ProductId, Sku, StockLevel};

use crate::sql::items::TABLES;
use crate::sql::session::{Row, SqlSession, Value};
use crate::sql::{codec, items};

const AVAILABLE: &str = "COALESCE((SELECT SUM(l.available) FROM levels l WHERE l.item = i.number), 0)";

/// A page of items.
pub(crate) fn find(session: &mut dyn SqlSession, filter: &ProductFilter) -> Result<Vec<InventoryItem>, StoreError> {
    let mut sql = format!("SELECT {} FROM {TABLES} WHERE 1 = 1", items::COLUMNS);
    let product = filter.search.as_deref().and_then(ProductId::parse).map(ProductId::to_bytes);
    let mut values = Vec::new();
    if let Some(search) = &filter.search {
        match &product {
            Some(bytes) => {
                sql.push_str(" AND i.product = ?");
                values.push(Value::Blob(bytes));
            }
            None => {
                sql.push_str(" AND (INSTR(LOWER(i.sku), LOWER(?)) > 0 OR INSTR(LOWER(i.name), LOWER(?)) > 0)");
                values.extend([Value::Text(search), Value::Text(search)]);
            }
        }
    }
    if let Some(low) = filter.low {
        sql.push_str(" AND s.low = ?");
        values.push(Value::Int(i64::from(low)));
    }
    if let Some(out) = filter.out {
        let comparison = if out { "=" } else { ">" };
        let _ = write!(sql, " AND {AVAILABLE} {comparison} 0");
    }
    let (key, is_number) = match filter.sort {
        ProductSort::Sku => ("i.sku", false),
        ProductSort::Name => ("i.name", false),
        ProductSort::Available => (AVAILABLE, true),
        ProductSort::UpdatedAt => ("s.updated_at", true),
    };
    let (than, direction) = if filter.descending { ("<", "DESC") } else { (">", "ASC") };
    if let Some(after) = &filter.after {
        if filter.sort == ProductSort::Sku {
            let _ = write!(sql, " AND i.sku {than} ?");
        } else {
            let _ = write!(sql, " AND ({key}, i.sku) {than} (?, ?)");
            let number = after.key.parse().unwrap_or(0);
            values.push(if is_number { Value::Int(number) } else { Value::Text(&after.key) });
        }
        values.push(Value::Text(&after.sku));
    }
    if filter.sort == ProductSort::Sku {
        let _ = write!(sql, " ORDER BY i.sku {direction} LIMIT ?");
    } else {
        let _ = write!(sql, " ORDER BY {key} {direction}, i.sku {direction} LIMIT ?");
    }
    values.push(Value::count(filter.limit));
    collect(session, &sql, &values)
}

/// A page of low items, by SKU.
pub(crate) fn low_stock(
    session: &mut dyn SqlSession,
    after: Option<&Sku>,
    limit: usize,
) -> Result<Vec<InventoryItem>, StoreError> {
    let sql = format!(
        "SELECT {} FROM stock s JOIN items i ON i.number = s.item WHERE s.low = 1 AND i.sku > ? ORDER BY i.sku LIMIT ?",
        items::COLUMNS
    );
    let limit = Value::count(limit);
    collect(session, &sql, &[Value::Text(after.map_or("", Sku::as_str)), limit])
}

fn collect(session: &mut dyn SqlSession, sql: &str, values: &[Value<'_>]) -> Result<Vec<InventoryItem>, StoreError> {
    let mut found = Vec::new();
    session.query(sql, values, &mut |row| {
        found.push(items::from_row(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    items::with_levels(session, found)
}

/// Walks over all items by SKU.
pub(crate) fn each(session: &mut dyn SqlSession, visit: Visitor<'_, InventoryItem>) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {}, l.location, l.available, l.reserved FROM {TABLES} LEFT JOIN levels l ON l.item = i.number \
         ORDER BY i.sku, l.location",
        items::COLUMNS
    );
    let mut open: Option<(InventoryItem, Vec<StockLevel>)> = None;
    let mut ended = false;
    session.query(&sql, &[], &mut |row| {
        let number = row.int(0)?;
        if open.as_ref().is_none_or(|(item, _)| i64::from(item.number.0) != number)
            && let Some((item, levels)) = open.replace((items::from_row(row)?, Vec::new()))
            && visit(item.with_levels(levels)).is_break()
        {
            ended = true;
            return Ok(ControlFlow::Break(()));
        }
        if let (Some((_, levels)), Some(location)) = (&mut open, row.int_or_null(11)?) {
            levels.push(StockLevel { location: codec::location(location)?, balance: balance(row, 12)? });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if let Some((item, levels)) = open.filter(|_| !ended) {
        let _ = visit(item.with_levels(levels));
    }
    Ok(())
}

fn balance(row: &dyn Row, column: usize) -> Result<Balance, StoreError> {
    let available = codec::count(row.int(column)?)?;
    Ok(Balance { available, reserved: codec::count(row.int(column.saturating_add(1))?)? })
}
