//! What the ledger tells again is what was told when it happened, in the order of each product.

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast_domain::book::ProductRef;
use holdfast_domain::book::stocking::StockVerb;
use holdfast_domain::{ItemNumber, ProductId, Timestamp};
use serde_json::Value;

use super::MakeStore;
use super::telling::{everybody, to_the_brokers};
use super::warehouse::{Warehouse, change, confirm, expire, product, release, replace};
use crate::events::read_back::stock_event;
use crate::events::{OutgoingEvent, Stream};
use crate::ports::PublishedEvent;
use crate::queries::{LedgerPlace, ToldPlace};

fn open(make: MakeStore<'_>) -> Warehouse {
    let mut warehouse = Warehouse::open(make);
    warehouse.policy.publishing = everybody();
    warehouse
}

/// Reservations that end in every way, other changes, and every line that can be crossed.
fn live_through_everything(warehouse: &mut Warehouse) {
    warehouse.stock(1, 12);
    warehouse.stock(2, 30);
    warehouse.reserve(1, &[(1, 12), (2, 4)]).expect("enough");
    warehouse.decide(replace(1, &[(1, 3), (2, 4)])).expect("less");
    warehouse.decide(confirm(1)).expect("held");
    warehouse.reserve(2, &[(1, 9)]).expect("enough");
    warehouse.decide(release(2)).expect("held");
    warehouse.reserve(3, &[(2, 25), (1, 1)]).expect("enough");
    warehouse.wait(Duration::from_hours(1));
    warehouse.decide(expire(3)).expect("due");
    warehouse.decide(change(1, StockVerb::Damage, 9)).expect("there");
    warehouse.decide(change(1, StockVerb::Return, 1)).expect("back");
}

/// Everything that the ledger tells, by time.
fn everything(warehouse: &Warehouse) -> Vec<ToldPlace> {
    let places = warehouse.queries.places_between(LedgerPlace::START, Timestamp::MAX, usize::MAX).expect("reads");
    assert!(places.is_sorted(), "they come by time");
    let movements: Vec<(ItemNumber, u64)> = places.iter().map(|place| (place.item, place.sequence)).collect();
    let told = warehouse.queries.events_at(&movements).expect("reads");
    assert_eq!(told.iter().map(|told| told.place).collect::<Vec<_>>(), places, "each comes, in the order asked");
    told
}

/// Events by product, in the order in which they came.
fn by_product(events: impl Iterator<Item = OutgoingEvent>) -> BTreeMap<[u8; 16], Vec<OutgoingEvent>> {
    let mut sorted: BTreeMap<[u8; 16], Vec<OutgoingEvent>> = BTreeMap::new();
    for event in events {
        sorted.entry(event.place.key).or_default().push(event);
    }
    sorted
}

/// Byte for byte.
pub fn the_ledger_tells_again_what_was_told(make: MakeStore<'_>) {
    let mut warehouse = open(make);
    live_through_everything(&mut warehouse);
    let sent = by_product(to_the_brokers(&warehouse, Stream::Stock));
    let retold: Vec<OutgoingEvent> = everything(&warehouse).into_iter().flat_map(|told| told.events).collect();
    for OutgoingEvent { place, at, data, .. } in &retold {
        let (product, sequence) = (ProductId::from_bytes(place.key), place.sequence);
        assert_eq!(stock_event(data), Some(PublishedEvent { product, sequence, at: *at }), "it can be read again");
    }
    assert_eq!(by_product(retold.into_iter()), sent);
    let item = warehouse.item(1);
    let some: Vec<(ItemNumber, u64)> = (2..=4).map(|sequence| (item.number, sequence)).collect();
    let retold = warehouse.queries.events_at(&some).expect("reads").into_iter().flat_map(|told| told.events);
    let of_lamp = sent.get(&product(1).to_bytes()).expect("the first product is told of");
    let expected: Vec<_> = of_lamp.iter().filter(|event| (2..=4).contains(&event.place.sequence)).cloned().collect();
    assert_eq!(retold.collect::<Vec<_>>(), expected, "one product's events, from one sequence to another");
    let nobodys = [(ItemNumber(item.number.0), 1_000), (ItemNumber(99), 1)];
    assert_eq!(warehouse.queries.events_at(&nobodys).expect("reads"), [], "what is not there is left out");
}

/// Page by page, behind a place and up to a time.
pub fn places_in_the_ledger_come_page_by_page(make: MakeStore<'_>) {
    let mut warehouse = open(make);
    live_through_everything(&mut warehouse);
    let all: Vec<LedgerPlace> = everything(&warehouse).into_iter().map(|told| told.place).collect();
    let mut pages = Vec::new();
    while let Some(page) = {
        let after = pages.last().copied().unwrap_or(LedgerPlace::START);
        Some(warehouse.queries.places_between(after, Timestamp::MAX, 3).expect("reads")).filter(|page| !page.is_empty())
    } {
        assert!(page.len() <= 3);
        pages.extend(page);
    }
    assert_eq!(pages, all);
    let middle = all.get(all.len() / 2).copied().expect("some");
    let up_to_it = warehouse.queries.places_between(LedgerPlace::START, middle.created_at, usize::MAX).expect("reads");
    let expected: Vec<_> = all.iter().filter(|place| place.created_at <= middle.created_at).copied().collect();
    assert_eq!(up_to_it, expected);
    let behind = LedgerPlace::behind(middle.created_at);
    let rest = warehouse.queries.places_between(behind, Timestamp::MAX, usize::MAX).expect("reads");
    assert_eq!([up_to_it, rest].concat(), all);
    for place in all {
        assert_eq!(LedgerPlace::of(place.movement()), Some(place), "a movement's id names its place");
    }
}

/// The ledger says up to when it is complete: the last batch is within, and what comes later is not.
pub fn the_ledger_has_a_horizon(make: MakeStore<'_>) {
    let mut warehouse = open(make);
    warehouse.stock(1, 12);
    let (before, now) = (warehouse.queries.horizon().expect("reads"), warehouse.now());
    assert!(before.settled <= before.now, "{before:?}");
    if before.is_sharp() {
        assert_eq!(before.now, now, "a single writer's last batch");
        warehouse.decide(change(1, StockVerb::Add, 1)).expect("there");
        let later = warehouse.queries.horizon().expect("reads");
        assert!(later.settled > before.settled, "{later:?}");
        let [item] = warehouse.queries.items(&[ProductRef::Id(product(1))]).expect("reads").try_into().expect("one");
        let new = LedgerPlace::behind(before.settled);
        let new = warehouse.queries.places_between(new, later.settled, usize::MAX).expect("reads");
        assert_eq!(new.iter().map(|place| place.sequence).collect::<Vec<_>>(), [item.sequence]);
    }
}

/// The ledger of a history tells what was told, but for what the ledger keeps only as it is now: until when units are
/// held, and what a product is called.
pub fn same_retold(warehouse: &Warehouse) {
    let retold = everything(warehouse);
    let mut last: BTreeMap<ItemNumber, u64> = BTreeMap::new();
    for told in &retold {
        let before = last.insert(told.place.item, told.place.sequence).unwrap_or(0);
        assert_eq!(told.place.sequence, before.saturating_add(1), "of each product in order");
    }
    if !warehouse.policy.publishing.is_on() {
        return;
    }
    let sent = by_product(to_the_brokers(warehouse, Stream::Stock).map(|event| lasting(&event)));
    assert_eq!(by_product(retold.into_iter().flat_map(|told| told.events).map(|event| lasting(&event))), sent);
}

/// The event without what may have changed since.
fn lasting(event: &OutgoingEvent) -> OutgoingEvent {
    let mut data: Value = serde_json::from_slice(&event.data).expect("JSON");
    for name in ["expiresAt", "sku", "productName"] {
        if let Some(member) = data.get_mut(name) {
            *member = Value::Null;
        }
    }
    OutgoingEvent { data: data.to_string().into_bytes(), ..event.clone() }
}
