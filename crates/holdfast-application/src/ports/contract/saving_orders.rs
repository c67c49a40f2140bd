//! Orders come back as they were saved, whole batches or nothing, and what another writer was faster with is noticed.

use std::time::Duration;

use holdfast_domain::book::{Hold, OrderPage, PaymentWait};
use holdfast_domain::movement::Cause;
use holdfast_domain::order::OrderEventKind;
use holdfast_domain::{Name, OrderStatus, Strategy, Timestamp};

use super::MakeStore;
use super::pages::{empty_book, key_of, must_meet_somebody, save};
use super::warehouse::{
    Warehouse, actor, confirm, event, expire, lines, location, new_item, order, order_of, release, render, reserve,
};
use crate::command::{Command, Remarks};

/// An order is read as it was decided, in each of its states and with all reservations it ever had.
pub fn an_order_comes_back_with_its_reservations(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.open_location("berlin", 1);
    let new = new_item(1, &[("main", 3), ("berlin", 7)]);
    warehouse.decide(Command::CreateItem(new, Remarks::default())).expect("made");
    warehouse.stock(2, 5);
    let compare = |warehouse: &mut Warehouse, command: Command, status: OrderStatus| {
        let decided = order_of(warehouse.decide(command));
        let read = warehouse.order(1).expect("the order is there");
        assert_eq!((read.status, &read), (status, &decided));
        let mut transaction = warehouse.store.begin().expect("a transaction");
        assert_eq!(transaction.load_orders(&[order(1), order(9), order(1)]).expect("orders"), [decided]);
    };
    compare(&mut warehouse, reserve(1, &[(1, 5), (2, 2)]), OrderStatus::Reserved);
    compare(&mut warehouse, super::warehouse::replace(1, &[(1, 5), (2, 3)]), OrderStatus::Reserved);
    let extend = Command::ExtendOrder { order: order(1), ttl: Duration::from_hours(1) };
    compare(&mut warehouse, extend, OrderStatus::Reserved);
    warehouse.wait(Duration::from_secs(4_000));
    warehouse.decide(expire(1)).expect("a sweep");
    compare(&mut warehouse, reserve(1, &[(1, 1)]), OrderStatus::Reserved);
    compare(&mut warehouse, confirm(1), OrderStatus::Confirmed);
    assert_eq!(warehouse.order(1).expect("the order").reservations.len(), 5, "two parts, one, one anew, one");
    warehouse.decide(reserve(2, &[(2, 99)])).expect_err("too few");
    warehouse.decide(event(OrderEventKind::OrderCancelled, 3, &[])).expect("an event's answer");
    warehouse.policy.ttl_default = None;
    warehouse.decide(reserve(4, &[(2, 1)])).expect("held for good");
    warehouse.decide(release(4)).expect("released");
    for (number, status) in [(2, OrderStatus::Refused), (3, OrderStatus::Closed), (4, OrderStatus::Released)] {
        let read = warehouse.order(number).expect("the order is there");
        let mut transaction = warehouse.store.begin().expect("a transaction");
        assert_eq!(transaction.load_orders(&[order(number)]).expect("orders"), std::slice::from_ref(&read));
        assert_eq!(read.status, status);
    }
    warehouse.must_be_clean();
}

/// The order's guard: a change on a stale copy is noticed, although no product moved.
pub fn an_order_that_changed_meanwhile_is_contention(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let stale = order_of(warehouse.reserve(1, &[(1, 5)]));
    let extend = Command::ExtendOrder { order: order(1), ttl: Duration::from_hours(1) };
    warehouse.decide(extend).expect("extended");
    let mut book = empty_book(&mut warehouse);
    book.put_order(stale);
    book.extend_order(order(1), Duration::from_secs(3_700)).expect("extended");
    let pages: Vec<&OrderPage> = book.order_pages().collect();
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let saved = transaction.save_orders(&pages);
    must_meet_somebody(saved, &mut *transaction);
}

/// An order that another writer made meanwhile is noticed.
pub fn an_order_id_is_taken_once(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    warehouse.reserve(1, &[(1, 5)]).expect("enough");
    let mut book = empty_book(&mut warehouse);
    book.close_unseen_order(order(1), None);
    let pages: Vec<&OrderPage> = book.order_pages().collect();
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let saved = transaction.save_orders(&pages);
    must_meet_somebody(saved, &mut *transaction);
}

/// All of a batch or none of it: what was saved and not committed was never there.
pub fn a_dropped_transaction_leaves_nothing_behind(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    warehouse.decide(event(OrderEventKind::PaymentCompleted, 7, &[])).expect("it waits");
    let (item, movements) = (warehouse.item(1), warehouse.all_movements());
    let mut book = empty_book(&mut warehouse);
    book.put_item(item.clone());
    book.waiting.known.insert(order(7), PaymentWait::Until(book.now));
    book.create_location(&location("berlin"), &Name::new("Berlin").expect("a name"), 1).expect("new");
    book.create_item(&new_item(2, &[("berlin", 5)]), &Cause::by(actor())).expect("new");
    let hold = Hold::For(Duration::from_mins(1));
    book.reserve_order(order(7), &lines(&[(1, 2), (2, 3)]), hold, Strategy::Priority, &actor()).expect("enough");
    book.waiting.wait(order(8), book.now);
    let key = key_of("k");
    let mut transaction = warehouse.store.begin().expect("a transaction");
    save(&mut *transaction, &book);
    transaction
        .keep_answers(&[(&key, &render(&Err(holdfast_domain::Refusal::OrderNotFound)))], book.now)
        .expect("kept");
    drop(transaction);

    assert_eq!((warehouse.item(1), warehouse.all_movements()), (item, movements));
    assert_eq!(warehouse.queries.locations().expect("reads").len(), 1);
    assert_eq!(warehouse.order(7), None);
    let mut transaction = warehouse.store.begin().expect("a transaction");
    assert_eq!(transaction.find_answers(&[&key]).expect("answers"), [None]);
    let waiting = transaction.load_waiting(&[order(7), order(8)]).expect("payments");
    assert_eq!(waiting.iter().map(|(order, _)| *order).collect::<Vec<_>>(), [order(7)]);
    let numbering = transaction.numbering(1).expect("numbers");
    assert_eq!((numbering.item.0, numbering.location.0, numbering.order.0), (2, 2, 1));
    drop(transaction);
    warehouse.must_be_clean();
}

/// New things get the numbers behind those that are there, and orders say when.
pub fn numbers_go_on(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    let numbers = |warehouse: &mut Warehouse| {
        let numbering = warehouse.store.begin().expect("a transaction").numbering(1).expect("numbers");
        ((numbering.item.0, numbering.location.0, numbering.order.0), numbering.ordered_at)
    };
    assert_eq!(numbers(&mut warehouse), ((1, 2, 1), Timestamp::EPOCH));
    warehouse.stock(1, 10);
    warehouse.stock(2, 10);
    warehouse.open_location("berlin", 1);
    warehouse.wait(Duration::from_secs(5));
    warehouse.reserve(1, &[(1, 1)]).expect("enough");
    let ordered_at = warehouse.now();
    assert_eq!(numbers(&mut warehouse), ((3, 3, 2), ordered_at));
    warehouse.wait(Duration::from_secs(5));
    warehouse.decide(confirm(1)).expect("held");
    assert_eq!(numbers(&mut warehouse), ((3, 3, 2), ordered_at));
}

/// A batch is decided later than the one before, even while the clock stands.
pub fn time_passes(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    let start = warehouse.now();
    let mut times = Vec::new();
    for _ in 0..3 {
        let mut transaction = warehouse.store.begin().expect("a transaction");
        times.push(transaction.now().expect("the time"));
        transaction.commit().expect("committed");
    }
    warehouse.wait(Duration::from_mins(1));
    times.push(warehouse.store.begin().expect("a transaction").now().expect("the time"));
    assert_eq!(times.first(), Some(&start));
    assert!(times.is_sorted_by(|earlier, later| earlier < later), "{times:?}");
    assert_eq!(times.last(), Some(&start.after(Duration::from_mins(1))));
}
