//! Waiting in line, or hearing "busy": a queue bounded by number and by bytes, with a line for each lane.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::answer::Fault;
use crate::command::{Command, Submission};
use crate::succession::Succession;
use crate::ticket::{Landing, Promise, Ticket, Wakes, ticket};

mod line;
mod routing;

pub use line::QueueLine;

use routing::Routing;

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
    /// Since when it has waited for a lock that another holds.
    pub held_back_since: Option<Instant>,
    is_set_aside: bool,
    weight: usize,
}

impl Waiting {
    /// How many bytes it counts for.
    pub const fn weight(&self) -> usize {
        self.weight
    }

    /// Whether it was taken before and set aside.
    pub const fn is_set_aside(&self) -> bool {
        self.is_set_aside
    }
}

/// What waits for one lane.
#[derive(Debug, Default)]
struct Line {
    classes: [VecDeque<Waiting>; 3],
    /// Those that were taken and wait for a lock, in their order.
    aside: Vec<Waiting>,
    commands: usize,
    lane_sleeps: bool,
}

/// All lines, and what bounds them together.
#[derive(Debug)]
struct Hall {
    lines: Vec<Line>,
    /// Which line is whose; needed where there are several.
    routing: Option<Routing>,
    commands: usize,
    bytes: usize,
    closed: bool,
    /// Whether those who are not there for upkeep are turned away.
    only_maintenance: bool,
    /// All but maintenance is turned away, for the service ends.
    turns_away: bool,
}

impl Hall {
    /// How many commands and bytes would wait with one more of `weight`, if there is room for it; one always fits.
    fn with(&self, weight: usize, limits: &QueueLimits) -> Option<(usize, usize)> {
        let (commands, bytes) = (self.commands.saturating_add(1), self.bytes.saturating_add(weight));
        let fits = commands <= limits.commands_max && (bytes <= limits.bytes_max || self.commands == 0);
        fits.then_some((commands, bytes))
    }

    /// Takes all commands but maintenance out of all lines.
    fn leave_but_maintenance(&mut self) -> Vec<Waiting> {
        let mut left = Vec::new();
        for line in &mut self.lines {
            let before = left.len();
            left.append(&mut line.aside);
            let others = line.classes.iter_mut().enumerate().filter(|(place, _)| *place != Class::Maintenance.place());
            others.for_each(|(_, waiting)| left.extend(waiting.drain(..)));
            line.commands = line.commands.saturating_sub(left.len().saturating_sub(before));
        }
        self.commands = self.commands.saturating_sub(left.len());
        self.bytes = self.bytes.saturating_sub(left.iter().map(Waiting::weight).sum());
        left
    }
}

#[derive(Debug)]
struct Shared {
    hall: Mutex<Hall>,
    /// Something came, for each lane.
    came: Vec<Condvar>,
    limits: QueueLimits,
}

/// Where a command waits.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In whichever line suits it.
    Anywhere,
    /// In the line of all commands in succession.
    Succession,
    /// In the line of this lane.
    Lane(usize),
}

/// The queue's end for callers. Clones share the queue.
#[derive(Clone, Debug)]
pub struct CommandQueue(Arc<Shared>);

impl CommandQueue {
    /// An empty queue in front of one lane.
    pub fn new(limits: QueueLimits) -> Self {
        Self::with_lanes(limits, 1)
    }

    /// An empty queue in front of several lanes, one at least.
    pub fn with_lanes(limits: QueueLimits, lanes: usize) -> Self {
        let lanes = lanes.max(1);
        let hall = Hall {
            lines: (0..lanes).map(|_| Line::default()).collect(),
            routing: (lanes > 1).then(|| Routing::over(lanes)),
            commands: 0,
            bytes: 0,
            closed: false,
            only_maintenance: false,
            turns_away: false,
        };
        let came = (0..lanes).map(|_| Condvar::new()).collect();
        Self(Arc::new(Shared { hall: Mutex::new(hall), came, limits }))
    }

    fn hall(&self) -> MutexGuard<'_, Hall> {
        self.0.hall.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a command in line and returns the ticket for its answer; `landing` is where the caller's thread is woken.
    ///
    /// # Errors
    ///
    /// [`Fault::Overloaded`] when the queue is full, [`Fault::ShuttingDown`] when it is closed; nothing was done.
    pub fn submit(&self, submission: Submission, class: Class, landing: Option<Arc<Landing>>) -> Result<Ticket, Fault> {
        self.put(submission, class, Place::Anywhere, ticket(landing, None))
    }

    /// The same for a command that is decided behind those which were put in line before it in this succession, by one
    /// lane.
    ///
    /// # Errors
    ///
    /// As [`Self::submit`].
    pub fn submit_behind(
        &self,
        succession: &Succession,
        submission: Submission,
        class: Class,
    ) -> Result<Ticket, Fault> {
        self.put(submission, class, Place::Succession, ticket(None, Some(succession.clone())))
    }

    /// The same in the line of one lane: for a command that is about that lane, and about no order.
    ///
    /// # Errors
    ///
    /// As [`Self::submit`].
    pub fn submit_to(&self, lane: usize, submission: Submission, class: Class) -> Result<Ticket, Fault> {
        self.put(submission, class, Place::Lane(lane), ticket(None, None))
    }

    fn put(
        &self,
        submission: Submission,
        class: Class,
        place: Place,
        (ticket, promise): (Ticket, Promise),
    ) -> Result<Ticket, Fault> {
        let weight = submission.command.weight();
        let mut hall = self.hall();
        if hall.closed || hall.turns_away && class != Class::Maintenance {
            return Err(Fault::ShuttingDown);
        }
        if hall.only_maintenance && class != Class::Maintenance {
            return Err(Fault::Overloaded);
        }
        let Some((commands, bytes)) = hall.with(weight, &self.0.limits) else { return Err(Fault::Overloaded) };
        (hall.commands, hall.bytes) = (commands, bytes);
        let lane = match (place, &mut hall.routing) {
            (Place::Anywhere, Some(routing)) => routing.enter(&submission.command),
            (Place::Succession, Some(routing)) => routing.enter_in_succession(&submission.command),
            (Place::Lane(lane), Some(routing)) => {
                routing.enter_anywhere();
                lane
            }
            (Place::Lane(lane), None) => lane,
            (Place::Anywhere | Place::Succession, None) => 0,
        };
        let since = Instant::now();
        let waiting = Waiting { submission, promise, since, held_back_since: None, is_set_aside: false, weight };
        let mut wake = false;
        if let Some(line) = hall.lines.get_mut(lane) {
            line.commands = line.commands.saturating_add(1);
            wake = std::mem::take(&mut line.lane_sleeps);
            if let Some(places) = line.classes.get_mut(class.place()) {
                places.push_back(waiting);
            }
        }
        drop(hall);
        if let Some(came) = self.0.came.get(lane).filter(|_| wake) {
            came.notify_one();
        }
        Ok(ticket)
    }

    /// The end for lane number `lane`, counted from 0.
    pub const fn line(self, lane: usize) -> QueueLine {
        QueueLine { queue: self, lane }
    }

    /// How many commands wait.
    pub fn depth(&self) -> usize {
        self.hall().commands
    }

    /// Whether one more command would be turned away, however short.
    pub fn is_full(&self) -> bool {
        self.hall().with(size_of::<Submission>(), &self.0.limits).is_none()
    }

    /// Whether this command would not be turned away, were it the next one to come.
    pub fn has_room_for(&self, command: &Command) -> bool {
        self.hall().with(command.weight(), &self.0.limits).is_some()
    }

    /// How long a command may wait.
    pub fn wait_max(&self) -> Duration {
        self.0.limits.wait_max
    }

    /// Turns all but maintenance away, or no longer: what they would write has nowhere to go.
    pub fn set_only_maintenance(&self, only_maintenance: bool) {
        self.hall().only_maintenance = only_maintenance;
    }

    /// Whether all but maintenance are turned away.
    pub fn takes_only_maintenance(&self) -> bool {
        self.hall().only_maintenance
    }

    /// Turns new commands away; those in line are still decided.
    pub fn close(&self) {
        self.hall().closed = true;
        self.0.came.iter().for_each(Condvar::notify_all);
    }

    /// Turns away whoever still waits and whoever comes, but for maintenance: what was told is removed up to the end.
    pub fn turn_away(&self) {
        let mut wakes = Wakes::default();
        let mut hall = self.hall();
        hall.turns_away = true;
        let waiting = hall.leave_but_maintenance();
        drop(hall);
        for command in waiting {
            command.promise.keep(Err(Fault::ShuttingDown), &mut wakes);
        }
        wakes.wake();
    }
}
