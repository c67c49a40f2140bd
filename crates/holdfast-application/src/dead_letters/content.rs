//! What a dead letter says: the record as it came, within bounds, so that a broker that takes records of 1 MiB takes it
//! too.

use sha2::{Digest, Sha256};

use crate::ports::Record;

/// How many bytes are kept of each part of a record.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Of a value, as it came or not at all.
    value: usize,
    /// Of a key, as far as it fits.
    key: usize,
    /// Of all headers that fit, each of which costs some besides its name and value.
    headers: usize,
}

/// What is kept as a rule: brokers take 1 MiB a record unless they are told otherwise.
const WHOLE: Bounds = Bounds { value: 900 * 1_024, key: 16 * 1_024, headers: 64 * 1_024 };
/// What is kept where there is no room for more.
const SHORT: Bounds = Bounds { value: 256, key: 256, headers: 256 };
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
        Self::within(record.key.as_deref(), &record.headers, record.value.as_deref(), WHOLE)
    }

    /// The same as short as can be, for whoever knows where the record stands.
    #[must_use]
    pub fn in_short(&self) -> Self {
        let short = Self::within(self.key.as_deref(), &self.headers, self.value.as_deref(), SHORT);
        Self {
            is_key_cut: short.is_key_cut || self.is_key_cut,
            are_headers_cut: short.are_headers_cut || self.are_headers_cut,
            left_out: short.left_out.or(self.left_out),
            ..short
        }
    }

    fn within(key: Option<&[u8]>, headers: &[LetterHeader], value: Option<&[u8]>, bounds: Bounds) -> Self {
        let mut bytes = 0_usize;
        let kept: Vec<LetterHeader> = headers
            .iter()
            .take_while(|(name, value)| {
                let size = name.len().saturating_add(value.as_ref().map_or(0, Vec::len)).saturating_add(HEADER_BYTES);
                bytes = bytes.saturating_add(size);
                bytes <= bounds.headers
            })
            .cloned()
            .collect();
        let (value, left_out) = match value {
            Some(value) if value.len() > bounds.value => {
                let bytes = u64::try_from(value.len()).unwrap_or(u64::MAX);
                (None, Some(LeftOut { bytes, sha256: Sha256::digest(value).into() }))
            }
            kept => (kept.map(<[u8]>::to_vec), None),
        };
        Self {
            key: key.map(|key| key.iter().take(bounds.key).copied().collect()),
            is_key_cut: key.is_some_and(|key| key.len() > bounds.key),
            are_headers_cut: kept.len() < headers.len(),
            headers: kept,
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
            value: Some(vec![1; WHOLE.value]),
            headers: vec![("trace".to_owned(), Some(b"7".to_vec())), ("none".to_owned(), None)],
            ..Record::default()
        };
        let kept = LetterContent::of(&small);
        assert_eq!((&kept.key, &kept.value, &kept.headers), (&small.key, &small.value, &small.headers));
        assert!(kept.cut().is_empty());
        let large = Record {
            key: Some(vec![2; WHOLE.key + 1]),
            value: Some(vec![1; WHOLE.value + 1]),
            headers: vec![("x".to_owned(), Some(vec![3; 30_000])); 3],
            ..Record::default()
        };
        let kept = LetterContent::of(&large);
        assert_eq!(kept.cut(), ["key", "headers", "value"]);
        assert_eq!((kept.key.as_ref().map(Vec::len), kept.headers.len(), &kept.value), (Some(WHOLE.key), 2, &None));
        assert_eq!(kept.left_out.map(|left_out| left_out.bytes), u64::try_from(WHOLE.value + 1).ok());
        let short = kept.in_short();
        assert_eq!((short.cut(), short.left_out), (kept.cut(), kept.left_out), "what was cut stays cut");
        assert!(short.headers.is_empty());
    }

    #[test]
    fn in_short_little_is_left_of_a_letter_and_a_small_one_is_as_it_was() {
        let small = Record { key: Some(b"k".to_vec()), value: Some(b"{".to_vec()), ..Record::default() };
        let kept = LetterContent::of(&small);
        assert_eq!(kept.in_short(), kept);
        let large = Record { key: Some(vec![1; 300]), value: Some(vec![2; 300]), ..Record::default() };
        let short = LetterContent::of(&large).in_short();
        assert_eq!((short.cut(), short.weight()), (vec!["key", "value"], 256));
        assert_eq!(short.left_out.map(|left_out| left_out.bytes), Some(300));
    }
}
