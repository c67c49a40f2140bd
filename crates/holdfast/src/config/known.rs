//! The settings there are, and what kind of value each takes.

use std::time::Duration;

/// What kind of value a setting takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Words.
    Text,
    /// An address with perhaps a password in it.
    Url,
    /// Words separated by commas, or an array.
    List,
    /// Properties as `name=value`, separated by commas, or an array. They may hold passwords.
    Properties,
    /// Yes or no.
    Flag,
    /// A whole number in this range.
    Whole {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A duration in this range.
    Time {
        /// The shortest.
        least: Duration,
        /// The longest.
        most: Duration,
        /// Whether `never` is allowed.
        never: bool,
    },
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// A setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Its name: `section.key`.
    pub(super) key: &'static str,
    /// What kind of value it takes.
    pub(super) kind: Kind,
}

const fn known(key: &'static str, kind: Kind) -> Known {
    Known { key, kind }
}

const fn whole(least: u64, most: u64) -> Kind {
    Kind::Whole { least, most }
}

const fn time(least: Duration, most: Duration) -> Kind {
    Kind::Time { least, most, never: false }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const YEAR: Duration = Duration::from_hours(366 * 24);
/// Sizes in KiB end at 4 GiB.
const KIB_MAX: u64 = 4 << 20;

/// Every setting, in the order of the page.
pub(super) const KNOWN: &[Known] = &[
    known("server.listen", Kind::Text),
    known("server.replica", Kind::Text),
    known("server.threads", whole(0, 1_024)),
    known("server.header_timeout", time(MILLISECOND, HOUR)),
    known("server.body_timeout", time(MILLISECOND, HOUR)),
    known("server.write_timeout", time(MILLISECOND, HOUR)),
    known("server.connections_max", whole(1, 1_000_000)),
    known("server.body_max_kib", whole(1, KIB_MAX)),
    known("server.batch_body_max_kib", whole(1, KIB_MAX)),
    known("server.streams_max", whole(0, 100_000)),
    known("server.stream_buffer_kib", whole(64, KIB_MAX)),
    known("server.drain_max", time(Duration::ZERO, Duration::from_secs(10))),
    known("server.swagger", Kind::Flag),
    known("store.data", Kind::Text),
    known("store.database_url", Kind::Url),
    known("store.accept_risks", Kind::List),
    known("store.cache_kib", whole(1_024, KIB_MAX)),
    known("store.readers", whole(1, 256)),
    known("store.lanes", whole(0, 64)),
    known("queue.commands_max", whole(1, 10_000_000)),
    known("queue.bytes_max_kib", whole(1, KIB_MAX)),
    known("queue.wait_max", time(MILLISECOND, HOUR)),
    known("batch.commands_max", whole(0, 65_536)),
    known("batch.bytes_max_kib", whole(1, KIB_MAX)),
    known("batch.products_max", whole(0, 1_000_000)),
    known(
        "reservation.ttl_default",
        Kind::Time {
            least: holdfast_application::policy::TTL_MIN,
            most: holdfast_application::policy::TTL_MAX,
            never: true,
        },
    ),
    known("reservation.expiry", Kind::OneOf(&["lenient", "strict"])),
    known("reservation.sweep_interval", time(Duration::from_millis(10), HOUR)),
    known("reservation.sweep_step_max", whole(1, 100_000)),
    known("reservation.sweep_grace", time(Duration::from_secs(2), HOUR)),
    known("reservation.late_payment", Kind::OneOf(&["reacquire", "refuse"])),
    known("reservation.payment_wait", time(SECOND, DAY)),
    known("reservation.strategy", Kind::OneOf(&["priority", "mostAvailable", "fewestSplits"])),
    known("reservation.reclaim_orders_max", whole(1, 100_000)),
    known("idempotency.required", Kind::Flag),
    known("idempotency.kept", time(SECOND, YEAR)),
    known("cors.origins", Kind::List),
    known("lock.redis_url", Kind::Url),
    known("lock.required", Kind::Flag),
    known("lock.ttl", time(Duration::from_millis(100), Duration::from_mins(1))),
    known("lock.answer_max", time(MILLISECOND, SECOND)),
    known("outbox.events_max", whole(1, 1_000_000_000)),
    known("kafka.brokers", Kind::Text),
    known("kafka.topics_in", Kind::List),
    known("kafka.group", Kind::Text),
    known("kafka.publish", Kind::Flag),
    known("kafka.topic_stock", Kind::Text),
    known("kafka.topic_orders", Kind::Text),
    known("kafka.mode", Kind::OneOf(&["binary", "structured"])),
    known("kafka.compatibility", Kind::OneOf(&["cloudevents", "plain"])),
    known("kafka.source", Kind::Text),
    known("kafka.topic_dead_letter", Kind::Text),
    known("kafka.rollback_check", Kind::Flag),
    known("kafka.rollback_check_since", Kind::Text),
    known("kafka.properties", Kind::Properties),
    known("webhooks.endpoints", Kind::List),
    known("webhooks.secrets", Kind::Properties),
    known("webhooks.events", Kind::List),
    known("webhooks.allow_private", Kind::Flag),
    known("webhooks.ca_file", Kind::Text),
    known("log.level", Kind::Text),
    known("log.format", Kind::OneOf(&["auto", "text", "json"])),
];

impl Known {
    /// Whether it leads to something outside of this process that others use too.
    pub(super) fn is_elsewhere(self) -> bool {
        matches!(self.key, "store.database_url" | "kafka.brokers")
            || self.key.starts_with("lock.")
            || self.key.starts_with("webhooks.")
    }

    /// Whether its value may hold a secret, and so may stand in a file of its own.
    pub(super) const fn is_secret(self) -> bool {
        matches!(self.kind, Kind::Url | Kind::Properties)
    }
}

/// The setting of this name.
pub(super) fn find(key: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.key == key)
}
