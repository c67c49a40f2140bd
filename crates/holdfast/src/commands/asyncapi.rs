//! `asyncapi`: the `AsyncAPI` document of the events, or the JSON schema of one of them.

use holdfast_api::asyncapi::{asyncapi_json, event_schema_json};
use holdfast_application::events::EventKind;

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Prints the document.
pub(super) fn run(event: Option<EventKind>) -> Result<Exit, Failure> {
    let document = event.map_or_else(asyncapi_json, event_schema_json);
    Output::new(true).text(document.trim_end())?;
    Ok(Exit::Done)
}
