//! What the client library tells a member of the group: which partitions it has, how the brokers are, whether they know how far it is.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
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
}

impl Membership {
    pub(super) fn new(status: Arc<KafkaStatus>) -> Self {
        Self { status, assigned: Mutex::default() }
    }

    /// The partitions it has.
    pub(super) fn assigned(&self) -> MutexGuard<'_, HashSet<Place>> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        match result {
            Err(error) if error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset) => {
                tracing::warn!(%error, "the brokers did not take how far this member is: they are told again");
            }
            _ => {}
        }
    }
}

fn places_of(list: &TopicPartitionList) -> Vec<Place> {
    list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}
