//! `bench`: load on the committer, on a service of its own or on a running one; every bench checks its own result.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{BenchArgs, BenchCommand, CommonArgs};
use crate::exit::{Exit, Failure, unless_unread};
use crate::numbers::{count, float};

mod answered;
mod baseline;
mod batch;
mod callers;
mod client;
mod commit;
mod flash_sale;
mod http;
mod kafka;
mod latency;
mod naive;
mod orders;
mod service;
mod setting_up;

/// Runs a bench and prints its result.
pub(super) fn run(common: &CommonArgs, args: &BenchArgs) -> Result<Exit, Failure> {
    let result = match &args.command {
        Some(BenchCommand::Commit(args)) => commit::run(common, args)?,
        Some(BenchCommand::Http(args)) => http::run(common, args)?,
        Some(BenchCommand::Batch(args)) => batch::run(common, args)?,
        Some(BenchCommand::Latency(args)) => latency::run(common, args)?,
        Some(BenchCommand::Kafka(args)) => kafka::run(common, args)?,
        Some(BenchCommand::FlashSale(args)) => flash_sale::run(common, args)?,
        None => http::run(common, &args.http)?,
    };
    unless_unread(super::output(common).object(&result.shown))?;
    Ok(if result.is_right { Exit::Done } else { Exit::Failed })
}

/// What a bench found.
struct Found {
    /// As it is printed.
    shown: Value,
    /// Whether the books tell what the answers told.
    is_right: bool,
}

/// What was answered, and how long each answer took.
#[derive(Debug, Default)]
struct Tally {
    accepted: u64,
    refused: u64,
    errors: u64,
    /// In microseconds.
    latencies: Vec<u32>,
}

impl Tally {
    fn answered(&mut self, status: u16) {
        let counter = match status {
            200 | 201 => &mut self.accepted,
            409 => &mut self.refused,
            _ => &mut self.errors,
        };
        *counter = counter.saturating_add(1);
    }

    fn took(&mut self, time: Duration) {
        self.latencies.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    fn join(&mut self, other: Self) {
        self.accepted = self.accepted.saturating_add(other.accepted);
        self.refused = self.refused.saturating_add(other.refused);
        self.errors = self.errors.saturating_add(other.errors);
        self.latencies.extend(other.latencies);
    }

    /// Orders that were decided.
    const fn decided(&self) -> u64 {
        self.accepted.saturating_add(self.refused)
    }

    /// The latency below which `per_mille` of a thousand answers lie, in milliseconds.
    fn percentile(sorted: &[u32], per_mille: usize) -> f64 {
        let place = sorted.len().saturating_mul(per_mille).div_ceil(1_000).saturating_sub(1);
        sorted.get(place).map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
    }

    /// The members of CONTRACT, section 10.
    fn shown(&mut self, per_second: f64, oversold: u64) -> Value {
        self.latencies.sort_unstable();
        let percentile = |per_mille| Self::percentile(&self.latencies, per_mille);
        json!({
            "throughput_per_s": per_second.round(),
            "accepted": self.accepted,
            "refused": self.refused,
            "errors": self.errors,
            "oversold": oversold,
            "p50_ms": percentile(500),
            "p99_ms": percentile(990),
            "p999_ms": percentile(999),
        })
    }
}

/// Whether books that hold so many orders tell what was answered: of a request that failed nobody knows whether its
/// order is held.
fn tell_the_same(answered: &[&Tally], held: u64) -> bool {
    let accepted = answered.iter().map(|tally| tally.accepted).fold(0, u64::saturating_add);
    let in_doubt = answered.iter().map(|tally| tally.errors).fold(0, u64::saturating_add);
    (accepted..=accepted.saturating_add(in_doubt)).contains(&held)
}

/// How many a second.
fn rate(number: u64, time: Duration) -> f64 {
    float(number) / time.as_secs_f64().max(f64::EPSILON)
}

/// The middle of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

/// To three places, as ratios are printed.
fn rounded(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

/// Adds members to a result.
fn with(mut shown: Value, more: Value) -> Value {
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    shown
}

/// The number of a list's elements as JSON shows it.
fn shown_count(length: usize) -> Value {
    count(length).into()
}
