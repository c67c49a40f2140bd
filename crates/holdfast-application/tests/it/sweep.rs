//! The sweep on a lane: what is due ends by itself, a step at a time, and it stops when it is told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use holdfast_application::answer::{Answer, Fault, Reply};
use holdfast_application::batch::BatchLimits;
use holdfast_application::duties::{Duties, Duty, SoleDuties};
use holdfast_application::expiry::{Sweep, SweepPace};
use holdfast_application::lane::Lane;
use holdfast_application::ports::StoreError;
use holdfast_application::ports::contract::Warehouse;
use holdfast_application::ports::contract::warehouse::order;
use holdfast_application::queue::{CommandQueue, QueueLimits};
use holdfast_application::ticket::Wakes;
use holdfast_domain::book::WaitingPayments;
use holdfast_domain::order::OrderEventKind::PaymentCompleted;
use holdfast_domain::{OrderStatus, Timestamp};

/// Small steps, without a pause.
const PACE: SweepPace = SweepPace {
    interval: Duration::from_millis(1),
    step_max: 3,
    grace: Duration::from_secs(2),
    answers_kept: Duration::from_hours(24 * 7),
    answers_every: Duration::ZERO,
};

#[test]
fn what_is_due_ends_by_itself_and_a_payment_in_vain_is_dropped() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 100);
    for number in 1..=20 {
        warehouse.reserve(number, &[(1, 2)]).expect("enough");
    }
    warehouse.hear(PaymentCompleted, 99, &[]);
    warehouse.wait(Duration::from_mins(20));
    warehouse.reserve(30, &[(1, 1)]).expect("enough");
    let later = warehouse.now().after(Duration::from_hours(1));
    warehouse.wait(Duration::from_mins(12));

    let Warehouse { store, queries, clock, policy } = warehouse;
    let queue = CommandQueue::new(QueueLimits::default());
    let stop = Arc::new(AtomicBool::new(false));
    let lane = Lane::new(store, queue.clone().line(0), policy, BatchLimits::default());
    let lane = std::thread::spawn(move || lane.run());
    let sweep = Sweep::new(queue.clone(), queries.clone(), Arc::new(SoleDuties::by(clock.clone())), PACE, stop.clone());
    let sweep = std::thread::spawn(move || sweep.run());

    let started = Instant::now();
    let all_done = || {
        let held = queries.due_orders(later, 100).expect("reads");
        held.len() == 1 && queries.overdue_payments(later, 100).expect("reads").is_empty()
    };
    while !all_done() && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(2));
    }
    stop.store(true, Ordering::Relaxed);
    sweep.join().expect("the sweep stops");
    queue.close();
    lane.join().expect("the lane ends");

    let status = |number: u8| queries.order(order(number)).expect("reads").map(|order| order.status);
    assert!((1..=20).all(|number| status(number) == Some(OrderStatus::Expired)));
    assert_eq!(status(30), Some(OrderStatus::Reserved), "its time is not over");
    assert!(all_done());
}

#[test]
fn a_payment_that_missed_its_order_meets_it_however_late_the_sweep_comes() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 100);
    warehouse.reserve(1, &[(1, 2)]).expect("enough");
    warehouse.reserve(2, &[(1, 999)]).expect_err("too few");
    // As two services leave it that decide both at the same moment.
    let mut missed = WaitingPayments::default();
    for number in [1, 2] {
        missed.wait(order(number), warehouse.now().after(warehouse.policy.payment_wait));
    }
    let mut transaction = warehouse.store.begin().expect("a transaction");
    transaction.save_waiting(&missed).expect("saved");
    transaction.commit().expect("committed");
    // Both the wait of the payment and the time of the order are over.
    warehouse.wait(Duration::from_hours(1));

    let Warehouse { store, queries, clock, policy } = warehouse;
    let queue = CommandQueue::new(QueueLimits::default());
    let lane = Lane::new(store, queue.clone().line(0), policy, BatchLimits::default());
    let lane = std::thread::spawn(move || lane.run());
    let stop = Arc::new(AtomicBool::new(false));
    let sweep = Sweep::new(queue.clone(), queries.clone(), Arc::new(SoleDuties::by(clock)), PACE, stop.clone());
    let sweep = std::thread::spawn(move || sweep.run());
    let waiting = || queries.waiting_payments(None, 9).expect("reads");
    let started = Instant::now();
    while !waiting().is_empty() && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(2));
    }
    stop.store(true, Ordering::Relaxed);
    sweep.join().expect("the sweep stops");
    queue.close();
    lane.join().expect("the lane ends");
    let order = |number: u8| queries.order(order(number)).expect("reads").expect("an order");
    assert_eq!((order(1).status, waiting()), (OrderStatus::Confirmed, Vec::new()));
    let refused = (order(2).status, order(2).event_seq);
    assert_eq!(
        refused,
        (OrderStatus::Refused, 2),
        "its payment is told as turned away, and does not wait until it is given up"
    );
}

#[test]
fn old_answers_without_end_do_not_keep_what_is_due_waiting() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 100);
    warehouse.reserve(1, &[(1, 2)]).expect("enough");
    warehouse.wait(Duration::from_hours(1));
    let Warehouse { queries, clock, .. } = warehouse;
    let queue = CommandQueue::new(QueueLimits::default());
    let stop = Arc::new(AtomicBool::new(false));
    let duties = Arc::new(Noted { duties: SoleDuties::by(clock), taken: Mutex::default() });
    let sweep = Sweep::new(queue.clone(), queries, duties.clone(), PACE, stop.clone());
    let sweep = std::thread::spawn(move || sweep.run());
    // A lane for which there are always more answers to forget, and whose orders never end.
    let (line, mut asked) = (queue.clone().line(0), Vec::new());
    let started = Instant::now();
    while asked.len() < 15 && started.elapsed() < Duration::from_secs(10) {
        let mut wakes = Wakes::default();
        for waiting in line.next_batch(&BatchLimits::default(), Duration::from_millis(10)).expect("open") {
            asked.push(waiting.submission.command.name());
            waiting.promise.keep(Ok(Reply::Decided(Ok(Answer::Swept { ended: true }))), &mut wakes);
        }
        wakes.wake();
    }
    stop.store(true, Ordering::Relaxed);
    queue.close();
    while let Some(left) = line.next_batch(&BatchLimits::default(), Duration::from_millis(10)) {
        let mut wakes = Wakes::default();
        for waiting in left {
            waiting.promise.keep(Err(Fault::ShuttingDown), &mut wakes);
        }
        wakes.wake();
    }
    sweep.join().expect("the sweep stops");
    let in_turns = ["expire_order", "forget_answers", "forget_letters"].repeat(5);
    assert_eq!(asked.get(..15), Some(in_turns.as_slice()));
    let taken = duties.taken.lock().expect("nobody died");
    let both = [Duty::Sweep, Duty::Purge].repeat(5);
    assert_eq!(taken.get(..10), Some(both.as_slice()), "no duty is let go meanwhile");
}

#[test]
fn a_lane_that_does_not_answer_keeps_the_sweep_only_for_a_while() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 100);
    warehouse.reserve(1, &[(1, 2)]).expect("enough");
    warehouse.hear(PaymentCompleted, 99, &[]);
    warehouse.wait(Duration::from_hours(1));
    let Warehouse { queries, clock, .. } = warehouse;
    let queue = CommandQueue::new(QueueLimits { wait_max: Duration::from_millis(10), ..QueueLimits::default() });
    let stop = Arc::new(AtomicBool::new(false));
    let sweep = Sweep::new(queue.clone(), queries, Arc::new(SoleDuties::by(clock)), PACE, stop.clone());
    let sweep = std::thread::spawn(move || sweep.run());
    let started = Instant::now();
    while queue.depth() < 4 && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(queue.depth() >= 4, "it tries again and again, nobody takes anything out of the line");
    stop.store(true, Ordering::Relaxed);
    sweep.join().expect("the sweep stops all the same");
}

/// Notes which duties are taken.
struct Noted {
    duties: SoleDuties,
    taken: Mutex<Vec<Duty>>,
}

impl Duties for Noted {
    fn take(&self, duty: Duty, lasts: Duration) -> Result<Option<Timestamp>, StoreError> {
        self.taken.lock().expect("nobody died").push(duty);
        self.duties.take(duty, lasts)
    }

    fn leave(&self) {
        self.duties.leave();
    }
}
