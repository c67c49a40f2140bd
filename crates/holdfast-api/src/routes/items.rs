//! Items: create, read, list, change the card.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_application::queries::{ProductCursor, ProductFilter, ProductSort};
use holdfast_domain::book::ProductRef;
use holdfast_domain::{Count, InventoryItem, Order, Sku};
use http::header::ETAG;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::body::Presence;
use crate::code::ProblemCode;
use crate::cursor;
use crate::decode;
use crate::etag::{etag, is_known};
use crate::list::{one_more, page};
use crate::path;
use crate::problem::Problem;
use crate::query::Query;
use crate::read;
use crate::render::{self, shown};
use crate::state::Service;
use crate::wire::bodies::{CreateItemBody, PatchItemBody};
use crate::wire::item::{CheckView, ItemAnswerView, ItemView};
use crate::write::Write;

/// Makes an item.
///
/// A stock greater than zero becomes a `StockIn` with the reference `INITIAL`, at the location `main`.
#[utoipa::path(
    post, path = "/api/inventory", tag = "items", request_body = CreateItemBody,
    responses((status = 201, description = "The item was made.", body = ItemAnswerView))
)]
pub(crate) async fn create_item(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let write = Write::take(&service, request, Presence::Required, service.settings.body_max).await?;
    let command = decode::create_item(&write.body)?;
    write.carry_out(command, render::created_item).await
}

/// Shows an item by its product.
#[utoipa::path(
    get, path = "/api/inventory/product/{productId}", tag = "items",
    params(("productId" = String, Path, format = "uuid", description = "The product's id.")),
    responses((status = 200, description = "The item.", body = ItemView))
)]
pub(crate) async fn get_item(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let product = path::part(&mut parts, "productId", read::product_id).await?;
    Query::none(&parts.uri)?;
    one_item(&service, &parts.headers, ProductRef::Id(product)).await
}

/// Shows an item by its SKU.
#[utoipa::path(
    get, path = "/api/inventory/sku/{sku}", tag = "items",
    params(("sku" = String, Path, description = "The stock keeping unit, percent-encoded.", min_length = 1, max_length = 64)),
    responses((status = 200, description = "The item.", body = ItemView))
)]
pub(crate) async fn get_item_by_sku(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let sku = path::part(&mut parts, "sku", read::fit(Sku::new)).await?;
    Query::none(&parts.uri)?;
    one_item(&service, &parts.headers, ProductRef::Sku(sku)).await
}

async fn one_item(service: &Service, headers: &HeaderMap, product: ProductRef) -> Result<Response, Problem> {
    let name = product.clone();
    let (item, locations) = service
        .read(move |queries| {
            let item = queries.items(&[product])?.pop();
            Ok((item, queries.locations()?)) // afterwards, so that every location of the item is known
        })
        .await?;
    let item = item.ok_or_else(|| no_product(&name))?;
    let tag = etag(item.version);
    let mut response = if is_known(headers, item.version) {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        shown(&ItemView::of(&item, &locations))
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// The problem of a product that is not there.
pub(crate) fn no_product(product: &ProductRef) -> Problem {
    let detail = match product {
        ProductRef::Id(id) => format!("There is no product {id}."),
        ProductRef::Sku(sku) => format!("There is no product with the sku {sku}."),
    };
    Problem::new(ProblemCode::ProductNotFound, detail)
}

/// Changes an item's name, SKU or limits.
#[utoipa::path(
    patch, path = "/api/inventory/product/{productId}", tag = "items", request_body(content = Option<PatchItemBody>),
    params(("productId" = String, Path, format = "uuid", description = "The product's id.")),
    responses((status = 200, description = "The item as it is now.", body = ItemAnswerView))
)]
pub(crate) async fn patch_item(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let mut write = Write::take(&service, request, Presence::Optional, service.settings.body_max).await?;
    let product = write.part("productId", read::product_id).await?;
    let version = write.version(product).await?;
    let command = decode::change_card(&write.body, product, version)?;
    write.carry_out(command, render::item).await
}

/// Says whether a quantity of a product can be had now.
///
/// A *no* is an answer like any other. Units of orders whose time is over count where the others do not suffice. Nothing is
/// set aside.
#[utoipa::path(
    get, path = "/api/inventory/product/{productId}/check", tag = "items",
    params(
        ("productId" = String, Path, format = "uuid", description = "The product's id."),
        ("quantity" = Option<u32>, Query, minimum = 1, maximum = 1_000_000_000, description = "How many units; 1 when left out."),
        ("excludeOrderId" = Option<String>, Query, format = "uuid", description = "An order whose own units count as available."),
    ),
    responses((status = 200, description = "The answer.", body = CheckView))
)]
pub(crate) async fn check_item(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let product = path::part(&mut parts, "productId", read::product_id).await?;
    let mut query = Query::of(&parts.uri);
    let quantity = query.parsed("quantity", read::quantity_text);
    let exclude = query.parsed("excludeOrderId", read::order_id);
    let quantity = query.settle(Some(quantity.unwrap_or(holdfast_domain::Quantity::ONE)))?;
    let (item, order) = service
        .read(move |queries| {
            let order = exclude.map(|order| queries.order(order)).transpose()?.flatten();
            Ok((queries.items(&[ProductRef::Id(product)])?.pop(), order))
        })
        .await?;
    let item = item.ok_or_else(|| no_product(&ProductRef::Id(product)))?;
    let own = order.iter().flat_map(Order::live).filter(|held| held.product == product);
    let mut free: Count = own.map(|held| Count::from(held.quantity)).chain([item.available()]).sum();
    if !free.covers(quantity) {
        // An attempt that is short first ends the due orders in its way: a quote counts on their units too.
        let due = service.due_holds(vec![(product, None)], exclude).await?;
        free = due.iter().map(|hold| Count::from(hold.part.quantity)).chain([free]).sum();
    }
    Ok(shown(&CheckView {
        product_id: crate::wire::Shown(product),
        quantity_available: item.available().get(),
        quantity_reserved: item.reserved().get(),
        can_fulfill: free.covers(quantity),
        requested_quantity: quantity.get(),
    }))
}

/// Lists the items that are low: available ≤ reorder level, by SKU.
#[utoipa::path(
    get, path = "/api/inventory/low-stock", tag = "items",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "The most rows; 50 when left out."),
        ("cursor" = Option<String>, Query, description = "Where the page begins, from the `Link` of the page before."),
    ),
    responses((status = 200, description = "A page of items.", body = [ItemView]))
)]
pub(crate) async fn list_low_stock(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    const LIST: &str = "low-stock";
    let uri = request.uri().clone();
    let mut query = Query::of(&uri);
    let (limit, cursor) = (query.limit(), query.text("cursor"));
    query.settle(Some(()))?;
    let after = cursor::read(LIST, cursor, |parts| if let [sku] = parts { Sku::new(sku).ok() } else { None })?;
    let (items, locations) = service
        .read(move |queries| Ok((queries.low_stock(after.as_ref(), one_more(limit))?, queries.locations()?)))
        .await?;
    let next = |item: &InventoryItem| cursor::write(LIST, &[item.sku.as_str()]);
    Ok(page(&uri, limit, items, |item| ItemView::of(item, &locations), next))
}

/// Lists items: searched, filtered and sorted.
#[utoipa::path(
    get, path = "/api/inventory/products", tag = "items",
    params(
        ("q" = Option<String>, Query, max_length = 200, description = "A piece of SKU or name in any ASCII case, or a product id."),
        ("low" = Option<bool>, Query, description = "Only items that are low, or only those that are not."),
        ("out" = Option<bool>, Query, description = "Only items with nothing available, or only those with something."),
        ("sort" = Option<String>, Query, pattern = "^-?(sku|name|quantityAvailable|updatedAt)$", description = "`sku` (when left out), `name`, `quantityAvailable` or `updatedAt`; with `-` before it turned round."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "The most rows; 50 when left out."),
        ("cursor" = Option<String>, Query, description = "Where the page begins, from the `Link` of the page before."),
    ),
    responses((status = 200, description = "A page of items.", body = [ItemView]))
)]
pub(crate) async fn list_items(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let uri = request.uri().clone();
    let mut query = Query::of(&uri);
    let limit = query.limit();
    let cursor = query.text("cursor");
    let search = query.text("q").filter(|search| !search.is_empty());
    if search.as_ref().is_some_and(|search| search.chars().count() > 200) {
        query.complain("q", "must have at most 200 characters");
    }
    let (low, out) = (query.parsed("low", read::truth), query.parsed("out", read::truth));
    let sort = query.parsed("sort", sorting);
    let (word, sort, descending) = query.settle(Some(sort.unwrap_or(("sku", ProductSort::Sku, false))))?;
    let list = format!("products by {word}, descending: {descending}");
    let after = cursor::read(&list, cursor, |parts| match parts {
        [key, sku] => Some(ProductCursor { key: (*key).to_owned(), sku: (*sku).to_owned() }),
        _ => None,
    })?;
    let filter = ProductFilter { search, low, out, sort, descending, after, limit: one_more(limit) };
    let (items, locations) =
        service.read(move |queries| Ok((queries.find_items(&filter)?, queries.locations()?))).await?;
    let next = |item: &InventoryItem| {
        let ProductCursor { key, sku } = ProductCursor::of(item, sort);
        cursor::write(&list, &[&key, &sku])
    };
    Ok(page(&uri, limit, items, |item| ItemView::of(item, &locations), next))
}

/// The order a word asks for: its name, the column, and whether it is turned round.
fn sorting(text: &str) -> Result<(&'static str, ProductSort, bool), crate::faults::Complaint> {
    let (descending, word) = text.strip_prefix('-').map_or((false, text), |word| (true, word));
    match word {
        "sku" => Ok(("sku", ProductSort::Sku, descending)),
        "name" => Ok(("name", ProductSort::Name, descending)),
        "quantityAvailable" => Ok(("quantityAvailable", ProductSort::Available, descending)),
        "updatedAt" => Ok(("updatedAt", ProductSort::UpdatedAt, descending)),
        _ => Err("must be sku, name, quantityAvailable or updatedAt, with or without - before it".into()),
    }
}
