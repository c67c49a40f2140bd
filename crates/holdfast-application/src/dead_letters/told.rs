//! How brokers hear of a dead letter: as the record came, with headers that tell its cause and where it came from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_domain::order::OrderEventKind;

use super::content::{LetterContent, LetterHeader};
use super::content_bytes::{Reader, UnfitContent, Writer};
use super::letter::{DeadLetter, LetterHead, RecordPlace};
use super::new_letter::hash;
use crate::events::{EventKind, OutgoingEvent, PlaceInStream, Stream};
use crate::intake::kind_of;

/// The headers that are added to a record, each with what it says; those behind the first three only where there is
/// something to say.
pub const HEADERS: [(&str, &str); 8] = [
    ("holdfast-id", "The dead letter's id: the same however often it is sent."),
    ("holdfast-code", "Why it can never be applied: a stable code."),
    ("holdfast-cause", "The same in words."),
    ("holdfast-topic", "The topic it came from."),
    ("holdfast-partition", "The partition of the topic."),
    ("holdfast-offset", "The place in the partition."),
    ("holdfast-value-sha256", "SHA-256, in base64, over a value that was too large to be kept."),
    ("holdfast-cut", "What is not as it came: key, headers, value, with commas between them."),
];

/// What the topic is named after of what came from none, and whose type is not known.
const OTHERS: &str = "events";

/// A letter on its way to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldLetter {
    /// The topic that its own is named after.
    pub topic: String,
    /// What came, with the headers that were added.
    pub content: LetterContent,
}

impl ToldLetter {
    /// The letter in an event.
    ///
    /// # Errors
    ///
    /// [`UnfitContent`].
    pub fn of(event: &OutgoingEvent) -> Result<Self, UnfitContent> {
        let mut reader = Reader(&event.data);
        let topic = reader.text()?.to_owned();
        Ok(Self { topic, content: LetterContent::from_bytes(reader.0)? })
    }
}

/// What is told of a letter.
pub(crate) fn told(letter: &DeadLetter) -> OutgoingEvent {
    let DeadLetter { head, content } = letter;
    let (key, sequence, topic) = match &head.from.place {
        Some(RecordPlace { topic, partition, offset }) => {
            let sequence = u64::try_from(*offset).unwrap_or_default().saturating_add(1);
            (hash(&[topic.as_bytes(), &partition.to_be_bytes()]), sequence, topic.as_str())
        }
        // It goes where its like would have come from.
        None => {
            let kind = head.from.kind.as_deref().and_then(kind_of);
            (head.from.origin, 1, kind.map_or(OTHERS, OrderEventKind::as_str))
        }
    };
    let mut content = content.clone();
    content.headers.extend(headers(head, &content));
    let mut writer = Writer::default();
    writer.part(Some(topic.as_bytes()));
    writer.0.extend(content.to_bytes());
    let place = PlaceInStream { stream: Stream::DeadLetters, key, sequence, part: 0 };
    OutgoingEvent { place, kind: EventKind::DeadLetter, at: head.put_away_at, data: writer.0 }
}

/// The headers that tell of a letter.
fn headers(head: &LetterHead, content: &LetterContent) -> Vec<LetterHeader> {
    let mut told = vec![("holdfast-code", head.from.code.clone()), ("holdfast-cause", head.from.cause.clone())];
    if let Some(RecordPlace { topic, partition, offset }) = &head.from.place {
        told.push(("holdfast-topic", topic.clone()));
        told.push(("holdfast-partition", partition.to_string()));
        told.push(("holdfast-offset", offset.to_string()));
    }
    if let Some(left_out) = &content.left_out {
        told.push(("holdfast-value-sha256", STANDARD.encode(left_out.sha256)));
    }
    let cut = content.cut().join(",");
    if !cut.is_empty() {
        told.push(("holdfast-cut", cut));
    }
    told.push(("holdfast-id", head.id.to_string()));
    told.into_iter().map(|(name, value)| (name.to_owned(), Some(value.into_bytes()))).collect()
}

#[cfg(test)]
mod tests {
    use holdfast_domain::Timestamp;

    use super::*;
    use crate::dead_letters::NewLetter;
    use crate::intake::EventNames;
    use crate::ports::Record;

    #[test]
    fn a_letter_is_told_as_it_came_with_its_cause_and_origin() {
        let record = Record {
            topic: "orders".to_owned(),
            partition: 3,
            offset: 41,
            key: Some(b"k".to_vec()),
            value: Some(b"{".to_vec()),
            headers: vec![("trace".to_owned(), Some(b"7".to_vec()))],
        };
        let letter = NewLetter::of_record(&record, &EventNames::default(), "malformed_json", "no JSON");
        let event = told(&letter.put_away(Timestamp::EPOCH));
        assert_eq!((event.place.stream, event.place.sequence, event.place.part), (Stream::DeadLetters, 42, 0));
        let ToldLetter { topic, content } = ToldLetter::of(&event).expect("a letter");
        assert_eq!((topic.as_str(), &content.key, &content.value), ("orders", &record.key, &record.value));
        let names: Vec<&str> = content.headers.iter().map(|(name, _)| name.as_str()).collect();
        let expected = ["trace", "holdfast-code", "holdfast-cause", "holdfast-topic", "holdfast-partition"];
        assert_eq!(names.get(..5), Some(&expected[..]));
        assert_eq!(names.get(5..), Some(&["holdfast-offset", "holdfast-id"][..]));
    }

    #[test]
    fn what_came_from_no_topic_goes_where_its_like_would_have_come_from() {
        let topic = |kind: &str| {
            let names = EventNames { kind: Some(kind.to_owned()), ..EventNames::default() };
            let letter = NewLetter::of_event(&serde_json::json!({"type": kind}), &names, "validation_failed", "x");
            ToldLetter::of(&told(&letter.put_away(Timestamp::EPOCH))).expect("a letter").topic
        };
        assert_eq!([topic("OrderCancelled"), topic("no topic/ has such a name")], ["OrderCancelled", "events"]);
    }

    #[test]
    fn every_header_that_is_told_is_described_and_the_other_way_round() {
        let large = Record { value: Some(vec![b' '; 1 << 20]), ..Record::default() };
        let letter = NewLetter::of_record(&large, &EventNames::default(), "malformed_json", "no JSON");
        let told = ToldLetter::of(&told(&letter.put_away(Timestamp::EPOCH))).expect("a letter");
        let mut names: Vec<&str> = told.content.headers.iter().map(|(name, _)| name.as_str()).collect();
        let mut described = HEADERS.map(|(name, _)| name);
        names.sort_unstable();
        described.sort_unstable();
        assert_eq!(names, described);
    }
}
