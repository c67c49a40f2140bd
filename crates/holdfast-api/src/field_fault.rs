//! One fault of a request.

use std::borrow::Cow;

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// Where: a JSON pointer (RFC 6901) into the body, or below `/query`, `/path` or `/header`.
    pub pointer: String,
    /// What is expected there.
    pub detail: Cow<'static, str>,
    /// Whether the field is not known at all.
    pub is_unknown: bool,
}
