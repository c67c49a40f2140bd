//! Waiting in line, or hearing "busy": a queue bounded by number and by bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::answer::Fault;
use crate::batch::{self, BatchLimits};
use crate::command::Submission;
use crate::ticket::{Landing, Promise, Ticket, Wakes, ticket};

/// What kind of caller waits; each kind is guaranteed a share of a batch when all wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Somebody waits for the answer.
    Interactive,
    /// Upstream events and files.
    Events,
    /// Sweeps and purges.
    Maintenance,
}

impl Class {
    /// Every class, and its share of a batch in tenths.
    pub const SHARES: [(Self, usize); 3] = [(Self::Interactive, 6), (Self::Events, 3), (Self::Maintenance, 1)];

    const fn place(self) -> usize {
        match self {
            Self::Interactive => 0,
            Self::Events => 1,
            Self::Maintenance => 2,
        }
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// The most commands.
    pub commands_max: usize,
    /// The most bytes, roughly.
    pub bytes_max: usize,
    /// How long a command may wait before it is dropped.
    pub wait_max: Duration,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self { commands_max: 65_536, bytes_max: 32 << 20, wait_max: Duration::from_secs(10) }
    }
}

/// A command in line.
#[derive(Debug)]
pub struct Waiting {
    /// The command.
    pub submission: Submission,
    /// Who hears what became of it.
    pub promise: Promise,
    /// When it came.
    pub since: Instant,
    weight: usize,
}

impl Waiting {
    /// How many bytes it counts for.
    pub const fn weight(&self) -> usize {
        self.weight
    }
}

#[derive(Debug, Default)]
struct Line {
    classes: [VecDeque<Waiting>; 3],
    commands: usize,
    bytes: usize,
    closed: bool,
    lane_sleeps: bool,
}

#[derive(Debug)]
struct Shared {
    line: Mutex<Line>,
    came: Condvar,
    limits: QueueLimits,
}

/// The queue's end for callers. Clones share the queue.
#[derive(Clone, Debug)]
pub struct CommandQueue(Arc<Shared>);

impl CommandQueue {
    /// An empty queue.
    pub fn new(limits: QueueLimits) -> Self {
        let shared = Shared { line: Mutex::new(Line::default()), came: Condvar::new(), limits };
        Self(Arc::new(shared))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a command in line and returns the ticket for its answer; `landing` is where the caller's thread is woken.
    ///
    /// # Errors
    ///
    /// [`Fault::Overloaded`] when the queue is full, [`Fault::ShuttingDown`] when it is closed; nothing was done.
    pub fn submit(&self, submission: Submission, class: Class, landing: Option<Arc<Landing>>) -> Result<Ticket, Fault> {
        let weight = submission.command.weight();
        let mut line = self.line();
        if line.closed {
            return Err(Fault::ShuttingDown);
        }
        let (commands, bytes) = (line.commands.saturating_add(1), line.bytes.saturating_add(weight));
        if commands > self.0.limits.commands_max || (bytes > self.0.limits.bytes_max && line.commands > 0) {
            return Err(Fault::Overloaded);
        }
        (line.commands, line.bytes) = (commands, bytes);
        let (ticket, promise) = ticket(landing);
        let waiting = Waiting { submission, promise, since: Instant::now(), weight };
        if let Some(places) = line.classes.get_mut(class.place()) {
            places.push_back(waiting);
        }
        let wake = std::mem::take(&mut line.lane_sleeps);
        drop(line);
        if wake {
            self.0.came.notify_one();
        }
        Ok(ticket)
    }

    /// How many commands wait.
    pub fn depth(&self) -> usize {
        self.line().commands
    }

    /// Whether one more command would be turned away.
    pub fn is_full(&self) -> bool {
        self.depth() >= self.0.limits.commands_max
    }

    /// How long a command may wait.
    pub fn wait_max(&self) -> Duration {
        self.0.limits.wait_max
    }

    /// Turns new commands away; those in line are still decided.
    pub fn close(&self) {
        self.line().closed = true;
        self.0.came.notify_all();
    }

    /// Turns everybody away who still waits.
    pub fn turn_away(&self) {
        let mut wakes = Wakes::default();
        let mut line = self.line();
        line.closed = true;
        (line.commands, line.bytes) = (0, 0);
        let waiting: Vec<Waiting> = line.classes.iter_mut().flat_map(std::mem::take).collect();
        drop(line);
        for command in waiting {
            command.promise.keep(Err(Fault::ShuttingDown), &mut wakes);
        }
        wakes.wake();
    }

    /// The next batch: all that waits, up to the limits. Waits up to `patience` for the first command. `None` when the queue is closed and
    /// empty; an empty batch when nobody came.
    pub fn next_batch(&self, limits: &BatchLimits, patience: Duration) -> Option<Vec<Waiting>> {
        let mut line = self.line();
        if line.commands == 0 && !line.closed {
            line.lane_sleeps = true;
            let (woken, _) = self.0.came.wait_timeout(line, patience).unwrap_or_else(PoisonError::into_inner);
            line = woken;
            line.lane_sleeps = false;
        }
        if line.commands == 0 {
            return if line.closed { None } else { Some(Vec::new()) };
        }
        let taken = batch::fill(&mut line.classes, limits);
        let bytes: usize = taken.iter().map(Waiting::weight).sum();
        line.commands = line.commands.saturating_sub(taken.len());
        line.bytes = line.bytes.saturating_sub(bytes);
        Some(taken)
    }
}
