//! Movements on the wire.

use holdfast_domain::location::Locations;
use holdfast_domain::movement::MovementReference;
use holdfast_domain::{
    Actor, LocationCode, MovementId, Notes, ProductId, Reason, ReservationId, StockMovement, Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::Shown;

/// One line of the audit trail.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Movement)]
#[serde(rename_all = "camelCase")]
pub struct MovementView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: Shown<MovementId>,
    /// 1, 2, 3 … per product, over all its locations.
    #[schema(minimum = 1)]
    pub sequence: u64,
    /// The product that moved.
    #[schema(value_type = String, format = "uuid")]
    pub product_id: Shown<ProductId>,
    /// Where.
    #[schema(value_type = String)]
    pub location_id: Shown<LocationCode>,
    /// What kind of change.
    #[serde(rename = "type")]
    #[schema(
        pattern = "^(StockIn|StockOut|Reserved|Released|Adjustment|Damaged|Returned|Confirmed|TransferIn|TransferOut)$"
    )]
    pub kind: &'static str,
    /// How many units; of an `Adjustment` the size of the difference.
    #[schema(minimum = 1)]
    pub quantity: u64,
    /// Units available there before.
    #[schema(minimum = 0)]
    pub quantity_before: u64,
    /// Units available there afterwards.
    #[schema(minimum = 0)]
    pub quantity_after: u64,
    /// Units reserved there before.
    #[schema(minimum = 0)]
    pub reserved_before: u64,
    /// Units reserved there afterwards.
    #[schema(minimum = 0)]
    pub reserved_after: u64,
    /// The reservation whose units moved.
    #[schema(value_type = Option<String>, format = "uuid", required = true)]
    pub reservation_id: Option<Shown<ReservationId>>,
    /// The order or the document behind it.
    #[schema(value_type = Option<String>, required = true)]
    pub reference: Option<Shown<MovementReference>>,
    /// Why, as a code.
    #[schema(value_type = Option<String>, required = true)]
    pub reason_code: Option<Shown<Reason>>,
    /// Why, in words.
    #[schema(value_type = Option<String>, required = true)]
    pub notes: Option<Shown<Notes>>,
    /// Who asked.
    #[schema(value_type = String)]
    pub actor: Shown<Actor>,
    /// When it was decided.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Shown<Timestamp>,
}

impl MovementView {
    /// The movement, with its location by its code.
    pub fn of(movement: &StockMovement, locations: &Locations) -> Self {
        let cause = &movement.cause;
        let refers = cause.reference != MovementReference::None;
        Self {
            id: Shown(movement.id()),
            sequence: movement.sequence,
            product_id: Shown(movement.product),
            location_id: Shown(locations.code(movement.location)),
            kind: movement.kind.as_str(),
            quantity: movement.quantity.get(),
            quantity_before: movement.before.available.get(),
            quantity_after: movement.after.available.get(),
            reserved_before: movement.before.reserved.get(),
            reserved_after: movement.after.reserved.get(),
            reservation_id: cause.reservation.map(Shown),
            reference: refers.then(|| Shown(cause.reference.clone())),
            reason_code: cause.reason.clone().map(Shown),
            notes: cause.notes.clone().map(Shown),
            actor: Shown(cause.actor.clone()),
            created_at: Shown(movement.created_at),
        }
    }
}
