//! What a batch is decided on: every page it can touch, locked in the order that everybody keeps.

use std::sync::Arc;

use holdfast_domain::book::ProductRef;
use holdfast_domain::location::Locations;
use holdfast_domain::{Book, OrderId};

use crate::command::{Needs, Submission};
use crate::policy::Policy;
use crate::ports::{StoreError, StoreTransaction};

/// What was found on the way to a commit that makes it start over.
#[derive(Default)]
pub(super) struct Found {
    /// Orders that may be ended to serve somebody else.
    pub(super) due: Vec<OrderId>,
    /// An order that is there is about products that no command names.
    other_products: bool,
}

/// Every page the batch can touch, and the time. Where others wait for rows (`starts_over`), commands that name all
/// their products themselves have them loaded along with their orders. `None`: an order was about others.
pub(super) fn load_book(
    transaction: &mut dyn StoreTransaction,
    batch: &[&Submission],
    policy: &Policy,
    found: &mut Found,
    starts_over: bool,
) -> Result<Option<Book>, StoreError> {
    let due = &found.due;
    let mut needs = Needs::default();
    for submission in batch {
        submission.command.needs(&mut needs);
    }
    let replayed_until = batch.iter().filter_map(|submission| submission.decided_at).max();
    let expiring = match replayed_until {
        Some(until) => transaction.due_orders(until, usize::MAX)?,
        None => Vec::new(),
    };
    needs.orders.extend_from_slice(due);
    needs.orders.extend_from_slice(&expiring);
    needs.orders.sort_unstable();
    needs.orders.dedup();
    // A SKU names a product, but not which one.
    let all_named = starts_over
        && !needs.orders_tell
        && !found.other_products
        && due.is_empty()
        && expiring.is_empty()
        && needs.products.iter().all(|product| matches!(product, ProductRef::Id(_)));
    let named = all_named.then(|| {
        needs.products.sort_unstable();
        needs.products.dedup();
        transaction.expect(&needs.orders, &needs.products);
        needs.products.len()
    });
    let orders = transaction.load_orders(&needs.orders)?;
    let held = orders.iter().flat_map(|order| order.live().map(|held| ProductRef::Id(held.product)));
    let asked = orders.iter().flat_map(|order| order.asked.iter().map(|line| ProductRef::Id(line.product)));
    needs.products.extend(held.chain(asked));
    needs.products.sort_unstable();
    needs.products.dedup();
    if named.is_some_and(|named| needs.products.len() > named) {
        found.other_products = true;
        return Ok(None);
    }
    let items = transaction.load_items(&needs.products)?;
    let waiting = transaction.load_waiting(&needs.orders)?;
    let locations = Arc::new(Locations::new(transaction.load_locations()?));
    let numbering = transaction.numbering(batch.len())?;

    let mut book = Book::new(transaction.now()?, policy.expiry, locations, numbering);
    for item in items {
        book.put_item(item);
    }
    for order in orders {
        book.put_order(order);
    }
    book.waiting.known = waiting.into_iter().collect();
    book.due.clone_from(due);
    book.outcomes = policy.publishing.is_on().then(Vec::new);
    Ok(Some(book))
}

/// Due orders, besides those known as `due`, that hold units of levels of which somebody wanted more than there was. On
/// the events' clock nobody is in the way: whatever was due has ended.
pub(super) fn due_orders_in_the_way(
    transaction: &mut dyn StoreTransaction,
    batch: &[&Submission],
    book: &Book,
    due: &[OrderId],
    policy: &Policy,
) -> Result<Option<Vec<OrderId>>, StoreError> {
    let replayed = batch.iter().all(|submission| submission.decided_at.is_some());
    if book.short.is_empty() || replayed || due.len() >= policy.reclaim_orders_max {
        return Ok(None);
    }
    let mut levels = book.short.clone();
    levels.sort_unstable();
    levels.dedup();
    let mut more = transaction.due_orders_holding(&levels, book.now, policy.reclaim_orders_max)?;
    more.retain(|order| !due.contains(order));
    Ok((!more.is_empty()).then_some(more))
}
