//! What a dead letter says: the record as it came, within bounds, so that a broker that takes records of 1 MiB takes it too.

use sha2::{Digest, Sha256};

use crate::ports::Record;

/// The most bytes of a value that is kept as it came: brokers take 1 MiB a record unless they are told otherwise.
const VALUE_BYTES_MAX: usize = 900 * 1_024;
/// The most bytes of a key.
const KEY_BYTES_MAX: usize = 16 * 1_024;
/// The most bytes of all headers, each of which costs some besides its name and value.
const HEADERS_BYTES_MAX: usize = 64 * 1_024;
const HEADER_BYTES: usize = 16;

/// A header: its name and what it says.
pub type LetterHeader = (String, Option<Vec<u8>>);

/// A value that was too large to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// How many bytes it has.
    pub bytes: u64,
    /// SHA-256 over it.
    pub sha256: [u8; 32],
}

/// What came, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterContent {
    /// The key; the first bytes of one that is too long.
    pub key: Option<Vec<u8>>,
    /// Whether the key is longer than that.
    pub is_key_cut: bool,
    /// The headers that fit.
    pub headers: Vec<LetterHeader>,
    /// Whether there were more.
    pub are_headers_cut: bool,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// What is known of a value that is too large.
    pub left_out: Option<LeftOut>,
}

impl LetterContent {
    /// What a record says.
    pub fn of(record: &Record) -> Self {
        let mut bytes = 0_usize;
        let headers: Vec<LetterHeader> = record
            .headers
            .iter()
            .take_while(|(name, value)| {
                let size = name.len().saturating_add(value.as_ref().map_or(0, Vec::len)).saturating_add(HEADER_BYTES);
                bytes = bytes.saturating_add(size);
                bytes <= HEADERS_BYTES_MAX
            })
            .cloned()
            .collect();
        let key_bytes = record.key.as_ref().map_or(0, Vec::len);
        let (value, left_out) = match &record.value {
            Some(value) if value.len() > VALUE_BYTES_MAX => {
                let bytes = u64::try_from(value.len()).unwrap_or(u64::MAX);
                (None, Some(LeftOut { bytes, sha256: Sha256::digest(value).into() }))
            }
            kept => (kept.clone(), None),
        };
        Self {
            key: record.key.as_ref().map(|key| key.iter().take(KEY_BYTES_MAX).copied().collect()),
            is_key_cut: key_bytes > KEY_BYTES_MAX,
            are_headers_cut: headers.len() < record.headers.len(),
            headers,
            value,
            left_out,
        }
    }

    /// What is not there as it came: `key`, `headers`, `value`.
    pub fn cut(&self) -> Vec<&'static str> {
        let cut = [(self.is_key_cut, "key"), (self.are_headers_cut, "headers"), (self.left_out.is_some(), "value")];
        cut.into_iter().filter(|(is_cut, _)| *is_cut).map(|(_, part)| part).collect()
    }

    /// How many bytes it takes, roughly.
    pub fn weight(&self) -> usize {
        let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter().map(|(name, value)| name.len().saturating_add(bytes(value)));
        headers.fold(bytes(&self.key).saturating_add(bytes(&self.value)), usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_cut_and_says_so() {
        let small = Record {
            key: Some(b"k".to_vec()),
            value: Some(vec![1; VALUE_BYTES_MAX]),
            headers: vec![("trace".to_owned(), Some(b"7".to_vec())), ("none".to_owned(), None)],
            ..Record::default()
        };
        let kept = LetterContent::of(&small);
        assert_eq!((&kept.key, &kept.value, &kept.headers), (&small.key, &small.value, &small.headers));
        assert!(kept.cut().is_empty());
        let large = Record {
            key: Some(vec![2; KEY_BYTES_MAX + 1]),
            value: Some(vec![1; VALUE_BYTES_MAX + 1]),
            headers: vec![("x".to_owned(), Some(vec![3; 30_000])); 3],
            ..Record::default()
        };
        let kept = LetterContent::of(&large);
        assert_eq!(kept.cut(), ["key", "headers", "value"]);
        assert_eq!((kept.key.map(|key| key.len()), kept.headers.len(), kept.value), (Some(KEY_BYTES_MAX), 2, None));
        assert_eq!(kept.left_out.map(|left_out| left_out.bytes), u64::try_from(VALUE_BYTES_MAX + 1).ok());
    }
}
