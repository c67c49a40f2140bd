//! What was told and is being removed from the outbox, while the relay goes on.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_domain::{Actor, Timestamp};

use crate::bounded_wait::hear_within;
use crate::command::{Command, Submission};
use crate::events::{Parcel, PlaceInStream, SentParcel, UnsentEvent};
use crate::queue::{Class, CommandQueue};
use crate::ticket::Ticket;

/// The most events that were told and not removed yet: beyond that a relay waits for the lane.
const EVENTS_MAX: usize = 16_384;
/// So many are removed at once, or those that were told so long ago: each removal is part of a commit, and commits are
/// dear.
const TOGETHER: (usize, Duration) = (1_024, Duration::from_millis(100));
/// How long it waits for it at a time.
const WAIT: Duration = Duration::from_secs(1);

/// What was told and is being removed.
pub(super) struct Removals {
    destination: Arc<str>,
    queue: CommandQueue,
    actor: Actor,
    /// The oldest first. One that could not be put in line, or failed, has no ticket.
    under_way: VecDeque<(Arc<[SentParcel]>, Option<Ticket>)>,
    /// What was told and is not removed yet: whole parcels.
    parcels: HashSet<Parcel>,
    /// The same: events of others, by what they are and when they were written, for what they stand together with may
    /// change.
    parts: HashSet<(PlaceInStream, Timestamp)>,
    /// The events that are being removed.
    events: usize,
    /// What was told and is not being removed yet, its events, and since when.
    gathered: Vec<SentParcel>,
    gathered_events: usize,
    since: Instant,
}

impl Removals {
    pub(super) fn of(destination: Arc<str>, queue: CommandQueue) -> Self {
        let actor = Actor::new("relay").expect("a plain word is an actor");
        Self {
            destination,
            queue,
            actor,
            under_way: VecDeque::new(),
            parcels: HashSet::new(),
            parts: HashSet::new(),
            events: 0,
            gathered: Vec::new(),
            gathered_events: 0,
            since: Instant::now(),
        }
    }

    /// The parcels that were told as a whole and are not removed yet.
    pub(super) const fn parcels(&self) -> &HashSet<Parcel> {
        &self.parcels
    }

    /// How many events of other parcels were told and are not removed yet.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Whether an event was told, of a parcel that was not told as a whole.
    pub(super) fn has_part(&self, unsent: &UnsentEvent) -> bool {
        !self.parts.is_empty() && self.parts.contains(&(unsent.event.place, unsent.parcel.written_at))
    }

    /// Has events removed that were told, together with others.
    pub(super) fn add(&mut self, sent: Vec<SentParcel>) {
        if self.gathered.is_empty() {
            self.since = Instant::now();
        }
        for sent in &sent {
            if let Some(part) = &sent.part {
                self.parts.extend(places(&sent.parcel, part));
            } else {
                self.parcels.insert(sent.parcel);
            }
            self.gathered_events = self.gathered_events.saturating_add(sent.events());
        }
        self.gathered.extend(sent);
        self.remove_gathered(false);
    }

    /// How long what was gathered may still wait; `None` where there is nothing.
    pub(super) fn due_in(&self) -> Option<Duration> {
        (!self.gathered.is_empty()).then(|| TOGETHER.1.saturating_sub(self.since.elapsed()))
    }

    fn remove_gathered(&mut self, at_once: bool) {
        let is_time = self.gathered_events >= TOGETHER.0 || self.since.elapsed() >= TOGETHER.1;
        if self.gathered.is_empty() || !(is_time || at_once) {
            return;
        }
        let sent: Arc<[SentParcel]> = std::mem::take(&mut self.gathered).into();
        self.events = self.events.saturating_add(std::mem::take(&mut self.gathered_events));
        let ticket = self.submit(&sent);
        self.under_way.push_back((sent, ticket));
    }

    /// Forgets what is removed by now, and asks again for what could not be. Waits where too much is under way.
    pub(super) fn look(&mut self) {
        self.remove_gathered(false);
        let mut open = VecDeque::with_capacity(self.under_way.len());
        for (sent, ticket) in std::mem::take(&mut self.under_way) {
            match ticket.as_ref().map(Ticket::heard) {
                Some(Some(Ok(_))) => self.forget(&sent),
                Some(None) => open.push_back((sent, ticket)),
                Some(Some(Err(_))) | None => {
                    let ticket = self.submit(&sent);
                    open.push_back((sent, ticket));
                }
            }
        }
        self.under_way = open;
        if self.is_full() {
            self.remove_gathered(true);
            self.wait_for_oldest(WAIT);
        }
    }

    /// Whether so much waits to be removed that nothing more should be told.
    pub(super) const fn is_full(&self) -> bool {
        self.events.saturating_add(self.gathered_events) > EVENTS_MAX
    }

    /// Waits until all is removed, or not longer than this.
    pub(super) fn finish(&mut self, most: Duration) {
        self.remove_gathered(true);
        let since = Instant::now();
        while !self.under_way.is_empty() && since.elapsed() < most {
            self.wait_for_oldest(most.saturating_sub(since.elapsed()));
        }
    }

    fn wait_for_oldest(&mut self, most: Duration) {
        let Some((sent, ticket)) = self.under_way.pop_front() else { return };
        let ticket = ticket.or_else(|| self.submit(&sent));
        // A command that is given up is dropped undecided, and asked for again.
        match ticket.and_then(|ticket| hear_within(ticket, most)) {
            Some(Ok(_)) => self.forget(&sent),
            Some(Err(_)) | None => {
                self.under_way.push_front((sent, None));
                std::thread::sleep(most.min(Duration::from_millis(20)));
            }
        }
    }

    fn forget(&mut self, sent: &[SentParcel]) {
        for sent in sent {
            if let Some(part) = &sent.part {
                places(&sent.parcel, part).for_each(|place| {
                    self.parts.remove(&place);
                });
            } else {
                self.parcels.remove(&sent.parcel);
            }
            self.events = self.events.saturating_sub(sent.events());
        }
    }

    fn submit(&self, sent: &Arc<[SentParcel]>) -> Option<Ticket> {
        let command = Command::RemoveEvents { destination: self.destination.clone(), sent: sent.clone() };
        let submission = Submission { command, actor: self.actor.clone(), key: None, decided_at: None };
        self.queue.submit(submission, Class::Maintenance, None).ok()
    }
}

/// Events of a parcel, wherever they stand.
fn places(parcel: &Parcel, part: &[PlaceInStream]) -> impl Iterator<Item = (PlaceInStream, Timestamp)> {
    let written_at = parcel.written_at;
    part.iter().map(move |place| (*place, written_at))
}
