//! Counts upstream events, whichever way they come.

use super::upstream_event::{EventNames, kind_of};
use crate::order_event::EventOutcome;

/// Counts an event and what became of it.
pub fn count(names: &EventNames, outcome: EventOutcome) {
    let kind = names.kind.as_deref().and_then(kind_of).map_or("unknown", |kind| kind.as_str());
    metrics::counter!("holdfast_events_in_total", "type" => kind, "outcome" => outcome.as_str()).increment(1);
}
