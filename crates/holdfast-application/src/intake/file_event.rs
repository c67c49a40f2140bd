//! Events of a file that is replayed: each has one name, whether it goes into a store or over HTTP, so that no road
//! decides it a second time.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::identity::{Identity, hexadecimal};
use crate::command::CommandKey;

/// The `source` of an event of a file, as a `CloudEvent`.
pub const FILE_SOURCE: &str = "urn:holdfast:replay";
/// What an `Idempotency-Key` begins with that is the name of an event about stock.
const PREFIX: &str = "urn:holdfast:event:";
/// The longest id that is used as it stands: with its fingerprint it must fit into an `Idempotency-Key`.
const ID_BYTES_MAX: usize = 128;

/// The id of an event whose `eventId` is `text`: the same, or its hash when it would not fit into a header.
pub fn file_event_id(text: &str) -> Cow<'_, str> {
    if text.len() <= ID_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(hexadecimal(&Sha256::digest(text.as_bytes())))
}

/// The name of an event about stock. Over HTTP such an event is a change of stock under an `Idempotency-Key` that says
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockEventName {
    /// The event's id: see [`file_event_id`].
    pub id: String,
    /// SHA-256 over what the event says: another content under the same id is another event, and refused.
    pub fingerprint: [u8; 32],
}

impl StockEventName {
    /// The name that an `Idempotency-Key` says, if it says one; any other key is its caller's own.
    pub fn parse(key: &str) -> Option<Self> {
        let (fingerprint, id) = key.strip_prefix(PREFIX)?.split_once(':')?;
        let fingerprint = URL_SAFE_NO_PAD.decode(fingerprint).ok()?.try_into().ok()?;
        (file_event_id(id) == id && !id.is_empty()).then(|| Self { id: id.to_owned(), fingerprint })
    }

    /// The `Idempotency-Key` that says the name.
    pub fn idempotency_key(&self) -> String {
        format!("{PREFIX}{}:{}", URL_SAFE_NO_PAD.encode(self.fingerprint), self.id)
    }

    /// The key under which the event's answer is kept, beside those of events about orders.
    pub fn command_key(&self) -> CommandKey {
        Identity::of_stock_event(FILE_SOURCE, &self.id, self.fingerprint).command_key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        for id in ["e-1", "a:b", &"x".repeat(128), &file_event_id("größe"), &file_event_id(&"x".repeat(255))] {
            let name = StockEventName { id: id.to_owned(), fingerprint: [7; 32] };
            let key = name.idempotency_key();
            assert!(key.len() <= 255, "{key}");
            assert_eq!(StockEventName::parse(&key), Some(name));
        }
    }

    #[test]
    fn any_other_key_is_its_callers_own() {
        let right = StockEventName { id: "e".to_owned(), fingerprint: [7; 32] }.idempotency_key();
        let without_id = right.trim_end_matches('e').to_owned();
        let short = right.replace("BwcH", "");
        for key in ["e-1", PREFIX, "urn:holdfast:event:e-1", &without_id, &short, &format!("{right} 2")] {
            assert_eq!(StockEventName::parse(key), None, "{key}");
        }
    }
}
