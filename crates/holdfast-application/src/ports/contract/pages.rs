//! Pages as the committer would save them, and what a store says to stale ones.

use std::sync::Arc;

use holdfast_domain::Book;
use holdfast_domain::book::{ExpiryRule, ItemPage, OrderPage};
use holdfast_domain::location::Locations;

use super::warehouse::{Warehouse, render};
use crate::command::CommandKey;
use crate::ports::{StoreError, StoreTransaction};

/// What was saved must have met somebody, who is told of by whatever saved it or by the store at the latest.
pub(super) fn must_meet_somebody(saved: Result<(), StoreError>, transaction: &mut dyn StoreTransaction) {
    let result = saved.and_then(|()| transaction.flush());
    assert!(matches!(result, Err(StoreError::Contention(..))), "{result:?} is no contention");
}

/// A book as the committer would begin it, without pages.
pub(super) fn empty_book(warehouse: &mut Warehouse) -> Book {
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let locations = Arc::new(Locations::new(transaction.load_locations().expect("locations")));
    let numbering = transaction.numbering(1).expect("numbers");
    let now = transaction.now().expect("the time");
    Book::new(now, ExpiryRule::Lenient, locations, numbering)
}

pub(super) fn save(transaction: &mut dyn StoreTransaction, book: &Book) {
    transaction.save_locations(&book.new_locations).expect("saved");
    transaction.append_movements(&book.movements).expect("saved");
    let items: Vec<&ItemPage> = book.item_pages().collect();
    transaction.save_items(&items).expect("saved");
    let orders: Vec<&OrderPage> = book.order_pages().collect();
    transaction.save_orders(&orders).expect("saved");
    transaction.save_waiting(&book.waiting).expect("saved");
}

pub(super) fn key_of(key: &str) -> CommandKey {
    CommandKey { scope: "caller".to_owned(), key: key.to_owned(), position: 0, fingerprint: [7; 32], render }
}
