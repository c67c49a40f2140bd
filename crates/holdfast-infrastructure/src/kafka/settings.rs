//! Where the brokers are, and what is taken from them.

use rdkafka::ClientConfig;

/// How a service takes part.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port` of some brokers, with commas.
    pub brokers: String,
    /// The topics with upstream events.
    pub topics_in: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// Where records go that can never be applied; `<topic>` stands for the topic they came from.
    pub topic_dead_letter: String,
    /// Further properties of the client library, as `name=value`. They may hold passwords.
    pub properties: Vec<(String, String)>,
}

impl std::fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { brokers, topics_in, group, .. } = self;
        let mut shown = f.debug_struct("KafkaSettings");
        shown.field("brokers", brokers).field("topics_in", topics_in).field("group", group).finish_non_exhaustive()
    }
}

impl KafkaSettings {
    /// What producers and consumers share.
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", "holdfast");
        config
    }

    /// A member of the group that says itself what it has dealt with.
    pub(crate) fn consumer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", &self.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "range")
            // Topics that are made later are found within seconds.
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("queued.max.messages.kbytes", "16384")
            .set("statistics.interval.ms", "1000");
        self.with_properties(config)
    }

    /// A writer that writes each record once and in order.
    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("delivery.timeout.ms", "10000")
            .set("message.max.bytes", "8388608");
        let consumers_alone =
            ["group.", "session.timeout.ms", "max.poll.interval.ms", "heartbeat.interval.ms", "auto."];
        let mut own = self.clone();
        own.properties.retain(|(name, _)| !consumers_alone.iter().any(|start| name.starts_with(start)));
        own.with_properties(config)
    }

    fn with_properties(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config
    }
}
