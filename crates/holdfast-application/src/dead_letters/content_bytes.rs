//! A letter's content as bytes, for stores and for the outbox: each part behind its length.

use super::content::{LeftOut, LetterContent};

/// The form of these bytes.
const FORM: u8 = 1;
/// What stands in the place of the length of something that is not there.
const NOTHING: u32 = u32::MAX;

/// The bytes are no letter's content: somebody has changed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content of a dead letter cannot be read")]
pub struct UnfitContent;

/// Writes parts one behind the other.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn number(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub(super) fn part(&mut self, part: Option<&[u8]>) {
        match part {
            Some(bytes) => {
                self.number(u32::try_from(bytes.len()).unwrap_or(NOTHING));
                self.0.extend_from_slice(bytes);
            }
            None => self.number(NOTHING),
        }
    }
}

/// Reads what a [`Writer`] wrote.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], UnfitContent> {
        let (part, rest) = self.0.split_at_checked(bytes).ok_or(UnfitContent)?;
        self.0 = rest;
        Ok(part)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], UnfitContent> {
        self.take(N)?.try_into().map_err(|_other| UnfitContent)
    }

    pub(super) fn number(&mut self) -> Result<u32, UnfitContent> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn part(&mut self) -> Result<Option<&'a [u8]>, UnfitContent> {
        let length = self.number()?;
        if length == NOTHING {
            return Ok(None);
        }
        self.take(usize::try_from(length).map_err(|_other| UnfitContent)?).map(Some)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, UnfitContent> {
        let bytes = self.part()?.ok_or(UnfitContent)?;
        std::str::from_utf8(bytes).map_err(|_other| UnfitContent)
    }
}

impl LetterContent {
    /// The content as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer(Vec::with_capacity(self.weight().saturating_add(64)));
        let flags =
            u8::from(self.is_key_cut) | u8::from(self.are_headers_cut) << 1 | u8::from(self.left_out.is_some()) << 2;
        writer.0.extend([FORM, flags]);
        writer.part(self.key.as_deref());
        writer.part(self.value.as_deref());
        if let Some(LeftOut { bytes, sha256 }) = &self.left_out {
            writer.0.extend_from_slice(&bytes.to_be_bytes());
            writer.0.extend_from_slice(sha256);
        }
        writer.number(u32::try_from(self.headers.len()).unwrap_or(u32::MAX));
        for (name, value) in &self.headers {
            writer.part(Some(name.as_bytes()));
            writer.part(value.as_deref());
        }
        writer.0
    }

    /// The content of [`Self::to_bytes`].
    ///
    /// # Errors
    ///
    /// [`UnfitContent`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, UnfitContent> {
        let mut reader = Reader(bytes);
        let [form, flags] = reader.array()?;
        if form != FORM {
            return Err(UnfitContent);
        }
        let key = reader.part()?.map(<[u8]>::to_vec);
        let value = reader.part()?.map(<[u8]>::to_vec);
        let left_out = if flags & 4 == 0 {
            None
        } else {
            Some(LeftOut { bytes: u64::from_be_bytes(reader.array()?), sha256: reader.array()? })
        };
        let mut headers = Vec::new();
        for _ in 0..reader.number()? {
            headers.push((reader.text()?.to_owned(), reader.part()?.map(<[u8]>::to_vec)));
        }
        if !reader.0.is_empty() {
            return Err(UnfitContent);
        }
        Ok(Self { key, is_key_cut: flags & 1 != 0, headers, are_headers_cut: flags & 2 != 0, value, left_out })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_comes_back_and_other_bytes_are_told_apart() {
        let full = LetterContent {
            key: Some(vec![0, 255]),
            is_key_cut: true,
            headers: vec![("a".to_owned(), None), (String::new(), Some(Vec::new()))],
            are_headers_cut: true,
            value: None,
            left_out: Some(LeftOut { bytes: 5, sha256: [7; 32] }),
        };
        for content in
            [LetterContent::default(), LetterContent { value: Some(vec![1]), ..LetterContent::default() }, full]
        {
            let bytes = content.to_bytes();
            assert_eq!(LetterContent::from_bytes(&bytes), Ok(content));
            for end in 0..bytes.len() {
                assert_eq!(LetterContent::from_bytes(&bytes[..end]), Err(UnfitContent), "cut at {end}");
            }
            assert_eq!(LetterContent::from_bytes(&[bytes, vec![0]].concat()), Err(UnfitContent));
        }
    }
}
