//! Reservations: made for a whole order, read one by one or in a list.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_application::queries::{ReservationFilter, ReservationRow};
use holdfast_domain::{LocationCode, ReservationStatus};

use crate::body::{self, Presence};
use crate::code::ProblemCode;
use crate::cursor;
use crate::decode;
use crate::fast;
use crate::idempotency::{IDEMPOTENCY_KEY, command_key, fingerprint, key_of};
use crate::list::{one_more, page};
use crate::path;
use crate::problem::Problem;
use crate::query::Query;
use crate::read;
use crate::received::Received;
use crate::render::{self, shown};
use crate::state::Service;
use crate::wire::bodies::ReserveOrderBody;
use crate::wire::order::{OrderView, ReservationView};

/// Sets stock aside for a whole order, or none of it.
///
/// 201 when the units were set aside by this request, 200 when the order held the same lines already.
#[utoipa::path(
    post, path = "/api/inventory/reservations", tag = "reservations", request_body = ReserveOrderBody,
    responses(
        (status = 201, description = "The units are set aside.", body = OrderView),
        (status = 200, description = "The order held these lines already.", body = OrderView),
    )
)]
pub(crate) async fn reserve_order(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = Received::take(&parts.headers, body, service.settings.body_max).await?;
    Query::none(&parts.uri)?;
    if !bytes.is_empty() && !service.settings.idempotency_required && !parts.headers.contains_key(IDEMPOTENCY_KEY) {
        body::check_type(&parts.headers, body::JSON)?;
        if let Some(command) = fast::reserve_order(&bytes) {
            drop(bytes);
            let reply = service.ask(command, None).await?;
            return Ok(render::answer(reply, render::reservation));
        }
    }
    let value = body::json(&parts.headers, &bytes, Presence::Required, body::JSON)?;
    let key = key_of(&parts.headers, service.settings.idempotency_required)?;
    let command = decode::reserve_order(&value)?;
    let key =
        key.map(|key| command_key(&key, 0, fingerprint(&parts.method, parts.uri.path(), &value), render::reservation));
    drop((bytes, value));
    let reply = service.ask(command, key).await?;
    Ok(render::answer(reply, render::reservation))
}

/// Shows a reservation.
#[utoipa::path(
    get, path = "/api/inventory/reservations/{id}", tag = "reservations",
    params(("id" = String, Path, format = "uuid", description = "The reservation's id.")),
    responses((status = 200, description = "The reservation.", body = ReservationView))
)]
pub(crate) async fn get_reservation(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let id = path::part(&mut parts, "id", read::reservation_id).await?;
    Query::none(&parts.uri)?;
    let (row, locations) = service.read(move |queries| Ok((queries.reservation(id)?, queries.locations()?))).await?;
    let row =
        row.ok_or_else(|| Problem::new(ProblemCode::ReservationNotFound, format!("There is no reservation {id}.")))?;
    Ok(shown(&ReservationView::of(&row, &locations)))
}

/// Lists reservations by id.
#[utoipa::path(
    get, path = "/api/inventory/reservations", tag = "reservations",
    params(
        ("status" = Option<String>, Query, description = "Only in this state: `Reserved`, `Confirmed`, `Released`, `Expired`; several with commas between them."),
        ("productId" = Option<String>, Query, format = "uuid", description = "Only of this product."),
        ("orderId" = Option<String>, Query, format = "uuid", description = "Only of this order."),
        ("locationId" = Option<String>, Query, description = "Only at this location."),
        ("expiresBefore" = Option<String>, Query, format = DateTime, description = "Only those that expire before this time."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "The most rows; 50 when left out."),
        ("cursor" = Option<String>, Query, description = "Where the page begins, from the `Link` of the page before."),
    ),
    responses((status = 200, description = "A page of reservations.", body = [ReservationView]))
)]
pub(crate) async fn list_reservations(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    const LIST: &str = "reservations";
    let uri = request.uri().clone();
    let mut query = Query::of(&uri);
    let limit = query.limit();
    let cursor = query.text("cursor");
    let mut filter = ReservationFilter {
        statuses: query.words("status", ReservationStatus::parse, "Reserved, Confirmed, Released, Expired"),
        product: query.parsed("productId", read::product_id),
        order: query.parsed("orderId", read::order_id),
        location: query.parsed("locationId", read::fit(LocationCode::new)),
        expires_before: query.parsed("expiresBefore", read::time),
        after: None,
        limit: one_more(limit),
    };
    query.settle(Some(()))?;
    filter.after = cursor::read(LIST, cursor, |parts| match parts {
        [id] => read::reservation_id(id).ok(),
        _ => None,
    })?;
    let (rows, locations) =
        service.read(move |queries| Ok((queries.find_reservations(&filter)?, queries.locations()?))).await?;
    let next = |row: &ReservationRow| cursor::write(LIST, &[&row.id.to_string()]);
    Ok(page(&uri, limit, rows, |row| ReservationView::of(row, &locations), next))
}
