//! Upstream events from a broker: each record a command through the one queue, its place in the topic moved on only
//! after the commit (PROTOCOL, section 3.11).
//!
//! A record that can never be applied is put away, and the partition moves on. A store that does not answer is no
//! reason for that: the records wait, and the group is told that this member still lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use holdfast_domain::Actor;

use crate::answer::Fault;
use crate::backoff::Backoff;
use crate::command::{Command, Submission};
use crate::dead_letters::{LetterRoom, NewLetter};
use crate::ports::{EventSource, PollLimits, Record};
use crate::queue::{Class, CommandQueue};
use crate::ticket::Ticket;

mod complaint;
mod deciding;

use complaint::Complaint;

/// The most records that are decided together: a good batch, and as many bytes as a service can hold beside its queue.
const TOGETHER: PollLimits = PollLimits { records_max: 4_096, bytes_max: 8 << 20 };
/// How long the first record is waited for.
const PATIENCE: Duration = Duration::from_millis(50);

/// The pauses after failures: a source or a store that is there again is not kept waiting.
const PAUSES: Backoff = Backoff::between(Duration::from_millis(50), Duration::from_secs(2));

/// A letter that has failed so often while the store commits other things is put away in short.
const FAILURES_MAX: u32 = 3;

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
        let (mut pause, mut complaint) = (PAUSES, Complaint::default());
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
            pause.reset();
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
        let within = |letter: NewLetter| (Arc::new(letter.within(&self.room)), 0_u32);
        let mut left: Vec<(Arc<NewLetter>, u32)> = letters.into_iter().map(within).collect();
        let mut pause = PAUSES;
        loop {
            let tickets: Vec<_> = left
                .into_iter()
                .map(|(letter, failed)| {
                    let (command, key) = (Command::PutAway(letter.clone()), Some(letter.command_key()));
                    let submission = Submission { command, actor: self.actor.clone(), key, decided_at: None };
                    (letter, failed, self.queue.submit(submission, Class::Events, None))
                })
                .collect();
            left = Vec::new();
            let mut why = None;
            for (letter, failed, ticket) in tickets {
                match ticket.and_then(Ticket::wait) {
                    Ok(_) => {}
                    Err(Fault::ShuttingDown) => return Err(Stopped),
                    Err(fault) => {
                        left.push((letter, failed.saturating_add(u32::from(matches!(fault, Fault::Failed(_))))));
                        why = Some(fault);
                    }
                }
            }
            let Some(why) = why else { return Ok(()) };
            tracing::warn!(letters = left.len(), ?why, "dead letters cannot be put away at present");
            if left.iter().any(|(_, failed)| *failed >= FAILURES_MAX) && self.store_commits()? {
                // Those may be too large for the database to take; their records still stand in their topics.
                for (letter, _) in left.iter_mut().filter(|(_, failed)| *failed >= FAILURES_MAX) {
                    *letter = Arc::new(letter.in_short());
                }
            }
            self.wait(&mut pause)?;
        }
    }

    /// Waits before the next try, as a member of the group.
    fn wait(&mut self, pause: &mut Backoff) -> Result<(), Stopped> {
        self.source.stay(pause.next());
        if self.is_stopped() { Err(Stopped) } else { Ok(()) }
    }
}

/// An error with its cause.
fn error_words(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
