//! A record as it comes from a topic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use holdfast_application::ports::Record;
use rdkafka::message::{BorrowedMessage, Header, Headers as _, Message as _};

/// Of one record the rest of its headers is left out after so many whose names are no text: each costs a panic and what
/// the library says of it.
const STRANGE_MAX: usize = 16;

/// What came.
pub(super) fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers(message),
    }
}

/// The headers, but those whose name is no text: the library panics at them, and no other way leads to a name.
fn headers(message: &BorrowedMessage<'_>) -> Vec<(String, Option<Vec<u8>>)> {
    let Some(headers) = message.headers() else { return Vec::new() };
    let owned = |header: Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(<[u8]>::to_vec));
    let (mut read, mut strange) = (Vec::with_capacity(headers.count()), 0_usize);
    for at in 0..headers.count() {
        match catch_unwind(AssertUnwindSafe(|| headers.try_get(at).map(owned))) {
            Ok(header) => read.extend(header),
            Err(_) => strange = strange.saturating_add(1),
        }
        if strange >= STRANGE_MAX {
            break;
        }
    }
    if strange > 0 {
        let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
        tracing::warn!(topic, partition, offset, "a record has headers whose names are no text; they are left out");
    }
    read
}
