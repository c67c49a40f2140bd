//! Orders and reservations on the wire.

use holdfast_application::queries::ReservationRow;
use holdfast_domain::book::Effect;
use holdfast_domain::location::Locations;
use holdfast_domain::{
    LocationCode, Order, OrderId, ProductId, Reason, ReservationId, ReservationStatus, Sku, Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{Shown, outcome};

/// An order with all reservations it ever had, oldest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Order)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    /// The order's id.
    #[schema(value_type = String, format = "uuid")]
    pub order_id: Shown<OrderId>,
    /// `Reserved`, `Refused`, `Confirmed`, `Released`, `Expired` or `Closed`.
    #[schema(pattern = "^(Reserved|Refused|Confirmed|Released|Expired|Closed)$")]
    pub status: &'static str,
    /// Of a write: `applied`, or `replayed` when it was so already or the request is a repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, pattern = "^(applied|replayed)$")]
    pub outcome: Option<&'static str>,
    /// Why it was refused, or ended.
    #[schema(value_type = Option<String>, required = true)]
    pub reason: Option<Shown<Reason>>,
    /// When its present lines were first held.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub reserved_at: Option<Shown<Timestamp>>,
    /// Until when they are held at least.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub expires_at: Option<Shown<Timestamp>>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub ended_at: Option<Shown<Timestamp>>,
    /// Its reservations.
    pub reservations: Vec<ReservationView>,
}

/// Units of one product at one location, promised to one order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Reservation)]
#[serde(rename_all = "camelCase")]
pub struct ReservationView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: Shown<ReservationId>,
    /// Its order.
    #[schema(value_type = String, format = "uuid")]
    pub order_id: Shown<OrderId>,
    /// The product.
    #[schema(value_type = String, format = "uuid")]
    pub product_id: Shown<ProductId>,
    /// The product's SKU.
    #[schema(value_type = String)]
    pub sku: Shown<Sku>,
    /// Where the units are.
    #[schema(value_type = String)]
    pub location_id: Shown<LocationCode>,
    /// How many units.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub quantity: u32,
    /// `Reserved`, `Confirmed`, `Released` or `Expired`.
    #[schema(pattern = "^(Reserved|Confirmed|Released|Expired)$")]
    pub status: &'static str,
    /// The product's movement that the last change of this reservation wrote.
    #[schema(minimum = 1)]
    pub sequence: u64,
    /// When the units were set aside.
    #[schema(value_type = String, format = DateTime)]
    pub reserved_at: Shown<Timestamp>,
    /// Until when they are, or were, promised at least.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub expires_at: Option<Shown<Timestamp>>,
    /// When they left the house.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub confirmed_at: Option<Shown<Timestamp>>,
    /// When they went back.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub released_at: Option<Shown<Timestamp>>,
    /// Why they went back.
    #[schema(value_type = Option<String>, required = true)]
    pub reason: Option<Shown<Reason>>,
}

/// An order of a list, without its reservations.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OrderSummary)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummaryView {
    /// The order's id.
    #[schema(value_type = String, format = "uuid")]
    pub order_id: Shown<OrderId>,
    /// `Reserved`, `Refused`, `Confirmed`, `Released`, `Expired` or `Closed`.
    #[schema(pattern = "^(Reserved|Refused|Confirmed|Released|Expired|Closed)$")]
    pub status: &'static str,
    /// Why it was refused, or ended.
    #[schema(value_type = Option<String>, required = true)]
    pub reason: Option<Shown<Reason>>,
    /// When its present lines were first held.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub reserved_at: Option<Shown<Timestamp>>,
    /// Until when they are held at least.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub expires_at: Option<Shown<Timestamp>>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub ended_at: Option<Shown<Timestamp>>,
}

impl OrderView {
    /// The order; `effect` is what a write did to it.
    pub fn of(order: &Order, locations: &Locations, effect: Option<Effect>) -> Self {
        Self {
            order_id: Shown(order.id),
            status: order.status.as_str(),
            outcome: effect.map(outcome),
            reason: order.reason.clone().map(Shown),
            reserved_at: order.reserved_at.map(Shown),
            expires_at: order.expires_at.map(Shown),
            ended_at: order.ended_at.map(Shown),
            reservations: ReservationRow::of(order).map(|row| ReservationView::of(&row, locations)).collect(),
        }
    }
}

impl ReservationView {
    /// The reservation, with its location by its code.
    pub fn of(row: &ReservationRow, locations: &Locations) -> Self {
        let reservation = &row.reservation;
        let confirmed = reservation.status == ReservationStatus::Confirmed;
        Self {
            id: Shown(row.id),
            order_id: Shown(row.order),
            product_id: Shown(reservation.product),
            sku: Shown(reservation.sku.clone()),
            location_id: Shown(locations.code(reservation.location)),
            quantity: reservation.quantity.get(),
            status: reservation.status.as_str(),
            sequence: reservation.sequence,
            reserved_at: Shown(reservation.reserved_at),
            expires_at: row.expires_at.map(Shown),
            confirmed_at: reservation.ended_at.filter(|_| confirmed).map(Shown),
            released_at: reservation.ended_at.filter(|_| !confirmed).map(Shown),
            reason: reservation.reason.clone().map(Shown),
        }
    }
}

impl From<&Order> for OrderSummaryView {
    fn from(order: &Order) -> Self {
        Self {
            order_id: Shown(order.id),
            status: order.status.as_str(),
            reason: order.reason.clone().map(Shown),
            reserved_at: order.reserved_at.map(Shown),
            expires_at: order.expires_at.map(Shown),
            ended_at: order.ended_at.map(Shown),
        }
    }
}
