//! Dead letters within a transaction.

use holdfast_domain::{DeadLetterId, Timestamp};

use super::transaction::{MemoryTransaction, contention};
use crate::dead_letters::{DeadLetter, LetterHead, LetterStatus};
use crate::ports::{Collision, DeadLetterRepository, StoreError};

impl DeadLetterRepository for MemoryTransaction<'_> {
    fn known_letters(&mut self, origins: &[[u8; 16]]) -> Result<Vec<[u8; 16]>, StoreError> {
        let known = self.books.letters.values().map(|letter| letter.head.from.origin);
        Ok(known.filter(|origin| origins.contains(origin)).collect())
    }

    fn put_away(&mut self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        for letter in letters {
            let id = letter.head.id;
            let is_there =
                |known: &DeadLetter| known.head.from.origin == letter.head.from.origin || known.head.id == id;
            if self.books.letters.values().any(is_there) {
                return Err(contention(Collision::Key, "the letter is there already"));
            }
            self.books.letters.insert(id, letter.clone());
            self.undo.push(Box::new(move |books| {
                books.letters.remove(&id);
            }));
        }
        Ok(())
    }

    fn load_letters(&mut self, ids: &[DeadLetterId]) -> Result<Vec<LetterHead>, StoreError> {
        Ok(ids.iter().filter_map(|id| self.books.letters.get(id)).map(|letter| letter.head.clone()).collect())
    }

    fn settle_letter(&mut self, letter: &LetterHead) -> Result<(), StoreError> {
        if let Some(known) = self.books.letters.get_mut(&letter.id) {
            let before = std::mem::replace(&mut known.head, letter.clone());
            self.undo.push(Box::new(move |books| {
                if let Some(known) = books.letters.get_mut(&before.id) {
                    known.head = before;
                }
            }));
        }
        Ok(())
    }

    fn forget_letters(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let is_old = |letter: &&DeadLetter| {
            letter.head.status != LetterStatus::Open && letter.head.settled_at.is_some_and(|at| at < before)
        };
        let old: Vec<DeadLetterId> =
            self.books.letters.values().filter(is_old).take(most).map(|letter| letter.head.id).collect();
        let forgotten: Vec<DeadLetter> = old.iter().filter_map(|id| self.books.letters.remove(id)).collect();
        let count = forgotten.len();
        self.undo.push(Box::new(move |books| {
            books.letters.extend(forgotten.into_iter().map(|letter| (letter.head.id, letter)));
        }));
        Ok(count)
    }
}
