//! The pages a batch works on: every item, order and location its commands can touch, and the time.
//!
//! Rules write here and nowhere else; what changed is saved afterwards, all of it or none. The rules themselves stand
//! in [`reserving`], [`ending`] and [`stocking`].

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::{Alert, crossings};
use crate::ids::{ItemNumber, LocationNumber, OrderId, OrderNumber, ProductId};
use crate::item::InventoryItem;
use crate::location::{Location, Locations};
use crate::movement::{Cause, MovementReference, StockMovement};
use crate::order::{Order, OrderStatus};
use crate::outcome::OrderOutcome;
use crate::text::{Actor, Notes, Reason, Sku};
use crate::time::Timestamp;

pub mod ending;
#[cfg(test)]
pub(crate) mod given;
pub mod reserving;
pub mod stocking;
mod telling;
mod waiting;

pub use waiting::{PaymentWait, WaitingPayments};

/// A product, by its id or its SKU.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProductRef {
    /// By id.
    Id(ProductId),
    /// By SKU.
    Sku(Sku),
}

/// Whether a command changed something or found it done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Something changed.
    Applied,
    /// It was so already.
    Replayed,
}

/// What is to be held until when, once a decision holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// For this long from the decision on.
    For(std::time::Duration),
    /// For good.
    Forever,
}

/// Whether confirm, extend and a change of lines succeed on an order whose time is over but which was not ended yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryRule {
    /// They do: a reservation is held at least until its time is over.
    Lenient,
    /// They do not.
    Strict,
}

/// An item of the book, and what has become of it.
#[derive(Clone, Debug)]
pub struct ItemPage {
    /// The item as it is now.
    pub item: InventoryItem,
    /// Its version when it was loaded; `None` of a new one.
    pub loaded_version: Option<u64>,
    /// The locations whose level changed.
    pub changed_levels: Vec<LocationNumber>,
    /// Whether name, SKU or limits changed.
    pub card_changed: bool,
}

impl ItemPage {
    /// Whether there is something to save.
    pub fn is_changed(&self) -> bool {
        self.loaded_version != Some(self.item.version)
    }
}

/// An order of the book, and what has become of it.
#[derive(Clone, Debug)]
pub struct OrderPage {
    /// The order as it is now.
    pub order: Order,
    /// Its `order_seq` when it was loaded; `None` of a new one.
    pub loaded_seq: Option<u64>,
    /// How many of its reservations were loaded; those behind are new.
    pub loaded_reservations: usize,
    /// The loaded reservations that changed, by place.
    pub changed_reservations: Vec<usize>,
    /// The order as it was last told, and its `order_seq` then.
    told: Option<(u64, Arc<Order>)>,
}

impl OrderPage {
    /// Whether there is something to save.
    pub fn is_changed(&self) -> bool {
        self.loaded_seq != Some(self.order.order_seq)
    }
}

/// The numbers the next new things get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbering {
    /// The next item's.
    pub item: ItemNumber,
    /// The next location's.
    pub location: LocationNumber,
    /// The next order's.
    pub order: OrderNumber,
    /// When the order before it got its number.
    pub ordered_at: Timestamp,
}

/// The pages a batch works on.
#[derive(Debug)]
pub struct Book {
    /// The time of the decision at hand.
    pub now: Timestamp,
    /// Whether the time is an event's. An item that has not changed since it was made then takes that time, even if it
    /// lies before its creation; the time of every other item never decreases.
    pub on_events_clock: bool,
    /// Whether a due order that was not ended yet can still be confirmed.
    pub expiry: ExpiryRule,
    /// All locations.
    pub locations: Arc<Locations>,
    /// The locations that were added.
    pub new_locations: Vec<Location>,
    /// What the next new things are called.
    pub numbering: Numbering,
    /// What moved, in order of decision.
    pub movements: Vec<StockMovement>,
    /// The lines that were crossed, in order of decision.
    pub alerts: Vec<Alert>,
    /// What became of whole orders, in order of decision, where somebody is told. They are counted all the same.
    pub outcomes: Option<Vec<OrderOutcome>>,
    /// Due orders that may be ended to serve somebody else, the oldest first.
    pub due: Vec<OrderId>,
    /// Levels of which an order wanted more than there was, while due orders may hold some.
    pub short: Vec<(ProductId, Option<LocationNumber>)>,
    /// Payments that came before their order.
    pub waiting: WaitingPayments,
    items: HashMap<ProductId, ItemPage>,
    skus: HashMap<Sku, ProductId>,
    orders: HashMap<OrderId, OrderPage>,
}

impl Book {
    /// An empty book.
    pub fn new(now: Timestamp, expiry: ExpiryRule, locations: Arc<Locations>, numbering: Numbering) -> Self {
        Self {
            now,
            on_events_clock: false,
            expiry,
            locations,
            new_locations: Vec::new(),
            numbering,
            movements: Vec::new(),
            alerts: Vec::new(),
            outcomes: None,
            due: Vec::new(),
            short: Vec::new(),
            waiting: WaitingPayments::default(),
            items: HashMap::new(),
            skus: HashMap::new(),
            orders: HashMap::new(),
        }
    }

    /// Adds an item as the store has it.
    pub fn put_item(&mut self, item: InventoryItem) {
        self.skus.insert(item.sku.clone(), item.product);
        let page =
            ItemPage { loaded_version: Some(item.version), changed_levels: Vec::new(), card_changed: false, item };
        self.items.insert(page.item.product, page);
    }

    /// Adds an order as the store has it.
    pub fn put_order(&mut self, order: Order) {
        let page = OrderPage {
            loaded_seq: Some(order.order_seq),
            loaded_reservations: order.reservations.len(),
            changed_reservations: Vec::new(),
            told: None,
            order,
        };
        self.orders.insert(page.order.id, page);
    }

    /// The item of a product.
    pub fn item(&self, product: ProductId) -> Option<&InventoryItem> {
        self.items.get(&product).map(|page| &page.item)
    }

    /// The item a reference names.
    pub fn find(&self, product: &ProductRef) -> Option<&InventoryItem> {
        match product {
            ProductRef::Id(id) => self.item(*id),
            ProductRef::Sku(sku) => self.item(*self.skus.get(sku)?),
        }
    }

    /// An order.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id).map(|page| &page.order)
    }

    /// An order as it is now, to be told. Whoever hears of it before it changes again shares it: an order may be long,
    /// and a batch may ask for it many times.
    pub fn tell_order(&mut self, id: OrderId) -> Option<Arc<Order>> {
        let page = self.orders.get_mut(&id)?;
        let seq = page.order.order_seq;
        match &page.told {
            Some((told_seq, told)) if *told_seq == seq => Some(told.clone()),
            _ => {
                let told = Arc::new(page.order.clone());
                page.told = Some((seq, told.clone()));
                Some(told)
            }
        }
    }

    /// All items of the book.
    pub fn item_pages(&self) -> impl Iterator<Item = &ItemPage> {
        self.items.values()
    }

    /// All orders of the book.
    pub fn order_pages(&self) -> impl Iterator<Item = &OrderPage> {
        self.orders.values()
    }

    /// Applies a stock rule to the item of `product` and keeps the movement and the lines it crossed.
    fn move_stock<E>(
        &mut self,
        product: ProductId,
        rule: impl FnOnce(&mut InventoryItem, Timestamp) -> Result<StockMovement, E>,
    ) -> Result<u64, E> {
        let page = self.items.get_mut(&product).expect("the item's page is in the book");
        let before = page.item.available();
        // What was made for a replay was made later than its events happened.
        let is_as_made = page.item.updated_at == page.item.created_at;
        let goes_back = self.on_events_clock && is_as_made;
        let at = if goes_back { self.now } else { self.now.max(page.item.updated_at) };
        let movement = rule(&mut page.item, at)?;
        if !page.changed_levels.contains(&movement.location) {
            page.changed_levels.push(movement.location);
        }
        self.alerts.extend(crossings(&page.item, before));
        let sequence = movement.sequence;
        self.movements.push(movement);
        Ok(sequence)
    }

    /// The order's page, made when the order was not seen before.
    fn order_page(&mut self, id: OrderId, status: OrderStatus) -> &mut OrderPage {
        let (numbering, now) = (&mut self.numbering, self.now);
        self.orders.entry(id).or_insert_with(|| {
            let number = numbering.order;
            numbering.order = OrderNumber(number.0.saturating_add(1));
            numbering.ordered_at = numbering.ordered_at.max(now);
            OrderPage {
                order: Order { order_seq: 0, ..Order::new(id, number, numbering.ordered_at, status) },
                loaded_seq: None,
                loaded_reservations: 0,
                changed_reservations: Vec::new(),
                told: None,
            }
        })
    }
}

/// The cause of a movement of `order`'s units.
fn order_cause(order: &Order, line: u32, actor: &Actor, reason: Option<Reason>) -> Cause {
    Cause {
        actor: actor.clone(),
        reservation: Some(order.reservation_id(line)),
        reference: MovementReference::Order(order.id),
        reason,
        notes: None::<Notes>,
    }
}
