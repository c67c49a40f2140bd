//! Orders and payments whose time is over are found, the oldest first.

use std::time::Duration;

use holdfast_domain::book::{PaymentWait, WaitingPayments};
use holdfast_domain::order::OrderEventKind;
use holdfast_domain::{LocationNumber, OrderId, OrderStatus, Timestamp};

use super::MakeStore;
use super::warehouse::{Warehouse, confirm, lines, new_item, order, product, release};
use crate::answer::Answer;
use crate::command::{Command, Remarks};
use crate::order_event::EventOutcome;
use crate::queries::WaitingPayment;

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

/// The sweep's question, a step at a time: a transaction that ends long orders ends few of them.
pub fn a_step_of_due_orders_is_bounded_by_their_reservations(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    for number in 1..=5 {
        warehouse.stock(number, 100);
    }
    warehouse.reserve(1, &[(1, 1), (2, 1), (3, 1)]).expect("three reservations");
    warehouse.wait(Duration::from_secs(1));
    warehouse.reserve(2, &[(1, 1), (2, 1)]).expect("two, and two that are replaced");
    warehouse.decide(super::warehouse::replace(2, &[(3, 1), (4, 1)])).expect("enough");
    warehouse.wait(Duration::from_secs(1));
    warehouse.reserve(3, &[(5, 1)]).expect("one reservation");
    let later = warehouse.now().after(Duration::from_hours(1));
    let step = |most: usize, reservations: usize| warehouse.queries.due_step(later, most, reservations).expect("reads");
    assert_eq!(step(9, 8), [order(1), order(2), order(3)]);
    assert_eq!(step(9, 7), [order(1), order(2)], "what has ended is read as well");
    assert_eq!(step(9, 6), [order(1)]);
    assert_eq!(step(9, 0), [order(1)], "one always comes");
    assert_eq!(step(2, 100), [order(1), order(2)]);
    assert_eq!(warehouse.queries.due_step(warehouse.now(), 9, 9).expect("reads"), []);
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
    let holding = |warehouse: &mut Warehouse, levels: &[(u8, Option<LocationNumber>)], now: Timestamp, most: usize| {
        let levels: Vec<_> = levels.iter().map(|(number, location)| (product(*number), *location)).collect();
        let holds = warehouse.queries.due_holds(&levels, now, most).expect("reads");
        let mut quoted: Vec<OrderId> = holds.iter().map(|hold| hold.order).collect();
        quoted.dedup();
        let mut transaction = warehouse.store.begin().expect("a transaction");
        let found = transaction.due_orders_holding(&levels, now, most).expect("due orders");
        assert_eq!(quoted, found, "a quote counts on the orders that an attempt ends");
        found
    };
    assert_eq!(holding(&mut warehouse, &[(1, None)], now, 9), [order(1), order(3)]);
    assert_eq!(holding(&mut warehouse, &[(1, main)], now, 9), [order(1)]);
    assert_eq!(holding(&mut warehouse, &[(1, berlin)], now, 9), [order(1), order(3)]);
    assert_eq!(holding(&mut warehouse, &[(2, None)], now, 9), [order(2)]);
    assert_eq!(holding(&mut warehouse, &[(2, berlin)], now, 9), []);
    assert_eq!(holding(&mut warehouse, &[(1, None), (2, main)], now, 9), [order(1), order(2), order(3)]);
    assert_eq!(holding(&mut warehouse, &[(1, None), (1, main), (2, main)], now, 2), [order(1), order(2)]);
    assert_eq!(
        holding(&mut warehouse, &[(2, None)], now, 1),
        [order(2)],
        "most counts those that hold, not those that are due"
    );
    assert_eq!(holding(&mut warehouse, &[(9, None)], now, 9), []);
    assert_eq!(holding(&mut warehouse, &[(1, None)], now.before(Duration::from_hours(1)), 9), []);
    // A due order that changes is found by what it holds then, however often somebody has asked before.
    warehouse.decide(super::warehouse::replace(3, &[(2, 3)])).expect("enough");
    warehouse.decide(release(2)).expect("held");
    warehouse.reserve(5, &[(2, 1)]).expect("enough");
    assert_eq!(holding(&mut warehouse, &[(1, None)], now, 9), [order(1)]);
    assert_eq!(holding(&mut warehouse, &[(2, None)], now, 9), [order(3), order(5)]);
    warehouse.decide(Command::ExtendOrder { order: order(3), ttl: Duration::from_mins(90) }).expect("within its age");
    assert_eq!(holding(&mut warehouse, &[(2, None)], now, 9), [order(5)]);
    let later = now.after(Duration::from_hours(1));
    assert_eq!(holding(&mut warehouse, &[(2, None)], later, 9), [order(5), order(3)]);
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

/// Two writers that decide a payment and its order at the same moment do not see each other: the payment waits although
/// the order is there. Such payments are found among those that wait, a page at a time, and meet their order.
pub fn a_payment_that_missed_its_order_is_found_and_confirms_it(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let mut expected: Vec<(WaitingPayment, Option<OrderStatus>)> = Vec::new();
    for number in [5, 3, 9] {
        warehouse.hear(OrderEventKind::PaymentCompleted, number, &[]);
        let until = warehouse.now().after(warehouse.policy.payment_wait);
        expected.push((WaitingPayment { until, order: order(number) }, None));
    }
    warehouse.decide(Command::DropPayment { order: order(9) }).expect("dropped");
    expected.truncate(2);
    // What is left when each of the two transactions had begun before the other one ended.
    let late = warehouse.now().after(warehouse.policy.payment_wait);
    for (number, status) in
        [(2, OrderStatus::Confirmed), (4, OrderStatus::Reserved), (1, OrderStatus::Released), (6, OrderStatus::Refused)]
    {
        let served = warehouse.reserve(number, &[(1, if status == OrderStatus::Refused { 99 } else { 1 })]);
        assert_eq!(served.is_err(), status == OrderStatus::Refused);
        match status {
            OrderStatus::Confirmed => drop(warehouse.decide(confirm(number)).expect("held")),
            OrderStatus::Released => drop(warehouse.decide(release(number)).expect("held")),
            _ => {}
        }
        let mut missed = WaitingPayments::default();
        missed.wait(order(number), late);
        let mut transaction = warehouse.store.begin().expect("a transaction");
        transaction.save_waiting(&missed).expect("saved");
        transaction.commit().expect("committed");
        expected.push((WaitingPayment { until: late, order: order(number) }, Some(status)));
    }
    expected.sort_unstable_by_key(|(payment, _)| *payment);
    let page = |warehouse: &Warehouse, after: Option<WaitingPayment>, most: usize| {
        warehouse.queries.waiting_payments(after, most).expect("reads")
    };
    assert_eq!(page(&warehouse, None, 9), expected);
    let mut by_pages = Vec::new();
    while let Some(next) = page(&warehouse, by_pages.last().map(|(payment, _)| *payment), 1).pop() {
        by_pages.push(next);
    }
    assert_eq!(by_pages, expected);
    let mut matched = |number: u8| {
        let answer = warehouse.decide(Command::MatchPayment { order: order(number) }).expect("never refused");
        (answer == Answer::Swept { ended: true }, warehouse.status(number))
    };
    assert_eq!(matched(4), (true, Some(OrderStatus::Confirmed)));
    assert_eq!(matched(4), (false, Some(OrderStatus::Confirmed)), "once");
    assert_eq!(matched(2), (false, Some(OrderStatus::Confirmed)), "it was paid otherwise");
    assert_eq!(matched(1), (false, Some(OrderStatus::Released)), "as a payment that comes too late");
    assert_eq!(matched(6), (false, Some(OrderStatus::Refused)), "as a payment that comes behind the refusal");
    assert_eq!(matched(5), (false, None), "its order is not there yet");
    for (number, outcomes) in [(1, 3), (6, 2), (2, 2)] {
        let told = warehouse.order(number).map(|order| order.event_seq);
        assert_eq!(told, Some(outcomes), "that money was taken for order {number} is told, unless it was confirmed");
    }
    let left: Vec<OrderId> = page(&warehouse, None, 9).into_iter().map(|(payment, _)| payment.order).collect();
    assert_eq!(left, [order(5), order(3)]);
    assert_eq!(warehouse.hear(OrderEventKind::PaymentCompleted, 4, &[]).outcome, EventOutcome::Replayed);
    warehouse.must_be_clean();
}
