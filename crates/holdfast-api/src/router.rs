//! All routes, and what surrounds them.

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
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::code::ProblemCode;
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::openapi;
use crate::problem::Problem;
use crate::render::IDEMPOTENT_REPLAYED;
use crate::rim::{X_REQUEST_ID, rim};
use crate::routes::event_stream::LAST_EVENT_ID;
use crate::routes::{
    availability, batch, dead_letters, event_stream, events, items, locations, movements, orders, problems,
    reservations, status, stock,
};
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
        let config = utoipa_swagger_ui::Config::new(["/openapi.json"]);
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

/// The documented routes and their document.
pub(crate) fn documented() -> (Router<Arc<Service>>, OpenApi) {
    OpenApiRouter::with_openapi(OpenApi::default())
        .routes(routes!(items::create_item))
        .routes(routes!(items::get_item, items::patch_item))
        .routes(routes!(items::check_item))
        .routes(routes!(items::list_low_stock))
        .routes(routes!(stock::add_stock))
        .routes(routes!(stock::remove_stock))
        .routes(routes!(movements::list_item_movements))
        .routes(routes!(stock::adjust_stock))
        .routes(routes!(stock::damage_stock))
        .routes(routes!(stock::return_stock))
        .routes(routes!(stock::transfer_stock))
        .routes(routes!(items::list_items))
        .routes(routes!(items::get_item_by_sku))
        .routes(routes!(availability::check_availability))
        .routes(routes!(reservations::reserve_order, reservations::list_reservations))
        .routes(routes!(reservations::get_reservation))
        .routes(routes!(batch::reserve_batch))
        .routes(routes!(orders::list_orders))
        .routes(routes!(orders::get_order))
        .routes(routes!(orders::replace_lines))
        .routes(routes!(orders::confirm_order))
        .routes(routes!(orders::release_order))
        .routes(routes!(orders::extend_order))
        .routes(routes!(movements::list_movements))
        .routes(routes!(locations::list_locations, locations::create_location))
        .routes(routes!(events::take_events))
        .routes(routes!(dead_letters::list_dead_letters))
        .routes(routes!(dead_letters::get_dead_letter))
        .routes(routes!(dead_letters::retry_dead_letter))
        .routes(routes!(dead_letters::discard_dead_letter))
        .routes(routes!(event_stream::stream_events))
        .routes(routes!(status::get_health))
        .routes(routes!(status::get_ready))
        .routes(routes!(status::get_live))
        .routes(routes!(status::get_metrics))
        .routes(routes!(problems::explain_problem))
        .split_for_parts()
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
