//! Items: what seldom changes, what changes with every movement, and the levels.

use std::ops::ControlFlow;
use std::sync::LazyLock;

use holdfast_application::ports::StoreError;
use holdfast_domain::book::{ItemPage, ProductRef};
use holdfast_domain::movement::Balance;
use holdfast_domain::{InventoryItem, ItemNumber, Name, ProductId, Sku, StockLevel};

use crate::sql::codec;
use crate::sql::session::{Row, RowWriter, SqlSession, Upsert, Value};

/// The columns that [`from_row`] reads, of `items` as `i` and `stock` as `s`.
pub(crate) const COLUMNS: &str = "i.number, i.product, i.sku, i.name, i.reorder_level, i.max_stock_level, i.created_at, \
     s.sequence, s.version, s.last_restocked, s.updated_at";

/// What [`COLUMNS`] come from.
pub(crate) const TABLES: &str = "items i JOIN stock s ON s.item = i.number";

static BY_PRODUCT: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM {TABLES} WHERE i.product = ?"));
static BY_SKU: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM {TABLES} WHERE i.sku = ?"));

static CARDS: RowWriter = RowWriter {
    insert: "INSERT INTO items (number, product, sku, name, reorder_level, max_stock_level, created_at)",
    columns: 7,
    upsert: Upsert::Columns { key: "number", columns: &["sku", "name", "reorder_level", "max_stock_level"] },
};

static STOCK: RowWriter = RowWriter {
    insert: "INSERT INTO stock (item, sequence, version, last_restocked, updated_at, low)",
    columns: 6,
    upsert: Upsert::Columns { key: "item", columns: &["sequence", "version", "last_restocked", "updated_at", "low"] },
};

static LEVELS: RowWriter = RowWriter {
    insert: "INSERT INTO levels (item, location, available, reserved)",
    columns: 4,
    upsert: Upsert::Columns { key: "item, location", columns: &["available", "reserved"] },
};

/// What seldom changes of the item of a row with [`COLUMNS`] first, or with those of them that `items` has.
pub(crate) fn card(row: &dyn Row) -> Result<InventoryItem, StoreError> {
    Ok(InventoryItem::new(
        ItemNumber(codec::number(row.int(0)?)?),
        ProductId::from_bytes(codec::uuid(row.blob(1)?)?),
        codec::text(row.text(3)?, Name::new)?,
        codec::text(row.text(2)?, Sku::new)?,
        codec::count(row.int(4)?)?,
        codec::count(row.int(5)?)?,
        codec::time(row.int(6)?),
    ))
}

/// The item of a row with [`COLUMNS`] first, without its levels.
pub(crate) fn from_row(row: &dyn Row) -> Result<InventoryItem, StoreError> {
    let mut item = card(row)?;
    item.sequence = codec::number(row.int(7)?)?;
    item.version = codec::number(row.int(8)?)?;
    item.last_restocked = row.int_or_null(9)?.map(codec::time);
    item.updated_at = codec::time(row.int(10)?);
    Ok(item)
}

/// One item with its levels.
pub(crate) fn load_one(
    session: &mut dyn SqlSession,
    product: &ProductRef,
) -> Result<Option<InventoryItem>, StoreError> {
    let mut found = None;
    let mut keep = |row: &dyn Row| {
        found = Some(from_row(row)?);
        Ok(ControlFlow::Break(()))
    };
    match product {
        ProductRef::Id(id) => session.query(&BY_PRODUCT, &[Value::Blob(&id.to_bytes())], &mut keep)?,
        ProductRef::Sku(sku) => session.query(&BY_SKU, &[Value::Text(sku.as_str())], &mut keep)?,
    }
    found.map(|item| with_levels(session, item)).transpose()
}

/// The item with its levels.
pub(crate) fn with_levels(session: &mut dyn SqlSession, item: InventoryItem) -> Result<InventoryItem, StoreError> {
    let mut levels = Vec::with_capacity(1);
    session.query(
        "SELECT location, available, reserved FROM levels WHERE item = ?",
        &[Value::Int(i64::from(item.number.0))],
        &mut |row| {
            levels.push(StockLevel {
                location: codec::location(row.int(0)?)?,
                balance: Balance { available: codec::count(row.int(1)?)?, reserved: codec::count(row.int(2)?)? },
            });
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(item.with_levels(levels))
}

/// A change that is no movement is guarded by the version it was decided on; and SKUs that change are out of the way
/// before others take them.
fn guard_cards(session: &mut dyn SqlSession, pages: &[&ItemPage]) -> Result<(), StoreError> {
    for page in pages.iter().filter(|page| page.card_changed) {
        let Some(version) = page.loaded_version else { continue };
        let item = Value::Int(i64::from(page.item.number.0));
        let sql = "UPDATE stock SET version = version + 1 WHERE item = ? AND version = ?";
        if session.execute(sql, &[item, Value::count(version)])? != 1 {
            return Err(StoreError::Contention(format!("item {} has changed meanwhile", page.item.sku).into()));
        }
        let parked = format!("\n{}", page.item.number.0);
        session.execute("UPDATE items SET sku = ? WHERE number = ?", &[Value::Text(&parked), item])?;
    }
    Ok(())
}

pub(crate) fn save(session: &mut dyn SqlSession, pages: &[&ItemPage]) -> Result<(), StoreError> {
    if pages.iter().any(|page| page.card_changed) {
        guard_cards(session, pages)?;
        let products: Vec<[u8; 16]> = pages.iter().map(|page| page.item.product.to_bytes()).collect();
        let mut cards = pages.iter().zip(&products).filter(|(page, _)| page.card_changed).map(|(page, product)| {
            let item = &page.item;
            vec![
                Value::Int(i64::from(item.number.0)),
                Value::Blob(product),
                Value::Text(item.sku.as_str()),
                Value::Text(item.name.as_str()),
                Value::count(item.reorder_level.get()),
                Value::count(item.max_stock_level.get()),
                Value::time(item.created_at),
            ]
        });
        session.write_rows(&CARDS, &mut cards)?;
    }
    let mut stock = pages.iter().map(|page| {
        let item = &page.item;
        vec![
            Value::Int(i64::from(item.number.0)),
            Value::count(item.sequence),
            Value::count(item.version),
            Value::time_or_null(item.last_restocked),
            Value::time(item.updated_at),
            Value::Int(i64::from(item.is_low())),
        ]
    });
    session.write_rows(&STOCK, &mut stock)?;
    let mut levels = pages.iter().flat_map(|page| {
        page.changed_levels.iter().map(|location| {
            let balance = page.item.balance(*location);
            vec![
                Value::Int(i64::from(page.item.number.0)),
                Value::Int(i64::from(location.0)),
                Value::count(balance.available.get()),
                Value::count(balance.reserved.get()),
            ]
        })
    });
    session.write_rows(&LEVELS, &mut levels)
}
