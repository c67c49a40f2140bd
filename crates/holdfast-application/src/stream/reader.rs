//! The thread that reads the ledger for everybody who listens. It sleeps while nobody does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_domain::ItemNumber;

use super::frame::frame;
use super::position::StreamPosition;
use super::ring::{RecentEvents, Told};
use super::tail::Tail;
use crate::commit_bell::CommitBell;
use crate::queries::{LedgerPlace, ReadError, StockQueries};

/// How often the ledger is looked at when this service has committed nothing: others may have (PROTOCOL, section 3.10).
const POLL_EVERY: Duration = Duration::from_millis(200);
/// How long the reader leaves the ledger alone at least: what is committed meanwhile is read together.
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// How long a store that could not be read is left alone.
const AFTER_FAULT: Duration = Duration::from_secs(1);
/// How long the reader goes on when the last one who listened has gone: whoever comes back meanwhile misses and repeats
/// nothing.
const LINGER: Duration = Duration::from_mins(1);
/// Movements that are told at a time.
const STEP: usize = 500;

/// Reads the ledger for everybody who listens.
pub struct StreamReader {
    events: Arc<RecentEvents>,
    queries: Arc<dyn StockQueries>,
    /// Rung after each commit of this service.
    bell: Arc<CommitBell>,
    /// Where events say they come from.
    source: String,
}

impl std::fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamReader").field("source", &self.source).finish_non_exhaustive()
    }
}

impl StreamReader {
    /// A reader that feeds `events`.
    pub fn new(events: Arc<RecentEvents>, queries: Arc<dyn StockQueries>, bell: Arc<CommitBell>, source: &str) -> Self {
        Self { events, queries, bell, source: source.to_owned() }
    }

    /// Reads until the buffer is closed.
    pub fn run(self) {
        while self.events.wait_for_listeners() {
            match Tail::begin(&*self.queries) {
                Ok((tail, end)) => {
                    self.events.begin(end);
                    self.follow(tail);
                }
                Err(fault) => Self::rest_after(&fault),
            }
        }
    }

    /// Tells what happens, until nobody has listened for a while.
    fn follow(&self, mut tail: Tail) {
        let mut untold: Vec<LedgerPlace> = Vec::new();
        while self.events.goes_on(LINGER) {
            let (began, heard) = (Instant::now(), self.bell.rings());
            if let Err(fault) = self.tell(&mut tail, &mut untold) {
                Self::rest_after(&fault);
            }
            // Never busier than idle: at full load the processor is the writers'.
            std::thread::sleep(began.elapsed().clamp(PAUSE_MIN, POLL_EVERY));
            self.bell.wait(heard, POLL_EVERY);
        }
    }

    /// Tells what is new. What could not be looked up is told next time.
    fn tell(&self, tail: &mut Tail, untold: &mut Vec<LedgerPlace>) -> Result<(), ReadError> {
        loop {
            if untold.is_empty() {
                *untold = tail.next(&*self.queries)?;
            }
            if untold.is_empty() || self.events.is_closed() {
                return Ok(());
            }
            let step: Vec<(ItemNumber, u64)> =
                untold.iter().take(STEP).map(|place| (place.item, place.sequence)).collect();
            let told = self.queries.events_at(&step)?;
            untold.drain(..step.len());
            let mut sent = self.events.next();
            let mut texts = Vec::with_capacity(told.len());
            for (place, event) in told.iter().flat_map(|told| told.events.iter().map(|event| (told.place, event))) {
                let position = StreamPosition { place, part: event.place.part, sent: Some(sent) };
                if let Some(text) = frame(event, position, &self.source) {
                    texts.push(Told { kind: event.kind, at: event.place, position, text });
                    sent.number = sent.number.saturating_add(1);
                }
            }
            self.events.append(texts);
        }
    }

    fn rest_after(fault: &ReadError) {
        tracing::warn!(error = %fault, "the ledger cannot be read for those who listen; trying again");
        std::thread::sleep(AFTER_FAULT);
    }
}
