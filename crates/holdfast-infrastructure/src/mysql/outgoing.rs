//! Statements that write, gathered until one round trip takes all of them to the database.

use std::ops::Range;

use holdfast_application::ports::StoreError;

use crate::mysql::many_rows::BYTES_MAX;
use crate::sql::codec::broken;
use crate::sql::session::{RowGuard, RowWriter};

/// What the answer to a statement means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    /// It says nothing: as many rows as there were.
    Done,
    /// These rows were written.
    Written(&'static RowWriter),
    /// So many of these rows must have been as they were read.
    Raised(&'static RowGuard, u64),
}

impl Meaning {
    /// What became of a statement that concerned so many rows.
    fn judged(self, rows: u64) -> Result<(), StoreError> {
        match self {
            Self::Raised(guard, expected) if rows != expected => Err(guard.missed()),
            Self::Raised(..) | Self::Written(_) | Self::Done => Ok(()),
        }
    }

    /// What an error means that came instead of an answer.
    fn met(self, error: StoreError) -> StoreError {
        match self {
            Self::Written(writer) => writer.met(error),
            Self::Raised(..) | Self::Done => error,
        }
    }
}

/// Statements in the order in which they were gathered.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    text: String,
    statements: Vec<(Range<usize>, Meaning)>,
}

/// What stands between two statements.
pub(crate) const BETWEEN: &str = "; ";

impl Outgoing {
    pub(crate) const fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Whether this statement still fits into one packet with the others.
    pub(crate) fn has_room_for(&self, sql: &str) -> bool {
        self.text.len().saturating_add(sql.len()) <= BYTES_MAX
    }

    pub(crate) fn push(&mut self, sql: &str, meaning: Meaning) {
        if !self.is_empty() {
            self.text.push_str(BETWEEN);
        }
        let start = self.text.len();
        self.text.push_str(sql);
        self.statements.push((start..self.text.len(), meaning));
    }

    /// All of them as one text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// One after the other.
    pub(crate) fn each(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().map(|(place, _)| self.text.get(place.clone()).unwrap_or_default())
    }

    /// What it means that the statements concerned so many `rows`, one after the other, and perhaps that the next one
    /// failed.
    pub(crate) fn judge(&self, rows: &[u64], ended: Result<(), StoreError>) -> Result<(), StoreError> {
        for ((_, meaning), rows) in self.statements.iter().zip(rows) {
            meaning.judged(*rows)?;
        }
        match (ended, self.statements.get(rows.len())) {
            (Err(error), Some((_, meaning))) => Err(meaning.met(error)),
            (Err(error), None) => Err(error),
            (Ok(()), None) if rows.len() == self.statements.len() => Ok(()),
            (Ok(()), _) => Err(broken(format!("{} answers to {} statements", rows.len(), self.statements.len()))),
        }
    }

    /// Forgets them, and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.statements.clear();
    }
}

#[cfg(test)]
mod tests {
    use holdfast_application::ports::Collision;

    use super::*;
    use crate::sql::session::Upsert;

    static WRITER: RowWriter = RowWriter { insert: "INSERT INTO t (a)", columns: 1, upsert: Upsert::Fence };

    static GUARD: RowGuard = RowGuard { table: "t", is: "a row", key: "k", guard: "g", kept: &["a"], changed: &["b"] };

    fn key_is_there() -> StoreError {
        StoreError::Contention(Collision::Key, "a key that is there".into())
    }

    fn three() -> Outgoing {
        let mut outgoing = Outgoing::default();
        outgoing.push("INSERT 1", Meaning::Written(&WRITER));
        outgoing.push("UPDATE 2", Meaning::Raised(&GUARD, 2));
        outgoing.push("INSERT 3", Meaning::Done);
        outgoing
    }

    #[test]
    fn statements_stand_in_one_text_and_by_themselves() {
        let mut outgoing = three();
        assert_eq!(outgoing.text(), "INSERT 1; UPDATE 2; INSERT 3");
        assert_eq!(outgoing.each().collect::<Vec<_>>(), ["INSERT 1", "UPDATE 2", "INSERT 3"]);
        assert!(outgoing.has_room_for("DELETE 4") && !outgoing.has_room_for(&"x".repeat(BYTES_MAX)));
        outgoing.clear();
        assert!(outgoing.is_empty() && outgoing.text().is_empty());
    }

    #[test]
    fn each_answer_means_what_its_statement_says() {
        let met = |rows: &[u64], ended| match three().judge(rows, ended) {
            Ok(()) => None,
            Err(StoreError::Contention(met, _)) => Some(met),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(met(&[1, 2, 1], Ok(())), None);
        assert_eq!(met(&[], Err(key_is_there())), Some(Collision::Fence));
        assert_eq!(met(&[1, 2], Err(key_is_there())), Some(Collision::Key));
        // What was missed first counts, whatever came of it.
        assert_eq!(met(&[1, 1, 1], Ok(())), Some(Collision::Guard));
        assert_eq!(met(&[1, 3], Err(key_is_there())), Some(Collision::Guard));
    }

    #[test]
    fn a_statement_without_an_answer_was_not_done() {
        for rows in [&[][..], &[1, 2], &[1, 2, 1, 1]] {
            assert!(matches!(three().judge(rows, Ok(())), Err(StoreError::Broken(_))), "{rows:?}");
        }
    }
}
