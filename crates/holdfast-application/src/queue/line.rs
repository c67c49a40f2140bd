//! The queue as one lane sees it.

use std::sync::PoisonError;
use std::time::Duration;

use holdfast_domain::OrderId;

use super::{CommandQueue, Waiting};
use crate::batch::{self, BatchLimits};

/// The queue's end for one lane.
#[derive(Debug)]
pub struct QueueLine {
    pub(super) queue: CommandQueue,
    pub(super) lane: usize,
}

impl QueueLine {
    /// The next batch: all that was set aside, and behind it all else that waits in this line, up to the limits. Waits
    /// up to `patience` for the first command. `None` when the queue is closed and the line empty; an empty batch when
    /// nobody came. What is taken is under way until [`Self::leave`].
    pub fn next_batch(&self, limits: &BatchLimits, patience: Duration) -> Option<Vec<Waiting>> {
        let came = self.queue.0.came.get(self.lane)?;
        let mut hall = self.queue.hall();
        if hall.lines.get(self.lane)?.commands == 0 && !hall.closed {
            hall.lines.get_mut(self.lane)?.lane_sleeps = true;
            let (woken, _) = came.wait_timeout(hall, patience).unwrap_or_else(PoisonError::into_inner);
            hall = woken;
            hall.lines.get_mut(self.lane)?.lane_sleeps = false;
        }
        let closed = hall.closed;
        let line = hall.lines.get_mut(self.lane)?;
        if line.commands == 0 {
            return if closed { None } else { Some(Vec::new()) };
        }
        let mut taken = std::mem::take(&mut line.aside);
        let others = batch::fill(&mut line.classes, limits);
        if taken.is_empty() {
            taken = others;
        } else {
            taken.extend(others);
        }
        line.commands = line.commands.saturating_sub(taken.len());
        let bytes: usize = taken.iter().map(Waiting::weight).sum();
        hall.commands = hall.commands.saturating_sub(taken.len());
        hall.bytes = hall.bytes.saturating_sub(bytes);
        Some(taken)
    }

    /// Sets commands that were taken aside, in their order: they come again with the next batch, beside as many others
    /// as it holds. They are still under way.
    ///
    /// # Errors
    ///
    /// The queue is closed: nobody shall wait any longer. These are they.
    pub fn set_aside(&self, commands: Vec<Waiting>) -> Result<(), Vec<Waiting>> {
        let mut hall = self.queue.hall();
        if hall.closed {
            return Err(commands);
        }
        let (count, bytes): (usize, usize) = (commands.len(), commands.iter().map(Waiting::weight).sum());
        hall.commands = hall.commands.saturating_add(count);
        hall.bytes = hall.bytes.saturating_add(bytes);
        let Some(line) = hall.lines.get_mut(self.lane) else { return Err(commands) };
        line.commands = line.commands.saturating_add(count);
        line.aside = commands;
        for command in &mut line.aside {
            command.is_set_aside = true;
        }
        Ok(())
    }

    /// Whether there are other lanes, so that whoever takes a batch has to say when it is not under way any more.
    pub fn has_neighbours(&self) -> bool {
        self.queue.0.came.len() > 1
    }

    /// Commands are not under way any more: for each of them the order it was about, if about one.
    pub fn leave(&self, orders: impl IntoIterator<Item = Option<OrderId>>) {
        let mut hall = self.queue.hall();
        if let Some(routing) = &mut hall.routing {
            orders.into_iter().for_each(|order| routing.leave(order));
        }
    }

    /// How long a command may wait.
    pub fn wait_max(&self) -> Duration {
        self.queue.wait_max()
    }
}
