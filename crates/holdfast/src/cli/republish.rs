//! What `republish` is asked.

use clap::Args;
use holdfast_domain::{ProductId, Timestamp};

/// Where a range of the ledger begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RangeEnd {
    /// At this time.
    Time(Timestamp),
    /// At this sequence of a product.
    Sequence(u64),
}

/// `republish`
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  holdfast republish --from 2026-11-22T10:00:00Z --kafka-brokers 127.0.0.1:9092\n  holdfast republish \
                        --product 3fa85f64-5717-4562-b3fc-2c963f66afa6 --from 1 --dry-run"
)]
pub(crate) struct RepublishArgs {
    /// From this time on; with --product also from this sequence on
    #[arg(long, value_name = "TIME|SEQUENCE", value_parser = range_end)]
    pub(crate) from: RangeEnd,
    /// Before this time; with --product also up to and with this sequence [default: everything there is]
    #[arg(long, value_name = "TIME|SEQUENCE", value_parser = range_end)]
    pub(crate) to: Option<RangeEnd>,
    /// Only this product
    #[arg(long, value_name = "ID", value_parser = super::product_id)]
    pub(crate) product: Option<ProductId>,
    /// Only print the events, as CloudEvents
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The brokers to send to
    #[arg(long, value_name = "HOST:PORT,…")]
    pub(crate) kafka_brokers: Option<String>,
}

impl RepublishArgs {
    /// The settings its flags give.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&'static str, &'static str, String)> {
        self.kafka_brokers.clone().map(|brokers| ("kafka.brokers", "--kafka-brokers", brokers)).into_iter()
    }
}

fn range_end(text: &str) -> Result<RangeEnd, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(RangeEnd::Sequence).map_err(|_too_large| "no sequence is so large".to_owned());
    }
    let time = Timestamp::parse(text).map(RangeEnd::Time);
    time.ok_or_else(|| "no time such as 2026-11-22T10:00:00Z, and no sequence".to_owned())
}
