//! How much of dead letters is kept: enough for people to look at, and never so much that a flood of records that
//! cannot be read fills the disk. Which records there were, where they stand and what is wrong with each is kept of all
//! of them.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So many letters are kept whole, whatever their size, which is up to a megabyte.
const WHOLE_MAX: usize = 1_000;
/// With so many, further ones are kept in short.
pub const SMALL_MAX: usize = 10_000;
/// In between they are kept whole with no more bytes than this.
const SMALL_BYTES: usize = 16 << 10;

/// How many bytes a further letter may have to be kept whole where so many are kept.
const fn bytes_max(letters: usize) -> usize {
    if letters < WHOLE_MAX {
        usize::MAX
    } else if letters < SMALL_MAX {
        SMALL_BYTES
    } else {
        0
    }
}

/// What there is room for in the books, until somebody has dealt with the letters there, and in the outbox, until they
/// were told.
#[derive(Debug)]
pub struct LetterRoom {
    kept_bytes_max: AtomicUsize,
    told_bytes_max: AtomicUsize,
}

impl Default for LetterRoom {
    fn default() -> Self {
        Self { kept_bytes_max: AtomicUsize::new(usize::MAX), told_bytes_max: AtomicUsize::new(usize::MAX) }
    }
}

impl LetterRoom {
    /// So many letters are open, and so many wait in the outbox, counted up to [`SMALL_MAX`]. People hear when there
    /// begins to be no room.
    pub fn learn(&self, open: usize, untold: usize) {
        let (kept, told) = (bytes_max(open), bytes_max(untold));
        let had_kept = self.kept_bytes_max.swap(kept, Ordering::Relaxed);
        let had_told = self.told_bytes_max.swap(told, Ordering::Relaxed);
        if kept < had_kept {
            tracing::warn!(open, bytes_max = kept, "so many dead letters are open that larger ones are kept in short");
        }
        if told < had_told {
            tracing::warn!(
                untold,
                bytes_max = told,
                "so many dead letters cannot be told that larger ones will be told in short"
            );
        }
    }

    /// Whether a letter of so many bytes is kept whole in the books.
    pub(super) fn keeps(&self, bytes: usize) -> bool {
        bytes <= self.kept_bytes_max.load(Ordering::Relaxed)
    }

    /// Whether it is told whole.
    pub(super) fn tells(&self, bytes: usize) -> bool {
        bytes <= self.told_bytes_max.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_letters_there_are_the_smaller_those_that_are_kept_whole() {
        let room = LetterRoom::default();
        let kept = |bytes| (room.keeps(bytes), room.tells(bytes));
        assert_eq!(kept(1 << 20), (true, true));
        room.learn(999, 1_000);
        assert_eq!((kept(1 << 20), kept(16 << 10)), ((true, false), (true, true)));
        room.learn(10_000, 9_999);
        assert_eq!((kept(1), kept(16 << 10)), ((false, true), (false, true)));
        room.learn(0, 0);
        assert_eq!(kept(1 << 20), (true, true));
    }
}
