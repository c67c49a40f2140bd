//! Lists: filtered, in their order, and the same page by page as all at once.

use std::ops::ControlFlow;
use std::time::Duration;

use holdfast_domain::book::ProductRef;
use holdfast_domain::movement::MovementReference;
use holdfast_domain::{Actor, InventoryItem, OrderStatus, Reason, ReservationStatus, StockMovement, StockMovementType};

use super::MakeStore;
use super::history::random_history;
use super::ledger::{Ledger, listed};
use super::warehouse::{Warehouse, location, product};
use crate::queries::{
    MovementCursor, MovementFilter, OrderFilter, ProductCursor, ProductFilter, ProductSort, ReservationFilter,
    ReservationRow,
};

/// Every sort, both ways.
pub fn products_are_listed_in_every_order(make: MakeStore<'_>) {
    let (warehouse, ledger) = busy(make);
    for sort in [ProductSort::Sku, ProductSort::Name, ProductSort::Available, ProductSort::UpdatedAt] {
        for descending in [false, true] {
            let filter = ProductFilter { sort, descending, ..every_product() };
            let mut expected = ledger.items.clone();
            expected.sort_by(|a, b| compare(a, b, sort));
            if descending {
                expected.reverse();
            }
            assert_eq!(product_pages(&warehouse, &filter), expected, "{sort:?}, descending {descending}");
        }
    }
}

fn compare(a: &InventoryItem, b: &InventoryItem, sort: ProductSort) -> std::cmp::Ordering {
    let first = match sort {
        ProductSort::Sku => std::cmp::Ordering::Equal,
        ProductSort::Name => a.name.as_str().as_bytes().cmp(b.name.as_str().as_bytes()),
        ProductSort::Available => a.available().cmp(&b.available()),
        ProductSort::UpdatedAt => a.updated_at.cmp(&b.updated_at),
    };
    first.then_with(|| a.sku.as_str().as_bytes().cmp(b.sku.as_str().as_bytes()))
}

/// Every filter alone, and some together.
pub fn products_are_found_by_what_they_are(make: MakeStore<'_>) {
    let (warehouse, ledger) = busy(make);
    let must_find = |filter: ProductFilter, wanted: &dyn Fn(&InventoryItem) -> bool| {
        let expected: Vec<_> = ledger.items.iter().filter(|item| wanted(item)).cloned().collect();
        assert_eq!(product_pages(&warehouse, &filter), expected, "{filter:?}");
        expected.len()
    };
    let search = |text: &str| ProductFilter { search: Some(text.to_owned()), ..every_product() };
    must_find(ProductFilter { low: Some(true), ..every_product() }, &InventoryItem::is_low);
    must_find(ProductFilter { low: Some(false), ..every_product() }, &|item| !item.is_low());
    must_find(ProductFilter { out: Some(true), ..every_product() }, &|item| item.available().get() == 0);
    must_find(ProductFilter { out: Some(false), ..every_product() }, &|item| item.available().get() > 0);
    let both = ProductFilter { low: Some(true), out: Some(false), ..search("sku-0") };
    must_find(both, &|item| item.is_low() && item.available().get() > 0 && item.sku.as_str().starts_with("SKU-0"));
    let by_name = must_find(search("LAMP"), &|item| item.name.as_str().eq_ignore_ascii_case("lamp"));
    assert!(by_name > 0, "the history names lamps");
    must_find(search("-003"), &|item| item.sku.as_str() == "SKU-003");
    must_find(search(&product(4).to_string()), &|item| item.product == product(4));
    for text in ["%", "_", "\\", "'", "nothing like it"] {
        let is_found = |item: &InventoryItem| item.sku.as_str().contains(text) || item.name.as_str().contains(text);
        must_find(search(text), &is_found);
    }
}

/// What is at or below its reorder level, by SKU.
pub fn low_stock_is_listed_by_sku(make: MakeStore<'_>) {
    let (warehouse, ledger) = busy(make);
    let expected: Vec<_> = ledger.items.iter().filter(|item| item.is_low()).cloned().collect();
    let pages =
        walk(|last: Option<&InventoryItem>| warehouse.queries.low_stock(last.map(|item| &item.sku), 2).expect("reads"));
    assert_eq!(pages, expected);
    assert_eq!(warehouse.queries.low_stock(None, 500).expect("reads"), expected);
}

/// Of one product by sequence, else by time and id; both ways.
pub fn movements_are_listed_by_sequence_and_by_time(make: MakeStore<'_>) {
    let (warehouse, ledger) = busy(make);
    for ascending in [true, false] {
        for number in [1, 2, 99] {
            let filter = MovementFilter { product: Some(product(number)), ascending, ..every_movement() };
            let mut expected: Vec<_> =
                ledger.movements.iter().filter(|movement| movement.product == product(number)).cloned().collect();
            expected.sort_by_key(|movement| movement.sequence);
            if !ascending {
                expected.reverse();
            }
            assert_eq!(movement_pages(&warehouse, &filter), expected, "product {number}, ascending {ascending}");
        }
        let mut expected = ledger.movements.clone();
        expected.sort_by_key(|movement| (movement.created_at, movement.id()));
        if !ascending {
            expected.reverse();
        }
        let filter = MovementFilter { ascending, ..every_movement() };
        assert_eq!(movement_pages(&warehouse, &filter), expected, "ascending {ascending}");
    }
}

/// Every filter, over all products and of one.
pub fn movements_are_found_by_what_they_say(make: MakeStore<'_>) {
    let (warehouse, ledger) = busy(make);
    let middle = ledger.movements.get(ledger.movements.len() / 2).expect("a movement").clone();
    let of_an_order = ledger.movements.iter().map(|movement| &movement.cause.reference);
    let an_order = of_an_order.filter(|reference| matches!(reference, MovementReference::Order(_)));
    let an_order = an_order.map(ToString::to_string).nth(5).expect("reservations");
    let reason = Reason::new("Größe").expect("a reason");
    let kafka = Actor::new("kafka").expect("an actor");
    let must_find = |filter: MovementFilter, wanted: &dyn Fn(&StockMovement) -> bool| {
        for product in [None, Some(product(1))] {
            let filter = MovementFilter { product, ascending: true, ..filter.clone() };
            let found: Vec<_> = ledger.movements.iter().filter(|movement| wanted(movement)).collect();
            let of_product = found.into_iter().filter(|movement| product.is_none_or(|id| movement.product == id));
            let mut expected: Vec<StockMovement> = of_product.cloned().collect();
            if product.is_none() {
                expected.sort_by_key(|movement| (movement.created_at, movement.id()));
            }
            assert_eq!(movement_pages(&warehouse, &filter), expected, "{filter:?}");
        }
    };
    let kinds = vec![StockMovementType::StockIn, StockMovementType::Confirmed];
    must_find(MovementFilter { kinds: kinds.clone(), ..every_movement() }, &|movement| kinds.contains(&movement.kind));
    let (from, to) = (middle.created_at, middle.created_at.after(Duration::from_secs(5_000)));
    must_find(MovementFilter { from: Some(from), ..every_movement() }, &|movement| movement.created_at >= from);
    must_find(MovementFilter { to: Some(from), ..every_movement() }, &|movement| movement.created_at < from);
    must_find(MovementFilter { from: Some(from), to: Some(to), ..every_movement() }, &|movement| {
        (from..to).contains(&movement.created_at)
    });
    for text in ["DOC-3", "doc-3", "INITIAL", an_order.as_str()] {
        let filter = MovementFilter { reference: Some(text.to_owned()), ..every_movement() };
        must_find(filter, &|movement| movement.cause.reference.to_string() == text);
    }
    let filter = MovementFilter { reason: Some(reason.clone()), ..every_movement() };
    must_find(filter, &|movement| movement.cause.reason.as_ref() == Some(&reason));
    let filter = MovementFilter { actor: Some(kafka.clone()), ..every_movement() };
    must_find(filter, &|movement| movement.cause.actor == kafka);
    let berlin = ledger.locations.by_code(&location("berlin")).expect("berlin").number;
    let filter = MovementFilter { location: Some(location("berlin")), ..every_movement() };
    must_find(filter, &|movement| movement.location == berlin);
    must_find(MovementFilter { location: Some(location("nowhere")), ..every_movement() }, &|_| false);
    let filter = MovementFilter { actor: Some(kafka.clone()), kinds: kinds.clone(), to: Some(to), ..every_movement() };
    must_find(filter, &|movement| {
        movement.cause.actor == kafka && kinds.contains(&movement.kind) && movement.created_at < to
    });
}

/// By id, with every filter.
pub fn reservations_are_listed_by_id(make: MakeStore<'_>) {
    let (warehouse, ledger) = busy(make);
    let must_find = |filter: ReservationFilter, wanted: &dyn Fn(&ReservationRow) -> bool| {
        let mut expected: Vec<_> = ledger.reservations.iter().filter(|row| wanted(row)).cloned().collect();
        expected.sort_by_key(|row| row.id);
        let pages = walk(|last: Option<&ReservationRow>| {
            let filter = ReservationFilter { after: last.map(|row| row.id), limit: 2, ..filter.clone() };
            warehouse.queries.find_reservations(&filter).expect("reads")
        });
        assert_eq!(pages, expected, "{filter:?}");
        let filter = ReservationFilter { limit: usize::MAX >> 1, ..filter };
        assert_eq!(warehouse.queries.find_reservations(&filter).expect("reads"), expected, "{filter:?}");
        expected
    };
    let every = ReservationFilter::default();
    let all = must_find(every.clone(), &|_| true);
    let statuses = vec![ReservationStatus::Reserved, ReservationStatus::Expired];
    let filter = ReservationFilter { statuses: statuses.clone(), ..every.clone() };
    must_find(filter, &|row| statuses.contains(&row.reservation.status));
    let filter = ReservationFilter { product: Some(product(2)), ..every.clone() };
    must_find(filter, &|row| row.reservation.product == product(2));
    let some = all.get(all.len() / 2).expect("a reservation").clone();
    let filter = ReservationFilter { order: Some(some.order), ..every.clone() };
    assert!(!must_find(filter, &|row| row.order == some.order).is_empty());
    let berlin = ledger.locations.by_code(&location("berlin")).expect("berlin").number;
    let filter = ReservationFilter { location: Some(location("berlin")), ..every.clone() };
    must_find(filter, &|row| row.reservation.location == berlin);
    let held_until = all.iter().filter_map(|row| row.expires_at).nth(all.len() / 3).expect("an end");
    let filter = ReservationFilter { expires_before: Some(held_until), ..every.clone() };
    must_find(filter, &|row| row.expires_at.is_some_and(|expires_at| expires_at < held_until));
    let filter = ReservationFilter { statuses, product: Some(product(2)), location: Some(location("main")), ..every };
    must_find(filter, &|row| {
        let held = &row.reservation;
        let wanted = [ReservationStatus::Reserved, ReservationStatus::Expired].contains(&held.status);
        wanted && held.product == product(2) && held.location.0 == 1
    });
    for row in all.iter().step_by(7) {
        assert_eq!(warehouse.queries.reservation(row.id).expect("reads").as_ref(), Some(row));
    }
    let unknown = holdfast_domain::ReservationId::from_bytes(product(1).to_bytes());
    assert_eq!(warehouse.queries.reservation(unknown).expect("reads"), None);
}

/// By id, by state.
pub fn orders_are_listed_by_id(make: MakeStore<'_>) {
    let (warehouse, ledger) = busy(make);
    for statuses in [vec![], vec![OrderStatus::Refused], vec![OrderStatus::Reserved, OrderStatus::Confirmed]] {
        let wanted = |status: OrderStatus| statuses.is_empty() || statuses.contains(&status);
        let expected: Vec<_> = ledger.orders.iter().filter(|order| wanted(order.status)).cloned().collect();
        let pages = walk(|last: Option<&holdfast_domain::Order>| {
            let filter = OrderFilter { statuses: statuses.clone(), after: last.map(|order| order.id), limit: 2 };
            let found = warehouse.queries.find_orders(&filter).expect("reads");
            assert!(found.iter().all(|order| order.reservations.is_empty()));
            found.into_iter().map(listed).collect()
        });
        assert_eq!(pages, expected, "{statuses:?}");
        assert!(!pages.is_empty(), "the history has orders {statuses:?}");
    }
}

/// Items by SKU, movements by product and sequence, the others by order; the rows are those of the pages.
pub fn exports_are_in_a_stable_order(make: MakeStore<'_>) {
    let (warehouse, ledger) = busy(make);
    assert!(ledger.items.is_sorted_by(|a, b| a.sku.as_str().as_bytes() < b.sku.as_str().as_bytes()));
    assert!(ledger.movements.is_sorted_by(|a, b| (a.product, a.sequence) < (b.product, b.sequence)));
    assert!(ledger.orders.is_sorted_by(|a, b| a.id < b.id));
    let place = |row: &ReservationRow| (row.order, row.reservation.line);
    assert!(ledger.reservations.is_sorted_by(|a, b| place(a) < place(b)));
    let mut of_orders = Vec::new();
    for order in &ledger.orders {
        let read = warehouse.queries.order(order.id).expect("reads").expect("the order");
        of_orders.extend(ReservationRow::of(&read));
        assert_eq!(listed(read), *order);
    }
    assert_eq!(of_orders, ledger.reservations);
    let named: Vec<ProductRef> = ledger.items.iter().map(|item| ProductRef::Id(item.product)).collect();
    let mut named = warehouse.queries.items(&named).expect("reads");
    named.sort_by(|a, b| a.sku.cmp(&b.sku));
    assert_eq!(named, ledger.items);
}

/// A reader may stop.
pub fn an_export_ends_when_its_reader_has_enough(make: MakeStore<'_>) {
    let (warehouse, _) = busy(make);
    let queries = &warehouse.queries;
    let mut seen = [0_u32; 4];
    let [items, movements, orders, reservations] = &mut seen;
    queries.each_item(&mut |_| third(items)).expect("reads");
    queries.each_movement(&mut |_| third(movements)).expect("reads");
    queries.each_order(&mut |_| third(orders)).expect("reads");
    queries.each_reservation(&mut |_| third(reservations)).expect("reads");
    assert_eq!(seen, [3; 4]);
}

fn third(seen: &mut u32) -> ControlFlow<()> {
    *seen = seen.saturating_add(1);
    if *seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// A warehouse after some history, and all it keeps.
fn busy(make: MakeStore<'_>) -> (Warehouse, Ledger) {
    let mut warehouse = Warehouse::open(make);
    for step in random_history(11, 900) {
        warehouse.wait(step.pause);
        warehouse.decide_all(&step.batch);
    }
    let ledger = Ledger::of(&*warehouse.queries);
    (warehouse, ledger)
}

/// All pages of a list, read with the last row of the one before.
fn walk<T: Clone>(mut page: impl FnMut(Option<&T>) -> Vec<T>) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    loop {
        let next = page(all.last());
        if next.is_empty() {
            return all;
        }
        assert!(next.len() <= 2, "a page has no more rows than were asked for");
        all.extend(next);
    }
}

fn product_pages(warehouse: &Warehouse, filter: &ProductFilter) -> Vec<InventoryItem> {
    let pages = walk(|last: Option<&InventoryItem>| {
        let after = last.map(|item| ProductCursor::of(item, filter.sort));
        warehouse.queries.find_items(&ProductFilter { after, limit: 2, ..filter.clone() }).expect("reads")
    });
    let at_once = warehouse.queries.find_items(filter).expect("reads");
    assert_eq!(pages, at_once, "page by page and at once");
    pages
}

fn movement_pages(warehouse: &Warehouse, filter: &MovementFilter) -> Vec<StockMovement> {
    let pages = walk(|last: Option<&StockMovement>| {
        let after = last.map(|movement| MovementCursor { created_at: movement.created_at, id: movement.id() });
        warehouse.queries.movements(&MovementFilter { after, limit: 2, ..filter.clone() }).expect("reads")
    });
    let at_once = warehouse.queries.movements(filter).expect("reads");
    assert_eq!(pages, at_once, "page by page and at once");
    pages
}

fn every_product() -> ProductFilter {
    ProductFilter {
        search: None,
        low: None,
        out: None,
        sort: ProductSort::Sku,
        descending: false,
        after: None,
        limit: usize::MAX >> 1,
    }
}

fn every_movement() -> MovementFilter {
    MovementFilter { limit: usize::MAX >> 1, ..MovementFilter::default() }
}
