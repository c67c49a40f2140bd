//! Kafka: upstream events from topics, as a member of a consumer group, and events to topics.

mod gathering;
mod incoming;
mod membership;
mod message;
mod published;
mod publisher;
mod settings;
mod source;
mod status;
mod topic;

pub use published::StockTopics;
pub use publisher::KafkaPublisher;
pub use settings::{EventFormat, KafkaSettings, PublishSettings};
pub use source::{KafkaError, KafkaSource};
pub use status::KafkaStatus;
pub use topic::{TopicReader, TopicWriter};
