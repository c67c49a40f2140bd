//! The thread that takes events from a broker, as a member of its group.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast_application::CommandQueue;
use holdfast_application::consumer::{Consumer, ConsumerStatus};
use holdfast_application::dead_letters::LetterRoom;
use holdfast_domain::Actor;
use holdfast_infrastructure::kafka::{KafkaSettings, KafkaSource, KafkaStatus};

use super::threads::BoundedThread;
use crate::exit::{Failure, with_sources};

/// A member of the group that has not begun to take events.
pub(super) struct Member {
    consumer: Consumer,
    stop: Arc<AtomicBool>,
    brokers: Arc<KafkaStatus>,
}

impl Member {
    /// Joins the group.
    pub(super) fn join(settings: &KafkaSettings, queue: &CommandQueue, room: Arc<LetterRoom>) -> Result<Self, Failure> {
        let (source, brokers) = KafkaSource::join(settings).map_err(|error| Failure::usage(with_sources(&error)))?;
        let stop = Arc::new(AtomicBool::new(false));
        let actor = Actor::new("kafka").expect("a plain word is an actor");
        let consumer = Consumer::new(Box::new(source), queue.clone(), actor, stop.clone()).with_room(room);
        Ok(Self { consumer, stop, brokers })
    }

    /// What others may know about the brokers and about it.
    pub(super) fn status(&self) -> (Arc<KafkaStatus>, Arc<ConsumerStatus>) {
        (self.brokers.clone(), self.consumer.status())
    }

    /// Takes events from now on.
    pub(super) fn start(self) -> Result<Consuming, Failure> {
        let consumer = self.consumer;
        let thread = BoundedThread::start("consumer", move || consumer.run())?;
        Ok(Consuming { stop: self.stop, thread })
    }
}

/// A member of the group that takes events.
pub(super) struct Consuming {
    stop: Arc<AtomicBool>,
    thread: BoundedThread,
}

impl Consuming {
    /// Takes nothing more.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// What was taken is decided and settled, nothing more is taken, and the group is left: all of that within some
    /// time. What is not settled by then comes again.
    pub(super) fn leave(self, within: Duration) {
        self.stop();
        if !self.thread.ends_within(within) {
            tracing::warn!("the brokers do not let the consumer go in time: what they were not told comes again");
        }
    }
}
