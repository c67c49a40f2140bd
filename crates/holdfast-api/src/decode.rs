//! Bodies to commands: one function per body, which tells every fault at once.

use holdfast_application::Command;
use holdfast_application::command::{Remarks, StockChange};
use holdfast_application::queries::AvailabilityLine;
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::stocking::{CardChange, NewItem, StockVerb};
use holdfast_domain::order::LINES_MAX;
use holdfast_domain::{
    Count, DiscardNote, LocationCode, Name, Notes, OrderId, ProductId, Quantity, Reason, Reference, Sku,
};
use serde_json::Value;

use crate::faults::Complaint;
use crate::fields::{Fields, decode};
use crate::problem::Problem;
use crate::read;

/// A new item is low at this many units where the caller does not say (CONTRACT, section 6).
const REORDER_LEVEL_DEFAULT: u64 = 10;
/// The maximum of a new item where the caller does not say (CONTRACT, section 6).
const MAX_STOCK_LEVEL_DEFAULT: u64 = 1_000;

/// `POST /api/inventory`
pub(crate) fn create_item(body: &Value) -> Result<Command, Problem> {
    decode(body, |fields| {
        let product = fields.required("productId", read::string(read::product_id));
        let name = fields.required("productName", read::string(read::fit(Name::new)));
        let sku = fields.required("sku", read::string(read::fit(Sku::new)));
        let initial = fields.optional("initialQuantity", initial_quantity);
        let reorder_level = fields.optional("reorderLevel", read::count);
        let max_stock_level = fields.optional("maxStockLevel", read::count);
        let new = NewItem {
            product: product?,
            name: name?,
            sku: sku?,
            initial: initial?.flatten().map(|quantity| (LocationCode::main(), quantity)).into_iter().collect(),
            reorder_level: reorder_level?.or(Count::new(REORDER_LEVEL_DEFAULT))?,
            max_stock_level: max_stock_level?.or(Count::new(MAX_STOCK_LEVEL_DEFAULT))?,
        };
        Some(Command::CreateItem(new, Remarks::default()))
    })
}

/// None, or a quantity.
fn initial_quantity(value: &Value) -> Result<Option<Quantity>, Complaint> {
    match value.as_u64() {
        Some(0) => Ok(None),
        Some(units) if units <= u64::from(Quantity::MAX) => Ok(Quantity::from_u64(units)),
        _ => Err("must be a whole number from 0 to 1000000000".into()),
    }
}

/// `PATCH …/product/{productId}`
pub(crate) fn change_card(body: &Value, product: ProductId, version: Option<u64>) -> Result<Command, Problem> {
    decode(body, |fields| {
        let name = fields.optional("productName", read::string(read::fit(Name::new)));
        let sku = fields.optional("sku", read::string(read::fit(Sku::new)));
        let reorder_level = fields.optional("reorderLevel", read::count);
        let max_stock_level = fields.optional("maxStockLevel", read::count);
        let change =
            CardChange { name: name?, sku: sku?, reorder_level: reorder_level?, max_stock_level: max_stock_level? };
        Some(Command::ChangeCard { product, change, version })
    })
}

/// `POST …/product/{productId}/add-stock | remove-stock | damage | return`
pub(crate) fn change_stock(
    body: &Value,
    product: ProductId,
    verb: StockVerb,
    version: Option<u64>,
) -> Result<Command, Problem> {
    decode(body, |fields| {
        let quantity = fields.required("quantity", read::quantity);
        let location = location_or_main(fields);
        let remarks = remarks(fields);
        Some(Command::ChangeStock(StockChange {
            product: ProductRef::Id(product),
            location: location?,
            verb,
            quantity: quantity?,
            version,
            remarks: remarks?,
        }))
    })
}

/// `POST …/product/{productId}/adjust-stock`. Also says whether the caller expects a number.
pub(crate) fn adjust_stock(body: &Value, product: ProductId, version: Option<u64>) -> Result<(Command, bool), Problem> {
    decode(body, |fields| {
        let counted = fields.required("newQuantity", read::count);
        let expected = fields.optional("expectedQuantity", read::count);
        let location = location_or_main(fields);
        let remarks = remarks(fields);
        let expected = expected?;
        let command = Command::AdjustStock {
            product,
            location: location?,
            counted: counted?,
            expected,
            version,
            remarks: remarks?,
        };
        Some((command, expected.is_some()))
    })
}

/// `POST …/product/{productId}/transfer`
pub(crate) fn transfer_stock(body: &Value, product: ProductId, version: Option<u64>) -> Result<Command, Problem> {
    decode(body, |fields| {
        let quantity = fields.required("quantity", read::quantity);
        let from = fields.required("fromLocationId", read::string(read::fit(LocationCode::new)));
        let to = fields.required("toLocationId", read::string(read::fit(LocationCode::new)));
        if from.is_some() && from == to {
            fields.complain("toLocationId", "must be another location than fromLocationId");
        }
        let remarks = remarks(fields);
        Some(Command::TransferStock { product, from: from?, to: to?, quantity: quantity?, version, remarks: remarks? })
    })
}

/// `POST …/locations`
pub(crate) fn create_location(body: &Value) -> Result<Command, Problem> {
    decode(body, |fields| {
        let code = fields.required("id", read::string(read::fit(LocationCode::new)));
        let name = fields.required("name", read::string(read::fit(Name::new)));
        let priority = fields.required("priority", read::priority);
        Some(Command::CreateLocation { code: code?, name: name?, priority: priority? })
    })
}

/// `POST …/reservations`
pub(crate) fn reserve_order(body: &Value) -> Result<Command, Problem> {
    decode(body, |fields| {
        let order = fields.required("orderId", read::string(read::order_id));
        let lines = order_lines(fields);
        let ttl = fields.optional("ttlSeconds", read::time_to_live);
        let strategy = fields.optional("strategy", read::string(read::strategy));
        Some(Command::ReserveOrder { order: order?, lines: lines?, ttl: ttl?, strategy: strategy? })
    })
}

/// `PUT …/orders/{orderId}/lines`
pub(crate) fn replace_lines(body: &Value, order: OrderId) -> Result<Command, Problem> {
    decode(body, |fields| {
        let lines = order_lines(fields);
        let ttl = fields.optional("ttlSeconds", read::time_to_live);
        let strategy = fields.optional("strategy", read::string(read::strategy));
        Some(Command::ReplaceLines { order, lines: lines?, ttl: ttl?, strategy: strategy? })
    })
}

/// `POST …/orders/{orderId}/confirm`
pub(crate) fn confirm_order(body: &Value, order: OrderId) -> Result<Command, Problem> {
    decode(body, |fields| {
        let reacquire = fields.optional("reacquire", read::boolean)?;
        Some(Command::ConfirmOrder { order, reacquire: reacquire.unwrap_or(false) })
    })
}

/// `POST …/orders/{orderId}/release`
pub(crate) fn release_order(body: &Value, order: OrderId) -> Result<Command, Problem> {
    decode(body, |fields| {
        let reason = fields.optional("reason", read::string(read::fit(Reason::new)))?;
        Some(Command::ReleaseOrder { order, reason })
    })
}

/// `POST …/dead-letters/{letterId}/discard`
pub(crate) fn discard_note(body: &Value) -> Result<DiscardNote, Problem> {
    decode(body, |fields| fields.required("note", read::string(read::fit(DiscardNote::new))))
}

/// A body that says nothing.
pub(crate) fn nothing(body: &Value) -> Result<(), Problem> {
    decode(body, |_| Some(()))
}

/// `POST …/orders/{orderId}/extend`
pub(crate) fn extend_order(body: &Value, order: OrderId) -> Result<Command, Problem> {
    decode(body, |fields| {
        let ttl = fields.required("ttlSeconds", read::time_to_live)?;
        Some(Command::ExtendOrder { order, ttl })
    })
}

/// `POST …/availability`
pub(crate) fn availability(body: &Value) -> Result<(Vec<AvailabilityLine>, Option<OrderId>), Problem> {
    decode(body, |fields| {
        let lines = order_lines(fields);
        let exclude = fields.optional("excludeOrderId", read::string(read::order_id));
        let lines = lines?.into_iter().map(|OrderLine { product, quantity, location }| AvailabilityLine {
            product,
            quantity,
            location,
        });
        Some((lines.collect(), exclude?))
    })
}

/// The orders of `POST …/reservations/batch`, unread: each is judged by itself.
pub(crate) fn batch(body: &Value, orders_max: usize) -> Result<&[Value], Problem> {
    let mut orders: &[Value] = &[];
    decode(body, |fields| {
        fields.required("orders", |_| Ok(()))?;
        match body.get("orders") {
            Some(Value::Array(listed)) if (1..=orders_max).contains(&listed.len()) => orders = listed,
            Some(Value::Array(_)) => fields.complain("orders", format!("must have 1 to {orders_max} elements")),
            _ => fields.complain("orders", "must be an array"),
        }
        Some(())
    })?;
    Ok(orders)
}

fn order_lines(fields: &mut Fields<'_, '_>) -> Option<Vec<OrderLine>> {
    fields.objects("lines", LINES_MAX, |line| {
        let product = line.optional("productId", read::string(read::product_id));
        let sku = line.optional("sku", read::string(read::fit(Sku::new)));
        let quantity = line.required("quantity", read::quantity);
        let location = line.optional("locationId", read::string(read::fit(LocationCode::new)));
        let product = match (product?, sku?) {
            (Some(id), None) => ProductRef::Id(id),
            (None, Some(sku)) => ProductRef::Sku(sku),
            (None, None) => {
                line.complain("productId", "is required, or sku in its place");
                return None;
            }
            (Some(_), Some(_)) => {
                line.complain_of_all("must name the product by productId or by sku, not by both");
                return None;
            }
        };
        Some(OrderLine { product, quantity: quantity?, location: location? })
    })
}

fn location_or_main(fields: &mut Fields<'_, '_>) -> Option<LocationCode> {
    let location = fields.optional("locationId", read::string(read::fit(LocationCode::new)))?;
    Some(location.unwrap_or_else(LocationCode::main))
}

fn remarks(fields: &mut Fields<'_, '_>) -> Option<Remarks> {
    let notes = fields.optional("notes", read::string(read::fit(Notes::new)));
    let reference = fields.optional("reference", read::string(read::fit(Reference::new)));
    let reason = fields.optional("reasonCode", read::string(read::fit(Reason::new)));
    Some(Remarks { reference: reference?, reason: reason?, notes: notes? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

    #[test]
    fn an_item_gets_its_defaults() {
        let body = json!({"productId": LAMP, "productName": "Lamp", "sku": "LAMP", "initialQuantity": null});
        let Ok(Command::CreateItem(new, _)) = create_item(&body) else { panic!("an item") };
        assert_eq!((new.reorder_level.get(), new.max_stock_level.get(), new.initial.len()), (10, 1_000, 0));
    }

    #[test]
    fn a_line_names_its_product_once() {
        let order = |line: Value| reserve_order(&json!({"orderId": LAMP, "lines": [line]}));
        assert!(order(json!({"sku": "LAMP", "quantity": 1})).is_ok());
        assert!(order(json!({"productId": LAMP, "quantity": 1, "locationId": "main"})).is_ok());
        assert!(order(json!({"quantity": 1})).is_err());
        assert!(order(json!({"productId": LAMP, "sku": "LAMP", "quantity": 1})).is_err());
    }

    #[test]
    fn an_order_has_one_to_five_thousand_lines() {
        let order = |count: usize| {
            let lines = vec![json!({"sku": "LAMP", "quantity": 1}); count];
            reserve_order(&json!({"orderId": LAMP, "lines": lines}))
        };
        assert!(order(0).is_err() && order(5_001).is_err());
        assert!(order(1).is_ok() && order(5_000).is_ok());
    }
}
