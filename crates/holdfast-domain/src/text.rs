//! Texts with limits: SKUs, names, codes, notes.
//!
//! Comparisons are exact, byte by byte, on every store.

use std::fmt;
use std::sync::Arc;

/// Why a text cannot be what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit(
    /// A sentence for the person who sent it.
    pub &'static str,
);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:ident, $complaint:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            #[doc = concat!("Takes `text` as it stands, or says: ", $complaint)]
            pub fn new(text: &str) -> Result<Self, Unfit> {
                if $check(text) { Ok(Self(text.into())) } else { Err(Unfit($complaint)) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

fn characters_within(text: &str, least: usize, most: usize) -> bool {
    let count = text.chars().count();
    least <= count && count <= most
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Characters that nobody sees (Unicode, general categories Cf, Zl and Zp, the common ones): two SKUs that look alike
/// would be two products, or one would read backwards.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0001}'..='\u{E007F}'
    )
}

fn is_sku(text: &str) -> bool {
    characters_within(text, 1, 64)
        && is_printable(text)
        && !text.chars().any(is_invisible)
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
}

fn is_name(text: &str) -> bool {
    characters_within(text, 1, 200) && is_printable(text) && !text.trim().is_empty()
}

fn is_location_code(text: &str) -> bool {
    characters_within(text, 1, 64) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn is_notes(text: &str) -> bool {
    text.len() <= 500 && !text.contains('\0')
}

fn is_discard_note(text: &str) -> bool {
    characters_within(text, 1, 500) && !text.contains('\0') && !text.trim().is_empty()
}

fn is_short(text: &str) -> bool {
    characters_within(text, 1, 64) && is_printable(text)
}

text! {
    /// A stock keeping unit: 1–64 printable characters without a space at either end.
    Sku, is_sku, "a sku has 1 to 64 printable characters and no space at either end"
}
text! {
    /// The name of a product or a location: 1–200 printable characters.
    Name, is_name, "a name has 1 to 200 printable characters and is not blank"
}
text! {
    /// A location's code: 1–64 of `A–Z a–z 0–9 . _ -`.
    LocationCode, is_location_code, "a location code has 1 to 64 of the characters A-Z a-z 0-9 . _ -"
}
text! {
    /// A free remark: at most 500 bytes, none of them 0, which some databases and many tools end a text with.
    Notes, is_notes, "notes have at most 500 bytes and no NUL character"
}
text! {
    /// Why a dead letter was discarded: 1–500 characters.
    DiscardNote, is_discard_note, "a note has 1 to 500 characters and is not blank"
}
text! {
    /// A document number: 1–64 printable characters.
    Reference, is_short, "a reference has 1 to 64 printable characters"
}
text! {
    /// Why stock was changed or an order ended, as a code or a few words: 1–64 printable characters.
    Reason, is_short, "a reason has 1 to 64 printable characters"
}
text! {
    /// Who asked for a change: a key's name or a source such as `http`, `sweep`, `import`.
    Actor, is_short, "an actor has 1 to 64 printable characters"
}

impl LocationCode {
    /// `main`, the location that always exists.
    pub fn main() -> Self {
        Self("main".into())
    }

    /// Whether this is `main`.
    pub fn is_main(&self) -> bool {
        &*self.0 == "main"
    }
}

impl Reason {
    /// Of what ended because its time was over.
    pub fn expired() -> Self {
        Self("expired".into())
    }

    /// Of a reservation that other lines of its order replaced.
    pub fn replaced() -> Self {
        Self("replaced".into())
    }

    /// The first 64 printable characters of `text`, or `None` when there are none: for reasons that come from
    /// elsewhere.
    pub fn shortened(text: &str) -> Option<Self> {
        Self::new(&first_printable(text)).ok()
    }
}

impl Reference {
    /// The same of a document number.
    pub fn shortened(text: &str) -> Option<Self> {
        Self::new(&first_printable(text)).ok()
    }

    /// Of the first stock of a new item.
    pub fn initial() -> Self {
        Self("INITIAL".into())
    }
}

/// The first 64 printable characters.
fn first_printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_is_taken_as_it_stands() {
        assert!(Sku::new("IPH14-PRO-256").is_ok());
        assert!(Sku::new("Größe 38").is_ok());
        assert_ne!(Sku::new("a"), Sku::new("A"));
        for bad in ["", " a", "a ", "a\nb", "a\0", "\u{a0}a", "a\u{200b}b", "\u{feff}a", "a\u{202e}b", &"x".repeat(65)]
        {
            assert!(Sku::new(bad).is_err(), "{bad:?}");
        }
        assert!(Sku::new(&"ß".repeat(64)).is_ok());
    }

    #[test]
    fn a_location_code_is_plain() {
        assert!(LocationCode::new("berlin-2.a_B").is_ok());
        for bad in ["", "a b", "bérlin", "a/b", "../x"] {
            assert!(LocationCode::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn notes_count_bytes_and_the_others_characters() {
        assert!(Notes::new(&"ß".repeat(250)).is_ok());
        assert!(Notes::new(&"ß".repeat(251)).is_err());
        assert!(Notes::new("two\nlines").is_ok());
        assert!(Reference::new(&"ß".repeat(64)).is_ok());
        assert!(Name::new("  ").is_err());
        assert_eq!(Reason::shortened("\n").map(|reason| reason.to_string()), None);
    }
}
