//! What can be asked of `replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::ServerArg;
use crate::duration_text;

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
