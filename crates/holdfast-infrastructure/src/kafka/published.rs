//! The topics of stock events, read again from their ends.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use holdfast_application::events::{EventKind, Stream, read_back};
use holdfast_application::ports::{LatestEvents, PublishedEvent, PublishedEvents, Unreadable};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError as LibraryError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Header, Headers as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::settings::{EventFormat, KafkaSettings};
use super::source::KafkaError;

/// How long a broker may take to tell what topics there are, or where one ends.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long all records may take to come.
const READ_MAX: Duration = Duration::from_secs(20);

/// The topics to which stock events are published.
pub struct StockTopics {
    consumer: BaseConsumer,
    topics: Vec<String>,
    format: EventFormat,
    source: String,
    /// Where each partition ended when it was last read.
    ends: HashMap<(String, i32), i64>,
}

impl std::fmt::Debug for StockTopics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StockTopics").field("topics", &self.topics).finish_non_exhaustive()
    }
}

impl StockTopics {
    /// The topics that the settings name. No broker needs to answer yet.
    ///
    /// # Errors
    ///
    /// [`KafkaError`]: a property is unknown or wrong.
    pub fn of(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        let publish = &settings.publish;
        let topics = match publish.format {
            EventFormat::Plain => {
                let of_stock = EventKind::ALL.into_iter().filter(|kind| kind.stream() == Stream::Stock);
                of_stock.map(|kind| kind.as_str().to_owned()).collect()
            }
            EventFormat::Binary | EventFormat::Structured => vec![publish.topic_stock.clone()],
        };
        let consumer = settings.reader().create()?;
        Ok(Self { consumer, topics, format: publish.format, source: publish.source.clone(), ends: HashMap::new() })
    }

    /// What is to be read: each partition that has records, with where to begin and where it ends.
    fn stretches(&self, least: usize, most: usize) -> Result<Vec<Stretch>, LibraryError> {
        let known = self.consumer.fetch_metadata(None, ANSWER_MAX)?;
        let mut stretches = Vec::new();
        for topic in known.topics().iter().filter(|topic| self.topics.iter().any(|name| name == topic.name())) {
            for partition in topic.partitions() {
                let (low, high) = self.consumer.fetch_watermarks(topic.name(), partition.id(), ANSWER_MAX)?;
                let place = (topic.name().to_owned(), partition.id());
                let new = self.ends.get(&place).map_or(0, |end| high.saturating_sub(*end));
                let bound = |records: usize| i64::try_from(records).unwrap_or(i64::MAX);
                let begin = high.saturating_sub(new.min(bound(most)).max(bound(least))).max(low);
                if begin < high {
                    let latest = LatestEvents { events: Vec::new(), is_all: begin == low };
                    stretches.push(Stretch { place, begin, end: high, latest });
                }
            }
        }
        Ok(stretches)
    }

    fn read(&self, stretches: &mut [Stretch]) -> Result<(), LibraryError> {
        let mut places = TopicPartitionList::new();
        for Stretch { place: (topic, partition), begin, .. } in &*stretches {
            places.add_partition_offset(topic, *partition, Offset::Offset(*begin))?;
        }
        self.consumer.assign(&places)?;
        let (mut topics_with, mut ends_told) = (HashMap::new(), HashMap::new());
        for Stretch { place: (_, partition), .. } in &*stretches {
            let topics = topics_with.entry(*partition).or_insert(0_usize);
            *topics = topics.saturating_add(1);
        }
        let mut open: HashMap<(String, i32), &mut Stretch> =
            stretches.iter_mut().map(|stretch| (stretch.place.clone(), stretch)).collect();
        let until = Instant::now().checked_add(READ_MAX);
        while !open.is_empty() {
            if until.is_some_and(|until| Instant::now() > until) {
                return Err(LibraryError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut));
            }
            match self.consumer.poll(Duration::from_millis(100)) {
                None => {}
                // Behind the last record there may be places without one, up to the end. The library tells a partition's
                // number and not its topic: all topics that have it must have come to their ends.
                Some(Err(LibraryError::PartitionEOF(partition))) => {
                    let told = ends_told.entry(partition).or_insert(0_usize);
                    *told = told.saturating_add(1);
                    if *told >= topics_with.get(&partition).copied().unwrap_or_default() {
                        open.retain(|(_, number), _| *number != partition);
                    }
                }
                Some(Err(error)) => return Err(error),
                Some(Ok(message)) => {
                    let place = (message.topic().to_owned(), message.partition());
                    let Some(stretch) = open.get_mut(&place) else { continue };
                    stretch.latest.events.extend(self.event(&message));
                    if message.offset().saturating_add(1) >= stretch.end {
                        open.remove(&place);
                    }
                }
            }
        }
        Ok(())
    }

    /// What a record tells; `None` where somebody else wrote it.
    fn event(&self, message: &BorrowedMessage<'_>) -> Option<PublishedEvent> {
        let value = message.payload()?;
        match self.format {
            EventFormat::Plain => read_back::stock_event(value),
            EventFormat::Structured => read_back::structured_stock_event(value, &self.source),
            EventFormat::Binary => {
                let source = Some(self.source.as_bytes());
                let is_ours = |header: Header<'_, &[u8]>| header.key == "ce_source" && header.value == source;
                message.headers()?.iter().any(is_ours).then(|| read_back::stock_event(value))?
            }
        }
    }
}

/// A stretch of a partition.
struct Stretch {
    place: (String, i32),
    begin: i64,
    end: i64,
    latest: LatestEvents,
}

impl PublishedEvents for StockTopics {
    fn latest(&mut self, least: usize, most: usize) -> Result<Vec<LatestEvents>, Unreadable> {
        let wrong = |error: LibraryError| Unreadable(Box::new(error));
        let mut stretches = self.stretches(least, most).map_err(wrong)?;
        let read = self.read(&mut stretches);
        self.consumer.unassign().map_err(wrong)?;
        read.map_err(wrong)?;
        self.ends.extend(stretches.iter().map(|stretch| (stretch.place.clone(), stretch.end)));
        Ok(stretches.into_iter().map(|stretch| stretch.latest).collect())
    }
}
