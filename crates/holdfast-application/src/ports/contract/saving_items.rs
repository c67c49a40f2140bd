//! Locations, items and movements come back as they were saved, and what another writer was faster with is noticed.

use holdfast_domain::book::stocking::{CardChange, StockVerb};
use holdfast_domain::book::{ItemPage, ProductRef};
use holdfast_domain::location::Locations;
use holdfast_domain::movement::Cause;
use holdfast_domain::{Count, Location, LocationNumber, Name, Sku};

use super::MakeStore;
use super::pages::{empty_book, must_meet_somebody};
use super::warehouse::{Warehouse, actor, change, item_of, location, new_item, product, sku};
use crate::command::{Command, Remarks};

/// `main` exists before anybody makes a location.
pub fn main_is_there_from_the_start(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    assert_eq!(warehouse.queries.locations().expect("reads"), Locations::new(vec![Location::main()]));
    let mut transaction = warehouse.store.begin().expect("a transaction");
    assert_eq!(transaction.load_locations().expect("locations"), [Location::main()]);
}

/// A location is read as it was made, in its place among the others.
pub fn a_new_location_comes_back(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.open_location("berlin", 7);
    warehouse.open_location("aachen", 7);
    let codes = |locations: &Locations| -> Vec<String> {
        locations
            .iter()
            .map(|location| format!("{} {} {}", location.code, location.number.0, location.priority))
            .collect()
    };
    let expected = ["main 1 0", "aachen 3 7", "berlin 2 7"];
    assert_eq!(codes(&warehouse.queries.locations().expect("reads")), expected);
    let mut transaction = warehouse.store.begin().expect("a transaction");
    assert_eq!(codes(&Locations::new(transaction.load_locations().expect("locations"))), expected);
}

/// A code names one location.
pub fn a_location_code_is_taken_once(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let again = Location { number: LocationNumber(9), ..Location::main() };
    let saved = transaction.save_locations(&[again]);
    must_meet_somebody(saved, &mut *transaction);
}

/// An item is read as it was decided, by its id and by its SKU, once however often it is named.
pub fn a_saved_item_comes_back(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.open_location("berlin", 1);
    let new = new_item(1, &[("main", 100), ("berlin", 7)]);
    let lamp = item_of(warehouse.decide(Command::CreateItem(new, Remarks::default())));
    let unknown = ProductRef::Sku(Sku::new("nobody").expect("a sku"));
    let named = [ProductRef::Id(product(1)), ProductRef::Sku(sku(1)), unknown, ProductRef::Id(product(2))];
    assert_eq!(warehouse.queries.items(&named).expect("reads"), std::slice::from_ref(&lamp));
    let mut transaction = warehouse.store.begin().expect("a transaction");
    assert_eq!(transaction.load_items(&named).expect("items"), [lamp]);
}

/// Every kind of change is read as it was decided.
pub fn a_changed_item_comes_back(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.open_location("berlin", 1);
    warehouse.stock(1, 10);
    let moved = Command::TransferStock {
        product: product(1),
        from: location("main"),
        to: location("berlin"),
        quantity: super::warehouse::units(4),
        version: None,
        remarks: Remarks::default(),
    };
    let card = CardChange {
        name: Name::new("Größe 38 'quoted'").ok(),
        sku: Sku::new("sku-001").ok(),
        reorder_level: Count::new(0),
        max_stock_level: Count::new(Count::MAX),
    };
    let renamed = Command::ChangeCard { product: product(1), change: card, version: None };
    let counted = Command::AdjustStock {
        product: product(1),
        location: location("berlin"),
        counted: Count::new(Count::MAX - 100).expect("a count"),
        expected: None,
        version: None,
        remarks: Remarks::default(),
    };
    for command in [moved, renamed, change(1, StockVerb::Add, 5), change(1, StockVerb::Damage, 11), counted] {
        let decided = item_of(warehouse.decide(command));
        assert_eq!(warehouse.item(1), decided);
    }
    assert_eq!(warehouse.item(1).sequence, 6);
    warehouse.must_be_clean();
}

/// A new item with another's product id or SKU does not get in.
pub fn a_sku_is_taken_once_and_a_product_too(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let mut same_product = item_page(&mut warehouse, 2);
    same_product.item.product = product(1);
    let mut same_sku = item_page(&mut warehouse, 2);
    same_sku.item.sku = sku(1);
    for page in [same_product, same_sku] {
        let mut transaction = warehouse.store.begin().expect("a transaction");
        let saved = transaction.save_items(&[&page]);
        must_meet_somebody(saved, &mut *transaction);
    }
}

/// Only what stands in the end must be unique.
pub fn two_items_swap_their_skus(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    warehouse.stock(2, 20);
    let rename = |number: u8, to: &str| {
        let change = CardChange { sku: Sku::new(to).ok(), ..CardChange::default() };
        super::warehouse::submission(Command::ChangeCard { product: product(number), change, version: None })
    };
    warehouse.decide_all(&[rename(1, "spare"), rename(2, "SKU-001"), rename(1, "SKU-002")]);
    assert_eq!((warehouse.item(1).sku, warehouse.item(2).sku), (sku(2), sku(1)));
    let found = warehouse.queries.items(&[ProductRef::Sku(sku(1))]).expect("reads");
    assert_eq!(found.first().map(|item| item.product), Some(product(2)));
}

/// A rename on a stale copy is noticed, although nothing moved.
pub fn a_stale_rename_is_contention(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    let mut stale = warehouse.stock(1, 10);
    warehouse.decide(change(1, StockVerb::Add, 1)).expect("added");
    let loaded_version = Some(stale.version);
    stale.renamed(warehouse.now());
    let page = ItemPage { item: stale, loaded_version, changed_levels: Vec::new(), card_changed: true };
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let saved = transaction.save_items(&[&page]);
    must_meet_somebody(saved, &mut *transaction);
}

/// The fence: two writers that act on the same state of a product collide.
pub fn a_sequence_is_given_once(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let movements = warehouse.movements(1);
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let saved = transaction.append_movements(&movements);
    must_meet_somebody(saved, &mut *transaction);
    drop(transaction);
    assert_eq!(warehouse.movements(1), movements);
}

/// The page of a new item that is not saved yet.
fn item_page(warehouse: &mut Warehouse, number: u8) -> ItemPage {
    let mut book = empty_book(warehouse);
    book.create_item(&new_item(number, &[]), &Cause::by(actor())).expect("new");
    let page = book.item_pages().next().expect("the new item");
    page.clone()
}
