//! Kafka: upstream events from topics, as a member of a consumer group.

mod settings;
mod source;
mod status;

pub use settings::KafkaSettings;
pub use source::{KafkaError, KafkaSource};
pub use status::KafkaStatus;
