//! Every code a problem can have: one table of status, title, outcome and explanation, which feeds the answers, the
//! OpenAPI document and the pages under `/problems`.

use http::StatusCode;

/// What a request that was not carried out did to the stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The rules said no: a definite answer.
    Refused,
    /// Nothing happened, and nothing will.
    NotApplied,
    /// Nobody knows; the same request under the same key tells.
    Unknown,
}

impl Outcome {
    /// The word the world reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NotApplied => "not_applied",
            Self::Unknown => "unknown",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $status:ident, $outcome:ident, $title:literal, $help:literal;)+) => {
        /// The stable codes of problems (CONTRACT, section 10).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(#[doc = $title] $variant,)+
        }

        impl ProblemCode {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word the world reads.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The code a word means.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// The HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// What it says about the stock, of a request that wanted to change it.
            pub const fn outcome(self) -> Outcome {
                match self { $(Self::$variant => Outcome::$outcome,)+ }
            }

            /// A few words that are the same every time.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What it means and what to do about it.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)+ }
            }
        }
    };
}

codes! {
    ValidationFailed = "validation_failed", BAD_REQUEST, NotApplied, "The request is not valid",
        "Something in the request breaks a limit or is of the wrong kind. `errors` lists every fault: its pointer names the \
         place (`/lines/0/quantity` in the body, `/query/limit`, `/path/productId`, `/header/If-Match`), its detail says \
         what is expected there. Mend them and send the request again.";
    MalformedJson = "malformed_json", BAD_REQUEST, NotApplied, "The body is not JSON",
        "The body cannot be read as one JSON text in UTF-8: it is cut off, did not arrive in time, has something behind its end, is nested too \
         deeply, begins with a byte order mark, or names a member twice. `detail` says where.";
    UnknownField = "unknown_field", BAD_REQUEST, NotApplied, "The request has a field that is not known",
        "A misspelt optional field or parameter would be ignored in silence, so unknown ones are refused. `errors` names \
         each.";
    InvalidCursor = "invalid_cursor", BAD_REQUEST, NotApplied, "The cursor is not one of ours",
        "A cursor is taken from the `Link` header of the page before, as it stands, and used with the same list and the \
         same `sort`. Start again without one.";
    IdempotencyKeyRequired = "idempotency_key_required", BAD_REQUEST, NotApplied, "An Idempotency-Key is required",
        "This installation demands the header `Idempotency-Key` on every write: 1 to 255 printable ASCII characters, a new \
         one for every change, the same one for every repeat.";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, NotApplied, "No valid access key was given",
        "Send the header `Authorization: Bearer` with an access key that is known and has not expired.";
    Forbidden = "forbidden", FORBIDDEN, NotApplied, "The access key does not allow this",
        "The role of the access key does not include this operation.";
    ProductNotFound = "product_not_found", NOT_FOUND, Refused, "There is no such product",
        "Nothing is kept under this productId or sku. Of an order, `lines` lists every line that is unknown or short; \
         nothing was set aside.";
    OrderNotFound = "order_not_found", NOT_FOUND, Refused, "There is no such order",
        "No order with this id was ever seen.";
    ReservationNotFound = "reservation_not_found", NOT_FOUND, Refused, "There is no such reservation",
        "No reservation has this id.";
    LocationNotFound = "location_not_found", NOT_FOUND, Refused, "There is no such location",
        "Locations are known by their code, byte by byte. `main` always exists.";
    NotFound = "not_found", NOT_FOUND, Refused, "There is no such thing",
        "What was asked for does not exist.";
    RouteNotFound = "route_not_found", NOT_FOUND, NotApplied, "There is no such route",
        "Nothing answers at this path. `/openapi.json` lists every route.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, NotApplied, "The route does not know this method",
        "The header `Allow` lists the methods of this route.";
    ProductExists = "product_exists", CONFLICT, Refused, "The product exists already",
        "An item with this productId is there. Change it with `PATCH`, its stock with the verbs of stock.";
    SkuTaken = "sku_taken", CONFLICT, Refused, "Another product has this sku",
        "A sku belongs to one product. Comparison is exact, byte by byte.";
    InsufficientStock = "insufficient_stock", CONFLICT, Refused, "Not enough stock",
        "Fewer units are available than were asked for; an order is refused as a whole. `lines` lists every short line \
         with what was requested, what is available and by how much it is short.";
    BelowReserved = "below_reserved", CONFLICT, Refused, "The count is below what is reserved",
        "A count of the shelf cannot be lower than the units promised to orders. Release orders first, or count again.";
    CountMismatch = "count_mismatch", CONFLICT, Refused, "The books show another number",
        "The books do not show the `expectedQuantity`. Read the item, look again at the shelf, and send the new count.";
    OrderAlreadyReserved = "order_already_reserved", CONFLICT, Refused, "The order holds other lines",
        "The order is reserved or confirmed with other lines. `PUT` its lines to replace them while it is reserved.";
    OrderAlreadyClosed = "order_already_closed", CONFLICT, Refused, "The order is closed for good",
        "The order was released, or ended before it was seen, and never holds stock again. `currentStatus` tells which.";
    OrderStateConflict = "order_state_conflict", CONFLICT, Refused, "The order's state does not allow this",
        "`currentStatus` is the state that stands.";
    ReservationExpired = "reservation_expired", CONFLICT, Refused, "The reservation has expired",
        "The order's time was over and its units went back. Confirm with `reacquire: true` to reserve and confirm in one \
         decision if there is stock.";
    ExtensionLimit = "extension_limit", CONFLICT, Refused, "The order cannot be held that long",
        "An order is held for at most four times its first time to live. `latestExpiresAt` is the end of that.";
    LocationExists = "location_exists", CONFLICT, Refused, "The location exists already",
        "A location with this code is there.";
    VersionMismatch = "version_mismatch", PRECONDITION_FAILED, NotApplied, "The item has changed",
        "The item's version is not the one of `If-Match`. Read the item again and decide anew.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, NotApplied, "The body is too large",
        "A body has at most 1 MiB, that of a batch 16 MiB, unless this installation is set up otherwise.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, NotApplied, "The body must be JSON",
        "Send the header `Content-Type: application/json`; the text is UTF-8.";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, NotApplied, "The key was used for something else",
        "Another request came under the same `Idempotency-Key` before. Use a new key for a new request.";
    PreconditionRequired = "precondition_required", PRECONDITION_REQUIRED, NotApplied, "The request needs a precondition",
        "A count overwrites what others did meanwhile, so it needs the header `If-Match` with the item's ETag, or the field \
         `expectedQuantity`.";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, NotApplied, "Too many requests",
        "Wait as long as `Retry-After` says.";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, NotApplied, "The service is busy",
        "More is waiting than the service can take, or it is shutting down. Nothing was done; send the request again after \
         `Retry-After` seconds.";
    LockTimeout = "lock_timeout", SERVICE_UNAVAILABLE, NotApplied, "The product was locked for too long",
        "Another replica held the product until the deadline. Nothing was done; send the request again.";
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE, NotApplied, "The store does not answer",
        "The books cannot be read or written at present. Nothing was done; send the request again.";
    OutcomeUnknown = "outcome_unknown", SERVICE_UNAVAILABLE, Unknown, "The outcome is not known",
        "The change may have been made or not. Send the same request under the same `Idempotency-Key`: it is carried out \
         at most once, and you hear what became of it.";
    Internal = "internal", INTERNAL_SERVER_ERROR, Unknown, "The service has failed",
        "This is a fault of the service. Its log has the details under the `requestId`.";
}

impl ProblemCode {
    /// Whether the same request may succeed later.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::Overloaded | Self::LockTimeout | Self::StoreUnavailable | Self::OutcomeUnknown
        )
    }

    /// After how many seconds to try again, of a problem that passes.
    pub const fn retry_after_seconds(self) -> Option<u32> {
        match self {
            Self::RateLimited | Self::Overloaded | Self::LockTimeout | Self::OutcomeUnknown => Some(1),
            Self::StoreUnavailable => Some(5),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_code() {
        for code in ProblemCode::ALL {
            assert_eq!(ProblemCode::parse(code.as_str()), Some(*code));
        }
        assert_eq!(ProblemCode::parse("nonsense"), None);
    }

    #[test]
    fn what_passes_says_when_to_come_back() {
        for code in ProblemCode::ALL {
            let passes = matches!(code.status().as_u16(), 429 | 503);
            assert_eq!(code.retryable(), passes, "{code:?}");
            assert_eq!(code.retry_after_seconds().is_some(), passes, "{code:?}");
        }
    }
}
