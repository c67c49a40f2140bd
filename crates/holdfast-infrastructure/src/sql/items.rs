//! Items: what seldom changes, what changes with every movement, and the levels.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use holdfast_application::ports::{Collision, StoreError};
use holdfast_domain::book::{ItemPage, ProductRef};
use holdfast_domain::movement::Balance;
use holdfast_domain::{InventoryItem, ItemNumber, Name, ProductId, Sku, StockLevel};

use crate::sql::codec;
use crate::sql::session::{Row, RowFinder, RowWriter, SqlSession, Upsert, Value};

/// The columns that [`from_row`] reads, of `items` as `i` and `stock` as `s`.
pub(crate) const COLUMNS: &str = "i.number, i.product, i.sku, i.name, i.reorder_level, i.max_stock_level, i.created_at, \
     s.sequence, s.version, s.last_restocked, s.updated_at";

/// What [`COLUMNS`] come from.
pub(crate) const TABLES: &str = "items i JOIN stock s ON s.item = i.number";

/// Locks items in the order of their products: everybody does, so nobody waits in a circle.
static BY_PRODUCT: LazyLock<RowFinder> = LazyLock::new(|| {
    RowFinder::new(&format!("SELECT {COLUMNS} FROM {TABLES}"), "i.product = ?", "i.product")
        .that_locks("items i", "product")
});
static PRODUCT_OF_SKU: LazyLock<RowFinder> =
    LazyLock::new(|| RowFinder::new("SELECT i.sku, i.product FROM items i", "i.sku = ?", "i.sku"));
static PRODUCT_OF_NUMBER: LazyLock<RowFinder> =
    LazyLock::new(|| RowFinder::new("SELECT i.number, i.product FROM items i", "i.number = ?", "i.number"));
static NUMBER_OF_PRODUCT: LazyLock<RowFinder> =
    LazyLock::new(|| RowFinder::new("SELECT i.number, i.product FROM items i", "i.product = ?", "i.product"));
/// Locked as well, behind the items: MariaDB reads what others changed a moment ago twice as fast under a lock, and
/// whoever holds the lock of an item never waits for its levels.
static LEVELS_OF: LazyLock<RowFinder> = LazyLock::new(|| {
    let select = "SELECT l.item, l.location, l.available, l.reserved FROM levels l";
    RowFinder::new(select, "l.item = ?", "l.item, l.location").that_locks("levels l", "PRIMARY")
});

pub(crate) static NEW_CARDS: RowWriter = RowWriter { insert: INSERT_CARD, columns: 7, upsert: Upsert::Never };

const INSERT_CARD: &str = "INSERT INTO items (number, product, sku, name, reorder_level, max_stock_level, created_at)";

/// A row whose number is new must not take over another's SKU, so new cards are written by [`NEW_CARDS`].
static CHANGED_CARDS: RowWriter = RowWriter {
    insert: INSERT_CARD,
    columns: 7,
    upsert: Upsert::Columns { key: "number", columns: &["sku", "name", "reorder_level", "max_stock_level"] },
};

pub(crate) static STOCK: RowWriter = RowWriter {
    insert: "INSERT INTO stock (item, sequence, version, last_restocked, updated_at, low)",
    columns: 6,
    upsert: Upsert::Columns { key: "item", columns: &["sequence", "version", "last_restocked", "updated_at", "low"] },
};

pub(crate) static LEVELS: RowWriter = RowWriter {
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

/// Says that these items will be loaded next, and `next` will be asked behind them; and so will their levels, where all
/// their numbers are known. Of those that are named by their SKUs nobody knows yet which they are.
pub(crate) fn load_along(
    session: &mut dyn SqlSession,
    named: &[ProductRef],
    numbers_of: &dyn Fn(&[ProductId]) -> Option<Vec<ItemNumber>>,
    next: &'static str,
) {
    let ids = named.iter().map(|product| match product {
        ProductRef::Id(id) => Some(*id),
        ProductRef::Sku(_) => None,
    });
    let Some(products) = ids.collect::<Option<Vec<ProductId>>>() else { return };
    let products = in_their_order(products);
    let bytes: Vec<[u8; 16]> = products.iter().map(|product| product.to_bytes()).collect();
    session.find_along(&BY_PRODUCT, &keys_of_products(&bytes));
    if let Some(numbers) = numbers_of(&products) {
        session.find_along(&LEVELS_OF, &keys_of_numbers(numbers.into_iter()));
        session.ask_along(next);
    }
}

/// Items with their levels, by product id. A session that writes locks them, and then asks for `next` along with the
/// levels.
pub(crate) fn load(
    session: &mut dyn SqlSession,
    named: &[ProductRef],
    next: Option<&'static str>,
) -> Result<Vec<InventoryItem>, StoreError> {
    let skus: Vec<&Sku> = named.iter().filter_map(|product| matches_sku(product)).collect();
    let of_skus = products_of(session, &skus)?;
    let ids = named.iter().filter_map(|product| match product {
        ProductRef::Id(id) => Some(*id),
        ProductRef::Sku(_) => None,
    });
    let products = in_their_order(ids.chain(of_skus.values().copied()).collect());
    let products: Vec<[u8; 16]> = products.into_iter().map(ProductId::to_bytes).collect();
    let mut found = Vec::with_capacity(products.len());
    session.find_rows(&BY_PRODUCT, &keys_of_products(&products), &mut |row| {
        found.push(from_row(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    found.sort_unstable_by_key(|item| item.product);
    for (sku, product) in of_skus {
        let at = found.binary_search_by_key(&product, |item| item.product);
        if at.ok().and_then(|at| found.get(at)).is_none_or(|item| item.sku != sku) {
            return Err(StoreError::Contention(
                Collision::Guard,
                format!("sku {sku} has changed hands meanwhile").into(),
            ));
        }
    }
    if let Some(next) = next {
        session.ask_along(next);
    }
    with_levels(session, found)
}

/// Products in the order in which their items are locked, each once.
fn in_their_order(mut products: Vec<ProductId>) -> Vec<ProductId> {
    products.sort_unstable();
    products.dedup();
    products
}

fn keys_of_products(products: &[[u8; 16]]) -> Vec<Vec<Value<'_>>> {
    products.iter().map(|bytes| vec![Value::Blob(bytes)]).collect()
}

fn keys_of_numbers(numbers: impl Iterator<Item = ItemNumber>) -> Vec<Vec<Value<'static>>> {
    numbers.map(|number| vec![Value::Int(i64::from(number.0))]).collect()
}

fn matches_sku(product: &ProductRef) -> Option<&Sku> {
    match product {
        ProductRef::Sku(sku) => Some(sku),
        ProductRef::Id(_) => None,
    }
}

/// The products that bear these SKUs.
fn products_of(session: &mut dyn SqlSession, skus: &[&Sku]) -> Result<HashMap<Sku, ProductId>, StoreError> {
    let mut found = HashMap::with_capacity(skus.len());
    let keys: Vec<Vec<Value<'_>>> = skus.iter().map(|sku| vec![Value::Text(sku.as_str())]).collect();
    session.find_rows(&PRODUCT_OF_SKU, &keys, &mut |row| {
        found.insert(codec::text(row.text(0)?, Sku::new)?, ProductId::from_bytes(codec::uuid(row.blob(1)?)?));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The numbers of products' items.
pub(crate) fn numbers_of(
    session: &mut dyn SqlSession,
    products: &[ProductId],
) -> Result<Vec<(ProductId, i64)>, StoreError> {
    let mut found = Vec::with_capacity(products.len());
    let products: Vec<[u8; 16]> = products.iter().map(|product| product.to_bytes()).collect();
    session.find_rows(&NUMBER_OF_PRODUCT, &keys_of_products(&products), &mut |row| {
        found.push((ProductId::from_bytes(codec::uuid(row.blob(1)?)?), row.int(0)?));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The products of items by their numbers.
pub(crate) fn products_of_numbers(
    session: &mut dyn SqlSession,
    numbers: &[u32],
) -> Result<Vec<(u32, ProductId)>, StoreError> {
    let mut found = Vec::with_capacity(numbers.len());
    let keys: Vec<Vec<Value<'_>>> = numbers.iter().map(|number| vec![Value::Int(i64::from(*number))]).collect();
    session.find_rows(&PRODUCT_OF_NUMBER, &keys, &mut |row| {
        found.push((codec::number(row.int(0)?)?, ProductId::from_bytes(codec::uuid(row.blob(1)?)?)));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The items with their levels.
pub(crate) fn with_levels(
    session: &mut dyn SqlSession,
    items: Vec<InventoryItem>,
) -> Result<Vec<InventoryItem>, StoreError> {
    let mut levels: HashMap<i64, Vec<StockLevel>> = HashMap::with_capacity(items.len());
    let keys = keys_of_numbers(items.iter().map(|item| item.number));
    session.find_rows(&LEVELS_OF, &keys, &mut |row| {
        let balance = Balance { available: codec::count(row.int(2)?)?, reserved: codec::count(row.int(3)?)? };
        let level = StockLevel { location: codec::location(row.int(1)?)?, balance };
        levels.entry(row.int(0)?).or_default().push(level);
        Ok(ControlFlow::Continue(()))
    })?;
    let whole = items.into_iter().map(|item| {
        let levels = levels.remove(&i64::from(item.number.0)).unwrap_or_default();
        item.with_levels(levels)
    });
    Ok(whole.collect())
}

/// A change that is no movement is guarded by the version it was decided on; and SKUs that change are out of the way
/// before others take them.
fn guard_cards(session: &mut dyn SqlSession, pages: &[&ItemPage]) -> Result<(), StoreError> {
    for page in pages.iter().filter(|page| page.card_changed) {
        let Some(version) = page.loaded_version else { continue };
        let item = Value::Int(i64::from(page.item.number.0));
        let sql = "UPDATE stock SET version = version + 1 WHERE item = ? AND version = ?";
        if session.execute(sql, &[item, Value::count(version)])? != 1 {
            return Err(StoreError::Contention(
                Collision::Guard,
                format!("item {} has changed meanwhile", page.item.sku).into(),
            ));
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
        for (writer, is_new) in [(&CHANGED_CARDS, false), (&NEW_CARDS, true)] {
            let cards = pages.iter().zip(&products).filter(|(page, _)| page.card_changed);
            let cards = cards.filter(|(page, _)| page.loaded_version.is_none() == is_new);
            session.write_rows(writer, &mut cards.map(|(page, product)| to_card(&page.item, product)))?;
        }
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

/// What seldom changes of an item, in the order of [`INSERT_CARD`].
fn to_card<'a>(item: &'a InventoryItem, product: &'a [u8]) -> Vec<Value<'a>> {
    vec![
        Value::Int(i64::from(item.number.0)),
        Value::Blob(product),
        Value::Text(item.sku.as_str()),
        Value::Text(item.name.as_str()),
        Value::count(item.reorder_level.get()),
        Value::count(item.max_stock_level.get()),
        Value::time(item.created_at),
    ]
}
