//! Events from a source: decided in their order, settled after the commit, put away when they can never be applied.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use holdfast_application::Command;
use holdfast_application::answer::{Answer, Fault, Reply};
use holdfast_application::batch::BatchLimits;
use holdfast_application::consumer::Consumer;
use holdfast_application::order_event::{EventAnswer, EventOutcome};
use holdfast_application::ports::contract::warehouse::order;
use holdfast_application::ports::{EventSource, PollLimits, Record, SourceError};
use holdfast_application::queue::{CommandQueue, QueueLimits};
use holdfast_application::ticket::{Heard, Wakes};
use holdfast_domain::Actor;

#[test]
fn no_event_overtakes_another_whatever_fails() {
    let seed = 20_261_123_u64;
    eprintln!("seed {seed}");
    let mut random = seed;
    let mut chance = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33).is_multiple_of(3)
    };
    // Of each of nine orders four events, the orders mixed, in three polls.
    let kinds = ["OrderCreated", "PaymentCompleted", "PaymentFailed", "OrderCancelled"];
    let records: Vec<Record> = (0..36).map(|at| record(at, kinds[usize::from(at / 9)], 1 + at % 9)).collect();
    let story = Story::of(records.chunks(12).map(|records| Step::Gives(records.to_vec())));
    // So short that events wait for each other's room too.
    let queue = CommandQueue::new(QueueLimits { commands_max: 5, ..QueueLimits::default() });
    let mut decided = Vec::new();
    story.run(queue, |command| {
        if chance() {
            return Err(Fault::StoreUnavailable("away".to_owned()));
        }
        decided.push((command.name(), command.order().expect("an order")));
        Ok(applied())
    });
    let as_they_came: Vec<_> = (0..36).map(|at| (kinds[usize::from(at / 9)], order(1 + at % 9))).collect();
    assert_eq!(decided, as_they_came);
    assert_eq!(story.settled(), (0..36).collect::<Vec<_>>());
    assert_eq!(story.put_away(), []);
}

#[test]
fn a_source_that_breaks_off_loses_nothing_that_was_taken() {
    let given = |offsets: std::ops::Range<u8>| Step::Gives(offsets.map(|at| record(at, "OrderCreated", at)).collect());
    let story = Story::of([given(0..2), Step::Fails, Step::Fails, given(2..5)]);
    let mut decided = Vec::new();
    story.run(CommandQueue::new(QueueLimits::default()), |command| {
        decided.push(command.order().expect("an order"));
        Ok(applied())
    });
    assert_eq!(decided, [0, 1, 2, 3, 4].map(order));
    assert_eq!(story.settled(), [0, 1, 2, 3, 4]);
}

#[test]
fn an_event_that_fails_while_others_are_committed_is_put_away() {
    let records = [record(0, "OrderCreated", 1), record(1, "OrderCreated", 2), record(2, "PaymentCompleted", 1)];
    let story = Story::of([Step::Gives(records.to_vec())]);
    let mut tried = 0;
    story.run(CommandQueue::new(QueueLimits::default()), |command| {
        if command.order() == Some(order(1)) && command.name() == "OrderCreated" {
            tried += 1;
            return Err(Fault::Failed("nonsense".to_owned()));
        }
        Ok(if matches!(command, Command::OrderEvent(_)) { applied() } else { swept() })
    });
    assert_eq!(story.put_away(), [(0, "internal".to_owned())]);
    assert_eq!((story.settled(), tried), (vec![0, 1, 2], 4), "three times with others and once alone");
}

#[test]
fn a_store_that_answers_nonsense_to_everybody_is_no_reason_to_put_events_away() {
    let records: Vec<Record> = (0..3).map(|at| record(at, "OrderCreated", at)).collect();
    let story = Story::of([Step::Gives(records)]);
    let (mut asked, mut decided) = (0, Vec::new());
    story.run(CommandQueue::new(QueueLimits::default()), |command| {
        asked += 1;
        // It is mended after a while.
        match command {
            _ if asked <= 60 => Err(Fault::Failed("the table orders is none".to_owned())),
            Command::OrderEvent(event) => {
                decided.push(event.order);
                Ok(applied())
            }
            _ => Ok(swept()),
        }
    });
    assert_eq!(story.put_away(), []);
    assert_eq!((decided, story.settled()), ([0, 1, 2].map(order).to_vec(), vec![0, 1, 2]));
}

#[test]
fn what_cannot_be_read_is_put_away_once_the_store_is_there_again_and_its_place_waits_for_that() {
    let unreadable = |at: u8| Record { value: Some(b"{".to_vec()), ..record(at, "OrderCreated", at) };
    let story = Story::of([Step::Gives(vec![unreadable(0), record(1, "OrderCreated", 1), unreadable(2)])]);
    let (mut faults, mut names) = (0, Vec::new());
    story.run(CommandQueue::new(QueueLimits::default()), |command| {
        if matches!(command, Command::PutAway(_)) && faults < 7 {
            faults += 1;
            return Err(if faults % 2 == 0 {
                Fault::StoreUnavailable("away".to_owned())
            } else {
                Fault::Failed("the table dead_letters is none".to_owned())
            });
        }
        if let Command::OrderEvent(_) | Command::PutAway(_) = command {
            names.push(command.name());
        }
        Ok(if matches!(command, Command::OrderEvent(_)) { applied() } else { swept() })
    });
    assert_eq!(names, ["OrderCreated", "put_away", "put_away"], "the others do not wait for it");
    let mut put_away = story.put_away();
    put_away.sort();
    assert_eq!(put_away, [0, 2].map(|at| (at, "malformed_json".to_owned())));
    assert_eq!(story.settled(), [0, 1, 2]);
}

#[test]
fn a_letter_that_the_store_cannot_hold_is_put_away_in_short_and_its_neighbours_whole() {
    let record = |at: u8| Record { value: Some(vec![b'{'; 9_000]), ..record(at, "OrderCreated", at) };
    let story = Story::of([Step::Gives((0..4).map(record).collect())]);
    let (mut tried, mut commits) = ([const { Vec::new() }; 4], 0);
    story.run(CommandQueue::new(QueueLimits::default()), |command| {
        let Command::PutAway(letter) = command else {
            commits += 1;
            // As long as the store commits nothing at all it is not the letter.
            return if commits == 1 { Err(Fault::Failed("no such table".to_owned())) } else { Ok(swept()) };
        };
        let is_whole = letter.content.value.is_some();
        let offset = letter.from.place.as_ref().expect("of a record").offset;
        let mine = &mut tried[usize::try_from(offset).expect("small")];
        mine.push(is_whole);
        // Every letter meets a passing fault; the first one is too large.
        let fails = mine.len() == 1 || offset == 0 && is_whole;
        if fails { Err(Fault::Failed("too large".to_owned())) } else { Ok(swept()) }
    });
    assert_eq!(tried[0], [true, true, true, true, false]);
    assert!(tried[1..].iter().all(|tries| *tries == [true, true]), "{tried:?}");
    assert_eq!((story.put_away().len(), story.settled()), (4, vec![0, 1, 2, 3]));
}

#[test]
fn the_death_of_a_consumer_is_seen() {
    let story = Story::of([Step::Dies]);
    let consumer = story.consumer(CommandQueue::new(QueueLimits::default()));
    let status = consumer.status();
    assert!(status.runs());
    std::thread::spawn(move || consumer.run()).join().expect_err("it dies");
    assert!(!status.runs());
}

/// An event of order `number` as a record at `offset`.
fn record(offset: u8, kind: &str, number: u8) -> Record {
    let lines = r#"[{"sku":"L","quantity":1}]"#;
    let value = format!(r#"{{"type":"{kind}","orderId":"{}","items":{lines},"reason":"r"}}"#, order(number));
    Record { topic: "orders".to_owned(), offset: offset.into(), value: Some(value.into_bytes()), ..Record::default() }
}

fn applied() -> Reply {
    let answer = EventAnswer { outcome: EventOutcome::Applied, code: None };
    Reply::Decided(Ok(Answer::Event(answer)))
}

fn swept() -> Reply {
    Reply::Decided(Ok(Answer::Swept { ended: false }))
}

/// What a source does when it is polled.
#[derive(Debug)]
enum Step {
    /// It gives records.
    Gives(Vec<Record>),
    /// It does not answer.
    Fails,
    /// It dies.
    Dies,
}

/// A source that does what is written, and then tells its consumer to stop.
struct Story {
    script: Mutex<VecDeque<Step>>,
    stop: Arc<AtomicBool>,
    settled: Mutex<Vec<i64>>,
    put_away: Mutex<Vec<(i64, String)>>,
}

impl Story {
    fn of(steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        let script = Mutex::new(steps.into_iter().collect());
        Arc::new(Self { script, stop: Arc::default(), settled: Mutex::default(), put_away: Mutex::default() })
    }

    fn consumer(self: &Arc<Self>, queue: CommandQueue) -> Consumer {
        let actor = Actor::new("kafka").expect("an actor");
        Consumer::new(Box::new(Teller(self.clone())), queue, actor, self.stop.clone())
    }

    /// Plays the story before a lane that hears each command by itself.
    fn run(self: &Arc<Self>, queue: CommandQueue, mut lane: impl FnMut(&Command) -> Heard) {
        let (consumer, commands) = (self.consumer(queue.clone()), queue.clone().line(0));
        let consumer = std::thread::spawn(move || {
            consumer.run();
            queue.close();
        });
        while let Some(batch) = commands.next_batch(&BatchLimits::default(), Duration::from_millis(10)) {
            let mut wakes = Wakes::default();
            for waiting in batch {
                let heard = if waiting.promise.is_out_of_turn() {
                    Err(Fault::StoreUnavailable("not yet".to_owned()))
                } else {
                    lane(&waiting.submission.command)
                };
                if let (Command::PutAway(letter), Ok(_)) = (&waiting.submission.command, &heard) {
                    assert!(self.settled().is_empty(), "the place in the topic waits for the letter");
                    let offset = letter.from.place.as_ref().expect("of a record").offset;
                    self.put_away.lock().expect("nobody died").push((offset, letter.from.code.clone()));
                }
                waiting.promise.keep(heard, &mut wakes);
            }
            wakes.wake();
        }
        consumer.join().expect("it stops");
    }

    /// The offsets that were settled.
    fn settled(&self) -> Vec<i64> {
        self.settled.lock().expect("nobody died").clone()
    }

    /// The offsets that were put away, with their codes.
    fn put_away(&self) -> Vec<(i64, String)> {
        self.put_away.lock().expect("nobody died").clone()
    }
}

/// The source's end of a story.
struct Teller(Arc<Story>);

impl EventSource for Teller {
    fn poll(&mut self, _limits: PollLimits, _patience: Duration) -> Result<Vec<Record>, SourceError> {
        let step = self.0.script.lock().expect("nobody died").pop_front();
        match step {
            Some(Step::Gives(records)) => Ok(records),
            Some(Step::Fails) => Err(SourceError("as it is written".into())),
            Some(Step::Dies) => panic!("as it is written"),
            None => {
                self.0.stop.store(true, Ordering::Relaxed);
                Ok(Vec::new())
            }
        }
    }

    fn stay(&mut self, _time: Duration) {}

    fn settle(&mut self, records: &[Record]) {
        self.0.settled.lock().expect("nobody died").extend(records.iter().map(|record| record.offset));
    }
}
