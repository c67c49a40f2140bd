//! A movement that was decided earlier and committed later than others: who listens hears of it all the same.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use holdfast_application::command::Remarks;
use holdfast_application::commit_bell::CommitBell;
use holdfast_application::events::cloud_event;
use holdfast_application::lane::decide_at_once;
use holdfast_application::ports::contract::warehouse::{change, new_item, product, submission};
use holdfast_application::ports::{Collision, CommitError, Store as _, StoreError};
use holdfast_application::queries::{MovementFilter, StockQueries};
use holdfast_application::stream::{Listener, Passed, RecentEvents, StreamLimits, StreamReader};
use holdfast_application::{Command, Policy};
use holdfast_domain::StockMovement;
use holdfast_domain::book::stocking::StockVerb;

use crate::shared_store::{Database, left_out};

#[test]
fn who_listens_hears_of_a_movement_that_was_committed_late() {
    let Some(database) = Database::make() else {
        return left_out("who_listens_hears_of_a_movement_that_was_committed_late");
    };
    let (mut slow, queries) = database.opened();
    let mut quick = slow.another();
    for number in [1, 2] {
        let made = Command::CreateItem(new_item(number, &[("main", 10)]), Remarks::default());
        decide_at_once(&mut quick, &[submission(made)], &Policy::default()).expect("made");
    }
    let mut listening = Listening::to(queries.clone());

    // Decided first, and under way for longer than a glance goes back.
    let mut transaction = slow.begin().expect("a transaction");
    let now = transaction.now().expect("the time");
    let next = StockMovement { sequence: 2, created_at: now, ..first_movement(&*queries) };
    transaction.append_movements(&[next]).expect("appended");
    transaction.flush().expect("nobody was faster");
    for _ in 0..3 {
        let sold = submission(change(2, StockVerb::Remove, 1));
        decide_at_once(&mut quick, &[sold], &Policy::default()).expect("there");
        std::thread::sleep(Duration::from_millis(700));
    }
    let of = |number: u8, sequence: u64| format!("stock:{}:{sequence}:0", product(number));
    let others: Vec<String> = (2..=4).map(|sequence| of(2, sequence)).collect();
    let heard: Vec<String> = others.iter().map(|_| listening.next()).collect();
    assert_eq!(heard, others, "what others do is heard meanwhile");
    transaction.commit().expect("commits");
    assert_eq!(listening.next(), of(1, 2), "and so is what was decided before them");
}

#[test]
fn a_batch_that_was_decided_long_ago_is_undone() {
    let Some(database) = Database::make() else { return left_out("a_batch_that_was_decided_long_ago_is_undone") };
    let (mut slow, queries) = database.opened();
    let made = Command::CreateItem(new_item(1, &[("main", 10)]), Remarks::default());
    decide_at_once(&mut slow, &[submission(made)], &Policy::default()).expect("made");

    // Every statement is quick enough, and there are many.
    let decided = Instant::now();
    let mut transaction = slow.begin().expect("a transaction");
    let now = transaction.now().expect("the time");
    let next = StockMovement { sequence: 2, created_at: now, ..first_movement(&*queries) };
    transaction.append_movements(&[next]).expect("appended");
    while decided.elapsed() < Duration::from_millis(10_200) {
        transaction.load_locations().expect("nobody is in the way");
        std::thread::sleep(Duration::from_millis(500));
    }
    let undone = transaction.commit().expect_err("it is too late");
    let is_tried_again = matches!(undone, CommitError::NotApplied(StoreError::Contention(Collision::LockWait, _)));
    assert!(is_tried_again, "{undone}");
    assert_eq!(database.ask("SELECT COUNT(*) FROM movements"), 1, "it is not there");
    let sold = submission(change(1, StockVerb::Remove, 1));
    decide_at_once(&mut slow, &[sold], &Policy::default()).expect("and nothing stays locked");
    assert_eq!(database.ask("SELECT COUNT(*) FROM movements"), 2);
}

fn first_movement(queries: &dyn StockQueries) -> StockMovement {
    let filter = MovementFilter { product: Some(product(1)), limit: 1, ..MovementFilter::default() };
    queries.movements(&filter).expect("reads").pop().expect("the first units")
}

/// Somebody who listens.
struct Listening {
    events: Arc<RecentEvents>,
    listener: Listener,
    heard: Vec<String>,
}

impl Listening {
    fn to(queries: Arc<dyn StockQueries>) -> Self {
        let events = RecentEvents::new(StreamLimits::default());
        let reader = StreamReader::new(events.clone(), queries, Arc::new(CommitBell::default()), cloud_event::SOURCE);
        std::thread::spawn(move || reader.run());
        let mut listener = events.listen().expect("room");
        while listener.poll_fed(&Context::from_waker(Waker::noop())).is_pending() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let mark = listener.mark();
        listener.go_on_from(mark);
        Self { events, listener, heard: Vec::new() }
    }

    /// The id of the next event.
    fn next(&mut self) -> String {
        while self.heard.is_empty() {
            let context = Context::from_waker(Waker::noop());
            if let Poll::Ready(Passed::Events(text)) =
                self.listener.poll_events(&context, usize::MAX, &mut None, |_, at| at.part == 0)
            {
                let text = String::from_utf8(text).expect("text");
                let ids = text.split("\"id\":\"").skip(1).filter_map(|rest| rest.split('"').next());
                self.heard.extend(ids.map(str::to_owned));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.heard.remove(0)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.events.close();
    }
}
