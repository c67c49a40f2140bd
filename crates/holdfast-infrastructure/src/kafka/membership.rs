//! What the client library tells a member of the group: which partitions it has, how the brokers are, whether they know
//! how far it is.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};

use super::status::KafkaStatus;

/// A partition of a topic.
pub(super) type Place = (String, i32);

/// A member of the group.
pub(super) struct Membership {
    status: Arc<KafkaStatus>,
    assigned: Mutex<HashSet<Place>>,
    /// Whether it takes no records at present.
    stays: AtomicBool,
}

impl Membership {
    pub(super) fn new(status: Arc<KafkaStatus>) -> Self {
        Self { status, assigned: Mutex::default(), stays: AtomicBool::new(false) }
    }

    /// The partitions it has.
    pub(super) fn assigned(&self) -> MutexGuard<'_, HashSet<Place>> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no records from now on, whichever partitions come.
    pub(super) fn stay(&self, consumer: &BaseConsumer<Self>) {
        self.stays.store(true, Ordering::Relaxed);
        of_all(consumer, |all| consumer.pause(all));
    }

    /// Takes records again.
    pub(super) fn go_on(&self, consumer: &BaseConsumer<Self>) {
        self.stays.store(false, Ordering::Relaxed);
        of_all(consumer, |all| consumer.resume(all));
    }
}

impl ClientContext for Membership {
    fn stats(&self, statistics: Statistics) {
        self.status.learn(&statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.status.lost();
        }
        tracing::debug!(%error, reason, "the client of Kafka tells");
    }
}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let mut assigned = self.assigned();
        match rebalance {
            Rebalance::Assign(list) => assigned.extend(places_of(list)),
            Rebalance::Revoke(list) => places_of(list).iter().for_each(|place| {
                assigned.remove(place);
            }),
            Rebalance::Error(error) => {
                tracing::warn!(%error, "the group cannot be rebalanced");
                assigned.clear();
            }
        }
        tracing::info!(partitions = assigned.len(), "the partitions of this member have changed");
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if !matches!(rebalance, Rebalance::Assign(_)) {
            return;
        }
        if self.stays.load(Ordering::Relaxed) {
            of_all(consumer, |all| consumer.pause(all));
        } else {
            // The library remembers a pause of a partition that went meanwhile, and would give nothing of it for good.
            of_all(consumer, |all| consumer.resume(all));
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        match result {
            Err(error) if error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset) => {
                tracing::warn!(%error, "the brokers did not take how far this member is: they are told again");
            }
            _ => {}
        }
    }
}

/// Does something to all partitions of this member. What is not paused only comes early.
fn of_all(consumer: &BaseConsumer<Membership>, change: impl FnOnce(&TopicPartitionList) -> KafkaResult<()>) {
    if let Err(error) = consumer.assignment().and_then(|all| change(&all)) {
        tracing::debug!(%error, "partitions are not paused or resumed");
    }
}

fn places_of(list: &TopicPartitionList) -> Vec<Place> {
    list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}
