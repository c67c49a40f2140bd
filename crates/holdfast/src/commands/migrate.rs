//! `migrate`: creates or upgrades the schema, or tells the statements that would.

use serde_json::json;

use crate::cli::{CommonArgs, MigrateArgs};
use crate::exit::{Exit, Failure};
use crate::wiring;

/// Brings the schema up to date.
pub(super) fn run(common: &CommonArgs, args: &MigrateArgs) -> Result<Exit, Failure> {
    let settings = super::settings(common)?;
    let statements = wiring::migrate(&settings, args.dry_run)?;
    let mut output = super::output(common);
    if output.is_for_people() && args.dry_run {
        for statement in &statements {
            output.text(statement)?;
        }
    } else {
        output.object(&json!({"applied": !args.dry_run, "statements": statements}))?;
    }
    Ok(Exit::Done)
}
