//! What lists are asked for: which rows, in which order, behind which one.

use holdfast_domain::{
    Actor, DeadLetterId, InventoryItem, LocationCode, MovementId, OrderId, OrderStatus, ProductId, Reason,
    ReservationId, ReservationStatus, StockMovementType, Timestamp,
};

use crate::dead_letters::LetterStatus;

/// One column to sort products by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductSort {
    /// By SKU, byte by byte.
    Sku,
    /// By name, then SKU.
    Name,
    /// By units available over all locations, then SKU.
    Available,
    /// By the last change, then SKU.
    UpdatedAt,
}

/// Where the page before ended, of a list of products: the sort key and the SKU of its last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductCursor {
    /// The sort key as text; empty when sorted by SKU.
    pub key: String,
    /// The SKU.
    pub sku: String,
}

impl ProductCursor {
    /// Where `item` stands in a list sorted by `sort`: names as they are, units and microseconds as decimals.
    pub fn of(item: &InventoryItem, sort: ProductSort) -> Self {
        let key = match sort {
            ProductSort::Sku => String::new(),
            ProductSort::Name => item.name.to_string(),
            ProductSort::Available => item.available().to_string(),
            ProductSort::UpdatedAt => item.updated_at.micros().to_string(),
        };
        Self { key, sku: item.sku.to_string() }
    }
}

/// Which products, in which order.
#[derive(Clone, Debug)]
pub struct ProductFilter {
    /// A piece of SKU or name, in any ASCII case; or a product id.
    pub search: Option<String>,
    /// Only those low (`Some(true)`) or not low.
    pub low: Option<bool>,
    /// Only those with nothing available (`Some(true)`) or something.
    pub out: Option<bool>,
    /// The order.
    pub sort: ProductSort,
    /// Whether it is turned round.
    pub descending: bool,
    /// Where the page before ended.
    pub after: Option<ProductCursor>,
    /// The most rows.
    pub limit: usize,
}

/// Where the page before ended, of a list of movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovementCursor {
    /// The time of its last row.
    pub created_at: Timestamp,
    /// The id of its last row.
    pub id: MovementId,
}

/// Which movements, in which order: those of one product by sequence, else by time and id.
#[derive(Clone, Debug, Default)]
pub struct MovementFilter {
    /// Only this product's.
    pub product: Option<ProductId>,
    /// Only of one of these kinds; empty for all.
    pub kinds: Vec<StockMovementType>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only with this reference (an order id or a document).
    pub reference: Option<String>,
    /// Only with this reason.
    pub reason: Option<Reason>,
    /// Only by this actor.
    pub actor: Option<Actor>,
    /// Only at this location.
    pub location: Option<LocationCode>,
    /// Oldest first, instead of newest first.
    pub ascending: bool,
    /// Where the page before ended; of one product its sequence is within the id.
    pub after: Option<MovementCursor>,
    /// The most rows.
    pub limit: usize,
}

/// Which reservations; by id.
#[derive(Clone, Debug, Default)]
pub struct ReservationFilter {
    /// Only in one of these states; empty for all.
    pub statuses: Vec<ReservationStatus>,
    /// Only this product's.
    pub product: Option<ProductId>,
    /// Only this order's.
    pub order: Option<OrderId>,
    /// Only at this location.
    pub location: Option<LocationCode>,
    /// Only those that expire before.
    pub expires_before: Option<Timestamp>,
    /// The last id of the page before.
    pub after: Option<ReservationId>,
    /// The most rows.
    pub limit: usize,
}

/// Which orders; by id.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Only in one of these states; empty for all.
    pub statuses: Vec<OrderStatus>,
    /// The last id of the page before.
    pub after: Option<OrderId>,
    /// The most rows.
    pub limit: usize,
}

/// Which dead letters; by id, newest first.
#[derive(Clone, Debug, Default)]
pub struct LetterFilter {
    /// Only in one of these states; empty for all.
    pub statuses: Vec<LetterStatus>,
    /// Only records of this topic.
    pub topic: Option<String>,
    /// Only with this code.
    pub code: Option<String>,
    /// The last id of the page before.
    pub after: Option<DeadLetterId>,
    /// The most rows.
    pub limit: usize,
}
