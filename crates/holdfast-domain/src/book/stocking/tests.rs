//! Stories of stock that comes, goes, is counted or moves.

use crate::book::given::{CHAIR, LAMP, ORDER, cause, count, given, given_at, lines, new_item, place, units};
use crate::book::stocking::{CardChange, StockVerb};
use crate::book::{Effect, ProductRef};
use crate::movement::MovementReference;
use crate::text::Reference;
use crate::{Count, LocationCode, LocationNumber, Name, ProductId, Refusal, Sku, StockMovementType as Kind};

#[test]
fn first_stock_is_a_movement_with_reference_initial() {
    let book = given([(LAMP, 5)]);
    let first = book.movements.first().expect("it moved in");
    assert_eq!((first.kind, first.sequence, first.after.available), (Kind::StockIn, 1, count(5)));
    assert_eq!(first.cause.reference, MovementReference::Document(Reference::initial()));
    let chair = book.item(CHAIR).expect("known");
    assert_eq!((chair.sequence, chair.version, chair.last_restocked), (0, 1, None), "nothing moved");
}

#[test]
fn a_product_and_a_sku_are_taken_once() {
    let mut book = given([(LAMP, 5)]);
    let another = ProductId::from_bytes([9; 16]);
    assert_eq!(book.create_item(&new_item(LAMP, "NEW"), &cause()), Err(Refusal::ProductExists));
    assert_eq!(book.create_item(&new_item(another, "LAMP"), &cause()), Err(Refusal::SkuTaken));
    book.create_item(&new_item(another, "lamp"), &cause()).expect("SKUs are compared byte by byte");
}

#[test]
fn each_verb_writes_its_own_kind_of_movement() {
    let mut book = given([(LAMP, 50)]);
    let verbs = [
        (StockVerb::Add, Kind::StockIn, 51),
        (StockVerb::Remove, Kind::StockOut, 50),
        (StockVerb::Damage, Kind::Damaged, 49),
        (StockVerb::Return, Kind::Returned, 50),
        (StockVerb::AdjustUp, Kind::Adjustment, 51),
        (StockVerb::AdjustDown, Kind::Adjustment, 50),
    ];
    for ((verb, kind, available), sequence) in verbs.into_iter().zip(2..) {
        assert_eq!(book.change(LAMP, verb, 1), Ok(sequence));
        assert_eq!((book.last_movement().kind, book.levels(LAMP)), (kind, (available, 0)));
    }
}

#[test]
fn promised_units_are_not_there_to_be_taken() {
    let mut book = given([(LAMP, 5)]);
    book.order_lines(ORDER, &lines([(LAMP, 3)])).expect("enough");
    for verb in [StockVerb::Remove, StockVerb::Damage, StockVerb::AdjustDown] {
        let refusal = book.change(LAMP, verb, 3).expect_err("two are free");
        let told: Vec<_> = refusal.lines().iter().map(|line| (line.available.get(), line.short_by().get())).collect();
        assert_eq!((refusal.code(), told), ("insufficient_stock", vec![(2, 1)]));
    }
    let main = LocationCode::main();
    let counted = book.adjust_stock(LAMP, &main, count(2), None, None, cause());
    assert_eq!(counted, Err(Refusal::BelowReserved { reserved: count(3), counted: count(2) }));
}

#[test]
fn a_count_that_changes_nothing_moves_nothing_and_an_unexpected_one_is_refused() {
    let mut book = given([(LAMP, 5)]);
    let main = LocationCode::main();
    let before = book.item(LAMP).cloned();
    assert_eq!(book.adjust_stock(LAMP, &main, count(5), Some(count(5)), None, cause()), Ok(None));
    let surprised = book.adjust_stock(LAMP, &main, count(7), Some(count(6)), None, cause());
    assert_eq!(surprised, Err(Refusal::CountMismatch { on_hand: count(5), expected: count(6) }));
    assert_eq!(book.item(LAMP).cloned(), before);
}

#[test]
fn a_transfer_writes_two_movements_and_leaves_the_sum() {
    let mut book = given_at([("main", 0), ("berlin", 1)], [(LAMP, "main", 5)]);
    let sequence = book.transfer_stock(LAMP, &place("main"), &place("berlin"), units(4), None, cause());
    assert_eq!(sequence, Ok(3));
    let kinds: Vec<_> = book.movements.iter().map(|movement| (movement.kind, movement.location.0)).collect();
    assert_eq!(kinds, [(Kind::StockIn, 1), (Kind::TransferOut, 1), (Kind::TransferIn, 2)]);
    assert_eq!(book.levels(LAMP), (5, 0));
    let short = book.transfer_stock(LAMP, &place("main"), &place("berlin"), units(2), None, cause());
    assert_eq!(short.expect_err("one is there").lines().first().map(|line| line.available), Some(count(1)));
    assert_eq!(book.movements.len(), 3, "and nothing was taken out");
}

#[test]
fn a_house_never_holds_more_than_a_count_can_tell() {
    let mut book = given([(LAMP, 5)]);
    let main = LocationCode::main();
    book.adjust_stock(LAMP, &main, count(Count::MAX), None, None, cause()).expect("the largest count");
    assert_eq!(book.change(LAMP, StockVerb::Add, 1).expect_err("full").code(), "validation_failed");
}

#[test]
fn a_card_changes_and_saying_what_is_so_changes_nothing() {
    let mut book = given([(LAMP, 5), (CHAIR, 5)]);
    let change = CardChange { name: Name::new("Desk lamp").ok(), sku: Sku::new("DESK").ok(), ..CardChange::default() };
    assert_eq!(book.change_card(LAMP, &change, Some(2)), Ok(Effect::Applied));
    let lamp = book.find(&ProductRef::Sku(Sku::new("DESK").expect("a sku"))).cloned().expect("found by its new name");
    assert_eq!((lamp.version, lamp.sequence), (3, 1), "a rename is no movement");
    assert_eq!(book.change_card(LAMP, &change, None), Ok(Effect::Replayed));
    assert_eq!(book.item(LAMP), Some(&lamp));
    let taken = CardChange { sku: Sku::new("CHAIR").ok(), ..CardChange::default() };
    assert_eq!(book.change_card(LAMP, &taken, None), Err(Refusal::SkuTaken));
    assert_eq!(book.change_card(LAMP, &taken, Some(2)), Err(Refusal::VersionMismatch { current: 3 }));
    assert!(book.find(&ProductRef::Sku(Sku::new("LAMP").expect("a sku"))).is_none(), "its old name is free");
}

#[test]
fn unknown_products_and_locations_are_refused() {
    let mut book = given([(LAMP, 5)]);
    let unknown = ProductId::from_bytes([9; 16]);
    assert_eq!(book.change(unknown, StockVerb::Add, 1).expect_err("unknown").code(), "product_not_found");
    let nowhere = book.change_stock(&ProductRef::Id(LAMP), &place("nowhere"), StockVerb::Add, units(1), None, cause());
    assert_eq!(nowhere.expect_err("unknown").code(), "location_not_found");
}

#[test]
fn a_location_is_made_once_and_comes_in_its_order() {
    let mut book = given_at([("main", 5)], []);
    let name = Name::new("Berlin").expect("a name");
    let made = book.create_location(&place("berlin"), &name, 1).expect("new");
    assert_eq!(made.number, LocationNumber(100));
    assert_eq!(book.create_location(&place("berlin"), &name, 1), Err(Refusal::LocationExists));
    let order: Vec<_> = book.locations.iter().map(|location| location.code.to_string()).collect();
    assert_eq!(order, ["berlin", "main"]);
}
