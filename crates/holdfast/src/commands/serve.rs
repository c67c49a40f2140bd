//! `serve`: the service.

use crate::cli::{CommonArgs, ServeArgs};
use crate::exit::{Exit, Failure};
use crate::{telemetry, wiring};

/// Runs the service until it is told to stop.
pub(super) fn run(common: &CommonArgs, args: &ServeArgs) -> Result<Exit, Failure> {
    let settings = super::configuration(common, args.settings())?.typed()?;
    telemetry::start_logging(&settings);
    let _books = wiring::open_books(&settings)?;
    Err(Failure::not_yet("the HTTP interface"))
}
