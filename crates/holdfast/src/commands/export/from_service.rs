//! Rows that a running service tells, page by page.

use std::ops::ControlFlow;

use serde_json::Value;

use crate::cli::ExportKind;
use crate::exit::Failure;
use crate::remote::Remote;

/// Hands over row by row, in the order of the columns, until the receiver has had enough.
pub(super) fn export(
    remote: &Remote,
    what: ExportKind,
    receive: &mut dyn FnMut(Vec<Value>) -> ControlFlow<()>,
) -> Result<(), Failure> {
    match what {
        ExportKind::Products => {
            let members = [
                "productId",
                "sku",
                "productName",
                "quantityAvailable",
                "quantityReserved",
                "reorderLevel",
                "maxStockLevel",
                "sequence",
            ];
            remote.each("/api/inventory/products?limit=500&sort=sku", &mut |row| receive(pick(&row, &members)))
        }
        ExportKind::Orders => {
            let members = ["orderId", "status", "reason", "reservedAt", "expiresAt", "endedAt"];
            remote.each("/api/inventory/orders?limit=500", &mut |row| receive(pick(&row, &members)))
        }
        ExportKind::Reservations => reservations(remote, receive),
        ExportKind::Movements => movements(remote, receive),
    }
}

/// The service lists them by id, an export by order.
fn reservations(remote: &Remote, receive: &mut dyn FnMut(Vec<Value>) -> ControlFlow<()>) -> Result<(), Failure> {
    let members = [
        "id",
        "orderId",
        "productId",
        "locationId",
        "quantity",
        "status",
        "reservedAt",
        "expiresAt",
        "confirmedAt",
        "releasedAt",
        "reason",
    ];
    let mut rows = Vec::new();
    remote.each("/api/inventory/reservations?limit=500", &mut |row| {
        rows.push(pick(&row, &members));
        ControlFlow::Continue(())
    })?;
    rows.sort_by_cached_key(|row| {
        let text = |place: usize| row.get(place).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text(1), text(0))
    });
    for row in rows {
        if receive(row).is_break() {
            break;
        }
    }
    Ok(())
}

fn movements(remote: &Remote, receive: &mut dyn FnMut(Vec<Value>) -> ControlFlow<()>) -> Result<(), Failure> {
    let members = [
        "productId",
        "sequence",
        "locationId",
        "type",
        "quantity",
        "quantityBefore",
        "quantityAfter",
        "reservedBefore",
        "reservedAfter",
        "reservationId",
        "reference",
        "reasonCode",
        "notes",
        "actor",
        "createdAt",
    ];
    let mut products = Vec::new();
    remote.each("/api/inventory/products?limit=500&sort=sku", &mut |row| {
        products.extend(row.get("productId").and_then(Value::as_str).map(str::to_owned));
        ControlFlow::Continue(())
    })?;
    products.sort_unstable();
    for product in products {
        let path = format!("/api/inventory/product/{product}/movements?limit=500&sort=asc");
        let mut enough = false;
        remote.each(&path, &mut |row| {
            let flow = receive(pick(&row, &members));
            enough = flow.is_break();
            flow
        })?;
        if enough {
            break;
        }
    }
    Ok(())
}

fn pick(row: &Value, members: &[&str]) -> Vec<Value> {
    members.iter().map(|member| row.get(member).cloned().unwrap_or_default()).collect()
}
