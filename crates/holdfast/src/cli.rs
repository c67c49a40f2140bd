//! What can be asked on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use holdfast_domain::ProductId;

use crate::config::FromCommandLine;
use crate::duration_text;

/// Reserves stock for orders and never promises a unit twice.
#[derive(Debug, Parser)]
#[command(
    name = "holdfast",
    version,
    max_term_width = 120,
    after_help = "Examples:\n  holdfast serve --listen 127.0.0.1:8080 --data ./data\n  holdfast demo\n\n\
                  Exit codes: 0 done, 1 failed, 2 usage, 3 the answer is no, 4 not allowed, 5 not found, 6 conflict, \
                  7 invalid, 8 retry later, 9 partly done. Without a command: serve."
)]
pub(crate) struct CommandLine {
    /// What applies to every command.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    /// What to do; `serve` where it is left out.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What applies to every command.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct CommonArgs {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Set any setting
    #[arg(long, value_name = "SECTION.KEY=VALUE", global = true)]
    pub(crate) set: Vec<String>,
    /// The folder of the embedded store [default: ./data]
    #[arg(long, value_name = "FOLDER", global = true)]
    pub(crate) data: Option<String>,
    /// A shared database: mysql://user:password@host:port/database
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) database_url: Option<String>,
    /// Write JSON lines also on a terminal
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show no progress of long work
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

impl CommonArgs {
    /// What it says about settings.
    pub(crate) fn settings(&self) -> FromCommandLine {
        let own = [("store.data", "--data", &self.data), ("store.database_url", "--database-url", &self.database_url)];
        let flags = own.into_iter().filter_map(|(key, flag, value)| Some((key, flag, value.clone()?)));
        FromCommandLine { file: self.config.clone(), set: self.set.clone(), flags: flags.collect() }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service
    Serve(ServeArgs),
    /// Create or upgrade the store's schema
    Migrate(MigrateArgs),
    /// Import products with their first stock from a CSV file
    Import(ImportArgs),
    /// Write products, movements, reservations or orders
    Export(ExportArgs),
    /// Feed a file of events
    Replay(ReplayArgs),
    /// Prove the books: every number follows from its movements
    Verify(VerifyArgs),
    /// Measure: load on the committer, on a service of its own or on a running one
    #[command(args_conflicts_with_subcommands = true)]
    Bench(BenchArgs),
    /// Run the service with sample products and light traffic in a temporary folder
    Demo(DemoArgs),
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write the OpenAPI document of the HTTP interface
    #[command(after_help = "Examples:\n  holdfast openapi\n  holdfast openapi > openapi.json")]
    Openapi,
    /// Write completions for a shell
    #[command(
        alias = "completion",
        after_help = "Examples:\n  holdfast completions bash > ~/.local/share/bash-completion/completions/holdfast\n  \
                            holdfast completions fish | source"
    )]
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// `serve`
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  holdfast serve\n  holdfast serve --listen 127.0.0.1:0 --data /var/lib/holdfast")]
pub(crate) struct ServeArgs {
    /// Where to listen [default: 127.0.0.1:8080]; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// A Redis whose lock lets replicas take turns
    #[arg(long, value_name = "URL")]
    pub(crate) redis_url: Option<String>,
    /// Kafka brokers to read events from and write them to
    #[arg(long, value_name = "HOST:PORT,…")]
    pub(crate) kafka_brokers: Option<String>,
    /// Upgrade the schema of a shared database too
    #[arg(long)]
    pub(crate) migrate: bool,
}

impl ServeArgs {
    /// The settings its flags give.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&'static str, &'static str, String)> {
        [
            ("server.listen", "--listen", self.listen.clone()),
            ("lock.redis_url", "--redis-url", self.redis_url.clone()),
            ("kafka.brokers", "--kafka-brokers", self.kafka_brokers.clone()),
        ]
        .into_iter()
        .filter_map(|(key, flag, value)| Some((key, flag, value?)))
    }
}

/// `demo`
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  holdfast demo\n  holdfast demo --listen 127.0.0.1:0 --keep")]
pub(crate) struct DemoArgs {
    /// Where to listen [default: 127.0.0.1:8080]; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Keep the folder
    #[arg(long)]
    pub(crate) keep: bool,
}

/// `migrate`
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  holdfast migrate --dry-run\n  holdfast migrate --data /var/lib/holdfast")]
pub(crate) struct MigrateArgs {
    /// Only print the statements
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A running service instead of a store.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServerArg {
    /// Talk to a running service instead of a store
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "database_url"])]
    pub(crate) server: Option<String>,
}

/// `import`
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  holdfast import catalogue.csv --dry-run\n  holdfast import catalogue.csv --quantity 0 \
                        --server http://127.0.0.1:8080"
)]
pub(crate) struct ImportArgs {
    /// The CSV file with columns `product_id`, `sku`, `name`, `initial_quantity`, `reorder_level`, `max_stock_level` and
    /// perhaps `location_id`; `-` reads standard input
    pub(crate) file: PathBuf,
    /// Take the first stock from this column
    #[arg(long, value_name = "NAME", conflicts_with = "quantity")]
    pub(crate) quantity_column: Option<String>,
    /// Give every product this first stock
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000_000))]
    pub(crate) quantity: Option<u32>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where to.
    #[command(flatten)]
    pub(crate) server: ServerArg,
}

/// What `export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportKind {
    /// Products with their levels, by SKU.
    Products,
    /// The audit trail, by product and sequence.
    Movements,
    /// Reservations, by order.
    Reservations,
    /// Orders, by id.
    Orders,
}

/// How `export` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A header and a line per row (RFC 4180).
    Csv,
    /// A JSON object per row.
    Jsonl,
}

/// `export`
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  holdfast export products > products.csv\n  holdfast export movements --format jsonl"
)]
pub(crate) struct ExportArgs {
    /// What to write
    pub(crate) what: ExportKind,
    /// How to write it [default: csv, or jsonl with --json]
    #[arg(long)]
    pub(crate) format: Option<ExportFormat>,
    /// Where from.
    #[command(flatten)]
    pub(crate) server: ServerArg,
}

/// Whose time a replay decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayClock {
    /// Each event's own.
    Events,
    /// The present.
    Wall,
}

/// What a replay does with a payment for an expired order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LatePaymentArg {
    /// Refuse it.
    Refuse,
    /// Reserve and confirm, if there is stock.
    Reacquire,
}

/// The kinds of events in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum EventKind {
    /// An order was made.
    OrderCreated,
    /// An order was cancelled.
    OrderCancelled,
    /// An order was paid.
    PaymentCompleted,
    /// A payment failed.
    PaymentFailed,
    /// Units came in.
    StockAdded,
    /// Units went out.
    StockRemoved,
    /// Units came back.
    StockReturned,
}

/// How fast a replay goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speed {
    /// As fast as it can.
    Max,
    /// So many times as fast as the events happened.
    Times(f64),
}

/// `replay`
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  holdfast replay events.jsonl.gz --ttl 24h\n  holdfast replay events.jsonl --kinds \
                        order_created --server http://127.0.0.1:8080"
)]
pub(crate) struct ReplayArgs {
    /// The file, one JSON object a line, plain or .gz; `-` reads standard input
    pub(crate) file: PathBuf,
    /// Only these kinds of events
    #[arg(long, value_name = "KIND,…", value_delimiter = ',')]
    pub(crate) kinds: Vec<EventKind>,
    /// Whose time decides [default: events, on a running service wall]
    #[arg(long)]
    pub(crate) clock: Option<ReplayClock>,
    /// How long orders are held, such as 24h [default: never]
    #[arg(long, value_name = "DURATION|never", value_parser = ttl)]
    pub(crate) ttl: Option<Ttl>,
    /// What a payment does to an expired order [default: refuse]
    #[arg(long)]
    pub(crate) late_payment: Option<LatePaymentArg>,
    /// So many times as fast as the events happened, or as fast as it goes
    #[arg(long, value_name = "N|max", default_value = "max", value_parser = speed)]
    pub(crate) speed: Speed,
    /// Where to.
    #[command(flatten)]
    pub(crate) server: ServerArg,
}

/// `verify`
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  holdfast verify\n  holdfast verify --product 3fa85f64-5717-4562-b3fc-2c963f66afa6"
)]
pub(crate) struct VerifyArgs {
    /// Only this product
    #[arg(long, value_name = "ID", value_parser = product_id)]
    pub(crate) product: Option<ProductId>,
}

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
        after_help = "Examples:\n  holdfast bench commit\n  holdfast bench commit --products 10000 --orders 500000"
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
    #[arg(long, default_value_t = 1_024)]
    pub(crate) batch: usize,
    /// Orders in all
    #[arg(long, default_value_t = 200_000)]
    pub(crate) orders: u64,
    /// Lines of an order
    #[arg(long, default_value_t = 1)]
    pub(crate) lines: usize,
    /// Where the bench's own store is made; put it on a disk [default: here]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

/// `bench http`
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchHttpArgs {
    /// Connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) connections: u32,
    /// Seconds of a round
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
    /// Rounds
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u32,
    /// Over how many products the orders are spread
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) products: u32,
    /// Take turns with an empty handler
    #[arg(long)]
    pub(crate) baseline: bool,
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
    #[arg(long, default_value_t = 5)]
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
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// Over how many products the orders are spread
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) products: u32,
    /// Which service.
    #[command(flatten)]
    pub(crate) service: BenchServiceArgs,
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

/// `config …`
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting and where its value comes from
    #[command(after_help = "Examples:\n  holdfast config show\n  holdfast config show --json --config holdfast.toml")]
    Show,
}

/// How long a replay holds orders; `None` for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ttl(pub(crate) Option<Duration>);

fn ttl(text: &str) -> Result<Ttl, String> {
    use holdfast_application::policy::{TTL_MAX, TTL_MIN};
    let parsed = duration_text::parse_or_never(text).ok();
    let ttl = parsed.filter(|ttl| ttl.is_none_or(|ttl| (TTL_MIN..=TTL_MAX).contains(&ttl)));
    ttl.map(Ttl).ok_or_else(|| "neither a duration from 5s to 14d nor `never`".to_owned())
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    let times = text.parse().ok().filter(|times: &f64| times.is_finite() && *times > 0.0);
    times.map(Speed::Times).ok_or_else(|| "neither a number above 0 nor `max`".to_owned())
}

fn product_id(text: &str) -> Result<ProductId, String> {
    ProductId::parse(text).ok_or_else(|| "no UUID such as 3fa85f64-5717-4562-b3fc-2c963f66afa6".to_owned())
}
