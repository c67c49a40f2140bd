//! A dead letter before it is put away: made of a record, of an event, or of a payment that waited in vain.

use holdfast_domain::order::OrderEventKind;
use holdfast_domain::{DeadLetterId, OrderId, Refusal, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::content::LetterContent;
use super::letter::{DeadLetter, LetterHead, LetterStatus, Provenance, RecordPlace};
use super::room::LetterRoom;
use crate::answer::{Answer, Decision, KeptAnswer};
use crate::command::CommandKey;
use crate::intake::{EventNames, hexadecimal};
use crate::ports::Record;

/// Whose names those of dead letters are.
const SCOPE: &str = "dead-letter";
/// The most characters of a text that came with a record.
const CHARACTERS_MAX: usize = 128;
/// The most characters of a cause.
const CAUSE_CHARACTERS_MAX: usize = 500;

/// Something that is to be put away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLetter {
    /// Where it came from, and why.
    pub from: Provenance,
    /// What it says.
    pub content: LetterContent,
    /// Whether it is kept in short, however much of it is told.
    pub is_kept_short: bool,
}

impl NewLetter {
    /// The letter of a record that can never be applied.
    pub fn of_record(record: &Record, names: &EventNames, code: &str, cause: &str) -> Self {
        let Record { topic, partition, offset, key, value, .. } = record;
        // A topic that was made anew has other records at the same places.
        let said = Sha256::new().chain_update(key.as_deref().unwrap_or_default()).chain_update([0]);
        let said = said.chain_update(value.as_deref().unwrap_or_default()).finalize();
        let from = Provenance {
            origin: hash(&[topic.as_bytes(), &partition.to_be_bytes(), &offset.to_be_bytes(), &said]),
            place: Some(RecordPlace { topic: topic.clone(), partition: *partition, offset: *offset }),
            code: code.to_owned(),
            cause: cause.chars().take(CAUSE_CHARACTERS_MAX).collect(),
            kind: names.kind.as_ref().map(|kind| kind.chars().take(CHARACTERS_MAX).collect()),
            order: names.order.as_deref().and_then(OrderId::parse),
        };
        Self { from, content: LetterContent::of(record), is_kept_short: false }
    }

    /// The letter of an event that came without a broker and can never be applied.
    pub fn of_event(event: &Value, names: &EventNames, code: &str, cause: &str) -> Self {
        let value = event.to_string().into_bytes();
        let origin = hash(&[SCOPE.as_bytes(), &value]);
        let record = Record { value: Some(value), ..Record::default() };
        let letter = Self::of_record(&record, names, code, cause);
        Self { from: Provenance { origin, place: None, ..letter.from }, ..letter }
    }

    /// The letter of a payment that waited for its order in vain, given up `now`.
    pub(crate) fn of_payment(order: OrderId, now: Timestamp) -> Self {
        let kind = OrderEventKind::PaymentCompleted.as_str();
        let value = json!({"type": kind, "orderId": order.to_string()}).to_string().into_bytes();
        let key = order.to_string().into_bytes();
        let from = Provenance {
            origin: hash(&[kind.as_bytes(), &order.to_bytes(), &now.micros().to_be_bytes()]),
            place: None,
            code: Refusal::OrderNotFound.code().to_owned(),
            cause: "the payment waited for its order in vain".to_owned(),
            kind: Some(kind.to_owned()),
            order: Some(order),
        };
        let content = LetterContent { key: Some(key), value: Some(value), ..LetterContent::default() };
        Self { from, content, is_kept_short: false }
    }

    /// The same, in short where there is no room for more.
    #[must_use]
    pub fn within(mut self, room: &LetterRoom) -> Self {
        let bytes = self.content.weight();
        self.is_kept_short = !room.keeps(bytes);
        if !room.tells(bytes) {
            self.content = self.content.in_short();
        }
        self
    }

    /// The same in short.
    #[must_use]
    pub fn in_short(&self) -> Self {
        Self { content: self.content.in_short(), ..self.clone() }
    }

    /// The name under which it is put away once, however often its record comes.
    pub fn command_key(&self) -> CommandKey {
        let fingerprint = Sha256::digest(self.from.origin).into();
        CommandKey { scope: SCOPE.to_owned(), key: hexadecimal(&self.from.origin), position: 0, fingerprint, render }
    }

    /// How many bytes it takes, roughly.
    pub fn weight(&self) -> usize {
        self.content.weight().saturating_add(size_of::<Self>())
    }

    /// The letter as it is put away `now`.
    pub(crate) fn put_away(&self, now: Timestamp) -> DeadLetter {
        let head = LetterHead {
            id: DeadLetterId::new(now, self.from.origin),
            from: self.from.clone(),
            put_away_at: now,
            status: LetterStatus::Open,
            settled_at: None,
            note: None,
            settled_by: None,
            retried: None,
        };
        DeadLetter { head, content: self.content.clone() }
    }
}

/// What is kept of putting a letter away.
fn render(decision: &Decision) -> KeptAnswer {
    let is_new = matches!(decision, Ok(Answer::Swept { ended: true }));
    KeptAnswer { status: 200, body: json!({"putAway": is_new}).to_string().into_bytes(), location: None, etag: None }
}

/// The first half of SHA-256 over parts, each behind its length.
pub(super) fn hash(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().first_chunk().copied().expect("it has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_one_letter_and_another_one_at_its_place_has_another() {
        let record = Record { topic: "t".to_owned(), offset: 7, value: Some(b"{".to_vec()), ..Record::default() };
        let letter =
            |record: &Record| NewLetter::of_record(record, &EventNames::default(), "malformed_json", "no JSON");
        assert_eq!(letter(&record), letter(&record));
        for other in [
            Record { offset: 8, ..record.clone() },
            Record { partition: 1, ..record.clone() },
            Record { topic: "u".to_owned(), ..record.clone() },
            Record { value: None, ..record.clone() },
        ] {
            assert_ne!(letter(&record).command_key().key, letter(&other).command_key().key, "{other:?}");
        }
    }

    #[test]
    fn an_event_that_came_without_a_broker_has_one_letter_however_often_it_comes() {
        let letter = |event: Value| NewLetter::of_event(&event, &EventNames::default(), "validation_failed", "x");
        let (one, other) = (letter(json!({"type": "Nope"})), letter(json!({"type": "No"})));
        assert_eq!(letter(json!({"type": "Nope"})), one);
        assert_ne!(one.from.origin, other.from.origin);
        assert_eq!((one.from.place, one.content.value), (None, Some(br#"{"type":"Nope"}"#.to_vec())));
    }
}
