//! Log lines and metrics.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};
use crate::exit::Failure;

/// Upper bounds of the buckets of durations, in seconds: from a memory write to a stuck disk.
const DURATIONS: [f64; 15] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of the buckets of commands in a batch.
const BATCHES: [f64; 12] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 4_096.0];

/// Sends log lines to standard error: text on a terminal, JSON when piped, unless a setting says otherwise.
pub(crate) fn start_logging(settings: &Settings) {
    let filter = EnvFilter::new(&settings.log_level);
    let is_terminal = std::io::stderr().is_terminal();
    let as_json = match settings.log_format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber is refused, which can only mean that one is there already.
    let _ = if as_json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        lines.with_ansi(is_terminal && !plain).with_target(false).try_init()
    };
}

/// Starts counting; the handle renders what `/metrics` shows.
pub(crate) fn start_metrics() -> Result<PrometheusHandle, Failure> {
    let install = || -> Result<PrometheusHandle, BuildError> {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATIONS)?
            .set_buckets_for_metric(Matcher::Full("holdfast_batch_commands".to_owned()), &BATCHES)?
            .install_recorder()
    };
    let handle = install().map_err(|error| Failure::failed("metrics cannot be counted", &error))?;
    describe();
    metrics::gauge!("holdfast_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    metrics::gauge!("holdfast_queue_depth").set(0.0);
    Ok(handle)
}

/// Says what each metric counts.
fn describe() {
    metrics::describe_counter!("holdfast_commands_total", "Commands decided, by kind and outcome");
    metrics::describe_counter!("holdfast_commands_dropped_total", "Commands dropped undecided, by reason");
    metrics::describe_histogram!("holdfast_command_duration_seconds", "Time from waiting in line to the answer");
    metrics::describe_gauge!("holdfast_queue_depth", "Commands that wait");
    metrics::describe_histogram!("holdfast_batch_commands", "Commands in one transaction");
    metrics::describe_histogram!("holdfast_commit_duration_seconds", "Time of one transaction");
    metrics::describe_gauge!("holdfast_event_streams", "Event streams that are open");
    metrics::describe_counter!("holdfast_event_streams_dropped_total", "Event streams that were ended, by reason");
    metrics::describe_counter!("holdfast_events_in_total", "Upstream events, by type and outcome");
    metrics::describe_counter!("holdfast_expired_orders_total", "Orders that ended because their time was over");
    metrics::describe_counter!("holdfast_store_retries_total", "Transactions tried again, by reason");
    metrics::describe_histogram!("holdfast_lock_wait_seconds", "Time from asking for locks to holding them, by batch");
    metrics::describe_counter!("holdfast_lock_bypassed_total", "Times a lane went on without the lock, by reason");
    metrics::describe_gauge!("holdfast_build_info", "The version that runs");
}
