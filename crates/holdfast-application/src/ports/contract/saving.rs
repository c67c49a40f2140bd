//! What is saved comes back as it was, and what another writer was faster with is noticed.

use std::sync::Arc;
use std::time::Duration;

use holdfast_domain::book::stocking::{CardChange, StockVerb};
use holdfast_domain::book::{ExpiryRule, Hold, ItemPage, OrderPage, PaymentWait, ProductRef};
use holdfast_domain::location::Locations;
use holdfast_domain::movement::Cause;
use holdfast_domain::{Book, Count, Location, LocationNumber, Name, OrderId, OrderStatus, Sku, Strategy, Timestamp};

use super::MakeStore;
use super::warehouse::{
    Warehouse, actor, change, confirm, event, expire, item_of, keyed, lines, location, new_item, order, order_of,
    product, release, render, reserve, sku,
};
use crate::command::{Command, CommandKey, Remarks};
use crate::ports::{StoreError, StoreTransaction};
use holdfast_domain::order::OrderEventKind;

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
    must_be_contention(&transaction.save_locations(&[again]));
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
        must_be_contention(&transaction.save_items(&[&page]));
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
    must_be_contention(&transaction.save_items(&[&page]));
}

/// The fence: two writers that act on the same state of a product collide.
pub fn a_sequence_is_given_once(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let movements = warehouse.movements(1);
    let mut transaction = warehouse.store.begin().expect("a transaction");
    must_be_contention(&transaction.append_movements(&movements));
    drop(transaction);
    assert_eq!(warehouse.movements(1), movements);
}

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
    must_be_contention(&transaction.save_orders(&pages));
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
    must_be_contention(&transaction.save_orders(&pages));
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
    let numbering = transaction.numbering().expect("numbers");
    assert_eq!((numbering.item.0, numbering.location.0, numbering.order.0), (2, 2, 1));
    drop(transaction);
    warehouse.must_be_clean();
}

/// New things get the numbers behind those that are there, and orders say when.
pub fn numbers_go_on(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    let numbers = |warehouse: &mut Warehouse| {
        let numbering = warehouse.store.begin().expect("a transaction").numbering().expect("numbers");
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

/// The sweep's question: who is due, the oldest first.
pub fn due_orders_come_oldest_first(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 100);
    let hold = |number: u8, seconds: u64| {
        let ttl = Some(Duration::from_secs(seconds));
        let command = Command::ReserveOrder { order: order(number), lines: lines(&[(1, 1)]), ttl, strategy: None };
        super::warehouse::submission(command)
    };
    // Order 9 and order 2 end at the same moment: then the one that was numbered first comes first.
    let batch = [hold(5, 300), hold(9, 100), hold(2, 100), hold(7, 200), hold(1, 50), hold(3, 60), hold(4, 400)];
    warehouse.decide_all(&batch);
    let start = warehouse.now();
    warehouse.decide(confirm(1)).expect("held");
    warehouse.decide(release(3)).expect("held");
    warehouse.policy.ttl_default = None;
    warehouse.reserve(6, &[(1, 1)]).expect("held for good");
    let now = start.after(Duration::from_mins(5));
    let due = |warehouse: &mut Warehouse, now: Timestamp, most: usize| {
        let read = warehouse.queries.due_orders(now, most).expect("reads");
        let mut transaction = warehouse.store.begin().expect("a transaction");
        assert_eq!(transaction.due_orders(now, most).expect("due orders"), read);
        read
    };
    assert_eq!(due(&mut warehouse, now, usize::MAX), [order(9), order(2), order(7), order(5)]);
    assert_eq!(due(&mut warehouse, now, 2), [order(9), order(2)]);
    assert_eq!(due(&mut warehouse, now.before(Duration::from_micros(1)), 9), [order(9), order(2), order(7)]);
    assert_eq!(due(&mut warehouse, start, 9), []);
}

/// The reclaim's question: who is due and holds units of these levels.
pub fn due_orders_are_found_by_what_they_hold(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.open_location("berlin", 1);
    for number in [1, 2] {
        let new = new_item(number, &[("main", 10), ("berlin", 10)]);
        warehouse.decide(Command::CreateItem(new, Remarks::default())).expect("made");
    }
    warehouse.reserve(1, &[(1, 12)]).expect("from main and berlin");
    warehouse.wait(Duration::from_secs(1));
    warehouse.reserve(2, &[(2, 4)]).expect("from main");
    warehouse.wait(Duration::from_secs(1));
    warehouse.reserve(3, &[(1, 4), (2, 1)]).expect("from berlin and main");
    warehouse.reserve(4, &[(1, 1)]).expect("from berlin");
    warehouse.decide(confirm(4)).expect("held");
    warehouse.decide(super::warehouse::replace(3, &[(1, 4)])).expect("gives product 2 back");
    let now = warehouse.now().after(Duration::from_hours(1));
    let (main, berlin) = (Some(LocationNumber::MAIN), Some(LocationNumber(2)));
    let units = |levels: &[(u8, Option<LocationNumber>)]| -> Vec<(u32, u16)> {
        let levels: Vec<_> = levels.iter().map(|(number, location)| (product(*number), *location)).collect();
        let holds = warehouse.queries.due_holds(&levels, now, 9).expect("reads");
        holds.iter().map(|hold| (hold.part.quantity.get(), hold.part.location.0)).collect()
    };
    assert_eq!(units(&[(1, None)]), [(10, 1), (2, 2), (4, 2)]);
    assert_eq!(units(&[(1, berlin), (1, None), (2, berlin)]), [(10, 1), (2, 2), (4, 2)], "each once");
    assert_eq!(units(&[(1, berlin), (2, main)]), [(2, 2), (4, 1), (4, 2)]);
    let mut holding = |levels: &[(u8, Option<LocationNumber>)], now: Timestamp, most: usize| {
        let levels: Vec<_> = levels.iter().map(|(number, location)| (product(*number), *location)).collect();
        let holds = warehouse.queries.due_holds(&levels, now, most).expect("reads");
        let mut quoted: Vec<OrderId> = holds.iter().map(|hold| hold.order).collect();
        quoted.dedup();
        let mut transaction = warehouse.store.begin().expect("a transaction");
        let found = transaction.due_orders_holding(&levels, now, most).expect("due orders");
        assert_eq!(quoted, found, "a quote counts on the orders that an attempt ends");
        found
    };
    assert_eq!(holding(&[(1, None)], now, 9), [order(1), order(3)]);
    assert_eq!(holding(&[(1, main)], now, 9), [order(1)]);
    assert_eq!(holding(&[(1, berlin)], now, 9), [order(1), order(3)]);
    assert_eq!(holding(&[(2, None)], now, 9), [order(2)]);
    assert_eq!(holding(&[(2, berlin)], now, 9), []);
    assert_eq!(holding(&[(1, None), (2, main)], now, 9), [order(1), order(2), order(3)]);
    assert_eq!(holding(&[(1, None), (1, main), (2, main)], now, 2), [order(1), order(2)]);
    assert_eq!(holding(&[(2, None)], now, 1), [order(2)], "most counts those that hold, not those that are due");
    assert_eq!(holding(&[(9, None)], now, 9), []);
    assert_eq!(holding(&[(1, None)], now.before(Duration::from_hours(1)), 9), []);
}

/// A payment before its order is kept until its order comes or its time is over.
pub fn payments_wait_for_their_order(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let start = warehouse.now();
    let mut until = Vec::new();
    for number in [3, 1, 2] {
        warehouse.hear(OrderEventKind::PaymentCompleted, number, &[]);
        until.push(warehouse.now().after(warehouse.policy.payment_wait));
    }
    let [until_3, until_1, until_2] = until.as_slice() else { panic!("{until:?}") };
    let later = until_2.after(Duration::from_secs(1));
    let asked = [order(1), order(3), order(9)];
    let mut waiting = warehouse.store.begin().expect("a transaction").load_waiting(&asked).expect("payments");
    waiting.sort_unstable();
    let until = PaymentWait::Until;
    assert_eq!(waiting, [(order(1), until(*until_1)), (order(3), until(*until_3))]);
    let overdue = |warehouse: &Warehouse, now: Timestamp, most: usize| {
        warehouse.queries.overdue_payments(now, most).expect("reads")
    };
    assert_eq!(overdue(&warehouse, start, 9), []);
    assert_eq!(overdue(&warehouse, later, 9), [order(3), order(1), order(2)]);
    assert_eq!(overdue(&warehouse, later, 1), [order(3)]);
    warehouse.hear(OrderEventKind::OrderCreated, 1, &[(1, 1)]);
    warehouse.decide(Command::DropPayment { order: order(3) }).expect("dropped");
    assert_eq!(overdue(&warehouse, later, 9), [order(2)]);
    assert_eq!(warehouse.status(1), Some(OrderStatus::Confirmed));
    let dropped_at = warehouse.now();
    let load = |warehouse: &mut Warehouse| {
        warehouse.store.begin().expect("a transaction").load_waiting(&[order(3)]).expect("payments")
    };
    assert_eq!(load(&mut warehouse), [(order(3), PaymentWait::GivenUp(dropped_at))]);
    for (before, left) in [(dropped_at, 1), (dropped_at.after(Duration::from_micros(1)), 0)] {
        warehouse.decide(Command::ForgetAnswers { before, most: 9 }).expect("a step");
        assert_eq!(load(&mut warehouse).len(), left);
    }
    assert_eq!(overdue(&warehouse, later, 9), [order(2)], "who waits is not forgotten");
}

/// An answer is found under scope, key and position together, as it was given.
pub fn kept_answers_are_found_under_their_key(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    let key = key_of("a key");
    let answer = crate::answer::KeptAnswer {
        status: 201,
        body: vec![0, 255, b'{', b'\''],
        location: Some("/here".to_owned()),
        etag: Some("\"v1\"".to_owned()),
    };
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let bare = crate::answer::KeptAnswer { status: 404, body: Vec::new(), location: None, etag: None };
    let second = CommandKey { position: 1, fingerprint: [9; 32], ..key.clone() };
    let now = transaction.now().expect("the time");
    transaction.keep_answers(&[(&key, &answer), (&second, &bare)], now).expect("kept");
    transaction.commit().expect("committed");
    let others = [
        CommandKey { position: 2, ..key.clone() },
        CommandKey { scope: "another".to_owned(), ..key.clone() },
        CommandKey { key: "A KEY".to_owned(), ..key.clone() },
        CommandKey { key: "a key ".to_owned(), ..key.clone() },
    ];
    let mut asked: Vec<&CommandKey> = others.iter().collect();
    asked.insert(2, &key);
    asked.push(&second);
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let found = transaction.find_answers(&asked).expect("answers");
    let logged = |fingerprint: [u8; 32], answer: &crate::answer::KeptAnswer| {
        Some(crate::ports::LoggedAnswer { fingerprint, answer: answer.clone() })
    };
    assert_eq!(found, [None, None, logged(key.fingerprint, &answer), None, None, logged([9; 32], &bare)]);
    must_be_contention(&transaction.keep_answers(&[(&key, &bare)], now));
}

/// Answers that were kept long enough go, a step at a time.
pub fn old_answers_are_forgotten(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let start = warehouse.now();
    for key in ["first", "second", "third"] {
        warehouse.wait(Duration::from_secs(10));
        warehouse.decide_all(&[keyed(key, change(1, StockVerb::Add, 1))]);
    }
    let left = |warehouse: &mut Warehouse| {
        let keys = ["first", "second", "third"].map(key_of);
        let mut transaction = warehouse.store.begin().expect("a transaction");
        let found = transaction.find_answers(&keys.each_ref()).expect("answers");
        found.iter().filter(|answer| answer.is_some()).count()
    };
    let before = start.after(Duration::from_secs(25));
    warehouse.decide(Command::ForgetAnswers { before: start, most: 9 }).expect("nothing so old");
    assert_eq!(left(&mut warehouse), 3);
    warehouse.decide(Command::ForgetAnswers { before, most: 1 }).expect("a step");
    assert_eq!(left(&mut warehouse), 2);
    warehouse.decide(Command::ForgetAnswers { before, most: 9 }).expect("the rest");
    assert_eq!(left(&mut warehouse), 1);
}

fn must_be_contention(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::Contention(_))), "{result:?} is no contention");
}

/// A book as the committer would begin it, without pages.
fn empty_book(warehouse: &mut Warehouse) -> Book {
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let locations = Arc::new(Locations::new(transaction.load_locations().expect("locations")));
    let numbering = transaction.numbering().expect("numbers");
    let now = transaction.now().expect("the time");
    Book::new(now, ExpiryRule::Lenient, locations, numbering)
}

/// The page of a new item that is not saved yet.
fn item_page(warehouse: &mut Warehouse, number: u8) -> ItemPage {
    let mut book = empty_book(warehouse);
    book.create_item(&new_item(number, &[]), &Cause::by(actor())).expect("new");
    let page = book.item_pages().next().expect("the new item");
    page.clone()
}

fn save(transaction: &mut dyn StoreTransaction, book: &Book) {
    transaction.save_locations(&book.new_locations).expect("saved");
    transaction.append_movements(&book.movements).expect("saved");
    let items: Vec<&ItemPage> = book.item_pages().collect();
    transaction.save_items(&items).expect("saved");
    let orders: Vec<&OrderPage> = book.order_pages().collect();
    transaction.save_orders(&orders).expect("saved");
    transaction.save_waiting(&book.waiting).expect("saved");
}

fn key_of(key: &str) -> CommandKey {
    CommandKey { scope: "caller".to_owned(), key: key.to_owned(), position: 0, fingerprint: [7; 32], render }
}
