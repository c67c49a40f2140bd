//! When people are told once more that a source does not answer: it is asked every other second, for as long as it is
//! away.

use std::time::{Duration, Instant};

/// How often they are told the same.
const EVERY: Duration = Duration::from_mins(1);

/// What they were told last, and when.
#[derive(Default)]
pub(super) struct Complaint(Option<(String, Instant)>);

impl Complaint {
    /// Whether to tell this now.
    pub(super) fn is_due(&mut self, words: &str, now: Instant) -> bool {
        let is_old = |(told, at): &(String, Instant)| told == words && now.duration_since(*at) < EVERY;
        let is_due = !self.0.as_ref().is_some_and(is_old);
        if is_due {
            self.0 = Some((words.to_owned(), now));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_at_once_and_the_same_once_a_minute() {
        let (mut complaint, began) = (Complaint::default(), Instant::now());
        let mut told = |words, seconds| complaint.is_due(words, began + Duration::from_secs(seconds));
        assert_eq!([told("away", 0), told("away", 2), told("away", 59)], [true, false, false]);
        assert_eq!([told("refused", 59), told("refused", 60), told("refused", 119)], [true, false, true]);
    }
}
