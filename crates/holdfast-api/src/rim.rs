//! The rim of the router: every answer gets its request id, every problem its body, every panic becomes an answer.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::code::ProblemCode;
use crate::problem::{Problem, Unsigned, signed};

/// The header of the request id.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id a caller may choose.
const REQUEST_ID_CHARACTERS_MAX: usize = 128;

/// Tells one process's ids from another's: no secret, only a different number every time.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one("process"));
static COUNT: AtomicU64 = AtomicU64::new(1);

/// Surrounds every request; `answer` is what lies within.
pub(crate) async fn rim<F>(mut request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let request_id = identify(request.headers_mut());
    let is_write = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let logged = tracing::enabled!(tracing::Level::DEBUG)
        .then(|| (request.method().clone(), request.uri().path().to_owned(), Instant::now()));

    let answered = AssertUnwindSafe(async move { answer(request).await }).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| {
        tracing::error!(request.id = shown(&request_id), "a request ended in a panic");
        Problem::new(ProblemCode::Internal, "The service has failed at this request.").into_response()
    });
    if let Some(unsigned) = response.extensions_mut().remove::<Unsigned>() {
        let body = match unsigned {
            Unsigned::Fresh(problem) => problem.body(is_write),
            Unsigned::Kept(body) => body,
        };
        *response.body_mut() = Body::from(signed(body, shown(&request_id)));
        // The router has counted the bytes of the body that was there before.
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    count(response.status());
    if let Some((method, path, started)) = logged {
        let status = response.status().as_u16();
        let ms = started.elapsed().as_secs_f64() * 1_000.0;
        tracing::debug!(request.id = shown(&request_id), %method, path, status, ms, "answered");
    }
    response.headers_mut().insert(X_REQUEST_ID, request_id);
    response
}

/// The id of a request that has come through the rim.
pub(crate) fn request_id(headers: &HeaderMap) -> &str {
    headers.get(X_REQUEST_ID).map(shown).unwrap_or_default()
}

/// An id as text.
fn shown(request_id: &HeaderValue) -> &str {
    request_id.to_str().unwrap_or_default()
}

/// The request's id: the caller's, where it is fit to be one, else a new one. It stands in the headers then.
fn identify(headers: &mut HeaderMap) -> HeaderValue {
    if let Some(given) = headers.get(X_REQUEST_ID).filter(|given| is_fit(given.as_bytes())) {
        return given.clone();
    }
    let id = format!("{:016x}-{:x}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed));
    let id = HeaderValue::from_maybe_shared(Bytes::from(id)).expect("digits make a header");
    headers.insert(X_REQUEST_ID, id.clone());
    id
}

fn is_fit(id: &[u8]) -> bool {
    (1..=REQUEST_ID_CHARACTERS_MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

fn count(status: StatusCode) {
    match status.as_u16() {
        200..=299 => metrics::counter!("holdfast_http_requests_total", "status" => "2xx").increment(1),
        300..=399 => metrics::counter!("holdfast_http_requests_total", "status" => "3xx").increment(1),
        400..=499 => metrics::counter!("holdfast_http_requests_total", "status" => "4xx").increment(1),
        _ => metrics::counter!("holdfast_http_requests_total", "status" => "5xx").increment(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_id_is_kept_and_another_replaced() {
        let id_of = |text: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(text).expect("a header"));
            identify(&mut headers)
        };
        assert_eq!(id_of(b"order-1"), "order-1");
        for bad in [&b""[..], b"a b", "ü".as_bytes(), &[b'x'; 129]] {
            assert_ne!(id_of(bad).as_bytes(), bad);
        }
        assert_ne!(identify(&mut HeaderMap::new()), identify(&mut HeaderMap::new()));
    }

    #[tokio::test]
    async fn a_panic_becomes_an_answer() {
        let request = Request::post("/").body(Body::empty()).expect("a request");
        let response = rim(request, async |_request| panic!("a bug")).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key(X_REQUEST_ID));
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.expect("a body");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((&body["code"], &body["outcome"]), (&"internal".into(), &"unknown".into()));
        assert!(!body.to_string().contains("a bug"), "what went wrong stays in the house");
    }
}
