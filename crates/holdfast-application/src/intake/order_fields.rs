//! What an event says about its order: the same fields, bare or in an envelope.

use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::order::{LINES_MAX, OrderEventKind};
use holdfast_domain::{OrderId, ProductId, Quantity, Reason, Sku};
use serde_json::Value;

use super::flaw::Flaw;
use super::members::Members;
use crate::order_event::OrderEvent;

/// What happened to which order.
///
/// # Errors
///
/// The field that is missing or wrong.
pub(super) fn order_event(kind: OrderEventKind, members: Members<'_>, is_bare: bool) -> Result<OrderEvent, Flaw> {
    let order = members.text("orderId").and_then(OrderId::parse).ok_or(Flaw::Order)?;
    let lines = if kind == OrderEventKind::OrderCreated { lines_of(members)? } else { Vec::new() };
    let reason = members.text("reason").and_then(Reason::shortened);
    Ok(OrderEvent { kind, order, lines, reason, is_bare })
}

fn lines_of(members: Members<'_>) -> Result<Vec<OrderLine>, Flaw> {
    let items = members.find("items").and_then(Value::as_array).filter(|items| (1..=LINES_MAX).contains(&items.len()));
    items.ok_or(Flaw::Items)?.iter().enumerate().map(|(at, item)| line_of(at, item)).collect()
}

fn line_of(at: usize, item: &Value) -> Result<OrderLine, Flaw> {
    let item = Members::of(item).map_err(|_flaw| Flaw::Line(at))?;
    let product = product_of(item).ok_or(Flaw::Product(at))?;
    let quantity = item.find("quantity").and_then(Value::as_u64).and_then(Quantity::from_u64);
    Ok(OrderLine { product, quantity: quantity.ok_or(Flaw::Quantity(at))?, location: None })
}

fn product_of(item: Members<'_>) -> Option<ProductRef> {
    // A name of the wrong type is no name left out: the line may mean another product than the one it names as well.
    let name = |of: &str| item.find(of).map(|name| name.as_str());
    match (name("productId"), name("sku")) {
        (Some(id), None | Some(Some(_))) => ProductId::parse(id?).map(ProductRef::Id),
        (None, sku) => Sku::new(sku??).ok().map(ProductRef::Sku),
        (Some(_), Some(None)) => None,
    }
}
