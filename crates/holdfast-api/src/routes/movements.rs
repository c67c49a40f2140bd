//! The audit trail, of one product or over all of them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_application::queries::{MovementCursor, MovementFilter};
use holdfast_domain::book::ProductRef;
use holdfast_domain::{
    Actor, LocationCode, MovementId, ProductId, Reason, StockMovement, StockMovementType, Timestamp,
};
use http::Uri;

use crate::cursor;
use crate::list::{one_more, page};
use crate::path;
use crate::problem::Problem;
use crate::query::Query;
use crate::read;
use crate::routes::items::no_product;
use crate::state::Service;
use crate::wire::movement::MovementView;

/// Lists a product's movements by sequence, newest first.
#[utoipa::path(
    get, path = "/api/inventory/product/{productId}/movements", tag = "movements",
    params(
        ("productId" = String, Path, format = "uuid", description = "The product's id."),
        ("type" = Option<String>, Query, description = "Only of this kind; several with commas between them."),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this time."),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this time."),
        ("reference" = Option<String>, Query, max_length = 64, description = "Only with this order id or document number."),
        ("reasonCode" = Option<String>, Query, max_length = 64, description = "Only with this reason."),
        ("actor" = Option<String>, Query, max_length = 64, description = "Only asked for by this actor."),
        ("locationId" = Option<String>, Query, max_length = 64, description = "Only at this location."),
        ("sort" = Option<String>, Query, pattern = "^(asc|desc)$", description = "`desc` (when left out) or `asc`."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "The most rows; 50 when left out."),
        ("cursor" = Option<String>, Query, description = "Where the page begins, from the `Link` of the page before."),
    ),
    responses((status = 200, description = "A page of movements.", body = [MovementView]))
)]
pub(crate) async fn list_item_movements(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let product = path::part(&mut parts, "productId", read::product_id).await?;
    list(&service, &parts.uri, Some(product)).await
}

/// Lists movements over all products by time, then id; newest first.
#[utoipa::path(
    get, path = "/api/inventory/movements", tag = "movements",
    params(
        ("productId" = Option<String>, Query, format = "uuid", description = "Only of this product."),
        ("type" = Option<String>, Query, description = "Only of this kind; several with commas between them."),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this time."),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this time."),
        ("reference" = Option<String>, Query, max_length = 64, description = "Only with this order id or document number."),
        ("reasonCode" = Option<String>, Query, max_length = 64, description = "Only with this reason."),
        ("actor" = Option<String>, Query, max_length = 64, description = "Only asked for by this actor."),
        ("locationId" = Option<String>, Query, max_length = 64, description = "Only at this location."),
        ("sort" = Option<String>, Query, pattern = "^(asc|desc)$", description = "`desc` (when left out) or `asc`."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "The most rows; 50 when left out."),
        ("cursor" = Option<String>, Query, description = "Where the page begins, from the `Link` of the page before."),
    ),
    responses((status = 200, description = "A page of movements.", body = [MovementView]))
)]
pub(crate) async fn list_movements(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let uri = request.uri().clone();
    list(&service, &uri, None).await
}

async fn list(service: &Service, uri: &Uri, of: Option<ProductId>) -> Result<Response, Problem> {
    const KINDS: &str = "StockIn, StockOut, Reserved, Released, Adjustment, Damaged, Returned, Confirmed, TransferIn, \
                         TransferOut";
    let mut query = Query::of(uri);
    let limit = query.limit();
    let cursor = query.text("cursor");
    let product = if of.is_some() { of } else { query.parsed("productId", read::product_id) };
    let mut filter = MovementFilter {
        product,
        kinds: query.words("type", StockMovementType::parse, KINDS),
        from: query.parsed("from", read::time),
        to: query.parsed("to", read::time),
        reference: query.parsed("reference", reference),
        reason: query.parsed("reasonCode", read::fit(Reason::new)),
        actor: query.parsed("actor", read::fit(Actor::new)),
        location: query.parsed("locationId", read::fit(LocationCode::new)),
        ascending: false,
        after: None,
        limit: one_more(limit),
    };
    filter.ascending = query.parsed("sort", ascending).unwrap_or(false);
    query.settle(Some(()))?;
    let list = format!("movements of {product:?}, ascending: {}", filter.ascending);
    filter.after = cursor::read(&list, cursor, position)?;
    let (movements, locations, unknown) = service
        .read(move |queries| {
            let movements = queries.movements(&filter)?;
            let asks_for_nothing = match of {
                Some(product) if movements.is_empty() => queries.items(&[ProductRef::Id(product)])?.is_empty(),
                _ => false,
            };
            Ok((movements, queries.locations()?, asks_for_nothing))
        })
        .await?;
    if let Some(product) = of.filter(|_| unknown) {
        return Err(no_product(&ProductRef::Id(product)));
    }
    let next = |movement: &StockMovement| {
        cursor::write(&list, &[&movement.created_at.micros().to_string(), &movement.id().to_string()])
    };
    Ok(page(uri, limit, movements, |movement| MovementView::of(movement, &locations), next))
}

/// What movements refer to: an order's id in either case, or a document number as it was given.
fn reference(text: &str) -> Result<String, crate::faults::Complaint> {
    read::fit(holdfast_domain::Reference::new)(text).map(|reference| reference.to_string())
}

fn ascending(text: &str) -> Result<bool, crate::faults::Complaint> {
    match text {
        "asc" => Ok(true),
        "desc" => Ok(false),
        _ => Err("must be asc or desc".into()),
    }
}

fn position(parts: &[&str]) -> Option<MovementCursor> {
    let [micros, id] = parts else { return None };
    let created_at = Timestamp::from_micros(micros.parse().ok()?);
    Some(MovementCursor { created_at, id: MovementId::parse(id)? })
}
