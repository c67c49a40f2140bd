//! What is known of the brokers from the client library's own figures.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::Statistics;

/// What others may know about the brokers.
#[derive(Debug, Default)]
pub struct KafkaStatus {
    answers: AtomicBool,
}

impl KafkaStatus {
    /// Whether some broker is connected.
    pub fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }

    pub(super) fn learn(&self, statistics: &Statistics) {
        // A node number below 0 is an address that was only asked for the others.
        let mut known = statistics.brokers.values().filter(|broker| broker.nodeid >= 0);
        let answers = known.any(|broker| broker.state == "UP");
        if self.answers.swap(answers, Ordering::Relaxed) != answers {
            tracing::info!(answers, "whether a broker answers has changed");
        }
        for (topic, lag) in lags(statistics) {
            metrics::gauge!("holdfast_consumer_lag", "topic" => topic).set(lag);
        }
    }

    pub(super) fn lost(&self) {
        self.answers.store(false, Ordering::Relaxed);
    }
}

/// Records that wait in the partitions this member has, by topic.
fn lags(statistics: &Statistics) -> HashMap<String, f64> {
    let of_topic = statistics.topics.iter().map(|(name, topic)| {
        // -1 of a partition that is not known yet, or another member's.
        let lags = topic.partitions.values().map(|partition| partition.consumer_lag).filter(|lag| *lag >= 0);
        let lag = u32::try_from(lags.sum::<i64>()).unwrap_or(u32::MAX);
        (name.clone(), f64::from(lag))
    });
    of_topic.collect()
}
