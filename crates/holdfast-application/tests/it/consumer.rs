//! Events from a source: decided in their order, settled after the commit, put away when they can never be applied.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use holdfast_application::consumer::Consumer;
use holdfast_application::ports::{DeadLetter, EventSource, Record, SourceError};
use holdfast_application::queue::{CommandQueue, QueueLimits};
use holdfast_domain::Actor;

#[test]
fn the_death_of_a_consumer_is_seen() {
    let story = Story::of([Step::Dies]);
    let consumer = story.consumer(CommandQueue::new(QueueLimits::default()));
    let status = consumer.status();
    assert!(status.runs());
    std::thread::spawn(move || consumer.run()).join().expect_err("it dies");
    assert!(!status.runs());
}

/// What a source does when it is polled.
#[derive(Debug)]
enum Step {
    /// It dies.
    Dies,
}

/// A source that does what is written, and then tells its consumer to stop.
struct Story {
    script: Mutex<VecDeque<Step>>,
    stop: Arc<AtomicBool>,
}

impl Story {
    fn of(steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        let script = Mutex::new(steps.into_iter().collect());
        Arc::new(Self { script, stop: Arc::default() })
    }

    fn consumer(self: &Arc<Self>, queue: CommandQueue) -> Consumer {
        let actor = Actor::new("kafka").expect("an actor");
        Consumer::new(Box::new(Teller(self.clone())), queue, actor, self.stop.clone())
    }
}

/// The source's end of a story.
struct Teller(Arc<Story>);

impl EventSource for Teller {
    fn poll(&mut self, _most: usize, _patience: Duration) -> Result<Vec<Record>, SourceError> {
        match self.0.script.lock().expect("nobody died").pop_front() {
            Some(Step::Dies) => panic!("as it is written"),
            None => {
                self.0.stop.store(true, Ordering::Relaxed);
                Ok(Vec::new())
            }
        }
    }

    fn stay(&mut self, _time: Duration) {}

    fn put_away(&mut self, _letters: &[DeadLetter<'_>]) -> Result<(), SourceError> {
        Ok(())
    }

    fn settle(&mut self, _records: &[Record]) {}
}
