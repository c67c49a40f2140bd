//! Where upstream events come from record by record: a broker's topics.

use std::time::Duration;

/// One record of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Its topic.
    pub topic: String,
    /// The partition of the topic.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// What its order is kept by.
    pub key: Option<Vec<u8>>,
    /// What it says.
    pub value: Option<Vec<u8>>,
    /// What is said about it.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Record {
    /// A header as text. The last one of a name counts.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter().rev();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value.as_deref()?).ok()
    }

    /// How many bytes it takes, roughly.
    pub fn weight(&self) -> usize {
        let of = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter().map(|(name, value)| name.len().saturating_add(of(value)));
        headers.fold(of(&self.key).saturating_add(of(&self.value)), usize::saturating_add)
    }
}

/// How much is taken at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollLimits {
    /// The most records.
    pub records_max: usize,
    /// The most bytes; one record always comes.
    pub bytes_max: usize,
}

/// Why a source could not do what was asked. It may be asked again.
#[derive(Debug, thiserror::Error)]
#[error("the source of events does not answer")]
pub struct SourceError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Topics with upstream events, shared with the other members of a group.
pub trait EventSource: Send {
    /// The next records within `limits`, waiting up to `patience` for the first of them.
    ///
    /// # Errors
    ///
    /// [`SourceError`].
    fn poll(&mut self, limits: PollLimits, patience: Duration) -> Result<Vec<Record>, SourceError>;
    /// Stays a member of the group for some time without taking records.
    fn stay(&mut self, time: Duration);
    /// Says that these records were dealt with, so that nobody is given them again. It waits for nobody: the brokers
    /// are told soon after, at the latest when this source ends, and what they were not told comes again. Records of
    /// partitions that are another member's by now are left to it.
    fn settle(&mut self, records: &[Record]);
}
