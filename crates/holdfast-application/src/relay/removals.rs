//! What was told and is being removed from the outbox, while the relay goes on.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_domain::{Actor, Timestamp};

use crate::bounded_wait::hear_within;
use crate::command::{Command, Submission};
use crate::events::{PlaceInStream, SentPlace, UnsentEvent};
use crate::queue::{Class, CommandQueue};
use crate::ticket::Ticket;

/// The most events that were told and not removed yet: beyond that a relay waits for the lane.
const EVENTS_MAX: usize = 16_384;
/// So many are removed at once, or those that were told so long ago: each removal is part of a commit, and commits are dear.
const TOGETHER: (usize, Duration) = (1_024, Duration::from_millis(100));
/// How long it waits for it at a time.
const WAIT: Duration = Duration::from_secs(1);

/// What was told and is being removed.
pub(super) struct Removals {
    destination: Arc<str>,
    queue: CommandQueue,
    actor: Actor,
    /// The oldest first. One that could not be put in line, or failed, has no ticket.
    under_way: VecDeque<(Arc<[SentPlace]>, Option<Ticket>)>,
    /// The events among them, by what they are and when they were written: what they stand together with may change.
    told: HashSet<(PlaceInStream, Timestamp)>,
    /// What was told and is not being removed yet, and since when.
    gathered: Vec<SentPlace>,
    since: Instant,
}

impl Removals {
    pub(super) fn of(destination: Arc<str>, queue: CommandQueue) -> Self {
        let actor = Actor::new("relay").expect("a plain word is an actor");
        let (under_way, told, gathered) = (VecDeque::new(), HashSet::new(), Vec::new());
        Self { destination, queue, actor, under_way, told, gathered, since: Instant::now() }
    }

    /// How many events were told and are not removed yet.
    pub(super) fn len(&self) -> usize {
        self.told.len()
    }

    /// Whether an event was told.
    pub(super) fn has(&self, unsent: &UnsentEvent) -> bool {
        self.told.contains(&event_at(&unsent.sent_place()))
    }

    /// Has events removed that were told, together with others.
    pub(super) fn add(&mut self, sent: &[SentPlace]) {
        if self.gathered.is_empty() {
            self.since = Instant::now();
        }
        self.told.extend(sent.iter().map(event_at));
        self.gathered.extend_from_slice(sent);
        self.remove_gathered(false);
    }

    /// How long what was gathered may still wait; `None` where there is nothing.
    pub(super) fn due_in(&self) -> Option<Duration> {
        (!self.gathered.is_empty()).then(|| TOGETHER.1.saturating_sub(self.since.elapsed()))
    }

    fn remove_gathered(&mut self, at_once: bool) {
        let is_time = self.gathered.len() >= TOGETHER.0 || self.since.elapsed() >= TOGETHER.1;
        if self.gathered.is_empty() || !(is_time || at_once) {
            return;
        }
        let sent: Arc<[SentPlace]> = std::mem::take(&mut self.gathered).into();
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
        if self.told.len() > EVENTS_MAX {
            self.remove_gathered(true);
            self.wait_for_oldest(WAIT);
        }
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

    fn forget(&mut self, sent: &[SentPlace]) {
        for sent in sent {
            self.told.remove(&event_at(sent));
        }
    }

    fn submit(&self, sent: &Arc<[SentPlace]>) -> Option<Ticket> {
        let command = Command::RemoveEvents { destination: self.destination.clone(), sent: sent.clone() };
        let submission = Submission { command, actor: self.actor.clone(), key: None, decided_at: None };
        self.queue.submit(submission, Class::Maintenance, None).ok()
    }
}

/// An event of the outbox, wherever it stands.
const fn event_at(sent: &SentPlace) -> (PlaceInStream, Timestamp) {
    (sent.place, sent.written_at)
}
