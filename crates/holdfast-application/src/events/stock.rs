//! What the events of a product say. Everything in them stands in the ledger, so that they can be told again.

use holdfast_domain::event::{Alert, Crossing};
use holdfast_domain::location::Locations;
use holdfast_domain::movement::MovementReference;
use holdfast_domain::{
    InventoryItem, LocationCode, MovementId, Name, OrderId, ProductId, Reason, ReservationId, ReservationStatus, Sku,
    StockMovement, StockMovementType, Timestamp,
};
use serde::Serialize;

use super::json;
use super::kind::{EventKind, Stream};
use super::outgoing::{OutgoingEvent, PlaceInStream};
use crate::shown::Shown;

/// A movement with what its event says beside it.
#[derive(Clone, Copy, Debug)]
pub struct ToldMovement<'a> {
    /// The movement.
    pub movement: &'a StockMovement,
    /// The product's SKU.
    pub sku: &'a Sku,
    /// Of a movement for an order, what has become of the reservation.
    pub status: Option<ReservationStatus>,
    /// Of a movement for an order, until when its units are, or were, promised.
    pub expires_at: Option<Timestamp>,
}

/// Units were set aside.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UnitsHeld<'a> {
    reservation_id: Option<Shown<ReservationId>>,
    order_id: Option<Shown<OrderId>>,
    product_id: Shown<ProductId>,
    sku: Shown<&'a Sku>,
    location_id: Shown<LocationCode>,
    quantity: u64,
    reserved_at: Shown<Timestamp>,
    expires_at: Option<Shown<Timestamp>>,
    sequence: u64,
    part: u32,
    quantity_available: u64,
    quantity_reserved: u64,
}

/// Units set aside left the house or came back.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HoldOver<'a> {
    reservation_id: Option<Shown<ReservationId>>,
    order_id: Option<Shown<OrderId>>,
    product_id: Shown<ProductId>,
    sku: Shown<&'a Sku>,
    location_id: Shown<LocationCode>,
    quantity: u64,
    reason: Option<Shown<&'a Reason>>,
    ended_at: Shown<Timestamp>,
    sequence: u64,
    part: u32,
    quantity_available: u64,
    quantity_reserved: u64,
}

/// Stock changed in any other way.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OtherChange<'a> {
    movement_id: Shown<MovementId>,
    movement_type: &'static str,
    product_id: Shown<ProductId>,
    sku: Shown<&'a Sku>,
    location_id: Shown<LocationCode>,
    quantity: u64,
    quantity_before: u64,
    reference: Option<Shown<&'a MovementReference>>,
    reason_code: Option<Shown<&'a Reason>>,
    adjusted_at: Shown<Timestamp>,
    sequence: u64,
    part: u32,
    quantity_available: u64,
    quantity_reserved: u64,
}

/// A line was crossed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LineCrossed<'a> {
    product_id: Shown<ProductId>,
    sku: Shown<&'a Sku>,
    product_name: Shown<&'a Name>,
    quantity_available: u64,
    reorder_level: u64,
    occurred_at: Shown<Timestamp>,
    sequence: u64,
    part: u32,
}

fn place(product: ProductId, sequence: u64, part: u32) -> PlaceInStream {
    PlaceInStream { stream: Stream::Stock, key: product.to_bytes(), sequence, part }
}

/// The event of a movement: part 0 of its sequence. Its levels are those of its location.
pub fn moved(told: &ToldMovement<'_>, locations: &Locations) -> OutgoingEvent {
    let ToldMovement { movement, sku, status, expires_at } = *told;
    let (sequence, part) = (movement.sequence, 0);
    let location_id = Shown(locations.code(movement.location));
    let order_id = match &movement.cause.reference {
        MovementReference::Order(order) => Some(Shown(*order)),
        MovementReference::Document(_) | MovementReference::None => None,
    };
    let reservation_id = movement.cause.reservation.map(Shown);
    let product_id = Shown(movement.product);
    let quantity = movement.quantity.get();
    let (quantity_available, quantity_reserved) = (movement.after.available.get(), movement.after.reserved.get());
    let (sku, at) = (Shown(sku), Shown(movement.created_at));
    let kind = kind_of(movement.kind, status);
    let data = match kind {
        EventKind::StockReserved => json(&UnitsHeld {
            reservation_id,
            order_id,
            product_id,
            sku,
            location_id,
            quantity,
            reserved_at: at,
            expires_at: expires_at.map(Shown),
            sequence,
            part,
            quantity_available,
            quantity_reserved,
        }),
        EventKind::StockConfirmed | EventKind::StockReleased | EventKind::StockReservationExpired => json(&HoldOver {
            reservation_id,
            order_id,
            product_id,
            sku,
            location_id,
            quantity,
            reason: movement.cause.reason.as_ref().map(Shown),
            ended_at: at,
            sequence,
            part,
            quantity_available,
            quantity_reserved,
        }),
        _ => json(&OtherChange {
            movement_id: Shown(movement.id()),
            movement_type: movement.kind.as_str(),
            product_id,
            sku,
            location_id,
            quantity,
            quantity_before: movement.before.available.get(),
            reference: (movement.cause.reference != MovementReference::None)
                .then_some(Shown(&movement.cause.reference)),
            reason_code: movement.cause.reason.as_ref().map(Shown),
            adjusted_at: at,
            sequence,
            part,
            quantity_available,
            quantity_reserved,
        }),
    };
    OutgoingEvent { place: place(movement.product, sequence, part), kind, at: movement.created_at, data }
}

/// The event of a line that was crossed: part 1, 2 … of the sequence that crossed it.
pub fn crossed(alert: &Alert, part: u32, at: Timestamp, item: (&Sku, &Name)) -> OutgoingEvent {
    let kind = match alert.crossing {
        Crossing::LowStock => EventKind::LowStock,
        Crossing::OutOfStock => EventKind::OutOfStock,
        Crossing::BackInStock => EventKind::BackInStock,
    };
    let data = json(&LineCrossed {
        product_id: Shown(alert.product),
        sku: Shown(item.0),
        product_name: Shown(item.1),
        quantity_available: alert.available.get(),
        reorder_level: alert.reorder_level.get(),
        occurred_at: Shown(at),
        sequence: alert.sequence,
        part,
    });
    OutgoingEvent { place: place(alert.product, alert.sequence, part), kind, at, data }
}

/// Everything a movement is told as: its own event, and those of the lines it crossed, in their order.
pub fn told(
    told: &ToldMovement<'_>,
    name: &Name,
    crossed_lines: &[Alert],
    locations: &Locations,
) -> Vec<OutgoingEvent> {
    let at = told.movement.created_at;
    let lines = (1..).zip(crossed_lines).map(|(part, alert)| crossed(alert, part, at, (told.sku, name)));
    std::iter::once(moved(told, locations)).chain(lines).collect()
}

/// What a movement is told as.
fn kind_of(movement: StockMovementType, status: Option<ReservationStatus>) -> EventKind {
    match movement {
        StockMovementType::Reserved => EventKind::StockReserved,
        StockMovementType::Confirmed => EventKind::StockConfirmed,
        StockMovementType::Released if status == Some(ReservationStatus::Expired) => EventKind::StockReservationExpired,
        StockMovementType::Released => EventKind::StockReleased,
        StockMovementType::StockIn
        | StockMovementType::StockOut
        | StockMovementType::Adjustment
        | StockMovementType::Damaged
        | StockMovementType::Returned
        | StockMovementType::TransferIn
        | StockMovementType::TransferOut => EventKind::StockAdjusted,
    }
}

/// What people call an item.
pub(super) fn names(item: &InventoryItem) -> (&Sku, &Name) {
    (&item.sku, &item.name)
}
