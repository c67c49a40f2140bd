//! What an event says about its order: the same fields, bare or in an envelope.

use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::order::{LINES_MAX, OrderEventKind};
use holdfast_domain::{OrderId, ProductId, Quantity, Reason, Sku};
use serde_json::Value;

use super::members::Members;
use crate::order_event::OrderEvent;

/// What happened to which order; `None` when a field is missing or wrong.
pub(super) fn order_event(kind: OrderEventKind, members: Members<'_>, is_bare: bool) -> Option<OrderEvent> {
    let order = OrderId::parse(members.text("orderId")?)?;
    let lines = if kind == OrderEventKind::OrderCreated { lines_of(members)? } else { Vec::new() };
    let reason = members.text("reason").and_then(Reason::shortened);
    Some(OrderEvent { kind, order, lines, reason, is_bare })
}

fn lines_of(members: Members<'_>) -> Option<Vec<OrderLine>> {
    let items = members.find("items")?.as_array()?;
    (1..=LINES_MAX).contains(&items.len()).then_some(())?;
    items.iter().map(line_of).collect()
}

fn line_of(item: &Value) -> Option<OrderLine> {
    let item = Members::of(item)?;
    // A name of the wrong type is no name left out: the line may mean another product than the one it names as well.
    let name = |of: &str| item.find(of).map(|name| name.as_str());
    let product = match (name("productId"), name("sku")) {
        (Some(id), None | Some(Some(_))) => ProductRef::Id(ProductId::parse(id?)?),
        (None, sku) => ProductRef::Sku(Sku::new(sku??).ok()?),
        (Some(_), Some(None)) => return None,
    };
    let quantity = Quantity::from_u64(item.find("quantity")?.as_u64()?)?;
    Some(OrderLine { product, quantity, location: None })
}
