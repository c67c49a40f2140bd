//! Log lines and metrics.

use std::io::{self, IsTerminal, Write};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};
use crate::exit::Failure;
use crate::metric_list;

/// Upper bounds of the buckets of durations, in seconds: from a memory write to a stuck disk.
const DURATIONS: [f64; 15] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of the buckets of commands in a batch.
const BATCHES: [f64; 12] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 4_096.0];

/// Sends log lines to standard error: text on a terminal, JSON when piped, unless a setting says otherwise.
pub(crate) fn start_logging(settings: &Settings) {
    let filter = EnvFilter::new(&settings.log_level);
    let is_terminal = io::stderr().is_terminal();
    let as_json = match settings.log_format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    // A line that cannot be written is told nobody: the library would tell standard error, and panic where that fails.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).log_internal_errors(false).with_writer(|| Log);
    // A second subscriber is refused, which can only mean that one is there already.
    let _ = if as_json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        lines.with_ansi(is_terminal && !plain).with_target(false).try_init()
    };
}

/// Standard error, which may be gone, or on a disk that is full: nothing else fails for that.
struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
    metric_list::announce();
    Ok(handle)
}
