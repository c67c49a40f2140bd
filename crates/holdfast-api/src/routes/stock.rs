//! The verbs of stock: add, remove, write off, take back, count, transfer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_domain::book::stocking::StockVerb;

use crate::body::Presence;
use crate::code::ProblemCode;
use crate::decode;
use crate::etag::IfMatch;
use crate::problem::Problem;
use crate::read;
use crate::render;
use crate::state::Service;
use crate::wire::bodies::{AdjustStockBody, ChangeStockBody, TransferBody};
use crate::wire::item::ItemAnswerView;
use crate::write::Write;

/// Adds units that came in.
#[utoipa::path(
    post, path = "/api/inventory/product/{productId}/add-stock", tag = "stock", request_body = ChangeStockBody,
    params(("productId" = String, Path, format = "uuid", description = "The product's id.")),
    responses((status = 200, description = "The item as it is now.", body = ItemAnswerView))
)]
pub(crate) async fn add_stock(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    change_stock(&service, request, StockVerb::Add).await
}

/// Removes units that went out.
#[utoipa::path(
    post, path = "/api/inventory/product/{productId}/remove-stock", tag = "stock", request_body = ChangeStockBody,
    params(("productId" = String, Path, format = "uuid", description = "The product's id.")),
    responses((status = 200, description = "The item as it is now.", body = ItemAnswerView))
)]
pub(crate) async fn remove_stock(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    change_stock(&service, request, StockVerb::Remove).await
}

/// Writes off units that are damaged.
#[utoipa::path(
    post, path = "/api/inventory/product/{productId}/damage", tag = "stock", request_body = ChangeStockBody,
    params(("productId" = String, Path, format = "uuid", description = "The product's id.")),
    responses((status = 200, description = "The item as it is now.", body = ItemAnswerView))
)]
pub(crate) async fn damage_stock(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    change_stock(&service, request, StockVerb::Damage).await
}

/// Takes back units from a customer.
#[utoipa::path(
    post, path = "/api/inventory/product/{productId}/return", tag = "stock", request_body = ChangeStockBody,
    params(("productId" = String, Path, format = "uuid", description = "The product's id.")),
    responses((status = 200, description = "The item as it is now.", body = ItemAnswerView))
)]
pub(crate) async fn return_stock(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    change_stock(&service, request, StockVerb::Return).await
}

async fn change_stock(service: &Service, request: Request, verb: StockVerb) -> Result<Response, Problem> {
    let mut write = Write::take(service, request, Presence::Required, service.settings.body_max).await?;
    let product = write.part("productId", read::product_id).await?;
    let version = write.version(product).await?;
    let command = decode::change_stock(&write.body, product, verb, version)?;
    write.change_stock(command, render::item).await
}

/// Takes over a count of the shelf.
///
/// A count overwrites what others did meanwhile, so it needs `expectedQuantity` or the header `If-Match`.
#[utoipa::path(
    post, path = "/api/inventory/product/{productId}/adjust-stock", tag = "stock", request_body = AdjustStockBody,
    params(("productId" = String, Path, format = "uuid", description = "The product's id.")),
    responses((status = 200, description = "The item as it is now.", body = ItemAnswerView))
)]
pub(crate) async fn adjust_stock(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let mut write = Write::take(&service, request, Presence::Required, service.settings.body_max).await?;
    let product = write.part("productId", read::product_id).await?;
    let version = write.version(product).await?;
    let (command, expects) = decode::adjust_stock(&write.body, product, version)?;
    if !expects && write.if_match()? == IfMatch::Absent {
        let detail = "A count needs the header If-Match or the field expectedQuantity.";
        return Err(Problem::new(ProblemCode::PreconditionRequired, detail));
    }
    write.change_stock(command, render::item).await
}

/// Moves units to another location.
#[utoipa::path(
    post, path = "/api/inventory/product/{productId}/transfer", tag = "stock", request_body = TransferBody,
    params(("productId" = String, Path, format = "uuid", description = "The product's id.")),
    responses((status = 200, description = "The item as it is now.", body = ItemAnswerView))
)]
pub(crate) async fn transfer_stock(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let mut write = Write::take(&service, request, Presence::Required, service.settings.body_max).await?;
    let product = write.part("productId", read::product_id).await?;
    let version = write.version(product).await?;
    let command = decode::transfer_stock(&write.body, product, version)?;
    write.carry_out(command, render::item).await
}
