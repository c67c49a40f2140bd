//! What a batch does to dead letters: puts some away, deals with others.

use std::collections::{HashMap, HashSet};

use holdfast_domain::book::Effect;
use holdfast_domain::{Actor, DeadLetterId, OrderId, Refusal, Timestamp};

use super::letter::{DeadLetter, LetterEnd, LetterHead, LetterStatus};
use super::new_letter::NewLetter;
use crate::answer::{Answer, Decision};
use crate::command::{Command, Submission};
use crate::ports::{StoreError, StoreTransaction};

/// The letters that a batch is about.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    known: HashSet<[u8; 16]>,
    heads: HashMap<DeadLetterId, LetterHead>,
    /// Those that are new, as they are told.
    pub(crate) new: Vec<DeadLetter>,
    /// Those that are new and kept in short, as they are told.
    pub(crate) new_in_short: Vec<DeadLetter>,
    /// Those that were dealt with.
    pub(crate) settled: HashMap<DeadLetterId, LetterHead>,
}

impl Shelf {
    /// The letters that these commands are about, locked until the transaction ends.
    pub(crate) fn load(transaction: &mut dyn StoreTransaction, batch: &[&Submission]) -> Result<Self, StoreError> {
        let (mut origins, mut ids) = (Vec::new(), Vec::new());
        for submission in batch {
            match &submission.command {
                Command::PutAway(letter) => origins.push(letter.from.origin),
                Command::SettleLetter { letter, .. } => ids.push(*letter),
                _ => {}
            }
        }
        let mut shelf = Self::default();
        if !ids.is_empty() {
            ids.sort_unstable();
            ids.dedup();
            shelf.heads = transaction.load_letters(&ids)?.into_iter().map(|head| (head.id, head)).collect();
        }
        if !origins.is_empty() {
            origins.sort_unstable();
            origins.dedup();
            shelf.known = transaction.known_letters(&origins)?.into_iter().collect();
        }
        Ok(shelf)
    }

    /// Forgets what was decided, so that the batch can be decided anew.
    pub(crate) fn start_over(&mut self) {
        self.new.clear();
        self.new_in_short.clear();
        self.settled.clear();
    }

    /// All that are new, as they are told.
    pub(crate) fn all_new(&self) -> impl Iterator<Item = &DeadLetter> {
        self.new.iter().chain(&self.new_in_short)
    }

    /// Decides a command that is about letters; `None` of any other.
    pub(crate) fn decide(&mut self, command: &Command, actor: &Actor, now: Timestamp) -> Option<Decision> {
        match command {
            Command::PutAway(letter) => Some(Ok(Answer::Swept { ended: self.put_away(letter, now) })),
            Command::SettleLetter { letter, end } => Some(self.settle(*letter, end, actor, now)),
            _ => None,
        }
    }

    /// Puts away a payment that was given up.
    pub(crate) fn give_up_payment(&mut self, order: OrderId, now: Timestamp) {
        self.put_away(&NewLetter::of_payment(order, now), now);
    }

    /// Puts a letter away. Says whether it is new.
    fn put_away(&mut self, letter: &NewLetter, now: Timestamp) -> bool {
        let has = |new: &DeadLetter| new.head.from.origin == letter.from.origin;
        let is_new = !self.known.contains(&letter.from.origin) && !self.all_new().any(has);
        if is_new {
            let kept = if letter.is_kept_short { &mut self.new_in_short } else { &mut self.new };
            kept.push(letter.put_away(now));
        }
        is_new
    }

    fn settle(&mut self, id: DeadLetterId, end: &LetterEnd, actor: &Actor, now: Timestamp) -> Decision {
        let head = self.settled.get(&id).or_else(|| self.heads.get(&id)).ok_or(Refusal::DeadLetterNotFound)?;
        if head.status != LetterStatus::Open {
            return Ok(Answer::DeadLetter { effect: Effect::Replayed, letter: Box::new(head.clone()) });
        }
        let (status, note, retried) = match end {
            LetterEnd::Retried(outcome) => (LetterStatus::Retried, None, Some(outcome.clone())),
            LetterEnd::Discarded(note) => (LetterStatus::Discarded, Some(note.clone()), None),
        };
        // Another writer's clock, by which it was put away, may be ahead.
        let (settled_at, settled_by) = (Some(now.max(head.put_away_at)), Some(actor.clone()));
        let head = LetterHead { status, settled_at, note, settled_by, retried, ..head.clone() };
        self.settled.insert(id, head.clone());
        Ok(Answer::DeadLetter { effect: Effect::Applied, letter: Box::new(head) })
    }
}
