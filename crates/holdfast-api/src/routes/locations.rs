//! Locations: listed and made.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_domain::{Location, LocationCode};

use crate::body::Presence;
use crate::cursor;
use crate::decode;
use crate::list::{one_more, page};
use crate::problem::Problem;
use crate::query::Query;
use crate::render;
use crate::state::Service;
use crate::wire::bodies::CreateLocationBody;
use crate::wire::location::LocationView;
use crate::write::Write;

/// Lists locations by code.
#[utoipa::path(
    get, path = "/api/inventory/locations", tag = "locations",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "The most rows; 50 when left out."),
        ("cursor" = Option<String>, Query, description = "Where the page begins, from the `Link` of the page before."),
    ),
    responses((status = 200, description = "A page of locations.", body = [LocationView]))
)]
pub(crate) async fn list_locations(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    const LIST: &str = "locations";
    let uri = request.uri().clone();
    let mut query = Query::of(&uri);
    let (limit, cursor) = (query.limit(), query.text("cursor"));
    query.settle(Some(()))?;
    let after =
        cursor::read(LIST, cursor, |parts| if let [code] = parts { LocationCode::new(code).ok() } else { None })?;
    let locations = service.read(|queries| queries.locations()).await?;
    let mut rows: Vec<&Location> =
        locations.iter().filter(|location| after.as_ref().is_none_or(|after| location.code > *after)).collect();
    rows.sort_unstable_by(|a, b| a.code.cmp(&b.code));
    rows.truncate(one_more(limit));
    let next = |location: &&Location| cursor::write(LIST, &[location.code.as_str()]);
    Ok(page(&uri, limit, rows, |location| LocationView::from(*location), next))
}

/// Makes a location.
#[utoipa::path(
    post, path = "/api/inventory/locations", tag = "locations", request_body = CreateLocationBody,
    responses((status = 201, description = "The location was made.", body = LocationView))
)]
pub(crate) async fn create_location(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let write = Write::take(&service, request, Presence::Required, service.settings.body_max).await?;
    let command = decode::create_location(&write.body)?;
    write.carry_out(command, render::location).await
}
