//! Every command leads to its rule: one `match`.

use holdfast_domain::book::{Effect, Hold, ProductRef};
use holdfast_domain::movement::{Cause, MovementReference};
use holdfast_domain::{Actor, Book, MovementId, OrderId, Refusal};

use super::{Command, Remarks, StockChange};
use crate::answer::{Answer, Decision, ItemAnswer, Warning};
use crate::imported::ImportedItem;
use crate::policy::Policy;

impl Command {
    /// Decides the command on the book's pages.
    ///
    /// # Errors
    ///
    /// The rules refused it.
    pub fn apply(&self, book: &mut Book, policy: &Policy, actor: &Actor) -> Decision {
        match self {
            Self::CreateItem(new, remarks) => {
                book.create_item(new, &remarks.cause(actor))?;
                Ok(item_answer(book, &ProductRef::Id(new.product), Effect::Applied, true))
            }
            Self::ImportItem(item) => import(book, item, actor),
            Self::ChangeCard { product, change, version } => {
                let effect = book.change_card(*product, change, *version)?;
                Ok(item_answer(book, &ProductRef::Id(*product), effect, false))
            }
            Self::ChangeStock(StockChange { product, location, verb, quantity, version, remarks }) => {
                book.change_stock(product, location, *verb, *quantity, *version, remarks.cause(actor))?;
                Ok(item_answer(book, product, Effect::Applied, true))
            }
            Self::AdjustStock { product, location, counted, expected, version, remarks } => {
                let cause = remarks.cause(actor);
                let moved = book.adjust_stock(*product, location, *counted, *expected, *version, cause)?;
                let effect = if moved.is_some() { Effect::Applied } else { Effect::Replayed };
                Ok(item_answer(book, &ProductRef::Id(*product), effect, moved.is_some()))
            }
            Self::TransferStock { product, from, to, quantity, version, remarks } => {
                book.transfer_stock(*product, from, to, *quantity, *version, remarks.cause(actor))?;
                Ok(item_answer(book, &ProductRef::Id(*product), Effect::Applied, true))
            }
            Self::CreateLocation { code, name, priority } => {
                book.create_location(code, name, *priority).map(Answer::Location)
            }
            Self::ReserveOrder { order, lines, ttl, strategy } => {
                let hold = ttl.or(policy.ttl_default).map_or(Hold::Forever, Hold::For);
                let strategy = strategy.unwrap_or(policy.strategy);
                let effect = book.reserve_order(*order, lines, hold, strategy, actor)?;
                order_answer(book, *order, effect)
            }
            Self::ReplaceLines { order, lines, ttl, strategy } => {
                let strategy = strategy.unwrap_or(policy.strategy);
                let effect = book.replace_lines(*order, lines, *ttl, strategy, actor)?;
                order_answer(book, *order, effect)
            }
            Self::ConfirmOrder { order, reacquire } => {
                let strategy = reacquire.then_some(policy.strategy);
                let effect = book.confirm_order(*order, strategy, actor)?;
                order_answer(book, *order, effect)
            }
            Self::ReleaseOrder { order, reason } => {
                let effect = book.release_order(*order, reason.clone(), actor)?;
                order_answer(book, *order, effect)
            }
            Self::ExtendOrder { order, ttl } => {
                let effect = book.extend_order(*order, *ttl)?;
                order_answer(book, *order, effect)
            }
            Self::ExpireOrder { order } => {
                Ok(Answer::Swept { ended: book.expire_order(*order, policy.sweep_grace, actor) })
            }
            Self::OrderEvent(event) => Ok(Answer::Event(event.apply(book, policy, actor))),
            Self::MatchPayment { order } => Ok(Answer::Swept { ended: book.match_payment(*order, actor) }),
            Self::DropPayment { order } => Ok(Answer::Swept { ended: book.give_up_payment(*order, actor) }),
            // Nothing in the book changes; dead letters have their shelf.
            Self::ClaimKey
            | Self::RemoveEvents { .. }
            | Self::PutAway(_)
            | Self::SettleLetter { .. }
            | Self::ForgetLetters { .. }
            | Self::ForgetAnswers { .. } => Ok(Answer::Swept { ended: true }),
        }
    }
}

impl Remarks {
    fn cause(&self, actor: &Actor) -> Cause {
        Cause {
            reference: self.reference.clone().map_or(MovementReference::None, MovementReference::Document),
            reason: self.reason.clone(),
            notes: self.notes.clone(),
            ..Cause::by(actor.clone())
        }
    }
}

/// Makes the item, or lets its card follow when the product is there.
fn import(book: &mut Book, ImportedItem { new, follows }: &ImportedItem, actor: &Actor) -> Decision {
    let product = ProductRef::Id(new.product);
    if book.item(new.product).is_none() {
        book.create_item(new, &Cause::by(actor.clone()))?;
        return Ok(item_answer(book, &product, Effect::Applied, true));
    }
    let effect = book.change_card(new.product, follows, None)?;
    Ok(item_answer(book, &product, effect, false))
}

fn item_answer(book: &Book, product: &ProductRef, effect: Effect, moved: bool) -> Answer {
    let item = book.find(product).expect("the command touched the item").clone();
    let movement = (moved && item.sequence > 0).then(|| MovementId::new(item.updated_at, item.number, item.sequence));
    let above_maximum = moved && item.on_hand() > item.max_stock_level;
    let warning = above_maximum.then_some(Warning::AboveMaximum);
    Answer::Item(Box::new(ItemAnswer { effect, item, movement, warning, locations: book.locations.clone() }))
}

fn order_answer(book: &mut Book, order: OrderId, effect: Effect) -> Result<Answer, Refusal> {
    let order = book.tell_order(order).ok_or(Refusal::OrderNotFound)?;
    Ok(Answer::Order { effect, order, locations: book.locations.clone() })
}
