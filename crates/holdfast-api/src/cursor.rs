//! Where the next page of a list begins: opaque to the caller, checked when it comes back.
//!
//! A cursor is base64url (RFC 4648, section 5) over a checksum and the sort key of the last row. The checksum covers
//! the list's name, so a cursor of another list, or a made-up one, is refused. It is no secret: who forges one reads
//! what everybody may read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::code::ProblemCode;
use crate::problem::Problem;

const CHECK_BYTES: usize = 6;
/// What stands between the parts of a key; no SKU, name or number contains it.
const BETWEEN: char = '\u{1f}';

/// Writes the cursor of `list` behind the row with this key.
pub(crate) fn write(list: &str, key: &[&str]) -> String {
    let text = key.join(&BETWEEN.to_string());
    let mut bytes = checksum(list, &text);
    bytes.extend_from_slice(text.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The parts of the key that the cursor of `list` holds, turned into what it means by `parse`.
///
/// # Errors
///
/// `invalid_cursor`: it is not one of ours, or of another list.
pub(crate) fn read<T>(
    list: &str,
    cursor: Option<String>,
    parse: impl FnOnce(&[&str]) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let parsed = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| {
        let (check, text) = bytes.split_at_checked(CHECK_BYTES)?;
        let text = std::str::from_utf8(text).ok()?;
        (checksum(list, text) == check).then_some(())?;
        parse(&text.split(BETWEEN).collect::<Vec<_>>())
    });
    let invalid = || Problem::new(ProblemCode::InvalidCursor, "The cursor was not made by this list.");
    parsed.map(Some).ok_or_else(invalid)
}

fn checksum(list: &str, text: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(list.as_bytes());
    hash.update([0]);
    hash.update(text.as_bytes());
    hash.finalize().iter().take(CHECK_BYTES).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_row() {
        for key in [vec!["LAMP"], vec!["", "ß-1"], vec!["17", "a b", "x"]] {
            let cursor = write("products", &key);
            let back = read("products", Some(cursor), |parts| Some(parts.join("|"))).expect("ours");
            assert_eq!(back, Some(key.join("|")));
        }
    }

    #[test]
    fn a_cursor_that_is_not_ours_is_refused() {
        let other = write("orders", &["LAMP"]);
        let mut bent = write("products", &["LAMP"]);
        bent.pop();
        for bad in ["", "a", "abc", "====", "ab c", "ü", &other, &bent, &"A".repeat(10_000)] {
            assert!(read("products", Some(bad.to_owned()), |_| Some(())).is_err(), "{bad}");
        }
    }
}
