//! Answers to the question whether many lines could be served.

use holdfast_domain::{ProductId, Sku};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::Shown;

/// Whether all lines could be served at once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Availability)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityView {
    /// Whether every line could be served.
    pub can_fulfill: bool,
    /// The lines in the order asked, those of one product and location summed.
    pub lines: Vec<AvailabilityLineView>,
}

/// Whether one line could be served.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AvailabilityLine)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityLineView {
    /// The product; null when it is unknown and was asked for by SKU.
    #[schema(value_type = Option<String>, format = "uuid", required = true)]
    pub product_id: Option<Shown<ProductId>>,
    /// Its SKU; null when it is unknown and was asked for by id.
    #[schema(value_type = Option<String>, required = true)]
    pub sku: Option<Shown<Sku>>,
    /// Units asked for.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub requested: u64,
    /// Units the caller could have.
    #[schema(minimum = 0)]
    pub available: u64,
    /// Units that are missing.
    #[schema(minimum = 0)]
    pub short_by: u64,
    /// Whether the line could be served.
    pub can_fulfill: bool,
}
