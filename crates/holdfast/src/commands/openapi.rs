//! `openapi`: the OpenAPI document of the HTTP interface.

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Prints the document.
pub(super) fn run() -> Result<Exit, Failure> {
    Output::new(true).text(holdfast_api::openapi_json().trim_end())?;
    Ok(Exit::Done)
}
