//! How full the outbox is, and how its relays are: looked at once a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use holdfast_api::{Component, HealthState};
use holdfast_application::CommandQueue;
use holdfast_application::events::{Destination, EventSet, Publishing};
use holdfast_application::queries::{OutboxDepth, ReadError, StockQueries};
use holdfast_application::relay::RelayStatus;
use holdfast_domain::Timestamp;

use crate::numbers;

/// An event that has waited for longer than this is late.
const LATE_AFTER: Duration = Duration::from_secs(30);

/// Counting may take one part in so many of the time: a full outbox has many rows.
const COUNTING_SHARE: u32 = 20;

/// The outbox and its relays.
pub(super) struct OutboxWatch {
    destinations: Vec<Arc<str>>,
    relays: Vec<Arc<RelayStatus>>,
    events_max: usize,
    seen: Mutex<Seen>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    depth: OutboxDepth,
    age: Duration,
    /// When it was looked at, and how long that took.
    looked: Option<(Instant, Duration)>,
}

impl Seen {
    fn is_fresh(&self) -> bool {
        self.looked.is_some_and(|(at, took)| at.elapsed() < took.saturating_mul(COUNTING_SHARE))
    }
}

impl OutboxWatch {
    pub(super) fn of(publishing: &Publishing, relays: Vec<Arc<RelayStatus>>, events_max: usize) -> Self {
        // Dead letters are kept besides, so those that are not told yet keep nobody from writing.
        let hears_events = |destination: &&Destination| destination.wants != EventSet::DEAD_LETTERS;
        let events = publishing.destinations.iter().filter(hears_events);
        let destinations = events.map(|destination| destination.name.clone()).collect();
        Self { destinations, relays, events_max, seen: Mutex::default() }
    }

    /// Looks how much waits. With as much as the settings allow, who would add to it is turned away.
    pub(super) fn look(
        &self,
        queries: &dyn StockQueries,
        queue: &CommandQueue,
        now: Timestamp,
    ) -> Result<(), ReadError> {
        if self.destinations.is_empty() || self.seen().is_fresh() {
            return Ok(());
        }
        let started = Instant::now();
        let names: Vec<&str> = self.destinations.iter().map(|name| &**name).collect();
        let depth = queries.outbox_depth(&names, self.events_max)?;
        let age = depth.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
        metrics::gauge!("holdfast_outbox_pending").set(numbers::float(numbers::count(depth.events)));
        metrics::gauge!("holdfast_outbox_oldest_age_seconds").set(age.as_secs_f64());
        queue.set_only_maintenance(depth.events >= self.events_max);
        let looked = Some((started, started.elapsed()));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen { depth, age, looked };
        Ok(())
    }

    fn seen(&self) -> Seen {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is, for `/health`.
    pub(super) fn component(&self) -> Component {
        let Seen { depth, age, .. } = self.seen();
        let fault = self.relays.iter().find_map(|relay| relay.fault());
        let (state, detail) = if self.destinations.is_empty() {
            (HealthState::Healthy, Some("not configured".to_owned()))
        } else if depth.events >= self.events_max {
            let full = format!("{} events wait; writes are refused until some were told", depth.events);
            (HealthState::Degraded, Some(full))
        } else if let Some(fault) = fault {
            (HealthState::Degraded, Some(format!("events wait in the outbox: {fault}")))
        } else if age > LATE_AFTER {
            (HealthState::Degraded, Some(format!("an event has waited for {} s", age.as_secs())))
        } else {
            (HealthState::Healthy, None)
        };
        Component { name: "outbox", state, detail }
    }
}
