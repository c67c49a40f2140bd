//! A payment and its order that two services decide at the same moment: neither sees the other, for a row that is not
//! there yet cannot be locked. The sweep finds the two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use holdfast_application::answer::Reply;
use holdfast_application::batch::BatchLimits;
use holdfast_application::command::Remarks;
use holdfast_application::duties::Duties;
use holdfast_application::expiry::{Sweep, SweepPace};
use holdfast_application::lane::{Lane, decide_at_once};
use holdfast_application::ports::contract::warehouse::{event, new_item, order, submission};
use holdfast_application::queue::{CommandQueue, QueueLimits};
use holdfast_application::{Command, Policy};
use holdfast_domain::OrderStatus;
use holdfast_domain::order::OrderEventKind::{OrderCreated, PaymentCompleted};
use holdfast_infrastructure::mysql::MysqlLeases;
use mysql::prelude::Queryable as _;

use crate::shared_store::{Database, left_out};

#[test]
fn a_payment_and_its_order_that_are_decided_at_the_same_moment_find_each_other() {
    let Some(database) = Database::make() else {
        return left_out("a_payment_and_its_order_that_are_decided_at_the_same_moment_find_each_other");
    };
    let (mut store, queries) = database.opened();
    let made = submission(Command::CreateItem(new_item(1, &[("main", 10)]), Remarks::default()));
    decide_at_once(&mut store, &[made], &Policy::default()).expect("made");

    // Whoever holds the numbers lets each of the two transactions look for the other's rows, and end only then.
    let mut holder = database.connect();
    holder.query_drop("START TRANSACTION").expect("begins");
    holder.query_drop("SELECT * FROM numbers FOR UPDATE").expect("holds");
    let replies: Vec<Reply> = std::thread::scope(|threads| {
        let both = [event(PaymentCompleted, 1, &[]), event(OrderCreated, 1, &[(1, 4)])].map(|event| {
            let mut store = database.opened().0;
            threads.spawn(move || decide_at_once(&mut store, &[submission(event)], &Policy::default()))
        });
        let waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
                       ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT'";
        let started = Instant::now();
        while database.ask(waiting) < 2 && started.elapsed() < Duration::from_secs(10) {
            // The server tells anew only who has not asked for a tenth of a second.
            std::thread::sleep(Duration::from_millis(150));
        }
        holder.query_drop("ROLLBACK").expect("lets go");
        both.into_iter().flat_map(|writer| writer.join().expect("a writer").expect("it commits")).collect()
    });
    let status = || queries.order(order(1)).expect("reads").map(|order| order.status);
    assert_eq!(status(), Some(OrderStatus::Reserved), "they have missed each other: {replies:?}");
    assert_eq!(queries.waiting_payments(None, 9).expect("reads").len(), 1);

    let queue = CommandQueue::new(QueueLimits::default());
    let duties: Arc<dyn Duties> = Arc::new(MysqlLeases::of(&store, "this".to_owned()));
    let lane = Lane::new(Box::new(store), queue.clone().line(0), Policy::default(), BatchLimits::SHARED);
    let lane = std::thread::spawn(move || lane.run());
    let stop = Arc::new(AtomicBool::new(false));
    let pace = SweepPace {
        interval: Duration::from_millis(10),
        step_max: 100,
        grace: Duration::from_secs(2),
        answers_kept: Duration::from_hours(1),
        answers_every: Duration::ZERO,
    };
    let sweep = Sweep::new(queue.clone(), queries.clone(), duties, pace, stop.clone());
    let sweep = std::thread::spawn(move || sweep.run());
    let started = Instant::now();
    while status() != Some(OrderStatus::Confirmed) && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    stop.store(true, Ordering::Relaxed);
    sweep.join().expect("the sweep stops");
    queue.close();
    lane.join().expect("the lane ends");
    assert_eq!(status(), Some(OrderStatus::Confirmed));
    assert_eq!(queries.waiting_payments(None, 9).expect("reads"), []);
}
