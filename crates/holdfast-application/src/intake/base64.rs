//! Base64 as `CloudEvents` write bytes into JSON (RFC 4648, section 4): the usual alphabet, padded.

/// The bytes that `text` stands for; `None` when it is not base64.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let groups = text.as_bytes().chunks_exact(4);
    groups.remainder().is_empty().then_some(())?;
    let last = groups.len().checked_sub(1);
    let mut bytes = Vec::with_capacity(text.len());
    for (at, group) in groups.enumerate() {
        let padding =
            if Some(at) == last { group.iter().rev().take_while(|letter| **letter == b'=').count() } else { 0 };
        let mut bits = 0_u32;
        for letter in group.get(..4_usize.checked_sub(padding)?)? {
            bits = (bits << 6) | figure(*letter)?;
        }
        let whole = match padding {
            0 => 3,
            1 => 2,
            2 => 1,
            _ => return None,
        };
        // The figures that the padding stands for are zero, and so are the bits that no byte takes.
        let bits = bits << [0, 6, 12].get(padding)?;
        let [_, all @ ..] = bits.to_be_bytes();
        let (taken, left) = all.split_at_checked(whole)?;
        left.iter().all(|byte| *byte == 0).then_some(())?;
        bytes.extend_from_slice(taken);
    }
    Some(bytes)
}

fn figure(letter: u8) -> Option<u32> {
    let place = |first: u8, offset: u8| letter.checked_sub(first)?.checked_add(offset).map(u32::from);
    match letter {
        b'A'..=b'Z' => place(b'A', 0),
        b'a'..=b'z' => place(b'a', 26),
        b'0'..=b'9' => place(b'0', 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rfc_4648_gives_as_examples_is_read() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decode("+/+/").as_deref(), Some(&[0xFB, 0xFF, 0xBF][..]));
    }

    #[test]
    fn what_is_cut_off_or_written_otherwise_is_not() {
        for bad in ["Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zh==", "Zm9=", "Zm9v\n", "-_-_", "Zm9ü", " Zg=="] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
