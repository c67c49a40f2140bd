//! Deciding the records of a poll: one after the other, again and again while the store is away, and by itself
//! whichever fails for a fault of ours.

use std::collections::VecDeque;

use holdfast_domain::OrderId;

use super::{Consumer, PAUSES, Stopped};
use crate::answer::{Fault, Reply};
use crate::command::{Command, Submission};
use crate::dead_letters::NewLetter;
use crate::intake::{self, EventNames, ReadEvent};
use crate::order_event::EventOutcome;
use crate::ports::Record;
use crate::queue::Class;
use crate::succession::Succession;
use crate::ticket::{Heard, Ticket};

/// How often an event that fails for a fault of ours is tried together with others.
const FAILURES_MAX: u32 = 3;
/// The code of a record that fails for a fault of ours.
const INTERNAL: &str = "internal";

/// A record on its way.
struct Underway<'a> {
    record: &'a Record,
    names: EventNames,
    read: ReadEvent,
    failures: u32,
}

impl Underway<'_> {
    /// Whether it has failed so often for a fault of ours that it may be its own.
    const fn is_suspect(&self) -> bool {
        self.failures >= FAILURES_MAX
    }
}

impl Consumer {
    /// Decides all records, however long the store is away, and says which can never be applied.
    pub(super) fn decide(&mut self, records: &[Record]) -> Result<Vec<NewLetter>, Stopped> {
        let mut letters = Vec::new();
        let mut open = VecDeque::with_capacity(records.len());
        for record in records {
            let (names, read) = intake::read_record(record);
            match read {
                Ok(read) => open.push_back(Underway { record, names, read, failures: 0 }),
                Err(unreadable) => {
                    intake::count(&names, EventOutcome::Rejected);
                    letters.push(NewLetter::of_record(record, &names, unreadable.code(), &unreadable.to_string()));
                }
            }
        }
        let mut pause = PAUSES;
        while !open.is_empty() {
            let before = open.len();
            open = if open.front().is_some_and(Underway::is_suspect) {
                self.attempt_alone(open, &mut letters)?
            } else {
                self.attempt_together(open, &mut letters)?
            };
            if !open.is_empty() && open.len() == before {
                self.wait(&mut pause)?;
            }
        }
        Ok(letters)
    }

    /// Decides events up to the next suspect one after the other, and returns those that are still to be decided: from
    /// the first that could not be, for what comes later may depend on it.
    fn attempt_together<'a>(
        &self,
        events: VecDeque<Underway<'a>>,
        letters: &mut Vec<NewLetter>,
    ) -> Result<VecDeque<Underway<'a>>, Stopped> {
        let succession = Succession::default();
        let mut tickets = Vec::with_capacity(events.len());
        for event in events.iter().take_while(|event| !event.is_suspect()) {
            match self.queue.submit_behind(&succession, self.submission(event), Class::Events) {
                Ok(ticket) => tickets.push(ticket),
                Err(Fault::ShuttingDown) => return Err(Stopped),
                // Those behind it wait too.
                Err(_full) => break,
            }
        }
        let mut left = VecDeque::new();
        let mut tickets = tickets.into_iter();
        for mut event in events {
            match tickets.next().map(Ticket::wait) {
                Some(Ok(reply)) => letters.extend(heard(&event, &reply)),
                Some(Err(Fault::ShuttingDown)) => return Err(Stopped),
                Some(Err(fault)) => {
                    event.failures = event.failures.saturating_add(u32::from(matches!(fault, Fault::Failed(_))));
                    left.push_back(event);
                }
                None => left.push_back(event),
            }
        }
        Ok(left)
    }

    /// Decides the first event by itself, and returns those that are still to be decided.
    fn attempt_alone<'a>(
        &self,
        mut events: VecDeque<Underway<'a>>,
        letters: &mut Vec<NewLetter>,
    ) -> Result<VecDeque<Underway<'a>>, Stopped> {
        let Some(first) = events.pop_front() else { return Ok(events) };
        match self.alone(&first)? {
            Ok(reply) => letters.extend(heard(&first, &reply)),
            Err(Some(cause)) => {
                intake::count(&first.names, EventOutcome::Rejected);
                letters.push(NewLetter::of_record(first.record, &first.names, INTERNAL, &cause));
            }
            Err(None) => events.push_front(first),
        }
        Ok(events)
    }

    /// Tries an event by itself that has failed again and again. When it fails while the store commits what others ask,
    /// before and after it, it is the event's own fault: then its cause. Else the store cannot do anything, and the
    /// event waits: `None`.
    fn alone(&self, event: &Underway<'_>) -> Result<Result<Reply, Option<String>>, Stopped> {
        if !self.store_commits()? {
            return Ok(Err(None));
        }
        match self.ask(self.submission(event))? {
            Ok(reply) => Ok(Ok(reply)),
            Err(Fault::Failed(cause)) if self.store_commits()? => Ok(Err(Some(cause))),
            Err(_) => Ok(Err(None)),
        }
    }

    /// Whether the store commits a command that reads what every event reads, and changes nothing.
    pub(super) fn store_commits(&self) -> Result<bool, Stopped> {
        let command = Command::ExpireOrder { order: OrderId::from_bytes([0; 16]) };
        let nothing = Submission { command, actor: self.actor.clone(), key: None, decided_at: None };
        Ok(self.ask(nothing)?.is_ok())
    }

    /// Puts a command in line and waits for it.
    fn ask(&self, submission: Submission) -> Result<Heard, Stopped> {
        match self.queue.submit(submission, Class::Events, None).and_then(Ticket::wait) {
            Err(Fault::ShuttingDown) => Err(Stopped),
            heard => Ok(heard),
        }
    }

    /// Every event is decided once, however often it comes: under its own name, or, where its type and order are its
    /// name, by what the order remembers, which spares the answer that would be kept.
    fn submission(&self, event: &Underway<'_>) -> Submission {
        Submission {
            command: Command::OrderEvent(event.read.event.clone()),
            actor: self.actor.clone(),
            key: (!event.read.event.is_bare).then(|| event.read.identity.command_key()),
            decided_at: None,
        }
    }
}

/// Counts what became of an event, which is put away if it can never be applied.
fn heard(event: &Underway<'_>, reply: &Reply) -> Option<NewLetter> {
    let (outcome, code) = intake::heard(reply);
    intake::count(&event.names, outcome);
    (outcome == EventOutcome::Rejected).then(|| {
        let code = code.unwrap_or_else(|| INTERNAL.to_owned());
        NewLetter::of_record(event.record, &event.names, &code, &format!("the event can never be applied: {code}"))
    })
}
