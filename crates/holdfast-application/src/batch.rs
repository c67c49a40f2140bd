//! Which of the waiting commands go into the next batch: a pure function.

use std::collections::VecDeque;

use crate::queue::{Class, Waiting};

/// How large a batch may be.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// The most commands.
    pub commands_max: usize,
    /// The most bytes, roughly; one command of each class always fits.
    pub bytes_max: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { commands_max: 1_024, bytes_max: 4 << 20 }
    }
}

/// Takes commands from the front of each class: first each class its share of commands and bytes, at least one command,
/// then whoever waits, until the batch is full.
pub fn fill(classes: &mut [VecDeque<Waiting>; 3], limits: &BatchLimits) -> Vec<Waiting> {
    let waiting: usize = classes.iter().map(VecDeque::len).sum();
    let mut batch = Batch { commands: Vec::with_capacity(waiting.min(limits.commands_max)), bytes: 0 };
    for ((_, tenths), class) in Class::SHARES.iter().zip(classes.iter_mut()) {
        let share = |of: usize| of.saturating_mul(*tenths).div_ceil(10);
        let (commands, bytes) = (batch.commands.len(), batch.bytes);
        let share = BatchLimits {
            commands_max: commands.saturating_add(share(limits.commands_max)).min(limits.commands_max),
            bytes_max: bytes.saturating_add(share(limits.bytes_max)),
        };
        batch.take(class, &share, commands);
    }
    for class in classes.iter_mut() {
        batch.take(class, limits, 0);
    }
    batch.commands
}

/// A batch that fills.
struct Batch {
    commands: Vec<Waiting>,
    bytes: usize,
}

impl Batch {
    /// Takes commands from the front while they fit; the first one behind the `first` ones that are there is never too heavy.
    fn take(&mut self, class: &mut VecDeque<Waiting>, limits: &BatchLimits, first: usize) {
        while let Some(next) = class.front() {
            let heavier = self.bytes.saturating_add(next.weight());
            let is_first = self.commands.len() == first;
            if self.commands.len() >= limits.commands_max || (heavier > limits.bytes_max && !is_first) {
                break;
            }
            self.bytes = heavier;
            self.commands.extend(class.pop_front());
        }
    }
}
