//! Items on the wire.

use holdfast_application::answer::ItemAnswer;
use holdfast_domain::location::Locations;
use holdfast_domain::{InventoryItem, ItemId, LocationCode, MovementId, Name, ProductId, Sku, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{Shown, outcome};

/// A product as stock.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Item)]
#[serde(rename_all = "camelCase")]
pub struct ItemView {
    /// The item's id.
    #[schema(value_type = String, format = "uuid")]
    pub id: Shown<ItemId>,
    /// The product's id.
    #[schema(value_type = String, format = "uuid")]
    pub product_id: Shown<ProductId>,
    /// What people call the product.
    #[schema(value_type = String)]
    pub product_name: Shown<Name>,
    /// Its stock keeping unit.
    #[schema(value_type = String)]
    pub sku: Shown<Sku>,
    /// Units free to promise, over all locations.
    #[schema(minimum = 0)]
    pub quantity_available: u64,
    /// Units promised to orders, over all locations.
    #[schema(minimum = 0)]
    pub quantity_reserved: u64,
    /// Units in the house: available and reserved.
    #[schema(minimum = 0)]
    pub total_quantity: u64,
    /// At this many available units or fewer the item is low.
    #[schema(minimum = 0)]
    pub reorder_level: u64,
    /// More on hand than this is answered with a warning.
    #[schema(minimum = 0)]
    pub max_stock_level: u64,
    /// Whether available ≤ reorder level.
    pub is_low_stock: bool,
    /// When stock was last added.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub last_restocked: Option<Shown<Timestamp>>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Shown<Timestamp>,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Shown<Timestamp>,
    /// Rises with every change; the `ETag` is made of it.
    #[schema(minimum = 1)]
    pub version: u64,
    /// The sequence of its last movement; 0 before the first.
    #[schema(minimum = 0)]
    pub sequence: u64,
    /// What it has at each location that ever had some.
    pub locations: Vec<LevelView>,
}

/// One item at one location.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StockLevel)]
#[serde(rename_all = "camelCase")]
pub struct LevelView {
    /// The location's code.
    #[schema(value_type = String)]
    pub location_id: Shown<LocationCode>,
    /// Units free to promise there.
    #[schema(minimum = 0)]
    pub quantity_available: u64,
    /// Units promised there.
    #[schema(minimum = 0)]
    pub quantity_reserved: u64,
    /// Units in the house there.
    #[schema(minimum = 0)]
    pub total_quantity: u64,
}

impl ItemView {
    /// The item, with its locations by their codes.
    pub fn of(item: &InventoryItem, locations: &Locations) -> Self {
        let levels = item.levels().iter().map(|level| LevelView {
            location_id: Shown(locations.code(level.location)),
            quantity_available: level.balance.available.get(),
            quantity_reserved: level.balance.reserved.get(),
            total_quantity: level.balance.on_hand().get(),
        });
        Self {
            id: Shown(item.id()),
            product_id: Shown(item.product),
            product_name: Shown(item.name.clone()),
            sku: Shown(item.sku.clone()),
            quantity_available: item.available().get(),
            quantity_reserved: item.reserved().get(),
            total_quantity: item.on_hand().get(),
            reorder_level: item.reorder_level.get(),
            max_stock_level: item.max_stock_level.get(),
            is_low_stock: item.is_low(),
            last_restocked: item.last_restocked.map(Shown),
            created_at: Shown(item.created_at),
            updated_at: Shown(item.updated_at),
            version: item.version,
            sequence: item.sequence,
            locations: levels.collect(),
        }
    }
}

/// The item after a write.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ItemAnswer)]
#[serde(rename_all = "camelCase")]
pub struct ItemAnswerView {
    /// The item.
    #[serde(flatten)]
    pub item: ItemView,
    /// `applied`, or `replayed` when it was so already or the request is a repeat.
    #[schema(pattern = "^(applied|replayed)$")]
    pub outcome: &'static str,
    /// The last movement that was written; null where nothing moved.
    #[schema(value_type = Option<String>, format = "uuid", required = true)]
    pub movement_id: Option<Shown<MovementId>>,
    /// Something to know about a change that was made all the same, such as `above_max_stock_level`.
    pub warnings: Vec<&'static str>,
}

impl From<&ItemAnswer> for ItemAnswerView {
    fn from(answer: &ItemAnswer) -> Self {
        Self {
            item: ItemView::of(&answer.item, &answer.locations),
            outcome: outcome(answer.effect),
            movement_id: answer.movement.map(Shown),
            warnings: answer.warning.iter().map(|warning| warning.as_str()).collect(),
        }
    }
}

/// Whether a product can be had.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StockCheck)]
#[serde(rename_all = "camelCase")]
pub struct CheckView {
    /// The product's id.
    #[schema(value_type = String, format = "uuid")]
    pub product_id: Shown<ProductId>,
    /// Units free to promise, over all locations.
    #[schema(minimum = 0)]
    pub quantity_available: u64,
    /// Units promised to orders, over all locations.
    #[schema(minimum = 0)]
    pub quantity_reserved: u64,
    /// Whether the requested quantity can be had now.
    pub can_fulfill: bool,
    /// How many units were asked for.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub requested_quantity: u32,
}
