//! Where the brokers are, and what is taken from them.

use rdkafka::ClientConfig;

/// How an event stands in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventFormat {
    /// The data as the value, its envelope as headers.
    Binary,
    /// The data with its envelope around it.
    Structured,
    /// The data alone, in topics that are named after the events.
    Plain,
}

/// What is published, and where.
#[derive(Clone, Debug)]
pub struct PublishSettings {
    /// Whether anything is.
    pub is_on: bool,
    /// Where stock events go.
    pub topic_stock: String,
    /// Where order events go.
    pub topic_orders: String,
    /// How they stand there.
    pub format: EventFormat,
    /// Where they come from, by their own account.
    pub source: String,
}

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
    /// What is published.
    pub publish: PublishSettings,
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

    /// A member of the group that says what it has dealt with; the library passes it on without keeping anybody.
    pub(crate) fn consumer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", &self.group)
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "range")
            // Topics that are made later are found within seconds.
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("queued.max.messages.kbytes", "16384")
            .set("statistics.interval.ms", "1000")
            .set("auto.commit.interval.ms", "250");
        let mut config = self.with_properties(config, |_| true);
        // Said last, for no property may undo it: the brokers are told of what was dealt with, and of nothing else.
        config.set("enable.auto.commit", "true").set("enable.auto.offset.store", "false");
        config
    }

    /// A reader beside the group, of which it only bears the name: it never joins and tells the brokers nothing.
    pub(crate) fn reader(&self) -> ClientConfig {
        let mut config = self.with_properties(self.client(), |_| true);
        config
            .set("group.id", &self.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true");
        config
    }

    /// A writer that writes each record once and in order.
    pub(crate) fn producer(&self) -> ClientConfig {
        once_each(self.with_own(self.writer()))
    }

    fn writer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("delivery.timeout.ms", "10000")
            .set("message.max.bytes", "8388608");
        config
    }

    /// With those properties that do not concern consumers alone.
    fn with_own(&self, config: ClientConfig) -> ClientConfig {
        let consumers_alone =
            ["group.", "session.timeout.ms", "max.poll.interval.ms", "heartbeat.interval.ms", "auto."];
        self.with_properties(config, |name| !consumers_alone.iter().any(|start| name.starts_with(start)))
    }

    /// A writer of events: of each key in order, without a gap.
    pub(crate) fn publisher(&self) -> ClientConfig {
        let mut config = self.writer();
        config
            // As clients in Java do, so that topics of theirs and these can be joined.
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "0.2");
        let mut config = once_each(self.with_own(config));
        // A message that is given up leaves a gap which the guarantee does not cover: none is, and the relay waits.
        config.set("enable.gapless.guarantee", "true").set("delivery.timeout.ms", "0").remove("message.timeout.ms");
        config
    }

    fn with_properties(&self, mut config: ClientConfig, concerns: impl Fn(&str) -> bool) -> ClientConfig {
        for (name, value) in self.properties.iter().filter(|(name, _)| concerns(name)) {
            config.set(name, value);
        }
        config
    }
}

/// Said last, for no property may undo it: each record is written once and in order, and taken by all who are to keep
/// it.
fn once_each(mut config: ClientConfig) -> ClientConfig {
    config.set("enable.idempotence", "true").set("acks", "all").remove("request.required.acks");
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_property_undoes_what_is_promised() {
        let careless = [
            ("acks", "0"),
            ("request.required.acks", "0"),
            ("enable.idempotence", "false"),
            ("enable.gapless.guarantee", "false"),
            ("delivery.timeout.ms", "7"),
            ("message.timeout.ms", "7"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "true"),
            ("linger.ms", "77"),
        ];
        let publish = PublishSettings {
            is_on: true,
            topic_stock: String::new(),
            topic_orders: String::new(),
            format: EventFormat::Binary,
            source: String::new(),
        };
        let settings = KafkaSettings {
            brokers: "127.0.0.1:9092".to_owned(),
            topics_in: Vec::new(),
            group: "g".to_owned(),
            topic_dead_letter: String::new(),
            publish,
            properties: careless.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        };
        let (publisher, producer, consumer) = (settings.publisher(), settings.producer(), settings.consumer());
        for config in [&publisher, &producer] {
            assert_eq!((config.get("enable.idempotence"), config.get("acks")), (Some("true"), Some("all")));
            assert_eq!((config.get("request.required.acks"), config.get("linger.ms")), (None, Some("77")));
        }
        assert_eq!(publisher.get("enable.gapless.guarantee"), Some("true"));
        assert_eq!((publisher.get("delivery.timeout.ms"), publisher.get("message.timeout.ms")), (Some("0"), None));
        assert_eq!(consumer.get("enable.auto.commit"), Some("true"));
        assert_eq!(consumer.get("enable.auto.offset.store"), Some("false"));
    }
}
