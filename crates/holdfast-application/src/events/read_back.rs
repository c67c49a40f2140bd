//! Events about products, read again where they were published to.

use holdfast_domain::{ProductId, Timestamp};
use serde::Deserialize;

use crate::ports::PublishedEvent;

/// What each of them says: the time is called by what happened.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    product_id: String,
    sequence: u64,
    #[serde(alias = "reservedAt", alias = "endedAt", alias = "adjustedAt")]
    occurred_at: String,
}

/// What a structured event says.
#[derive(Deserialize)]
struct Structured {
    source: String,
    data: Data,
}

/// The event that says this; `None` where it is not about a product.
pub fn stock_event(data: &[u8]) -> Option<PublishedEvent> {
    told(&serde_json::from_slice(data).ok()?)
}

/// The same with its envelope around it; `None` also where it has another source.
pub fn structured_stock_event(text: &[u8], source: &str) -> Option<PublishedEvent> {
    let event: Structured = serde_json::from_slice(text).ok()?;
    (event.source == source).then(|| told(&event.data))?
}

fn told(data: &Data) -> Option<PublishedEvent> {
    let product = ProductId::parse(&data.product_id)?;
    Some(PublishedEvent { product, sequence: data.sequence, at: Timestamp::parse(&data.occurred_at)? })
}
