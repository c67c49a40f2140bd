//! Upstream events from a broker: each record a command through the one queue, its place in the topic moved on only after the
//! commit (PROTOCOL, section 3.11).
//!
//! A record that can never be applied is put away, and the partition moves on. A store that does not answer is no reason for
//! that: the records wait, and the group is told that this member still lives.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use holdfast_domain::{Actor, OrderId};

use crate::answer::{Fault, Reply};
use crate::command::{Command, Submission};
use crate::dead_letters::{LetterRoom, NewLetter};
use crate::intake::{self, EventNames, ReadEvent};
use crate::order_event::EventOutcome;
use crate::ports::{EventSource, PollLimits, Record};
use crate::queue::{Class, CommandQueue};
use crate::succession::Succession;
use crate::ticket::{Heard, Ticket};

mod complaint;
mod pause;

use complaint::Complaint;
use pause::Pause;

/// The most records that are decided together: a good batch, and as many bytes as a service can hold beside its queue.
const TOGETHER: PollLimits = PollLimits { records_max: 4_096, bytes_max: 8 << 20 };
/// How long the first record is waited for.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often an event that fails for a fault of ours is tried together with others.
const FAILURES_MAX: u32 = 3;
/// The code of a record that fails for a fault of ours.
const INTERNAL: &str = "internal";

/// What others may know about the consumer.
#[derive(Debug)]
pub struct ConsumerStatus {
    runs: AtomicBool,
}

impl ConsumerStatus {
    /// Whether it has not stopped.
    pub fn runs(&self) -> bool {
        self.runs.load(Ordering::Relaxed)
    }
}

/// The consumer's thread ends, in whichever way.
struct Ended(Arc<ConsumerStatus>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.runs.store(false, Ordering::Relaxed);
    }
}

/// Takes events from a source until it is told to stop.
pub struct Consumer {
    source: Box<dyn EventSource>,
    queue: CommandQueue,
    actor: Actor,
    stop: Arc<AtomicBool>,
    status: Arc<ConsumerStatus>,
    room: Arc<LetterRoom>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// A record that was told to stop before it was decided: it comes again.
struct Stopped;

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
    /// A consumer that runs until `stop` is set; `actor` is whose movements its events make.
    pub fn new(source: Box<dyn EventSource>, queue: CommandQueue, actor: Actor, stop: Arc<AtomicBool>) -> Self {
        let status = Arc::new(ConsumerStatus { runs: AtomicBool::new(true) });
        Self { source, queue, actor, stop, status, room: Arc::default() }
    }

    /// The same, where letters find as much room as this says.
    #[must_use]
    pub fn with_room(mut self, room: Arc<LetterRoom>) -> Self {
        self.room = room;
        self
    }

    /// What others may know about it.
    pub fn status(&self) -> Arc<ConsumerStatus> {
        self.status.clone()
    }

    /// Takes events again and again.
    pub fn run(mut self) {
        let _ended = Ended(self.status.clone());
        let (mut pause, mut complaint) = (Pause::default(), Complaint::default());
        while !self.is_stopped() {
            let records = match self.source.poll(TOGETHER, PATIENCE) {
                Ok(records) => records,
                Err(error) => {
                    let words = error_words(&error);
                    if complaint.is_due(&words, Instant::now()) {
                        tracing::warn!(error = %words, "no events can be taken at present");
                    }
                    self.source.stay(pause.next());
                    continue;
                }
            };
            pause = Pause::default();
            if !records.is_empty() && self.take(&records).is_err() {
                return;
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Decides records, puts away those that can never be applied, and moves on.
    fn take(&mut self, records: &[Record]) -> Result<(), Stopped> {
        let letters = self.decide(records)?;
        self.put_away(letters)?;
        self.source.settle(records);
        Ok(())
    }

    /// Puts letters away, each under its own name and so once, however long the store is away.
    fn put_away(&mut self, letters: Vec<NewLetter>) -> Result<(), Stopped> {
        let within = |letter: NewLetter| Arc::new(letter.within(&self.room));
        let mut left: Vec<Arc<NewLetter>> = letters.into_iter().map(within).collect();
        let mut pause = Pause::default();
        loop {
            let tickets: Vec<_> = left
                .into_iter()
                .map(|letter| {
                    let (command, key) = (Command::PutAway(letter.clone()), Some(letter.command_key()));
                    let submission = Submission { command, actor: self.actor.clone(), key, decided_at: None };
                    (letter, self.queue.submit(submission, Class::Events, None))
                })
                .collect();
            left = Vec::new();
            for (letter, ticket) in tickets {
                match ticket.and_then(Ticket::wait) {
                    Ok(_) => {}
                    Err(Fault::ShuttingDown) => return Err(Stopped),
                    Err(fault) => {
                        tracing::debug!(?fault, "a dead letter cannot be put away at present");
                        left.push(letter);
                    }
                }
            }
            if left.is_empty() {
                return Ok(());
            }
            tracing::warn!(letters = left.len(), "dead letters cannot be put away at present");
            self.wait(&mut pause)?;
        }
    }

    /// Decides all records, however long the store is away, and says which can never be applied.
    fn decide(&mut self, records: &[Record]) -> Result<Vec<NewLetter>, Stopped> {
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
        let mut pause = Pause::default();
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

    /// Decides events up to the next suspect one after the other, and returns those that are still to be decided: from the first that
    /// could not be, for what comes later may depend on it.
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

    /// Tries an event by itself that has failed again and again. When it fails while the store commits what others ask, before and
    /// after it, it is the event's own fault: then its cause. Else the store cannot do anything, and the event waits: `None`.
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
    fn store_commits(&self) -> Result<bool, Stopped> {
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

    /// Every event is decided once, however often it comes: under its own name, or, where its type and order are its name, by what
    /// the order remembers, which spares the answer that would be kept.
    fn submission(&self, event: &Underway<'_>) -> Submission {
        Submission {
            command: Command::OrderEvent(event.read.event.clone()),
            actor: self.actor.clone(),
            key: (!event.read.event.is_bare).then(|| event.read.identity.command_key()),
            decided_at: None,
        }
    }

    /// Waits before the next try, as a member of the group.
    fn wait(&mut self, pause: &mut Pause) -> Result<(), Stopped> {
        self.source.stay(pause.next());
        if self.is_stopped() { Err(Stopped) } else { Ok(()) }
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

/// An error with its cause.
fn error_words(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
