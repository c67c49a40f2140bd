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
    /// The most products, roughly; one command of each class always fits.
    pub products_max: usize,
}

impl BatchLimits {
    /// What suits a store that nobody shares: its one writer keeps nobody waiting for rows.
    pub const EMBEDDED: Self = Self { commands_max: 1_024, bytes_max: 4 << 20, products_max: usize::MAX };
    /// What suits a shared store: a transaction holds the rows of its products until it commits.
    pub const SHARED: Self = Self { commands_max: 512, bytes_max: 4 << 20, products_max: 4_096 };
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self::EMBEDDED
    }
}

/// Takes commands from the front of each class: first each class its share of commands, bytes and products, at least
/// one command, then whoever waits, until the batch is full.
pub fn fill(classes: &mut [VecDeque<Waiting>; 3], limits: &BatchLimits) -> Vec<Waiting> {
    let waiting: usize = classes.iter().map(VecDeque::len).sum();
    let mut batch = Batch { commands: Vec::with_capacity(waiting.min(limits.commands_max)), bytes: 0, products: 0 };
    for ((_, tenths), class) in Class::SHARES.iter().zip(classes.iter_mut()) {
        let share = |of: usize| of.saturating_mul(*tenths).div_ceil(10);
        let (commands, bytes, products) = (batch.commands.len(), batch.bytes, batch.products);
        let share = BatchLimits {
            commands_max: commands.saturating_add(share(limits.commands_max)).min(limits.commands_max),
            bytes_max: bytes.saturating_add(share(limits.bytes_max)),
            products_max: products.saturating_add(share(limits.products_max)),
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
    products: usize,
}

impl Batch {
    /// Takes commands from the front while they fit; the first one behind the `first` ones that are there is never too
    /// much.
    fn take(&mut self, class: &mut VecDeque<Waiting>, limits: &BatchLimits, first: usize) {
        while let Some(next) = class.front() {
            let bytes = self.bytes.saturating_add(next.weight());
            let products = self.products.saturating_add(next.submission.command.products());
            let is_first = self.commands.len() == first;
            let is_too_much = bytes > limits.bytes_max || products > limits.products_max;
            if self.commands.len() >= limits.commands_max || (is_too_much && !is_first) {
                break;
            }
            (self.bytes, self.products) = (bytes, products);
            self.commands.extend(class.pop_front());
        }
    }
}
