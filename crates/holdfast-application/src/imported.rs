//! A product as a file tells of it.

use holdfast_domain::book::stocking::{CardChange, NewItem};

/// A product as a file tells of it: made where it is not there yet, else its card follows the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedItem {
    /// What it is to be where it is new.
    pub new: NewItem,
    /// What follows where it is there: what the file says. Its stock never does.
    pub follows: CardChange,
}

impl From<NewItem> for ImportedItem {
    /// A product of which everything is said.
    fn from(new: NewItem) -> Self {
        let follows = CardChange {
            name: Some(new.name.clone()),
            sku: Some(new.sku.clone()),
            reorder_level: Some(new.reorder_level),
            max_stock_level: Some(new.max_stock_level),
        };
        Self { new, follows }
    }
}
