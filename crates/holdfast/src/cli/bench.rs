//! What can be asked of `bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ServerArg;

/// `bench`; `bench http` where no kind is named.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchArgs {
    /// What is measured.
    #[command(subcommand)]
    pub(crate) command: Option<BenchCommand>,
    /// The flags of `bench http`.
    #[command(flatten)]
    pub(crate) http: BenchHttpArgs,
}

/// `bench …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// The committer in this process, batch after batch
    #[command(
        after_help = "Examples:\n  holdfast bench commit\n  holdfast bench commit --products 10000 --orders 500000\n  \
                      holdfast bench commit --database-url mysql://…/an_empty_database --callers 1024 --naive\n  \
                      holdfast bench commit --database-url mysql://…/an_empty_database --orders-from events.jsonl.gz --naive"
    )]
    Commit(BenchCommitArgs),
    /// One order a request
    #[command(
        after_help = "Examples:\n  holdfast bench http --baseline\n  holdfast bench http --server http://127.0.0.1:8080"
    )]
    Http(BenchHttpArgs),
    /// Many orders a request
    #[command(after_help = "Examples:\n  holdfast bench batch\n  holdfast bench batch --orders 1000 --connections 2")]
    Batch(BenchBatchArgs),
    /// Orders at a steady rate; without one at half of what the service can do
    #[command(after_help = "Examples:\n  holdfast bench latency\n  holdfast bench latency --rate 5000 --seconds 30")]
    Latency(BenchLatencyArgs),
    /// Orders from a Kafka topic to reservations, and on to what is published
    #[command(after_help = "Examples:\n  holdfast bench kafka --kafka-brokers 127.0.0.1:9092\n  \
                      holdfast bench kafka --kafka-brokers 127.0.0.1:9092 --rate 1000 --seconds 10")]
    Kafka(BenchKafkaArgs),
    /// Many clients fight for few units
    #[command(
        after_help = "Examples:\n  holdfast bench flash-sale\n  holdfast bench flash-sale --stock 1000 --clients 256"
    )]
    FlashSale(BenchSaleArgs),
}

/// Which service a bench loads.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchServiceArgs {
    /// Where the service runs; one of the bench's own where this is left out.
    #[command(flatten)]
    pub(crate) server: ServerArg,
    /// Where the bench's own store is made; put it on a disk [default: here]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

/// `bench commit`
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchCommitArgs {
    /// Over how many products the orders are spread
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) products: u32,
    /// Orders in a transaction
    #[arg(long, default_value_t = 1_024, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    pub(crate) batch: usize,
    /// Orders in all
    #[arg(long, default_value_t = 200_000)]
    pub(crate) orders: u64,
    /// Lines of an order
    #[arg(long, default_value_t = 1, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=5_000))]
    pub(crate) lines: usize,
    /// Where the bench's own store is made; put it on a disk [default: here]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    /// The flags for a shared database.
    #[command(flatten)]
    pub(crate) callers: BenchCallersArgs,
}

/// `bench commit --database-url …`
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchCallersArgs {
    /// With --database-url: callers before the queue, each waiting for its answer
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) callers: u32,
    /// With --database-url: take turns with a transaction for each order
    #[arg(long)]
    pub(crate) naive: bool,
    /// With --database-url: the orders that a file of events makes, over and over, in place of orders at random
    #[arg(long, value_name = "FILE", conflicts_with_all = ["products", "lines"])]
    pub(crate) orders_from: Option<PathBuf>,
    /// With --database-url: leave what was written
    #[arg(long)]
    pub(crate) keep: bool,
    /// With --database-url: seconds of a round
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,
    /// With --database-url: rounds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rounds: u32,
}

/// `bench http`
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchHttpArgs {
    /// Connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) connections: u32,
    /// Seconds of a round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// Rounds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rounds: u32,
    /// Over how many products the orders are spread
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) products: u32,
    /// Take turns with an empty handler
    #[arg(long)]
    pub(crate) baseline: bool,
    /// Another service on the same store; the connections are shared out among all
    #[arg(long = "replica", value_name = "URL", requires = "server", conflicts_with = "baseline")]
    pub(crate) replicas: Vec<String>,
    /// Which service.
    #[command(flatten)]
    pub(crate) service: BenchServiceArgs,
}

/// `bench batch`
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchBatchArgs {
    /// Orders in a request
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) orders: u32,
    /// Connections
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) connections: u32,
    /// Seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// Over how many products the orders are spread
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) products: u32,
    /// Which service.
    #[command(flatten)]
    pub(crate) service: BenchServiceArgs,
}

/// `bench latency`
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchLatencyArgs {
    /// Orders a second
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) rate: Option<u32>,
    /// Connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) connections: u32,
    /// Seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// Over how many products the orders are spread
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) products: u32,
    /// Which service.
    #[command(flatten)]
    pub(crate) service: BenchServiceArgs,
}

/// `bench kafka`
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchKafkaArgs {
    /// Kafka brokers; the bench makes topics of its own there
    #[arg(long, value_name = "HOST:PORT,…")]
    pub(crate) kafka_brokers: String,
    /// Orders that lie in the topic before the service starts
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(crate) orders: u64,
    /// Orders a second instead: how long each takes until its event can be read
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: Option<u32>,
    /// With --rate: seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// Over how many products the orders are spread
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) products: u32,
    /// Publish nothing
    #[arg(long)]
    pub(crate) no_publish: bool,
    /// Where the bench's own store is made; put it on a disk [default: here]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

/// `bench flash-sale`
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchSaleArgs {
    /// Units there are
    #[arg(long, default_value_t = 1_000)]
    pub(crate) stock: u32,
    /// Clients
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) clients: u32,
    /// Which service.
    #[command(flatten)]
    pub(crate) service: BenchServiceArgs,
}
