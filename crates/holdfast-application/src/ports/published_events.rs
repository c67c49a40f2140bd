//! What was published about products, as it can be read again where it was published to.

use holdfast_domain::{ProductId, Timestamp};

/// An event about a product: who reads it holds that its movement was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublishedEvent {
    /// The product.
    pub product: ProductId,
    /// The movement's place in the product's ledger.
    pub sequence: u64,
    /// When it was decided.
    pub at: Timestamp,
}

/// Why nobody could tell. It may be asked again.
#[derive(Debug, thiserror::Error)]
#[error("what was published cannot be read")]
pub struct Unreadable(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The end of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatestEvents {
    /// The events, the oldest first.
    pub events: Vec<PublishedEvent>,
    /// Whether nothing lies before them.
    pub is_all: bool,
}

/// Where events of products were published to.
pub trait PublishedEvents: Send {
    /// The end of each partition: its last `least` records or, where more came since this was last asked, all of those,
    /// up to `most`.
    ///
    /// # Errors
    ///
    /// [`Unreadable`].
    fn latest(&mut self, least: usize, most: usize) -> Result<Vec<LatestEvents>, Unreadable>;
}
