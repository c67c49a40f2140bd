//! Waiting in line: bounded, fair among classes, in order of arrival within one.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use holdfast_application::answer::{Answer, Fault, Reply};
use holdfast_application::batch::BatchLimits;
use holdfast_application::command::Command;
use holdfast_application::ports::contract::warehouse::{order, reserve, submission};
use holdfast_application::queue::{Class, CommandQueue, QueueLimits, Waiting};
use holdfast_application::ticket::{Landing, Ticket, Wakes};
use holdfast_domain::OrderId;

const NO_TIME: Duration = Duration::ZERO;

#[test]
fn a_queue_that_is_full_by_number_says_so_at_once() {
    let queue = CommandQueue::new(QueueLimits { commands_max: 3, ..QueueLimits::default() });
    for number in 1..=3 {
        ask(&queue, Class::Interactive, number).expect("room");
    }
    assert!(queue.is_full());
    for class in [Class::Interactive, Class::Events, Class::Maintenance] {
        assert_eq!(ask(&queue, class, 4).map(|_| ()).expect_err("full"), Fault::Overloaded);
    }
    let limits = BatchLimits { commands_max: 1, ..BatchLimits::default() };
    assert_eq!(queue.clone().line(0).next_batch(&limits, NO_TIME).expect("open").len(), 1);
    ask(&queue, Class::Interactive, 5).expect("one was taken");
    assert_eq!(queue.depth(), 3);
}

#[test]
fn a_queue_that_is_full_by_bytes_says_so_and_one_command_always_fits() {
    let weight = submission(reserve(1, &[(1, 1); 100])).command.weight();
    let queue = CommandQueue::new(QueueLimits { bytes_max: weight.saturating_mul(2), ..QueueLimits::default() });
    let heavy = || queue.submit(submission(reserve(1, &[(1, 1); 100])), Class::Interactive, None).map(|_| ());
    assert_eq!([heavy(), heavy(), heavy()], [Ok(()), Ok(()), Err(Fault::Overloaded)]);
    assert!(queue.is_full());
    assert_eq!(taken(&queue, BatchLimits::default()).len(), 2);
    let giant = || queue.submit(submission(reserve(1, &vec![(1, 1); 5_000])), Class::Interactive, None).map(|_| ());
    assert_eq!([giant(), heavy()], [Ok(()), Err(Fault::Overloaded)]);
}

#[test]
fn a_closed_queue_turns_new_commands_away_and_gives_out_what_waits() {
    let queue = CommandQueue::new(QueueLimits::default());
    ask(&queue, Class::Events, 1).expect("room");
    queue.close();
    assert_eq!(ask(&queue, Class::Events, 2).map(|_| ()).expect_err("closed"), Fault::ShuttingDown);
    assert_eq!(taken(&queue, BatchLimits::default()), [order(1)]);
    assert!(
        queue.clone().line(0).next_batch(&BatchLimits::default(), Duration::from_hours(1)).is_none(),
        "nothing will come any more"
    );
}

#[test]
fn an_empty_queue_lets_the_lane_look_after_its_store() {
    let queue = CommandQueue::new(QueueLimits::default());
    let batch = queue.clone().line(0).next_batch(&BatchLimits::default(), Duration::from_millis(1));
    assert!(batch.is_some_and(|batch| batch.is_empty()));
}

#[test]
fn a_lane_that_sleeps_is_woken_by_the_first_command() {
    let queue = CommandQueue::new(QueueLimits::default());
    let lane = {
        let queue = queue.clone();
        std::thread::spawn(move || {
            queue.clone().line(0).next_batch(&BatchLimits::default(), Duration::from_mins(10)).map(|it| it.len())
        })
    };
    std::thread::sleep(Duration::from_millis(20));
    ask(&queue, Class::Interactive, 1).expect("room");
    assert_eq!(lane.join().expect("the lane"), Some(1));
}

#[test]
fn each_class_has_its_share_when_all_wait() {
    let queue = CommandQueue::new(QueueLimits::default());
    for number in 0..50 {
        ask(&queue, Class::Maintenance, number).expect("room");
        ask(&queue, Class::Events, 50 + number).expect("room");
        ask(&queue, Class::Interactive, 100 + number).expect("room");
    }
    let limits = BatchLimits { commands_max: 10, ..BatchLimits::default() };
    for round in 0..5 {
        let orders = taken(&queue, limits);
        let class = |from: u8, share: u8| (0..share).map(move |place| order(from + round * share + place));
        let expected: Vec<OrderId> = class(100, 6).chain(class(50, 3)).chain(class(0, 1)).collect();
        assert_eq!(orders, expected, "in order of arrival within each class");
    }
}

#[test]
fn what_a_class_leaves_goes_to_those_who_wait() {
    let queue = CommandQueue::new(QueueLimits::default());
    ask(&queue, Class::Interactive, 200).expect("room");
    for number in 0..50 {
        ask(&queue, Class::Events, number).expect("room");
    }
    let limits = BatchLimits { commands_max: 10, ..BatchLimits::default() };
    let expected: Vec<OrderId> = std::iter::once(200).chain(0..9).map(order).collect();
    assert_eq!(taken(&queue, limits), expected);
}

#[test]
fn large_orders_of_one_class_do_not_keep_the_others_out() {
    let queue = CommandQueue::new(QueueLimits::default());
    for number in 0..20 {
        let large = submission(reserve(number, &[(1, 1); 100]));
        queue.submit(large, Class::Interactive, None).expect("room");
    }
    ask(&queue, Class::Events, 100).expect("room");
    ask(&queue, Class::Maintenance, 101).expect("room");
    let bytes_max = submission(reserve(1, &[(1, 1); 100])).command.weight().saturating_mul(5);
    let orders = taken(&queue, BatchLimits { bytes_max, ..BatchLimits::default() });
    assert!(orders.contains(&order(100)) && orders.contains(&order(101)), "{orders:?}");
    assert!(orders.contains(&order(0)) && orders.len() <= 6, "{orders:?}");
}

#[test]
fn a_batch_ends_before_it_is_too_heavy_but_has_one_command_at_least() {
    let queue = CommandQueue::new(QueueLimits::default());
    for number in 1..=5 {
        ask(&queue, Class::Interactive, number).expect("room");
    }
    let weight = submission(reserve(1, &[(1, 1)])).command.weight();
    let limits = |bytes_max: usize| BatchLimits { bytes_max, ..BatchLimits::default() };
    assert_eq!(taken(&queue, limits(weight.saturating_mul(2))), [order(1), order(2)]);
    assert_eq!(taken(&queue, limits(1)), [order(3)]);
    assert_eq!(queue.depth(), 2);
}

#[test]
fn a_batch_ends_before_it_touches_too_many_products_but_has_one_command_at_least() {
    let queue = CommandQueue::new(QueueLimits::default());
    for number in 1..=4 {
        let asked = submission(reserve(number, &[(1, 1), (2, 1), (3, 1)]));
        queue.submit(asked, Class::Interactive, None).expect("room");
    }
    let limits = |products_max: usize| BatchLimits { products_max, ..BatchLimits::default() };
    assert_eq!(taken(&queue, limits(6)), [order(1), order(2)]);
    assert_eq!(taken(&queue, limits(2)), [order(3)]);
    assert_eq!(queue.depth(), 1);
}

#[test]
fn each_lane_takes_from_its_own_line_and_is_woken_by_it_alone() {
    let queue = CommandQueue::with_lanes(QueueLimits::default(), 4);
    let woken = Arc::new(AtomicU32::new(0));
    let lanes: Vec<_> = (0..4)
        .map(|lane| {
            let (line, woken) = (queue.clone().line(lane), woken.clone());
            std::thread::spawn(move || {
                let batch = line.next_batch(&BatchLimits::default(), Duration::from_mins(10));
                woken.fetch_add(1, Ordering::SeqCst);
                batch.map_or(0, |batch| batch.len())
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(20));
    ask(&queue, Class::Interactive, 1).expect("room");
    let started = Instant::now();
    while woken.load(Ordering::SeqCst) == 0 && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(woken.load(Ordering::SeqCst), 1, "the others sleep on");
    queue.close();
    let mut taken: Vec<usize> = lanes.into_iter().map(|lane| lane.join().expect("a lane")).collect();
    taken.sort_unstable();
    assert_eq!(taken, [0, 0, 0, 1]);
}

#[test]
fn the_bounds_are_those_of_all_lines_together() {
    let queue = CommandQueue::with_lanes(QueueLimits { commands_max: 3, ..QueueLimits::default() }, 4);
    let ask = |number: u8| {
        let asked = submission(reserve(number, &[(number, 1)]));
        queue.submit(asked, Class::Interactive, None).map(|_| ())
    };
    assert_eq!([1, 2, 3].map(ask), [Ok(()), Ok(()), Ok(())]);
    assert_eq!((ask(4), queue.depth()), (Err(Fault::Overloaded), 3));
    let taken: usize = (0..4)
        .map(|lane| queue.clone().line(lane).next_batch(&BatchLimits::default(), NO_TIME).map_or(0, |it| it.len()))
        .sum();
    assert_eq!((taken, queue.depth(), ask(5)), (3, 0, Ok(())));
}

#[test]
fn commands_of_one_order_wait_in_one_line_in_their_order() {
    let queue = CommandQueue::with_lanes(QueueLimits::default(), 4);
    for number in 0..100 {
        for command in [reserve(number, &[(number % 7, 1)]), confirm(number), release(number)] {
            queue.submit(submission(command), Class::Events, None).expect("room");
        }
    }
    let mut seen = 0;
    for lane in 0..4 {
        let batch = queue.clone().line(lane).next_batch(&BatchLimits::default(), NO_TIME).expect("open");
        let names = |number: u8| {
            let mine = batch.iter().filter(move |it| it.submission.command.order() == Some(order(number)));
            mine.map(|it| it.submission.command.name()).collect::<Vec<_>>()
        };
        for names in (0..100).map(names).filter(|names| !names.is_empty()) {
            assert_eq!(names, ["reserve_order", "confirm_order", "release_order"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 100);
}

#[test]
fn who_is_turned_away_hears_it() {
    let queue = CommandQueue::new(QueueLimits::default());
    let tickets = [Class::Interactive, Class::Events].map(|class| ask(&queue, class, 1).expect("room"));
    let upkeep = ask(&queue, Class::Maintenance, 2).expect("room");
    queue.turn_away();
    for ticket in tickets {
        assert_eq!(ticket.wait(), Err(Fault::ShuttingDown));
    }
    assert_eq!(ask(&queue, Class::Interactive, 3).map(|_| ()).expect_err("turned away"), Fault::ShuttingDown);
    assert_eq!((queue.depth(), upkeep.heard()), (1, None), "what was told is removed up to the end");
    ask(&queue, Class::Maintenance, 4).expect("more of it");
    assert_eq!(taken(&queue, BatchLimits::default()).len(), 2);
}

#[test]
fn one_thread_is_woken_once_for_all_its_callers() {
    let queue = CommandQueue::new(QueueLimits::default());
    let landing = Arc::new(Landing::default());
    let server = Arc::new(Count::default());
    let mut serving = Box::pin(landing.clone().serve());
    let server_waker = Waker::from(server.clone());
    assert!(serving.as_mut().poll(&mut Context::from_waker(&server_waker)).is_pending());
    let (callers, caller) = counting();
    let mut tickets: Vec<Ticket> = (1..=9)
        .map(|number| queue.submit(submission(reserve(number, &[(1, 1)])), Class::Interactive, Some(landing.clone())))
        .collect::<Result<_, _>>()
        .expect("room");
    for ticket in &mut tickets {
        assert!(Pin::new(ticket).poll(&mut Context::from_waker(&caller)).is_pending());
    }
    let mut wakes = Wakes::default();
    for waiting in queue.clone().line(0).next_batch(&BatchLimits::default(), NO_TIME).expect("open") {
        waiting.promise.keep(Ok(Reply::Decided(Ok(Answer::Swept { ended: true }))), &mut wakes);
    }
    assert_eq!((server.seen(), callers.seen()), (0, 0), "the lane wakes nobody before it is done");
    wakes.wake();
    assert_eq!((server.seen(), callers.seen()), (1, 0));
    assert!(serving.as_mut().poll(&mut Context::from_waker(&server_waker)).is_pending());
    assert_eq!(callers.seen(), 9);
    for ticket in &mut tickets {
        let heard = Pin::new(ticket).poll(&mut Context::from_waker(&caller));
        assert!(matches!(heard, Poll::Ready(Ok(Reply::Decided(Ok(_))))), "{heard:?}");
    }
}

fn confirm(number: u8) -> Command {
    Command::ConfirmOrder { order: order(number), reacquire: false }
}

fn release(number: u8) -> Command {
    Command::ReleaseOrder { order: order(number), reason: None }
}

fn ask(queue: &CommandQueue, class: Class, number: u8) -> Result<Ticket, Fault> {
    queue.submit(submission(reserve(number, &[(1, 1)])), class, None)
}

/// The orders of the next batch.
fn taken(queue: &CommandQueue, limits: BatchLimits) -> Vec<OrderId> {
    let batch = queue.clone().line(0).next_batch(&limits, NO_TIME).expect("the queue is open");
    let order = |waiting: &Waiting| match &waiting.submission.command {
        Command::ReserveOrder { order, .. } => *order,
        other => panic!("{other:?}"),
    };
    batch.iter().map(order).collect()
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicU32);

impl Count {
    fn seen(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn counting() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (count.clone(), Waker::from(count))
}
