//! Which of the waiting commands go into the next batch: a pure function.

use std::collections::VecDeque;

use crate::queue::{Class, Waiting};

/// How large a batch may be.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// The most commands.
    pub commands_max: usize,
    /// The most bytes, roughly; one command always fits.
    pub bytes_max: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { commands_max: 1_024, bytes_max: 4 << 20 }
    }
}

/// Takes commands from the front of each class: first each class its share, then whoever waits, until the batch is full.
pub fn fill(classes: &mut [VecDeque<Waiting>; 3], limits: &BatchLimits) -> Vec<Waiting> {
    let waiting: usize = classes.iter().map(VecDeque::len).sum();
    let room = waiting.min(limits.commands_max);
    let mut batch = Vec::with_capacity(room);
    let mut bytes = 0_usize;
    let mut take = |class: &mut VecDeque<Waiting>, most: usize, batch: &mut Vec<Waiting>| {
        for _ in 0..most {
            let Some(next) = class.front() else { break };
            let heavier = bytes.saturating_add(next.weight());
            if batch.len() >= room || (heavier > limits.bytes_max && !batch.is_empty()) {
                break;
            }
            bytes = heavier;
            batch.extend(class.pop_front());
        }
    };
    if waiting > limits.commands_max {
        for ((_, tenths), class) in Class::SHARES.iter().zip(classes.iter_mut()) {
            let share = limits.commands_max.saturating_mul(*tenths).div_ceil(10);
            take(class, share, &mut batch);
        }
    }
    for class in classes.iter_mut() {
        take(class, room, &mut batch);
    }
    batch
}
