//! Log lines and metrics.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};

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
