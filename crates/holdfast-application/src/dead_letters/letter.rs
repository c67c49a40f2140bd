//! A dead letter: where it came from, why it was put away, and what became of it.

use std::fmt;

use holdfast_domain::{Actor, DeadLetterId, DiscardNote, OrderId, Timestamp};

use super::content::LetterContent;
use crate::intake::Outcome;

/// Where a record stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// The topic.
    pub topic: String,
    /// The partition of the topic.
    pub partition: i32,
    /// The place in the partition.
    pub offset: i64,
}

/// What became of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LetterStatus {
    /// Somebody has to look at it.
    Open,
    /// It was tried again, and decided.
    Retried,
    /// Somebody said that it need not be.
    Discarded,
}

impl LetterStatus {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Retried, Self::Discarded];

    /// The word the world reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Retried => "retried",
            Self::Discarded => "discarded",
        }
    }

    /// The status a word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The number stores keep it as; it never changes.
    pub const fn code(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Retried => 1,
            Self::Discarded => 2,
        }
    }

    /// The one that [`Self::code`] numbers so.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }
}

impl fmt::Display for LetterStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a letter is dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterEnd {
    /// It was tried again, and this became of it.
    Retried(Outcome),
    /// It need not be, and why.
    Discarded(DiscardNote),
}

/// Where a letter came from, and why it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// A hash of where it came from and what it says: what has the same one is put away once.
    pub origin: [u8; 16],
    /// Where the record stood; `None` of an event that came without a broker, and of a payment that waited in vain.
    pub place: Option<RecordPlace>,
    /// The stable code of the cause (CONTRACT, section 10).
    pub code: String,
    /// The cause in words.
    pub cause: String,
    /// What happened, where that could be read.
    pub kind: Option<String>,
    /// To which order, where that could be read.
    pub order: Option<OrderId>,
}

/// A letter without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterHead {
    /// Its id: later ones are larger.
    pub id: DeadLetterId,
    /// Where it came from, and why.
    pub from: Provenance,
    /// When it was put away.
    pub put_away_at: Timestamp,
    /// What became of it.
    pub status: LetterStatus,
    /// When that happened.
    pub settled_at: Option<Timestamp>,
    /// Why it was discarded.
    pub note: Option<DiscardNote>,
    /// Who dealt with it.
    pub settled_by: Option<Actor>,
    /// What became of it when it was tried again.
    pub retried: Option<Outcome>,
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it came from, why, and what became of it.
    pub head: LetterHead,
    /// What it says.
    pub content: LetterContent,
}

impl DeadLetter {
    /// The same in short.
    #[must_use]
    pub fn in_short(&self) -> Self {
        Self { head: self.head.clone(), content: self.content.in_short() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_its_word_and_its_number() {
        for status in LetterStatus::ALL {
            assert_eq!(
                (LetterStatus::parse(status.as_str()), LetterStatus::from_code(status.code())),
                (Some(status), Some(status))
            );
        }
    }
}
