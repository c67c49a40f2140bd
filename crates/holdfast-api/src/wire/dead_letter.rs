//! Dead letters on the wire.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_application::dead_letters::{DeadLetter, LetterHead, LetterHeader};
use holdfast_application::intake::Outcome;
use holdfast_domain::book::Effect;
use holdfast_domain::{Actor, DeadLetterId, DiscardNote, OrderId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{Shown, outcome};

/// A record or a payment that can never be applied, without what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DeadLetterSummary)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterSummaryView {
    /// Its id: later ones are larger.
    #[schema(value_type = String, format = "uuid")]
    pub id: Shown<DeadLetterId>,
    /// `open`, `retried` or `discarded`.
    #[schema(pattern = "^(open|retried|discarded)$")]
    pub status: &'static str,
    /// Of a write: `applied`, or `replayed` when somebody had dealt with it already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, pattern = "^(applied|replayed)$")]
    pub outcome: Option<&'static str>,
    /// Why it can never be applied: a stable code.
    pub code: String,
    /// The same in words.
    pub cause: String,
    /// What happened, where that could be read.
    #[serde(rename = "type")]
    #[schema(required = true)]
    pub kind: Option<String>,
    /// To which order, where that could be read.
    #[schema(value_type = Option<String>, format = "uuid", required = true)]
    pub order_id: Option<Shown<OrderId>>,
    /// The topic it came from; null of an event that came over HTTP, and of a payment that waited for its order in vain.
    #[schema(required = true)]
    pub topic: Option<String>,
    /// The partition of the topic.
    #[schema(required = true)]
    pub partition: Option<i32>,
    /// The place in the partition.
    #[schema(required = true)]
    pub offset: Option<i64>,
    /// When it was put away.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Shown<Timestamp>,
    /// When somebody dealt with it.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub settled_at: Option<Shown<Timestamp>>,
    /// Who did.
    #[schema(value_type = Option<String>, required = true)]
    pub actor: Option<Shown<Actor>>,
    /// Why it was discarded.
    #[schema(value_type = Option<String>, required = true)]
    pub note: Option<Shown<DiscardNote>>,
    /// What became of the event when it was tried again.
    #[schema(required = true)]
    pub event_outcome: Option<&'static str>,
    /// The code of the rule that said no then.
    #[schema(required = true)]
    pub event_code: Option<String>,
}

/// A dead letter with what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterView {
    /// Where it came from, why, and what became of it.
    #[serde(flatten)]
    pub summary: DeadLetterSummaryView,
    /// The record's key.
    #[schema(required = true)]
    pub key: Option<String>,
    /// `utf-8`: as it is; `base64`: bytes that are no text.
    #[schema(required = true)]
    pub key_encoding: Option<&'static str>,
    /// The record's headers.
    pub headers: Vec<HeaderView>,
    /// The record's value.
    #[schema(required = true)]
    pub value: Option<String>,
    /// `utf-8`: as it is; `base64`: bytes that are no text.
    #[schema(required = true)]
    pub value_encoding: Option<&'static str>,
    /// How many bytes a value has that was too large to be kept.
    #[schema(required = true)]
    pub value_bytes: Option<u64>,
    /// SHA-256 over such a value, in base64.
    #[schema(required = true)]
    pub value_sha256: Option<String>,
    /// What is not there as it came: `key`, `headers`, `value`.
    pub cut: Vec<&'static str>,
}

/// A header of a record.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecordHeader)]
pub struct HeaderView {
    /// Its name.
    pub name: String,
    /// What it says.
    #[schema(required = true)]
    pub value: Option<String>,
    /// `utf-8`: as it is; `base64`: bytes that are no text.
    #[schema(required = true)]
    pub encoding: Option<&'static str>,
}

/// What became of a dead letter that was tried again.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DeadLetterRetried)]
#[serde(rename_all = "camelCase")]
pub struct RetriedView {
    /// The letter's id.
    #[schema(value_type = String, format = "uuid")]
    pub id: Shown<DeadLetterId>,
    /// `retried`; `open` where the event is still `rejected`; `discarded` where somebody has done that before.
    #[schema(pattern = "^(open|retried|discarded)$")]
    pub status: &'static str,
    /// The event's id, where it has one.
    #[schema(required = true)]
    pub event_id: Option<String>,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(required = true)]
    pub kind: Option<String>,
    /// To which order.
    #[schema(required = true)]
    pub order_id: Option<String>,
    /// What became of the event, as of any other: `applied`, `replayed`, `refused`, `ignored`, `waiting` or `rejected`.
    #[schema(pattern = "^(applied|replayed|refused|ignored|waiting|rejected)$")]
    pub outcome: &'static str,
    /// Why not more.
    #[schema(required = true)]
    pub code: Option<String>,
}

impl DeadLetterSummaryView {
    /// The letter; `effect` is what a write did to it.
    pub fn of(head: &LetterHead, effect: Option<Effect>) -> Self {
        let place = head.from.place.as_ref();
        let retried: Option<&Outcome> = head.retried.as_ref();
        Self {
            id: Shown(head.id),
            status: head.status.as_str(),
            outcome: effect.map(outcome),
            code: head.from.code.clone(),
            cause: head.from.cause.clone(),
            kind: head.from.kind.clone(),
            order_id: head.from.order.map(Shown),
            topic: place.map(|place| place.topic.clone()),
            partition: place.map(|place| place.partition),
            offset: place.map(|place| place.offset),
            created_at: Shown(head.put_away_at),
            settled_at: head.settled_at.map(Shown),
            actor: head.settled_by.clone().map(Shown),
            note: head.note.clone().map(Shown),
            event_outcome: retried.map(|(outcome, _)| outcome.as_str()),
            event_code: retried.and_then(|(_, code)| code.clone()),
        }
    }
}

impl From<&DeadLetter> for DeadLetterView {
    fn from(letter: &DeadLetter) -> Self {
        let content = &letter.content;
        let ((key, key_encoding), (value, value_encoding)) =
            (shown(content.key.as_deref()), shown(content.value.as_deref()));
        Self {
            summary: DeadLetterSummaryView::of(&letter.head, None),
            key,
            key_encoding,
            headers: content.headers.iter().map(HeaderView::from).collect(),
            value,
            value_encoding,
            value_bytes: content.left_out.map(|left_out| left_out.bytes),
            value_sha256: content.left_out.map(|left_out| STANDARD.encode(left_out.sha256)),
            cut: content.cut(),
        }
    }
}

impl From<&LetterHeader> for HeaderView {
    fn from((name, value): &LetterHeader) -> Self {
        let (value, encoding) = shown(value.as_deref());
        Self { name: name.clone(), value, encoding }
    }
}

/// Bytes as JSON can hold them, and how.
fn shown(bytes: Option<&[u8]>) -> (Option<String>, Option<&'static str>) {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => (None, None),
        Some((_, Ok(text))) => (Some(text.to_owned()), Some("utf-8")),
        Some((bytes, Err(_))) => (Some(STANDARD.encode(bytes)), Some("base64")),
    }
}
