//! One transaction on the books: it writes at once and notes how to undo it, so dropping it leaves nothing behind.

use std::collections::BTreeSet;
use std::sync::MutexGuard;
use std::time::Duration;

use holdfast_domain::book::{ItemPage, Numbering, OrderPage, PaymentWait, ProductRef, WaitingPayments};
use holdfast_domain::event::Alert;
use holdfast_domain::{
    InventoryItem, ItemNumber, Location, LocationNumber, Order, OrderId, OrderNumber, ProductId, StockLevel,
    StockMovement, Timestamp,
};

use super::books::{Books, KeptSince};
use crate::answer::KeptAnswer;
use crate::clock::Clock;
use crate::command::CommandKey;
use crate::ports::{
    Collision, CommandLog, CommitError, InventoryRepository, LoggedAnswer, StockMovementRepository,
    StockReservationRepository, StoreError, StoreTransaction,
};

/// How one write is taken back.
pub(super) type Undo = Box<dyn FnOnce(&mut Books)>;

/// One transaction on the books.
pub(super) struct MemoryTransaction<'a> {
    pub(super) books: MutexGuard<'a, Books>,
    clock: &'a dyn Clock,
    now: Option<Timestamp>,
    pub(super) undo: Vec<Undo>,
}

impl<'a> MemoryTransaction<'a> {
    pub(super) fn new(books: MutexGuard<'a, Books>, clock: &'a dyn Clock) -> Self {
        Self { books, clock, now: None, undo: Vec::new() }
    }

    fn save_item(&mut self, page: &ItemPage) -> Result<(), StoreError> {
        let product = page.item.product;
        let before = self.books.items.get(&product).cloned();
        if before.as_ref().map(|item| item.version) != page.loaded_version {
            return Err(contention(Collision::Guard, "the item has changed"));
        }
        let after = before.as_ref().map_or_else(|| page.item.clone(), |stored| updated(stored, page));
        self.books.items.insert(product, after);
        self.undo.push(Box::new(move |books| {
            match before {
                Some(item) => books.items.insert(product, item),
                None => books.items.remove(&product),
            };
        }));
        Ok(())
    }

    fn save_order(&mut self, page: &OrderPage) -> Result<(), StoreError> {
        let id = page.order.id;
        let stored = self.books.orders.get(&id);
        if stored.map(|order| order.order_seq) != page.loaded_seq {
            return Err(contention(Collision::Guard, "the order has changed"));
        }
        if self.books.numbers.get(&page.order.number).is_some_and(|holder| *holder != id) {
            return Err(contention(Collision::Key, "another order has this number"));
        }
        let mut after = page.order.clone();
        if let Some(stored) = stored {
            after.reservations = merged(stored, page);
        }
        let (ordered_at, numbered_at) = (self.books.ordered_at, after.numbered_at);
        self.books.ordered_at = ordered_at.max(numbered_at);
        let before = self.books.put_order(after);
        self.undo.push(Box::new(move |books| {
            books.ordered_at = ordered_at;
            match before {
                Some(order) => books.put_order(order),
                None => books.take_order(id),
            };
        }));
        Ok(())
    }
}

/// The stored item with what the page says has changed.
fn updated(stored: &InventoryItem, page: &ItemPage) -> InventoryItem {
    let new = &page.item;
    let mut item = stored.clone();
    if page.card_changed {
        (item.name, item.sku) = (new.name.clone(), new.sku.clone());
        (item.reorder_level, item.max_stock_level) = (new.reorder_level, new.max_stock_level);
    }
    (item.sequence, item.version) = (new.sequence, new.version);
    (item.last_restocked, item.updated_at) = (new.last_restocked, new.updated_at);
    let kept = stored.levels().iter().filter(|level| !page.changed_levels.contains(&level.location)).copied();
    let changed = page.changed_levels.iter().map(|at| StockLevel { location: *at, balance: new.balance(*at) });
    let levels = kept.chain(changed).collect();
    item.with_levels(levels)
}

/// The stored reservations, those that the page says have changed, and those that are new.
fn merged(stored: &Order, page: &OrderPage) -> Vec<holdfast_domain::StockReservation> {
    let mut reservations = stored.reservations.clone();
    for place in &page.changed_reservations {
        if let (Some(kept), Some(changed)) = (reservations.get_mut(*place), page.order.reservations.get(*place)) {
            kept.clone_from(changed);
        }
    }
    reservations.extend(page.order.reservations.iter().skip(page.loaded_reservations).cloned());
    reservations
}

pub(super) fn contention(collision: Collision, what: &'static str) -> StoreError {
    StoreError::Contention(collision, what.into())
}

impl InventoryRepository for MemoryTransaction<'_> {
    fn load_locations(&mut self) -> Result<Vec<Location>, StoreError> {
        Ok(self.books.locations.clone())
    }

    fn save_locations(&mut self, locations: &[Location]) -> Result<(), StoreError> {
        let count = self.books.locations.len();
        self.undo.push(Box::new(move |books| books.locations.truncate(count)));
        for new in locations {
            if self.books.locations.iter().any(|known| known.code == new.code || known.number == new.number) {
                return Err(contention(Collision::Key, "the location is there already"));
            }
            self.books.locations.push(new.clone());
        }
        Ok(())
    }

    fn load_items(&mut self, products: &[ProductRef]) -> Result<Vec<InventoryItem>, StoreError> {
        Ok(self.books.named_items(products))
    }

    fn save_items(&mut self, items: &[&ItemPage]) -> Result<(), StoreError> {
        if items.iter().any(|page| page.card_changed) {
            let skus = self.books.skus.clone();
            self.undo.push(Box::new(move |books| books.skus = skus));
        }
        // Two items may have swapped their SKUs: only what stands in the end must be unique.
        for page in items.iter().filter(|page| page.card_changed) {
            let old = self.books.items.get(&page.item.product).map(|item| item.sku.clone());
            old.map(|sku| self.books.skus.remove(&sku));
        }
        for page in items {
            self.save_item(page)?;
            let (sku, product) = (page.item.sku.clone(), page.item.product);
            if page.card_changed && self.books.skus.insert(sku, product).is_some() {
                return Err(contention(Collision::Key, "another item has this sku"));
            }
        }
        Ok(())
    }

    fn numbering(&mut self, _most: usize) -> Result<Numbering, StoreError> {
        let items = self.books.items.values().map(|item| item.number.0).max().unwrap_or(0);
        let locations = self.books.locations.iter().map(|location| location.number.0).max().unwrap_or(0);
        let orders = self.books.numbers.last_key_value().map_or(0, |(number, _)| number.0);
        Ok(Numbering {
            item: ItemNumber(items.saturating_add(1)),
            location: LocationNumber(locations.saturating_add(1)),
            order: OrderNumber(orders.saturating_add(1)),
            ordered_at: self.books.ordered_at,
        })
    }
}

impl StockReservationRepository for MemoryTransaction<'_> {
    fn load_orders(&mut self, orders: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        let ids: BTreeSet<&OrderId> = orders.iter().collect();
        Ok(ids.into_iter().filter_map(|id| self.books.orders.get(id)).map(|order| self.books.told(order)).collect())
    }

    fn save_orders(&mut self, orders: &[&OrderPage]) -> Result<(), StoreError> {
        orders.iter().try_for_each(|page| self.save_order(page))
    }

    fn due_orders(&mut self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, StoreError> {
        Ok(self.books.due(now).take(most).map(|order| order.id).collect())
    }

    fn due_orders_holding(
        &mut self,
        levels: &[(ProductId, Option<LocationNumber>)],
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<OrderId>, StoreError> {
        Ok(self.books.due_holding(levels, now).take(most).map(|order| order.id).collect())
    }

    fn load_waiting(&mut self, orders: &[OrderId]) -> Result<Vec<(OrderId, PaymentWait)>, StoreError> {
        let ids: BTreeSet<&OrderId> = orders.iter().collect();
        Ok(ids.into_iter().filter_map(|id| Some((*id, *self.books.waiting.get(id)?))).collect())
    }

    fn save_waiting(&mut self, waiting: &WaitingPayments) -> Result<(), StoreError> {
        let touched = waiting.ended.iter().chain(waiting.added.keys());
        let before: Vec<(OrderId, Option<PaymentWait>)> =
            touched.map(|id| (*id, self.books.waiting.get(id).copied())).collect();
        self.undo.push(Box::new(move |books| {
            for (id, until) in before {
                match until {
                    Some(wait) => books.waiting.insert(id, wait),
                    None => books.waiting.remove(&id),
                };
            }
        }));
        for id in &waiting.ended {
            self.books.waiting.remove(id);
        }
        self.books.waiting.extend(waiting.added.iter().map(|(id, wait)| (*id, *wait)));
        Ok(())
    }

    fn forget_given_up(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let old =
            self.books.waiting.iter().filter(|(_, wait)| matches!(wait, PaymentWait::GivenUp(at) if *at < before));
        let forgotten: Vec<_> = old.take(most).map(|(id, wait)| (*id, *wait)).collect();
        for (id, _) in &forgotten {
            self.books.waiting.remove(id);
        }
        let count = forgotten.len();
        self.undo.push(Box::new(move |books| books.waiting.extend(forgotten)));
        Ok(count)
    }
}

impl StockMovementRepository for MemoryTransaction<'_> {
    fn append_movements(&mut self, movements: &[StockMovement]) -> Result<(), StoreError> {
        for movement in movements {
            let place = (movement.product, movement.sequence);
            if self.books.movements.contains_key(&place) {
                return Err(contention(Collision::Fence, "the product has a movement with this sequence"));
            }
            self.books.movements.insert(place, movement.clone());
            self.undo.push(Box::new(move |books| {
                books.movements.remove(&place);
            }));
        }
        Ok(())
    }

    fn append_alerts(&mut self, alerts: &[Alert]) -> Result<(), StoreError> {
        for alert in alerts {
            let place = (alert.product, alert.sequence);
            self.books.alerts.entry(place).or_default().push(*alert);
            self.undo.push(Box::new(move |books| {
                books.alerts.remove(&place);
            }));
        }
        Ok(())
    }
}

impl CommandLog for MemoryTransaction<'_> {
    fn find_answers(&mut self, keys: &[&CommandKey]) -> Result<Vec<Option<LoggedAnswer>>, StoreError> {
        let find = |key: &CommandKey| {
            let kept = self.books.answers.get(&(key.scope.clone(), key.key.clone(), key.position))?;
            Some(kept.logged.clone())
        };
        Ok(keys.iter().map(|key| find(key)).collect())
    }

    fn keep_answers(&mut self, answers: &[(&CommandKey, &KeptAnswer)], now: Timestamp) -> Result<(), StoreError> {
        for (key, answer) in answers {
            let place = (key.scope.clone(), key.key.clone(), key.position);
            if self.books.answers.contains_key(&place) {
                return Err(contention(Collision::Key, "an answer is kept under this key"));
            }
            let logged = LoggedAnswer { fingerprint: key.fingerprint, answer: (*answer).clone() };
            self.books.answers.insert(place.clone(), KeptSince { logged, at: now });
            self.undo.push(Box::new(move |books| {
                books.answers.remove(&place);
            }));
        }
        Ok(())
    }

    fn forget_answers(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let mut old: Vec<_> = self.books.answers.iter().filter(|(_, kept)| kept.at < before).collect();
        old.sort_by_key(|(_, kept)| kept.at); // stable: by key among those kept at the same time
        let forgotten: Vec<_> = old.into_iter().take(most).map(|(key, kept)| (key.clone(), kept.clone())).collect();
        for (key, _) in &forgotten {
            self.books.answers.remove(key);
        }
        let count = forgotten.len();
        self.undo.push(Box::new(move |books| books.answers.extend(forgotten)));
        Ok(count)
    }
}

impl StoreTransaction for MemoryTransaction<'_> {
    fn now(&mut self) -> Result<Timestamp, StoreError> {
        let next = self.books.decided_at.after(Duration::from_micros(1));
        Ok(*self.now.get_or_insert_with(|| self.clock.now().max(next)))
    }

    fn commit(mut self: Box<Self>) -> Result<(), CommitError> {
        self.undo.clear();
        if let Some(now) = self.now {
            self.books.decided_at = now;
        }
        Ok(())
    }
}

impl Drop for MemoryTransaction<'_> {
    fn drop(&mut self) {
        while let Some(undo) = self.undo.pop() {
            undo(&mut self.books);
        }
    }
}
