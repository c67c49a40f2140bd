//! One event on its way out.

use std::fmt::Write as _;

use holdfast_domain::{DeadLetterId, OrderId, ProductId, Timestamp};

use super::kind::{EventKind, Stream};

/// Where an event stands among those of its key. Readers drop what is not above the last (sequence, part) they saw of a
/// key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceInStream {
    /// What is counted: a product's movements, an order's outcomes, or a partition's records.
    pub stream: Stream,
    /// The product's or the order's id; of a dead letter a hash of its partition.
    pub key: [u8; 16],
    /// 1, 2, 3 … per key.
    pub sequence: u64,
    /// 0, 1, 2 … among events with this sequence.
    pub part: u32,
}

impl PlaceInStream {
    /// The key as people and Kafka read it.
    pub fn key_text(&self) -> String {
        match self.stream {
            Stream::Stock => ProductId::from_bytes(self.key).to_string(),
            Stream::Orders => OrderId::from_bytes(self.key).to_string(),
            Stream::DeadLetters => DeadLetterId::from_bytes(self.key).to_string(),
        }
    }

    /// Whether it comes next behind `before`, of the same key.
    pub const fn follows(&self, before: &Self) -> bool {
        let is_next_part = self.sequence == before.sequence && self.part == before.part.saturating_add(1);
        let is_next_sequence = self.sequence == before.sequence.saturating_add(1) && self.part == 0;
        is_next_part || is_next_sequence
    }

    /// The event's id, which is the same however often it is sent.
    pub fn event_id(&self) -> String {
        let mut id = String::with_capacity(64);
        let _ = write!(id, "{}:{}:{}:{}", self.stream.as_str(), self.key_text(), self.sequence, self.part);
        id
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingEvent {
    /// Where it stands.
    pub place: PlaceInStream,
    /// What it tells.
    pub kind: EventKind,
    /// When that happened.
    pub at: Timestamp,
    /// What it says, as JSON.
    pub data: Vec<u8>,
}

impl OutgoingEvent {
    /// When it counts as written, of a transaction that was decided at `now`: a product's time never runs backwards,
    /// but the clocks of two writers may, and what is read of the outbox at a time must not begin behind what comes
    /// first of a key.
    pub fn written_at(&self, now: Timestamp) -> Timestamp {
        now.max(self.at)
    }
}

/// A row of the outbox: events that a store keeps together as long as all of them wait; where it keeps each by itself,
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parcel {
    /// When they were written: later events of a key are never written before earlier ones.
    pub written_at: Timestamp,
    /// The first of them, which names the row.
    pub first: PlaceInStream,
    /// How many they are.
    pub events: usize,
}

/// What a destination has heard of a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentParcel {
    /// The parcel as it was read.
    pub parcel: Parcel,
    /// Which of its events, where that is not all of them.
    pub part: Option<Vec<PlaceInStream>>,
}

impl SentParcel {
    /// The parcels of events that were heard, each event once or several times.
    pub fn of<'a>(heard: impl Iterator<Item = &'a UnsentEvent>) -> Vec<Self> {
        let mut places: Vec<(Parcel, PlaceInStream)> =
            heard.map(|unsent| (unsent.parcel, unsent.event.place)).collect();
        // They are counted.
        places.sort_unstable();
        places.dedup();
        let sent = places.chunk_by(|(one, _), (next, _)| one == next).filter_map(|together| {
            let (parcel, _) = *together.first()?;
            let part = (together.len() < parcel.events).then(|| together.iter().map(|(_, place)| *place).collect());
            Some(Self { parcel, part })
        });
        sent.collect()
    }

    /// How many bytes it takes, roughly.
    pub fn weight(&self) -> usize {
        self.part.as_deref().map_or(0, size_of_val).saturating_add(size_of::<Self>())
    }

    /// How many events were heard.
    pub fn events(&self) -> usize {
        self.part.as_ref().map_or(self.parcel.events, Vec::len)
    }
}

/// An event that waits in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsentEvent {
    /// The event.
    pub event: OutgoingEvent,
    /// What it was read with.
    pub parcel: Parcel,
}

impl UnsentEvent {
    /// An event that is kept by itself.
    pub const fn alone(event: OutgoingEvent, written_at: Timestamp) -> Self {
        let parcel = Parcel { written_at, first: event.place, events: 1 };
        Self { event, parcel }
    }
}
