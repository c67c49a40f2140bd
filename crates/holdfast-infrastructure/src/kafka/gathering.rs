//! As many records as are wanted at a time, from a source that gives one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use holdfast_application::ports::{PollLimits, Record, SourceError};

/// Records within `limits`: those that came `early` first, then what `next` gives, with `patience` for the first. One
/// that does not fit any more comes early for the next time. What was taken before an error is handed over: nobody
/// would be given it again, and an error that lasts is told anew.
pub(super) fn gather(
    limits: PollLimits,
    patience: Duration,
    early: &mut VecDeque<Record>,
    mut next: impl FnMut(Duration) -> Result<Option<Record>, SourceError>,
) -> Result<Vec<Record>, SourceError> {
    let (mut records, mut bytes): (Vec<Record>, usize) = (Vec::new(), 0);
    while records.len() < limits.records_max {
        let patience = if records.is_empty() { patience } else { Duration::ZERO };
        let came = match early.pop_front() {
            Some(record) => Some(record),
            None => match next(patience) {
                Ok(came) => came,
                Err(error) if !records.is_empty() => {
                    tracing::debug!(%error, "a poll broke off");
                    None
                }
                Err(error) => return Err(error),
            },
        };
        let Some(record) = came else { break };
        bytes = bytes.saturating_add(record.weight());
        if bytes > limits.bytes_max && !records.is_empty() {
            early.push_front(record);
            break;
        }
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PollLimits = PollLimits { records_max: 4, bytes_max: 100 };

    #[test]
    fn a_poll_that_breaks_off_hands_over_the_records_that_were_read_before() {
        let mut source = vec![Some(record(1, 1)), Some(record(2, 1)), None, Some(record(3, 1)), None].into_iter();
        let mut early = VecDeque::new();
        // `None` stands for an error.
        let mut poll = || {
            let next = |_| source.next().flatten().map(Some).ok_or_else(|| SourceError("it breaks".into()));
            gather(LIMITS, Duration::ZERO, &mut early, next).map(|records| offsets(&records))
        };
        assert_eq!(poll().expect("two were read"), [1, 2]);
        assert_eq!(poll().expect("one was read"), [3]);
        poll().expect_err("an error that lasts is told");
    }

    #[test]
    fn large_records_come_a_few_at_a_time_in_their_order_and_one_always_does() {
        let mut source = [record(1, 40), record(2, 40), record(3, 40), record(4, 500), record(5, 10)].into_iter();
        let mut early = VecDeque::from([record(0, 10)]);
        let mut polls = Vec::new();
        loop {
            let next = |_| Ok(source.next());
            let records = gather(LIMITS, Duration::ZERO, &mut early, next).expect("it does not break");
            assert!(early.len() <= 1);
            if records.is_empty() {
                break;
            }
            polls.push(offsets(&records));
        }
        assert_eq!(polls, [vec![0, 1, 2], vec![3], vec![4], vec![5]]);
    }

    #[test]
    fn no_more_records_come_than_are_wanted() {
        let next = |_| Ok(Some(record(7, 1)));
        let records = gather(LIMITS, Duration::ZERO, &mut VecDeque::new(), next).expect("it does not break");
        assert_eq!(records.len(), 4);
    }

    fn record(offset: i64, bytes: usize) -> Record {
        Record { offset, value: Some(vec![b' '; bytes]), ..Record::default() }
    }

    fn offsets(records: &[Record]) -> Vec<i64> {
        records.iter().map(|record| record.offset).collect()
    }
}
