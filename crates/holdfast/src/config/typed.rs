//! The settings as the parts of the program take them.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use holdfast_application::Policy;
use holdfast_application::batch::BatchLimits;
use holdfast_application::events::Publishing;
use holdfast_application::expiry::SweepPace;
use holdfast_application::policy::LatePayment;
use holdfast_application::queue::QueueLimits;
use holdfast_application::stream::StreamLimits;
use holdfast_domain::book::ExpiryRule;
use holdfast_domain::{Strategy, Timestamp};
use holdfast_infrastructure::kafka::KafkaSettings;
use holdfast_infrastructure::mysql::Risk;

use super::Configuration;
use super::lock::LockSettings;
use super::reader::Reader;
use super::webhooks::Webhook;
use crate::exit::Failure;
use crate::random::Random;

/// Lanes of a shared store where the settings do not say: docs/performance.md compares others.
const SHARED_LANES: usize = 4;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON when piped.
    Auto,
    /// Text.
    Text,
    /// JSON.
    Json,
}

/// How the HTTP interface listens.
#[derive(Clone, Debug)]
pub(crate) struct HttpSettings {
    /// Where.
    pub(crate) listen: SocketAddr,
    /// What this service is called among others.
    pub(crate) replica: String,
    /// Threads that answer.
    pub(crate) threads: usize,
    /// How long the head of a request may take.
    pub(crate) header_timeout: Duration,
    /// How long a body may take.
    pub(crate) body_timeout: Duration,
    /// How long an answer may stay unread.
    pub(crate) write_timeout: Duration,
    /// Connections open at a time.
    pub(crate) connections_max: usize,
    /// Bytes a body may have.
    pub(crate) body_max: usize,
    /// Bytes the body of a batch may have.
    pub(crate) batch_body_max: usize,
    /// How long a shutdown waits for requests under way.
    pub(crate) drain_max: Duration,
    /// Whether `/swagger` is there.
    pub(crate) swagger: bool,
}

/// Where the books are kept.
#[derive(Clone, Debug)]
pub(crate) struct StoreSettings {
    /// The folder of the embedded store.
    pub(crate) data: PathBuf,
    /// The shared database, if there is one.
    pub(crate) database_url: Option<String>,
    /// What is put up with of a shared database.
    pub(crate) accepted_risks: Vec<Risk>,
    /// KiB of memory for pages.
    pub(crate) cache_kib: u32,
    /// Connections for reading.
    pub(crate) readers: usize,
    /// Lanes that write.
    pub(crate) lanes: usize,
}

/// All settings, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The HTTP interface.
    pub(crate) http: HttpSettings,
    /// The store.
    pub(crate) store: StoreSettings,
    /// How much may wait.
    pub(crate) queue: QueueLimits,
    /// How large a batch may be.
    pub(crate) batch: BatchLimits,
    /// What rules depend on.
    pub(crate) policy: Policy,
    /// How the sweep goes about it.
    pub(crate) sweep: SweepPace,
    /// Whether every write must carry a key.
    pub(crate) idempotency_required: bool,
    /// Origins whose pages may call.
    pub(crate) cors_origins: Vec<String>,
    /// The lock by which replicas take turns, if there is one.
    pub(crate) lock: Option<LockSettings>,
    /// How much is kept for those who listen to events, and for how many.
    pub(crate) streams: StreamLimits,
    /// Where events come from, by their own account.
    pub(crate) event_source: String,
    /// Kafka, if there is one.
    pub(crate) kafka: Option<KafkaSettings>,
    /// From when on what was published is compared with the ledger; `None`: it is not.
    pub(crate) rollback_check: Option<Timestamp>,
    /// Endpoints that events are posted to.
    pub(crate) webhooks: Vec<Webhook>,
    /// With so many events in the outbox, who would add to them is turned away.
    pub(crate) outbox_events_max: usize,
    /// What is logged.
    pub(crate) log_level: String,
    /// How log lines look.
    pub(crate) log_format: LogFormat,
}

impl Settings {
    pub(super) fn from_configuration(from: &Configuration) -> Result<Self, Failure> {
        let mut faults = Vec::new();
        let settings = Self::read(&Reader(from), &mut faults);
        match settings {
            Some(settings) if faults.is_empty() => Ok(settings),
            _ => Err(Failure::usage(faults.join("\n"))),
        }
    }

    fn read(from: &Reader<'_>, faults: &mut Vec<String>) -> Option<Self> {
        let lock = LockSettings::read(from, faults);
        let listen = listen_address(&from.text("server.listen")).map_err(|fault| faults.push(fault)).ok();
        let replica = replica_name(from.text("server.replica")).map_err(|fault| faults.push(fault)).ok();
        for origin in from.list("cors.origins") {
            if origin != "*" && !is_origin(&origin) {
                faults.push(format!("cors.origins: {origin} is no origin such as https://shop.example"));
            }
        }
        let mut accepted_risks = Vec::new();
        for name in from.list("store.accept_risks") {
            match Risk::named(&name) {
                Some(risk) => accepted_risks.push(risk),
                None => faults
                    .push(format!("store.accept_risks: {name} is none of {}", Risk::ALL.map(Risk::as_str).join(", "))),
            }
        }
        let level = from.text("log.level").trim().to_owned();
        if !is_log_level(&level) {
            faults.push(format!(
                "log.level = {level} is neither off, error, warn, info, debug or trace nor, per module, such as \
                 info,holdfast_api=debug"
            ));
        }
        if from.filled("store.database_url").is_none() && from.text("store.data").trim().is_empty() {
            faults.push("store.data is empty: it names the folder of the embedded store".to_owned());
        }
        let rollback_check = super::kafka::rollback_check(from, faults);
        let kafka = from.filled("kafka.brokers").map(|brokers| super::kafka::read(from, brokers, faults));
        let webhooks = super::webhooks::read(from, faults);
        let grace = from.time("reservation.sweep_grace");
        let database_url = from.filled("store.database_url");
        let (lanes, suited) = match &database_url {
            Some(_) => (from.size_or("store.lanes", SHARED_LANES), BatchLimits::SHARED),
            None => (1, BatchLimits::EMBEDDED),
        };
        Some(Self {
            http: HttpSettings {
                listen: listen?,
                replica: replica?,
                threads: match from.size("server.threads") {
                    0 => std::thread::available_parallelism().map_or(1, usize::from),
                    threads => threads,
                },
                header_timeout: from.time("server.header_timeout"),
                body_timeout: from.time("server.body_timeout"),
                write_timeout: from.time("server.write_timeout"),
                connections_max: from.size("server.connections_max"),
                body_max: from.kib("server.body_max_kib"),
                batch_body_max: from.kib("server.batch_body_max_kib"),
                drain_max: from.time("server.drain_max"),
                swagger: from.flag("server.swagger"),
            },
            store: StoreSettings {
                data: PathBuf::from(from.text("store.data")),
                database_url,
                accepted_risks,
                cache_kib: u32::try_from(from.size("store.cache_kib")).unwrap_or(u32::MAX),
                readers: from.size("store.readers"),
                lanes,
            },
            queue: QueueLimits {
                commands_max: from.size("queue.commands_max"),
                bytes_max: from.kib("queue.bytes_max_kib"),
                wait_max: from.time("queue.wait_max"),
            },
            batch: BatchLimits {
                commands_max: from.size_or("batch.commands_max", suited.commands_max),
                bytes_max: from.kib("batch.bytes_max_kib"),
                products_max: from.size_or("batch.products_max", suited.products_max),
            },
            policy: policy(from, publishing(kafka.as_ref(), &webhooks), grace),
            sweep: SweepPace {
                answers_every: Duration::from_mins(1),
                interval: from.time("reservation.sweep_interval"),
                step_max: from.size("reservation.sweep_step_max"),
                grace,
                answers_kept: from.time("idempotency.kept"),
            },
            idempotency_required: from.flag("idempotency.required"),
            cors_origins: from.list("cors.origins"),
            lock,
            streams: StreamLimits {
                streams_max: from.size("server.streams_max"),
                buffer_bytes: from.kib("server.stream_buffer_kib"),
            },
            event_source: from.text("kafka.source"),
            kafka,
            rollback_check,
            webhooks,
            outbox_events_max: from.size("outbox.events_max"),
            log_level: level,
            log_format: match from.text("log.format").as_str() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => LogFormat::Auto,
            },
        })
    }
}

/// Whether the text is a level, or levels per module. A word by itself must be a level: taken for a module, a typo would
/// silence all others.
fn is_log_level(text: &str) -> bool {
    let is_level = |word: &str| word.is_empty() || word.parse::<tracing::level_filters::LevelFilter>().is_ok();
    let is_fit = |part: &str| part.contains(['=', '[']) || is_level(part);
    tracing_subscriber::EnvFilter::try_new(text).is_ok() && text.split(',').all(is_fit)
}

/// An address and port; a host name stands for its first address.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let address = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    address.ok_or_else(|| format!("server.listen = {text} is no address:port such as 127.0.0.1:8080"))
}

/// The name of this service, or one that is made up.
fn replica_name(name: String) -> Result<String, String> {
    if name.is_empty() {
        return Ok(format!("replica-{:08x}", Random::new().next() >> 32));
    }
    let is_fit = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.len() <= 64 && name.chars().all(is_fit) {
        return Ok(name);
    }
    Err(format!("server.replica = {name} is no name of up to 64 letters, digits, `-`, `_` and `.`"))
}

/// Whether the text is `scheme://host[:port]`.
fn is_origin(text: &str) -> bool {
    let place = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    place.is_some_and(|place| !place.is_empty() && !place.contains(['/', '?', '#', '@', ' ']))
}

/// Who is told of events.
fn publishing(kafka: Option<&KafkaSettings>, webhooks: &[Webhook]) -> Publishing {
    let brokers = kafka.map(super::kafka::kafka_destinations).unwrap_or_default();
    Publishing { destinations: brokers.into_iter().chain(webhooks.iter().map(Webhook::destination)).collect() }
}

/// The settings that rules depend on.
fn policy(from: &Reader<'_>, publishing: Publishing, grace: Duration) -> Policy {
    Policy {
        ttl_default: from.time_or_never("reservation.ttl_default"),
        expiry: if from.text("reservation.expiry") == "strict" { ExpiryRule::Strict } else { ExpiryRule::Lenient },
        late_payment: if from.text("reservation.late_payment") == "refuse" {
            LatePayment::Refuse
        } else {
            LatePayment::Reacquire
        },
        sweep_grace: grace,
        payment_wait: from.time("reservation.payment_wait"),
        strategy: match from.text("reservation.strategy").as_str() {
            "mostAvailable" => Strategy::MostAvailable,
            "fewestSplits" => Strategy::FewestSplits,
            _ => Strategy::Priority,
        },
        reclaim_orders_max: from.size("reservation.reclaim_orders_max"),
        publishing,
    }
}
