//! A replay on the events' clock: time is what the event at hand says.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use holdfast_domain::{Actor, Book, OrderId, Timestamp};

use crate::command::{Command, Submission};

/// On the events' clock, whatever is due by an event's time ends before the event is decided.
pub(crate) struct EventClock {
    ends: BinaryHeap<Reverse<(Timestamp, OrderId)>>,
    runs: bool,
}

impl EventClock {
    pub(crate) fn new(batch: &[&Submission], book: &Book) -> Self {
        let runs = batch.iter().any(|submission| submission.decided_at.is_some());
        let mut clock = Self { ends: BinaryHeap::new(), runs };
        if runs {
            let pages = book.order_pages().filter(|page| page.order.live().next().is_some());
            clock.ends.extend(pages.filter_map(|page| Some(Reverse((page.order.expires_at?, page.order.id)))));
        }
        clock
    }

    /// Ends what is due when `submission` is decided.
    pub(crate) fn pass(&mut self, book: &mut Book, submission: &Submission) {
        let Some(now) = submission.decided_at.filter(|_| self.runs) else { return };
        let sweep = Actor::new("sweep").expect("a plain word is an actor");
        while let Some(Reverse((expires_at, order))) = self.ends.peek().copied() {
            if expires_at > now {
                break;
            }
            self.ends.pop();
            book.expire_order(order, Duration::ZERO, &sweep);
        }
    }

    /// Keeps in mind until when the order of `submission` is held.
    pub(crate) fn note(&mut self, book: &Book, submission: &Submission) {
        let order = match &submission.command {
            Command::OrderEvent(event) if self.runs => event.order,
            Command::ReserveOrder { order, .. }
            | Command::ReplaceLines { order, .. }
            | Command::ExtendOrder { order, .. }
                if self.runs =>
            {
                *order
            }
            _ => return,
        };
        let expires_at = book.order(order).and_then(|order| order.expires_at);
        self.ends.extend(expires_at.map(|expires_at| Reverse((expires_at, order))));
    }
}
