//! `config show`: every setting, its value, and where that comes from. Passwords are masked.

use serde_json::json;

use crate::cli::CommonArgs;
use crate::exit::{Exit, Failure, unless_unread};

/// Prints every setting.
pub(super) fn run(common: &CommonArgs) -> Result<Exit, Failure> {
    let configuration = super::configuration(common, std::iter::empty())?;
    let rows: Vec<serde_json::Value> = configuration
        .all()
        .map(|(key, (origin, value))| json!({"key": key, "value": value.to_string(), "origin": origin.to_string()}))
        .collect();
    unless_unread(super::output(common).rows(&["key", "value", "origin"], &rows))?;
    configuration.typed()?;
    Ok(Exit::Done)
}
