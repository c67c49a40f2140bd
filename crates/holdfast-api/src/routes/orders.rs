//! Orders: read, listed, confirmed, released, extended, and their lines replaced.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_application::Command;
use holdfast_application::queries::OrderFilter;
use holdfast_domain::{Order, OrderId, OrderStatus};
use serde_json::Value;

use crate::body::Presence;
use crate::code::ProblemCode;
use crate::cursor;
use crate::decode;
use crate::list::{one_more, page};
use crate::path;
use crate::problem::Problem;
use crate::query::Query;
use crate::read;
use crate::render::{self, shown};
use crate::state::Service;
use crate::wire::bodies::{ConfirmBody, ExtendBody, ReleaseBody, ReplaceLinesBody};
use crate::wire::order::{OrderSummaryView, OrderView};
use crate::write::Write;

/// Shows an order with all reservations it ever had, oldest first.
#[utoipa::path(
    get, path = "/api/inventory/orders/{orderId}", tag = "orders",
    params(("orderId" = String, Path, format = "uuid", description = "The order's id.")),
    responses((status = 200, description = "The order.", body = OrderView))
)]
pub(crate) async fn get_order(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let id = path::part(&mut parts, "orderId", read::order_id).await?;
    Query::none(&parts.uri)?;
    let (order, locations) = service.read(move |queries| Ok((queries.order(id)?, queries.locations()?))).await?;
    let order = order.ok_or_else(|| Problem::new(ProblemCode::OrderNotFound, format!("There is no order {id}.")))?;
    Ok(shown(&OrderView::of(&order, &locations, None)))
}

/// Lists orders by id, without their reservations.
#[utoipa::path(
    get, path = "/api/inventory/orders", tag = "orders",
    params(
        ("status" = Option<String>, Query, description = "Only in this state: `Reserved`, `Refused`, `Confirmed`, `Released`, `Expired`, `Closed`; several with commas between them."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "The most rows; 50 when left out."),
        ("cursor" = Option<String>, Query, description = "Where the page begins, from the `Link` of the page before."),
    ),
    responses((status = 200, description = "A page of orders.", body = [OrderSummaryView]))
)]
pub(crate) async fn list_orders(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    const LIST: &str = "orders";
    let uri = request.uri().clone();
    let mut query = Query::of(&uri);
    let limit = query.limit();
    let cursor = query.text("cursor");
    let statuses = query.words("status", OrderStatus::parse, "Reserved, Refused, Confirmed, Released, Expired, Closed");
    query.settle(Some(()))?;
    let after = cursor::read(LIST, cursor, |parts| if let [id] = parts { read::order_id(id).ok() } else { None })?;
    let filter = OrderFilter { statuses, after, limit: one_more(limit) };
    let orders = service.read(move |queries| queries.find_orders(&filter)).await?;
    let next = |order: &Order| cursor::write(LIST, &[&order.id.to_string()]);
    Ok(page(&uri, limit, orders, |order| OrderSummaryView::from(order), next))
}

/// Replaces the lines of a reserved order in one decision in which its own units never count against it.
#[utoipa::path(
    put, path = "/api/inventory/orders/{orderId}/lines", tag = "orders", request_body = ReplaceLinesBody,
    params(("orderId" = String, Path, format = "uuid", description = "The order's id.")),
    responses((status = 200, description = "The order as it is now.", body = OrderView))
)]
pub(crate) async fn replace_lines(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    order_verb(&service, request, Presence::Required, decode::replace_lines).await
}

/// Lets a reserved order's units leave the house.
#[utoipa::path(
    post, path = "/api/inventory/orders/{orderId}/confirm", tag = "orders", request_body(content = Option<ConfirmBody>),
    params(("orderId" = String, Path, format = "uuid", description = "The order's id.")),
    responses((status = 200, description = "The order as it is now.", body = OrderView))
)]
pub(crate) async fn confirm_order(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    order_verb(&service, request, Presence::Optional, decode::confirm_order).await
}

/// Gives a reserved order's units back.
#[utoipa::path(
    post, path = "/api/inventory/orders/{orderId}/release", tag = "orders", request_body(content = Option<ReleaseBody>),
    params(("orderId" = String, Path, format = "uuid", description = "The order's id.")),
    responses((status = 200, description = "The order as it is now.", body = OrderView))
)]
pub(crate) async fn release_order(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    order_verb(&service, request, Presence::Optional, decode::release_order).await
}

/// Holds a reserved order longer: never shorter than it was, at most four times its first time to live.
#[utoipa::path(
    post, path = "/api/inventory/orders/{orderId}/extend", tag = "orders", request_body = ExtendBody,
    params(("orderId" = String, Path, format = "uuid", description = "The order's id.")),
    responses((status = 200, description = "The order as it is now.", body = OrderView))
)]
pub(crate) async fn extend_order(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    order_verb(&service, request, Presence::Required, decode::extend_order).await
}

async fn order_verb(
    service: &Service,
    request: Request,
    presence: Presence,
    decode: fn(&Value, OrderId) -> Result<Command, Problem>,
) -> Result<Response, Problem> {
    let mut write = Write::take(service, request, presence, service.settings.body_max).await?;
    let order = write.part("orderId", read::order_id).await?;
    let command = decode(&write.body, order)?;
    write.carry_out(command, render::order).await
}
