//! Stories of one item: what each rule does to its levels, and what it refuses.

use super::*;
use crate::text::{Actor, Reason};

const MAIN: LocationNumber = LocationNumber::MAIN;

#[test]
fn a_hundred_units_reserved_then_confirmed() {
    let mut lamp = lamp_with(100);
    let reserved = lamp.reserve(MAIN, units(30), because(), at(2)).expect("enough");
    assert_eq!(levels(&lamp), (70, 30));
    assert_eq!((reserved.sequence, reserved.kind), (2, StockMovementType::Reserved));
    let confirmed = lamp.confirm(MAIN, units(30), because(), at(3));
    assert_eq!(levels(&lamp), (70, 0));
    assert_eq!(confirmed.before.available, confirmed.after.available);
}

#[test]
fn release_undoes_reserve() {
    let mut lamp = lamp_with(100);
    lamp.reserve(MAIN, units(30), because(), at(2)).expect("enough");
    lamp.release(MAIN, units(30), because(), at(3));
    assert_eq!(levels(&lamp), (100, 0));
    assert_eq!(lamp.sequence, 3);
}

#[test]
fn what_is_not_there_is_refused_and_nothing_changes() {
    let mut lamp = lamp_with(5);
    let before = lamp.clone();
    let short = Insufficient { available: count(5), requested: count(6) };
    assert_eq!(lamp.reserve(MAIN, units(6), because(), at(2)), Err(short));
    assert_eq!(lamp.remove(MAIN, StockMovementType::Damaged, units(6), because(), at(2)), Err(short));
    assert_eq!(lamp, before);
}

#[test]
fn a_count_sets_what_is_on_hand() {
    let mut lamp = lamp_with(100);
    lamp.reserve(MAIN, units(30), because(), at(2)).expect("enough");
    let counted = lamp.adjust(MAIN, count(98), Some(count(100)), because(), at(3)).expect("taken");
    assert_eq!(counted.map(|movement| movement.quantity), Some(count(2)));
    assert_eq!(levels(&lamp), (68, 30));
    assert_eq!(lamp.adjust(MAIN, count(98), None, because(), at(4)), Ok(None), "the same count again");
    assert_eq!(
        lamp.adjust(MAIN, count(29), None, because(), at(4)),
        Err(CountRefused::BelowReserved { reserved: count(30) })
    );
    assert_eq!(
        lamp.adjust(MAIN, count(90), Some(count(100)), because(), at(4)),
        Err(CountRefused::Mismatch { on_hand: count(98) })
    );
}

#[test]
fn an_item_never_holds_more_than_a_count_can_tell() {
    let mut lamp = lamp_with(1);
    lamp.adjust(MAIN, count(Count::MAX), None, because(), at(2)).expect("the largest count");
    let elsewhere = LocationNumber(2);
    let kind = StockMovementType::StockIn;
    assert_eq!(lamp.add(elsewhere, kind, Quantity::ONE, because(), at(3)), Err(TooMany));
    assert_eq!(lamp.adjust(elsewhere, count(1), None, because(), at(3)), Err(CountRefused::TooMany));
}

#[test]
fn what_was_added_and_what_came_back_is_a_restock_and_what_moved_is_not() {
    let mut lamp = lamp_with(1);
    assert_eq!(lamp.last_restocked, Some(at(1)));
    lamp.add(MAIN, StockMovementType::TransferIn, units(1), because(), at(5)).expect("room");
    assert_eq!(lamp.last_restocked, Some(at(1)));
    lamp.add(MAIN, StockMovementType::StockIn, units(1), because(), at(6)).expect("room");
    assert_eq!(lamp.last_restocked, Some(at(6)));
    lamp.add(MAIN, StockMovementType::Returned, units(1), because(), at(7)).expect("room");
    assert_eq!(lamp.last_restocked, Some(at(7)));
}

fn lamp_with(initial: u32) -> InventoryItem {
    let mut lamp = InventoryItem::new(
        ItemNumber(1),
        ProductId::from_bytes([1; 16]),
        Name::new("Lamp").expect("a name"),
        Sku::new("LAMP").expect("a sku"),
        count(10),
        count(1_000),
        at(1),
    );
    lamp.add(MAIN, StockMovementType::StockIn, units(initial), because(), at(1)).expect("room");
    lamp
}

fn levels(item: &InventoryItem) -> (u64, u64) {
    (item.available().get(), item.reserved().get())
}

fn units(units: u32) -> Quantity {
    Quantity::new(units).expect("a quantity")
}

fn count(units: u64) -> Count {
    Count::new(units).expect("a count")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second.saturating_mul(1_000_000))
}

fn because() -> Cause {
    let reason = Reason::new("test").ok();
    Cause { reason, ..Cause::by(Actor::new("test").expect("an actor")) }
}
