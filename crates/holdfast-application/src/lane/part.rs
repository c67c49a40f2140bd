//! What is tried in one transaction: a batch, or a part of one that could not be committed as a whole.

use std::collections::HashMap;

use holdfast_domain::OrderId;
use holdfast_domain::book::ProductRef;

use crate::ports::Collision;
use crate::queue::Waiting;

/// How often a batch that meets another writer is tried before it is halved: one bad neighbour cannot starve the
/// others.
const TRIES_MAX: u32 = 2;
/// How often a command that meets another writer is tried by itself.
const TRIES_ALONE_MAX: u32 = 8;

/// Commands that are tried together.
#[derive(Debug)]
pub(super) struct Part {
    /// In order of arrival.
    pub(super) commands: Vec<Waiting>,
    /// How often they were tried.
    pub(super) tries: u32,
    /// Why the outcome of an earlier try is not known.
    pub(super) unknown: Option<String>,
    /// Whether they are about one thing, and so must be decided before what came after them.
    pub(super) goes_first: bool,
}

impl Part {
    /// A whole batch.
    pub(super) const fn whole(commands: Vec<Waiting>) -> Self {
        Self { commands, tries: 0, unknown: None, goes_first: false }
    }

    /// Whether it is worth a further try as it is. Whoever waited for a lock in vain has waited for long.
    pub(super) fn may_be_tried_again(&self, met: Collision) -> bool {
        self.tries < tries_max(self.commands.len(), met)
    }

    /// Its halves. Commands about the same order, or the same product, stay together as long as there are others.
    pub(super) fn halved(self) -> [Self; 2] {
        let mut subjects: HashMap<Option<Subject>, usize> = HashMap::new();
        let places: Vec<usize> = self
            .commands
            .iter()
            .map(|command| {
                let next = subjects.len();
                *subjects.entry(Subject::of(command)).or_insert(next)
            })
            .collect();
        let goes_first = subjects.len() == 1;
        let middle = if goes_first { self.commands.len() } else { subjects.len() }.div_ceil(2);
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for (at, (command, place)) in self.commands.into_iter().zip(places).enumerate() {
            let half = if (if goes_first { at } else { place }) < middle { &mut first } else { &mut rest };
            half.push(command);
        }
        [first, rest].map(|commands| Self { goes_first, ..Self::whole(commands) })
    }
}

/// How often so many commands are tried that met another writer.
pub(super) const fn tries_max(commands: usize, met: Collision) -> u32 {
    match (commands, met) {
        (..=1, _) => TRIES_ALONE_MAX,
        (_, Collision::LockWait) => 1,
        _ => TRIES_MAX,
    }
}

/// What a command is about.
#[derive(PartialEq, Eq, Hash)]
enum Subject {
    Order(OrderId),
    Product(ProductRef),
}

impl Subject {
    fn of(command: &Waiting) -> Option<Self> {
        let command = &command.submission.command;
        command.order().map(Self::Order).or_else(|| command.product().map(Self::Product))
    }
}
