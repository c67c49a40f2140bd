//! Problem answers (RFC 9457): from refusals, faults and complaints at the rim to status and body.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use holdfast_application::queries::ReadError;
use holdfast_application::{Fault, KeptAnswer};
use holdfast_domain::refusal::Refusal;
use holdfast_domain::{LocationCode, OrderStatus, ShortLine, Sku};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::code::{Outcome, ProblemCode};
use crate::field_fault::FieldFault;

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A request that was not carried out, and why.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: ProblemCode,
    detail: String,
    numbers: Map<String, Value>,
    outcome: Outcome,
    status: StatusCode,
}

/// A problem's body that waits for its request id: the rim of the router adds it.
#[derive(Clone, Debug)]
pub(crate) enum Unsigned {
    /// A problem that came up just now.
    Fresh(Problem),
    /// A refusal as it is kept under a key.
    Kept(Vec<u8>),
}

impl Problem {
    /// A problem with its code and a sentence about this very case.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let (outcome, status) = (code.outcome(), code.status());
        Self(Box::new(Parts { code, detail: detail.into(), numbers: Map::new(), outcome, status }))
    }

    /// A request with these faults.
    pub fn invalid(faults: &[FieldFault], more: usize) -> Self {
        let only_unknown = more == 0 && !faults.is_empty() && faults.iter().all(|fault| fault.is_unknown);
        let code = if only_unknown { ProblemCode::UnknownField } else { ProblemCode::ValidationFailed };
        // The pointer of the whole body is empty (RFC 6901).
        let place =
            |first: &FieldFault| if first.pointer.is_empty() { "the body".to_owned() } else { first.pointer.clone() };
        let named = faults.first().map_or_else(String::new, |first| format!(": {} {}", place(first), first.detail));
        let count = faults.len().saturating_add(more);
        let detail = if count == 1 {
            format!("The request has a fault{named}.")
        } else {
            format!("The request has {count} faults, the first{named}.")
        };
        let errors: Vec<Value> =
            faults.iter().map(|fault| json!({"pointer": fault.pointer, "detail": fault.detail})).collect();
        Self::new(code, detail).with("errors", errors)
    }

    /// A request with one fault.
    pub fn fault(pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid(&[FieldFault { pointer: pointer.into(), detail: detail.into(), is_unknown: false }], 0)
    }

    /// The same with one more field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.numbers.insert(name.to_owned(), value.into());
        self
    }

    /// The same where it is certain that nothing was done.
    fn with_nothing_done(mut self) -> Self {
        self.0.outcome = Outcome::NotApplied;
        self
    }

    /// Its code.
    pub fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// The body without its request id. A read has no outcome.
    pub(crate) fn body(&self, is_write: bool) -> Vec<u8> {
        let Parts { code, detail, numbers, outcome, status } = &*self.0;
        let mut body = json!({
            "type": format!("/problems/{}", code.as_str()),
            "title": code.title(),
            "status": status.as_u16(),
            "detail": detail,
            "code": code.as_str(),
            "outcome": is_write.then(|| outcome.as_str()),
            "retryable": code.retryable(),
        });
        if let Value::Object(members) = &mut body {
            members.extend(numbers.clone());
        }
        body.to_string().into_bytes()
    }

    /// The answer that is kept of it under a key.
    pub(crate) fn kept(&self) -> KeptAnswer {
        KeptAnswer { status: self.0.status.as_u16(), body: self.body(true), location: None, etag: None }
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let code = match refusal {
            Refusal::ProductNotFound(_) => ProblemCode::ProductNotFound,
            Refusal::LocationNotFound(_) => ProblemCode::LocationNotFound,
            Refusal::OrderNotFound => ProblemCode::OrderNotFound,
            Refusal::ProductExists => ProblemCode::ProductExists,
            Refusal::SkuTaken => ProblemCode::SkuTaken,
            Refusal::LocationExists => ProblemCode::LocationExists,
            Refusal::InsufficientStock(_) => ProblemCode::InsufficientStock,
            Refusal::BelowReserved { .. } => ProblemCode::BelowReserved,
            Refusal::CountMismatch { .. } => ProblemCode::CountMismatch,
            Refusal::OrderAlreadyReserved(_) => ProblemCode::OrderAlreadyReserved,
            Refusal::OrderAlreadyClosed(_) => ProblemCode::OrderAlreadyClosed,
            Refusal::OrderStateConflict(_) => ProblemCode::OrderStateConflict,
            Refusal::ReservationExpired => ProblemCode::ReservationExpired,
            Refusal::ExtensionLimit { .. } => ProblemCode::ExtensionLimit,
            Refusal::VersionMismatch { .. } => ProblemCode::VersionMismatch,
            Refusal::DeadLetterNotFound => ProblemCode::NotFound,
            Refusal::OutOfRange { pointer, detail } => return Self::fault(*pointer, *detail),
        };
        let problem = Self::new(code, sentence(refusal));
        match refusal {
            Refusal::InsufficientStock(lines) => problem.with("lines", short_lines(lines)),
            Refusal::ProductNotFound(lines) | Refusal::LocationNotFound(lines) if !lines.is_empty() => {
                problem.with("lines", short_lines(lines))
            }
            Refusal::BelowReserved { reserved, counted } => {
                problem.with("quantityReserved", reserved.get()).with("newQuantity", counted.get())
            }
            Refusal::CountMismatch { on_hand, expected } => {
                problem.with("totalQuantity", on_hand.get()).with("expectedQuantity", expected.get())
            }
            Refusal::OrderAlreadyReserved(status)
            | Refusal::OrderAlreadyClosed(status)
            | Refusal::OrderStateConflict(status) => problem.with("currentStatus", status.as_str()),
            Refusal::ReservationExpired => problem.with("currentStatus", OrderStatus::Expired.as_str()),
            Refusal::ExtensionLimit { latest } => problem.with("latestExpiresAt", latest.to_string()),
            Refusal::VersionMismatch { current } => problem.with("currentVersion", *current),
            _ => problem,
        }
    }
}

/// The refusal's words as a sentence.
fn sentence(refusal: &Refusal) -> String {
    let words = refusal.to_string();
    if matches!(refusal, Refusal::InsufficientStock(_)) {
        return format!("Not enough stock: {words}."); // a SKU keeps its capitals
    }
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn short_lines(lines: &[ShortLine]) -> Vec<Value> {
    let line = |line: &ShortLine| {
        json!({
            "productId": line.product.map(|id| id.to_string()),
            "sku": line.sku.as_ref().map(Sku::as_str),
            "locationId": line.location.as_ref().map(LocationCode::as_str),
            "requested": line.requested.get(),
            "available": line.available.get(),
            "shortBy": line.short_by().get(),
        })
    };
    lines.iter().map(line).collect()
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Overloaded => Self::new(ProblemCode::Overloaded, "The service is busy; nothing was done."),
            Fault::ShuttingDown => {
                Self::new(ProblemCode::Overloaded, "The service is shutting down; nothing was done.")
            }
            Fault::TooLate(waited) => {
                let ms = waited.as_millis();
                Self::new(
                    ProblemCode::Overloaded,
                    format!("The request waited {ms} ms and was dropped; nothing was done."),
                )
            }
            Fault::LockTimeout(waited) => {
                let ms = waited.as_millis();
                Self::new(
                    ProblemCode::LockTimeout,
                    format!("Another replica held the lock of a product for {ms} ms; nothing was done."),
                )
            }
            Fault::StoreUnavailable(_) => {
                Self::new(ProblemCode::StoreUnavailable, "The store cannot write at present; nothing was done.")
            }
            Fault::Frozen(product) => Self::new(
                ProblemCode::StoreUnavailable,
                format!(
                    "The books of product {product} are older than what was published about it, so nothing is decided \
                     about it until somebody has looked; nothing was done."
                ),
            ),
            Fault::Failed(_) => {
                Self::new(ProblemCode::Internal, "The service has failed at this request; nothing was done.")
                    .with_nothing_done()
            }
            Fault::OutcomeUnknown(_) => Self::new(
                ProblemCode::OutcomeUnknown,
                "The change may have been made or not; the same request under the same key will tell.",
            ),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(source) => {
                tracing::error!(error = %source, "the store cannot be read");
                Self::new(ProblemCode::StoreUnavailable, "The store cannot be read at present.")
            }
            ReadError::TooSlow(most) => {
                let ms = most.as_millis();
                Self::new(ProblemCode::Overloaded, format!("The read took longer than {ms} ms and was given up."))
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.0.status;
        let retry_after = self.0.code.retry_after_seconds();
        let mut response = unsigned(status, Unsigned::Fresh(self));
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// An answer whose body the rim completes.
pub(crate) fn unsigned(status: StatusCode, body: Unsigned) -> Response {
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response.extensions_mut().insert(body);
    response
}

/// Adds the request id as the last member of a problem's body.
pub(crate) fn signed(mut body: Vec<u8>, request_id: &str) -> Vec<u8> {
    if body.last() == Some(&b'}') {
        body.pop();
        body.extend_from_slice(br#","requestId":"#);
        body.extend_from_slice(Value::from(request_id).to_string().as_bytes());
        body.push(b'}');
    }
    body
}

#[cfg(test)]
mod tests {
    use holdfast_domain::Count;

    use super::*;

    #[test]
    fn a_fault_of_the_whole_body_says_so() {
        let detail = |pointer: &str| {
            let body: Value =
                serde_json::from_slice(&Problem::fault(pointer, "must be an object").body(false)).expect("JSON");
            body["detail"].as_str().map(str::to_owned)
        };
        assert_eq!(detail("").as_deref(), Some("The request has a fault: the body must be an object."));
        assert_eq!(detail("/lines").as_deref(), Some("The request has a fault: /lines must be an object."));
    }

    #[test]
    fn a_short_line_is_told_with_its_numbers() {
        let line = ShortLine {
            product: None,
            sku: Sku::new("lamp").ok(),
            location: None,
            requested: Count::new(3).expect("a count"),
            available: Count::new(1).expect("a count"),
        };
        let problem = Problem::from(&Refusal::InsufficientStock(vec![line]));
        let body: Value = serde_json::from_slice(&signed(problem.body(true), "r-\"1\"")).expect("JSON");
        let expected = json!({
            "type": "/problems/insufficient_stock",
            "title": "Not enough stock",
            "status": 409,
            "detail": "Not enough stock: lamp is short by 2: asked 3, available 1.",
            "code": "insufficient_stock",
            "outcome": "refused",
            "retryable": false,
            "lines": [{"productId": null, "sku": "lamp", "locationId": null, "requested": 3, "available": 1, "shortBy": 2}],
            "requestId": "r-\"1\"",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_read_has_no_outcome_and_a_command_that_was_rolled_back_was_not_applied() {
        let outcome = |problem: &Problem, is_write: bool| {
            let body: Value = serde_json::from_slice(&problem.body(is_write)).expect("JSON");
            body.get("outcome").expect("it is there").clone()
        };
        assert_eq!(outcome(&Problem::from(&Refusal::OrderNotFound), false), Value::Null);
        assert_eq!(outcome(&Problem::from(&Refusal::OrderNotFound), true), "refused");
        assert_eq!(outcome(&Problem::from(Fault::Failed("a broken page".to_owned())), true), "not_applied");
        assert_eq!(outcome(&Problem::new(ProblemCode::Internal, "A panic."), true), "unknown");
    }

    #[test]
    fn a_store_s_words_stay_in_the_house() {
        let problem = Problem::from(Fault::StoreUnavailable("disk I/O error in /var/lib".to_owned()));
        let body = String::from_utf8(problem.body(true)).expect("text");
        assert!(!body.contains("disk") && body.contains("not_applied"), "{body}");
    }
}
