//! What surrounds all routes.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tower::Service as _;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::code::ProblemCode;
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::openapi;
use crate::problem::Problem;
use crate::render::IDEMPOTENT_REPLAYED;
use crate::rim::{X_REQUEST_ID, rim};
use crate::routes::documented;
use crate::routes::event_stream::LAST_EVENT_ID;
use crate::state::Service;

/// The whole HTTP interface: all routes, and the rim around them.
#[derive(Clone, Debug)]
pub struct Interface(Router);

impl Interface {
    /// Answers a request.
    pub async fn answer(&self, request: Request) -> Response {
        let mut router = self.0.clone();
        rim(request, async move |request| {
            let Ok(response) = router.call(request).await;
            response
        })
        .await
    }
}

/// The whole HTTP interface of `service`.
pub fn interface(service: Arc<Service>) -> Interface {
    let (documented, _) = documented();
    let settings = service.settings.clone();
    let mut router = documented.with_state(service).route("/openapi.json", get(show_document));
    if settings.swagger {
        let config = utoipa_swagger_ui::Config::new(["/openapi.json"]).validator_url("none");
        let swagger = Router::from(utoipa_swagger_ui::SwaggerUi::new("/swagger").config(config));
        router = router
            .merge(swagger.layer(from_fn(only_what_is_there)))
            .route("/", get(|| async { Redirect::temporary("/swagger/") }));
    }
    let mut router = router.fallback(no_route).method_not_allowed_fallback(no_method);
    if !settings.cors_origins.is_empty() {
        router = router.layer(cors(&settings.cors_origins));
    }
    Interface(router)
}

async fn show_document() -> Response {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::openapi_json().into());
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], DOCUMENT.clone()).into_response()
}

async fn no_route(request: Request) -> Problem {
    no_such(request.uri().path())
}

/// Says of what is not there what every other route says.
async fn only_what_is_there(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND { no_such(uri.path()).into_response() } else { response }
}

fn no_such(path: &str) -> Problem {
    Problem::new(ProblemCode::RouteNotFound, format!("There is no route {path}."))
}

async fn no_method(request: Request) -> Problem {
    let (method, path) = (request.method(), request.uri().path());
    Problem::new(ProblemCode::MethodNotAllowed, format!("The route {path} does not know {method}."))
}

/// Lets browsers call from these foreign origins.
fn cors(origins: &[String]) -> CorsLayer {
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH])
        .allow_headers([
            CONTENT_TYPE,
            LAST_EVENT_ID,
            IF_MATCH,
            IF_NONE_MATCH,
            X_REQUEST_ID,
            HeaderName::from_static(IDEMPOTENCY_KEY),
        ])
        .expose_headers([ETAG, LINK, LOCATION, RETRY_AFTER, X_REQUEST_ID, IDEMPOTENT_REPLAYED])
        .max_age(std::time::Duration::from_hours(1))
}
