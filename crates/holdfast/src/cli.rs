//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use holdfast_domain::ProductId;

use crate::config::FromCommandLine;

mod bench;
mod replay;
mod republish;

pub(crate) use bench::{
    BenchArgs, BenchBatchArgs, BenchCommand, BenchCommitArgs, BenchHttpArgs, BenchKafkaArgs, BenchLatencyArgs,
    BenchSaleArgs, BenchServiceArgs,
};
pub(crate) use replay::{EventKind, LatePaymentArg, ReplayArgs, ReplayClock, Speed};
pub(crate) use republish::{RangeEnd, RepublishArgs};

/// Reserves stock for orders and never promises a unit twice.
#[derive(Debug, Parser)]
#[command(
    name = "holdfast",
    version,
    max_term_width = 120,
    after_help = "Examples:\n  holdfast serve --listen 127.0.0.1:8080 --data ./data\n  holdfast demo\n\n\
                  Exit codes: 0 done, 1 failed, 2 usage, 3 the answer is no, 4 not allowed, 5 not found, 6 conflict, \
                  7 invalid, 8 retry later, 9 partly done, 130 interrupted. Without a command: serve."
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
    /// Copy a whole store into an empty one, whatever databases the two are
    Copy(CopyArgs),
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
    /// Send stock events again, out of the ledger
    Republish(RepublishArgs),
    /// Write the `AsyncAPI` document of the events, or the JSON schema of one
    #[command(after_help = "Examples:\n  holdfast asyncapi\n  holdfast asyncapi --event StockReserved")]
    Asyncapi {
        /// Only the schema of this event
        #[arg(long, value_name = "WORD", value_parser = event_kind)]
        event: Option<holdfast_application::events::EventKind>,
    },
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
    /// Kafka brokers to take orders and payments from
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
    /// The CSV file with columns `product_id`, `sku`, `name`, `initial_quantity`, `reorder_level`, `max_stock_level`
    /// and perhaps `location_id`; `-` reads standard input
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

/// `copy`
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  holdfast copy --from ./data --to mysql://holdfast:…@10.0.0.5/holdfast\n  holdfast copy --from \
                        mysql://holdfast:…@10.0.0.5/holdfast --to ./data"
)]
pub(crate) struct CopyArgs {
    /// The store to copy: a folder, or mysql://user:password@host:port/database
    #[arg(long, value_name = "FOLDER|URL", env = "HOLDFAST_COPY_FROM", hide_env_values = true)]
    pub(crate) from: String,
    /// The empty store to fill, which is made where there is none: a folder, or
    /// mysql://user:password@host:port/database
    #[arg(long, value_name = "FOLDER|URL", env = "HOLDFAST_COPY_TO", hide_env_values = true)]
    pub(crate) to: String,
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
    /// Also compare the embedded store's indexes with its tables, however large it is [default: up to 256 MiB]
    #[arg(long)]
    pub(crate) indexes: bool,
    /// Not for a proof: it is here so that who tries it is told why.
    #[arg(long, value_name = "URL", hide = true)]
    pub(crate) server: Option<String>,
}

/// `config …`
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting and where its value comes from
    #[command(after_help = "Examples:\n  holdfast config show\n  holdfast config show --json --config holdfast.toml")]
    Show,
}

fn product_id(text: &str) -> Result<ProductId, String> {
    ProductId::parse(text).ok_or_else(|| "no UUID such as 3fa85f64-5717-4562-b3fc-2c963f66afa6".to_owned())
}

fn event_kind(text: &str) -> Result<holdfast_application::events::EventKind, String> {
    holdfast_application::events::EventKind::parse(text).ok_or_else(|| "no event such as StockReserved".to_owned())
}
