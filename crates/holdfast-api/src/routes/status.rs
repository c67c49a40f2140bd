//! How the service is: health for people and orchestrators, metrics for Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::ProblemCode;
use crate::health::{HealthState, Identity};
use crate::problem::Problem;
use crate::render::shown;
use crate::state::Service;

/// How the service is, and every part of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// `Healthy`, `Degraded` or `Unhealthy`: the worst of all components.
    #[schema(pattern = "^(Healthy|Degraded|Unhealthy)$")]
    pub(crate) status: &'static str,
    /// The parts of the service.
    pub(crate) components: Vec<ComponentView>,
}

/// How the service is, who it is among those that share its store, and every part of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HealthReport)]
pub(crate) struct ReportView {
    /// `Healthy`, `Degraded` or `Unhealthy`: the worst of all components.
    #[schema(pattern = "^(Healthy|Degraded|Unhealthy)$")]
    pub(crate) status: &'static str,
    /// What this service is called.
    pub(crate) replica: String,
    /// `sweeper` when it ends orders whose time is over, `standby` when another service does.
    #[schema(pattern = "^(sweeper|standby)$")]
    pub(crate) role: &'static str,
    /// The kind of store: `sqlite` or `mysql`.
    #[schema(pattern = "^(sqlite|mysql)$")]
    pub(crate) database: &'static str,
    /// The version of the store's schema.
    pub(crate) schema: i64,
    /// The parts of the service.
    pub(crate) components: Vec<ComponentView>,
}

/// How a part of the service is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HealthComponent)]
pub(crate) struct ComponentView {
    /// Its name.
    pub(crate) name: &'static str,
    /// `Healthy`, `Degraded` or `Unhealthy`.
    #[schema(pattern = "^(Healthy|Degraded|Unhealthy)$")]
    pub(crate) status: &'static str,
    /// A sentence for the operator.
    #[schema(required = true)]
    pub(crate) detail: Option<String>,
}

fn health_of(service: &Service) -> (HealthState, HealthView) {
    let components = service.health.components();
    let worst = components.iter().map(|component| component.state).max().unwrap_or(HealthState::Healthy);
    let components = components.into_iter().map(|component| ComponentView {
        name: component.name,
        status: component.state.as_str(),
        detail: component.detail,
    });
    (worst, HealthView { status: worst.as_str(), components: components.collect() })
}

/// Says how the service is, part by part, and who it is among those that share its store.
#[utoipa::path(
    get, path = "/health", tag = "status",
    responses(
        (status = 200, description = "It works, perhaps with less than usual.", body = ReportView),
        (status = 503, description = "It does not work.", body = ReportView),
    )
)]
pub(crate) async fn get_health(State(service): State<Arc<Service>>) -> Response {
    let (worst, HealthView { status, components }) = health_of(&service);
    let Identity { replica, role, database, schema } = service.health.identity();
    let mut response = shown(&ReportView { status, replica, role, database, schema, components });
    if worst == HealthState::Unhealthy {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// Says whether a write can commit.
///
/// When none can, the status is `Unhealthy` and the component `writes` says why.
#[utoipa::path(
    get, path = "/health/ready", tag = "status",
    responses(
        (status = 200, description = "Writes can commit.", body = HealthView),
        (status = 503, description = "No write can commit.", body = HealthView),
    )
)]
pub(crate) async fn get_ready(State(service): State<Arc<Service>>) -> Response {
    let (_, mut view) = health_of(&service);
    let Some(reason) = service.health.why_not_ready() else { return shown(&view) };
    view.status = HealthState::Unhealthy.as_str();
    view.components.insert(0, ComponentView { name: "writes", status: view.status, detail: Some(reason) });
    let mut response = shown(&view);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// Says that the process runs.
#[utoipa::path(
    get, path = "/health/live", tag = "status",
    responses((status = 200, description = "The process runs.", body = HealthView))
)]
pub(crate) async fn get_live() -> Response {
    shown(&HealthView { status: HealthState::Healthy.as_str(), components: Vec::new() })
}

/// Shows the metrics as Prometheus reads them.
#[utoipa::path(
    get, path = "/metrics", tag = "status",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain"))
)]
pub(crate) async fn get_metrics(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let Some(metrics) = &service.metrics else {
        return Err(Problem::new(ProblemCode::NotFound, "This installation keeps no metrics."));
    };
    let mut response = metrics.render().into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}
