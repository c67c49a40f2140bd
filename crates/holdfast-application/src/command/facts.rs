//! What is known about a command before it is decided: what it touches, where it belongs, how much it weighs.

use holdfast_domain::OrderId;
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::stocking::{NewItem, StockVerb};

use super::{Command, Submission};
use crate::events::SentParcel;

/// The pages a batch's commands can touch.
#[derive(Debug, Default)]
pub struct Needs {
    /// Orders, with all that their reservations hold.
    pub orders: Vec<OrderId>,
    /// Products.
    pub products: Vec<ProductRef>,
    /// Whether some order tells which products it is about, so that not all of them are named here.
    pub orders_tell: bool,
}

impl Command {
    /// Adds the pages this command can touch.
    pub fn needs(&self, needs: &mut Needs) {
        let mut order_lines = |order: &OrderId, lines: &[OrderLine]| {
            needs.orders.push(*order);
            needs.products.extend(lines.iter().map(|line| line.product.clone()));
        };
        match self {
            Self::CreateItem(new, _) => needs.products.extend(names_of(new)),
            Self::ImportItem(item) => needs.products.extend(names_of(&item.new)),
            Self::ChangeCard { product, change, .. } => {
                needs.products.push(ProductRef::Id(*product));
                needs.products.extend(change.sku.clone().map(ProductRef::Sku));
            }
            Self::ChangeStock(change) => needs.products.push(change.product.clone()),
            Self::AdjustStock { product, .. } | Self::TransferStock { product, .. } => {
                needs.products.push(ProductRef::Id(*product));
            }
            Self::ReserveOrder { order, lines, .. } => order_lines(order, lines),
            Self::ReplaceLines { order, lines, .. } => {
                order_lines(order, lines);
                needs.orders_tell = true;
            }
            Self::OrderEvent(event) => {
                order_lines(&event.order, &event.lines);
                needs.orders_tell |= event.lines.is_empty();
            }
            Self::ConfirmOrder { order, .. }
            | Self::ReleaseOrder { order, .. }
            | Self::ExtendOrder { order, .. }
            | Self::ExpireOrder { order }
            | Self::MatchPayment { order }
            | Self::DropPayment { order } => {
                needs.orders.push(*order);
                needs.orders_tell = true;
            }
            Self::CreateLocation { .. }
            | Self::ClaimKey
            | Self::RemoveEvents { .. }
            | Self::PutAway(_)
            | Self::SettleLetter { .. }
            | Self::ForgetLetters { .. }
            | Self::ForgetAnswers { .. } => {}
        }
    }

    /// The order it is about, if it is about one.
    pub const fn order(&self) -> Option<OrderId> {
        match self {
            Self::ReserveOrder { order, .. }
            | Self::ReplaceLines { order, .. }
            | Self::ConfirmOrder { order, .. }
            | Self::ReleaseOrder { order, .. }
            | Self::ExtendOrder { order, .. }
            | Self::ExpireOrder { order }
            | Self::MatchPayment { order }
            | Self::DropPayment { order } => Some(*order),
            Self::OrderEvent(event) => Some(event.order),
            Self::CreateItem(..)
            | Self::ImportItem(_)
            | Self::ChangeCard { .. }
            | Self::ChangeStock(_)
            | Self::AdjustStock { .. }
            | Self::TransferStock { .. }
            | Self::CreateLocation { .. }
            | Self::ClaimKey
            | Self::RemoveEvents { .. }
            | Self::PutAway(_)
            | Self::SettleLetter { .. }
            | Self::ForgetLetters { .. }
            | Self::ForgetAnswers { .. } => None,
        }
    }

    /// The product it names; of several the first in their order, so that it does not matter in which order they stand.
    pub fn product(&self) -> Option<ProductRef> {
        match self {
            Self::CreateItem(new, _) => Some(ProductRef::Id(new.product)),
            Self::ImportItem(item) => Some(ProductRef::Id(item.new.product)),
            Self::ChangeStock(change) => Some(change.product.clone()),
            Self::ChangeCard { product, .. }
            | Self::AdjustStock { product, .. }
            | Self::TransferStock { product, .. } => Some(ProductRef::Id(*product)),
            _ => self.lines().iter().map(|line| &line.product).min().cloned(),
        }
    }

    /// How many products it touches, roughly: a batch is bounded by products too.
    pub fn products(&self) -> usize {
        self.lines().len().max(1)
    }

    fn lines(&self) -> &[OrderLine] {
        match self {
            Self::ReserveOrder { lines, .. } | Self::ReplaceLines { lines, .. } => lines,
            Self::OrderEvent(event) => &event.lines,
            _ => &[],
        }
    }

    /// What the metrics call it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CreateItem(..) => "create_item",
            Self::ImportItem(_) => "import_item",
            Self::ChangeCard { .. } => "change_card",
            Self::ChangeStock(change) => match change.verb {
                StockVerb::Add => "add_stock",
                StockVerb::Remove => "remove_stock",
                StockVerb::Damage => "damage",
                StockVerb::Return => "return",
                StockVerb::AdjustUp | StockVerb::AdjustDown => "correct_stock",
            },
            Self::AdjustStock { .. } => "adjust_stock",
            Self::TransferStock { .. } => "transfer",
            Self::CreateLocation { .. } => "create_location",
            Self::ReserveOrder { .. } => "reserve_order",
            Self::ReplaceLines { .. } => "replace_lines",
            Self::ConfirmOrder { .. } => "confirm_order",
            Self::ReleaseOrder { .. } => "release_order",
            Self::ExtendOrder { .. } => "extend_order",
            Self::ExpireOrder { .. } => "expire_order",
            Self::OrderEvent(event) => event.kind.as_str(),
            Self::MatchPayment { .. } => "match_payment",
            Self::DropPayment { .. } => "drop_payment",
            Self::ClaimKey => "claim_key",
            Self::RemoveEvents { .. } => "remove_events",
            Self::PutAway(_) => "put_away",
            Self::SettleLetter { .. } => "settle_letter",
            Self::ForgetLetters { .. } => "forget_letters",
            Self::ForgetAnswers { .. } => "forget_answers",
        }
    }

    /// How many bytes it takes in the queue, roughly: the queue is bounded by bytes too.
    pub fn weight(&self) -> usize {
        let carried = match self {
            Self::RemoveEvents { sent, .. } => sent.iter().map(SentParcel::weight).sum(),
            Self::PutAway(letter) => letter.weight(),
            _ => 0,
        };
        let lines = self.lines().len().saturating_mul(size_of::<OrderLine>());
        lines.saturating_add(carried).saturating_add(size_of::<Submission>())
    }
}

/// What a new item is known by.
fn names_of(new: &NewItem) -> [ProductRef; 2] {
    [ProductRef::Id(new.product), ProductRef::Sku(new.sku.clone())]
}
