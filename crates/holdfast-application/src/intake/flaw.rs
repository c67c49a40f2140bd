//! What is wrong with an event that can be read as JSON and still never be applied: told to whoever looks at its dead
//! letter.

use holdfast_domain::Quantity;
use holdfast_domain::order::LINES_MAX;

/// What is wrong with an event. Lines are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A record has no value.
    #[error("it has no value")]
    NoValue,
    /// It, or its data, is another kind of JSON.
    #[error("it is no JSON object")]
    NoObject,
    /// Two readers would choose differently.
    #[error("it says the same member twice, in different capitals")]
    Twice,
    /// Nobody says what happened, or the word is not known.
    #[error("its type is not known")]
    Type,
    /// An envelope of another version.
    #[error("its specversion is not 1.0")]
    Version,
    /// An envelope that cannot be told from others.
    #[error("it is a CloudEvent without source or id")]
    Nameless,
    /// An envelope with nothing in it, or with something that is not what it says.
    #[error("its data is no JSON object, given once")]
    Data,
    /// No order is named.
    #[error("orderId must be a UUID")]
    Order,
    /// What is ordered is not there, or too much.
    #[error("items must be 1 to {LINES_MAX} lines")]
    Items,
    /// A line is no line.
    #[error("items[{0}] must be an object that names no member twice")]
    Line(usize),
    /// A line names no product.
    #[error("items[{0}] must name its product: productId, a UUID, or sku")]
    Product(usize),
    /// A line says no quantity.
    #[error("items[{0}].quantity must be a whole number from 1 to {max}", max = Quantity::MAX)]
    Quantity(usize),
}
