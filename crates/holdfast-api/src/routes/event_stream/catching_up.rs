//! What happened while a client was away, read in the ledger page by page until the client hears the rest with everybody else.
//!
//! What is settled is read by its places. Where several write, what is not settled is read at one moment: that moment shows of each
//! product everything up to some movement (PROTOCOL, section 3.10), so no product's events come in the wrong order.

use std::collections::HashMap;
use std::time::Duration;

use holdfast_application::events::PlaceInStream;
use holdfast_application::queries::{LedgerPlace, ReadError, StockQueries, ToldPlace};
use holdfast_application::stream::ring::Mark;
use holdfast_application::stream::{Listener, StreamPosition, frame};
use holdfast_domain::ItemNumber;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Wanted;
use crate::code::ProblemCode;
use crate::problem::Problem;
use crate::state::Service;

/// Movements of one page.
const PAGE: usize = 500;
/// How many pages are read at a time, over all streams: the other reads of the service keep their connections.
static READING: Semaphore = Semaphore::const_new(2);
/// How long it is remembered what was sent: by then everybody has heard of it.
const REMEMBERED: Duration = Duration::from_mins(1);
/// The most products of which it is remembered. Beyond that some events may come again.
const REMEMBERED_MAX: usize = 200_000;

/// What was read in the ledger: of each product up to which sequence and part.
#[derive(Debug, Default)]
pub(super) struct AlreadySent {
    last: HashMap<[u8; 16], (u64, u32)>,
    until: Option<Instant>,
}

impl AlreadySent {
    /// Whether this was read in the ledger.
    pub(super) fn has(&mut self, at: &PlaceInStream) -> bool {
        if self.last.is_empty() {
            return false;
        }
        if self.until.is_some_and(|until| Instant::now() >= until) {
            self.last = HashMap::new();
            return false;
        }
        self.last.get(&at.key).is_some_and(|last| (at.sequence, at.part) <= *last)
    }

    fn note(&mut self, at: &PlaceInStream) {
        if self.last.len() >= REMEMBERED_MAX && !self.last.contains_key(&at.key) {
            self.last.clear();
        }
        self.last.insert(at.key, (at.sequence, at.part));
    }

    /// Everything else is heard with everybody else.
    pub(super) fn heard_from_now_on(&mut self) {
        self.until = Instant::now().checked_add(REMEMBERED);
    }
}

/// How far somebody has caught up.
#[derive(Debug)]
pub(super) struct CatchingUp {
    behind: StreamPosition,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// Nothing was read yet.
    First,
    /// What is settled is read behind this place.
    Settled(LedgerPlace),
    /// These movements were there at one moment; what came later is heard from the mark on.
    Present(std::vec::IntoIter<LedgerPlace>, Mark),
}

/// What became of reading a page.
pub(super) enum Page {
    /// Events as they are sent; perhaps none that is wanted.
    Read(Vec<u8>),
    /// Everything else is heard from here on.
    End(Mark),
}

impl CatchingUp {
    /// What happened behind this position.
    pub(super) fn behind(position: StreamPosition) -> Self {
        Self { behind: position, step: Step::First }
    }

    /// Reads the next page.
    pub(super) async fn next(
        &mut self,
        service: &Service,
        listener: &Listener,
        wanted: &Wanted,
        already: &mut AlreadySent,
    ) -> Result<Page, Problem> {
        let _turn = READING.acquire().await.map_err(|_closed| Problem::new(ProblemCode::Internal, "No turns."))?;
        let behind = self.behind;
        // What happens while the ledger is read is heard.
        let mark = listener.mark();
        let places: Vec<LedgerPlace> = match &mut self.step {
            Step::First => {
                let first = service.read(move |queries| first(behind, queries)).await?;
                self.step = Step::Settled(first);
                return Ok(Page::Read(Vec::new()));
            }
            Step::Settled(after) => {
                let from = *after;
                let (places, horizon) = service
                    .read(move |queries| {
                        let horizon = queries.horizon()?;
                        Ok((queries.places_between(from, horizon.settled, PAGE)?, horizon))
                    })
                    .await?;
                if let Some(last) = places.last() {
                    *after = *last;
                }
                if places.len() < PAGE {
                    self.step = if horizon.is_sharp() {
                        Step::Present(Vec::new().into_iter(), mark)
                    } else {
                        let settled = LedgerPlace::behind(horizon.settled).max(from);
                        let rest = move |queries: &dyn StockQueries| {
                            queries.places_between(settled, queries.horizon()?.now, usize::MAX)
                        };
                        Step::Present(service.read(rest).await?.into_iter(), mark)
                    };
                }
                places
            }
            Step::Present(places, mark) => {
                let places: Vec<LedgerPlace> = places.take(PAGE).collect();
                if places.is_empty() {
                    return Ok(Page::End(*mark));
                }
                places
            }
        };
        let movements: Vec<(ItemNumber, u64)> = places.iter().map(|place| (place.item, place.sequence)).collect();
        let told = service.read(move |queries| queries.events_at(&movements)).await?;
        Ok(Page::Read(self.texts(&told, &service.settings.event_source, wanted, already)))
    }

    /// The events that are wanted, as they are sent.
    fn texts(&self, told: &[ToldPlace], source: &str, wanted: &Wanted, already: &mut AlreadySent) -> Vec<u8> {
        let mut texts = Vec::new();
        for (place, event) in told.iter().flat_map(|told| told.events.iter().map(|event| (told.place, event))) {
            already.note(&event.place);
            let is_new = place.item != self.behind.place.item
                || (place.sequence, event.place.part) > (self.behind.place.sequence, self.behind.part);
            if is_new && wanted.has(event.kind, &event.place) {
                let position = StreamPosition { place, part: event.place.part, sent: None };
                let text = frame::frame(event, position, source);
                texts.extend_from_slice(text.unwrap_or_default().as_bytes());
            }
        }
        texts
    }
}

/// Behind which place a movement may stand that came after this position.
fn first(behind: StreamPosition, queries: &dyn StockQueries) -> Result<LedgerPlace, ReadError> {
    let horizon = queries.horizon()?;
    if horizon.is_sharp() {
        // Further parts of the same movement may not have been sent.
        let sequence =
            if behind.part == u32::MAX { behind.place.sequence } else { behind.place.sequence.saturating_sub(1) };
        return Ok(LedgerPlace { sequence, ..behind.place });
    }
    Ok(LedgerPlace::before(behind.place.created_at.before(horizon.now.since(horizon.settled))))
}
