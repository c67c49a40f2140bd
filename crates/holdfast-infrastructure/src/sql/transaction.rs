//! One transaction over a session: the ports of the application, in SQL.

use std::collections::BTreeSet;

use holdfast_application::KeptAnswer;
use holdfast_application::command::CommandKey;
use holdfast_application::dead_letters::{DeadLetter, LetterHead};
use holdfast_application::events::{OutgoingEvent, SentParcel};
use holdfast_application::ports::{
    CommandLog, CommitError, DeadLetterRepository, InventoryRepository, LoggedAnswer, Outbox, StockMovementRepository,
    StockReservationRepository, StoreError, StoreTransaction,
};
use holdfast_domain::book::{ItemPage, Numbering, OrderPage, PaymentWait, ProductRef, WaitingPayments};
use holdfast_domain::event::Alert;
use holdfast_domain::{
    DeadLetterId, InventoryItem, ItemNumber, Location, LocationNumber, Order, OrderId, OrderNumber, ProductId,
    StockMovement, Timestamp,
};

use crate::sql::due_holders::SharedHolders;
use crate::sql::due_orders::Asker;
use crate::sql::session::SqlSession;
use crate::sql::{
    command_log, dead_letters, due_orders, items, locations, movements, orders, outbox, waiting_payments,
};

/// What one database does its own way around a transaction. One that others write to as well remembers nothing.
pub(crate) trait TransactionHost {
    /// The session with the transaction open.
    fn session(&mut self) -> &mut dyn SqlSession;
    /// The time to decide by.
    fn now(&mut self) -> Result<Timestamp, StoreError>;
    /// Whether any payment waits for its order.
    fn anybody_waits(&mut self) -> Result<bool, StoreError> {
        waiting_payments::any(self.session())
    }
    /// These orders will be loaded, and these items behind them: a host whose questions travel asks them together.
    fn expect(&mut self, _orders: &[OrderId], _products: &[ProductRef]) {}
    /// These items are loaded now; what is asked next, once they are locked.
    fn asked_next(&mut self, _products: &[ProductRef]) -> Option<&'static str> {
        None
    }
    /// The numbers of the next new things: `most` orders and items may take theirs from there on.
    fn numbering(&mut self, most: usize) -> Result<Numbering, StoreError>;
    /// Keeps in mind what the next new things are numbered once this transaction is durable, or forgets it.
    fn learn_numbering(&mut self, numbering: Option<Numbering>);
    /// An item that is known without asking.
    fn known_item(&self, _product: &ProductRef) -> Option<InventoryItem> {
        None
    }
    /// Keeps in mind an item as it was loaded, or as it will be once this transaction is durable.
    fn learn_item(&mut self, _item: &InventoryItem, _is_saved: bool) {}
    /// All locations, when they are known without asking for them.
    fn known_locations(&mut self) -> Result<Option<Vec<Location>>, StoreError> {
        Ok(None)
    }
    /// Keeps all locations in mind, or forgets them.
    fn learn_locations(&mut self, _locations: Option<&[Location]>) {}
    /// What is remembered of due orders, by a writer that is the only one. The host settles it with each end of a
    /// transaction.
    fn due(&self) -> Option<SharedHolders> {
        None
    }
    /// Keeps in mind that an order was made.
    fn learn_order(&mut self, _order: &Order) {}
    /// Makes everything durable, and what was learnt certain.
    fn commit(&mut self) -> Result<(), CommitError>;
    /// Undoes everything.
    fn rollback(&mut self);
}

/// An open transaction.
pub(crate) struct SqlTransaction<H: TransactionHost> {
    host: H,
    is_open: bool,
    /// The numbers of the next new things, once they were asked for.
    numbering: Option<Numbering>,
}

impl<H: TransactionHost> SqlTransaction<H> {
    pub(crate) fn new(host: H) -> Self {
        Self { host, is_open: true, numbering: None }
    }
}

impl<H: TransactionHost> Drop for SqlTransaction<H> {
    fn drop(&mut self) {
        if self.is_open {
            self.host.rollback();
        }
    }
}

impl<H: TransactionHost> InventoryRepository for SqlTransaction<H> {
    fn load_locations(&mut self) -> Result<Vec<Location>, StoreError> {
        if let Some(known) = self.host.known_locations()? {
            return Ok(known);
        }
        let locations = locations::load(self.host.session())?;
        self.host.learn_locations(Some(&locations));
        Ok(locations)
    }

    fn save_locations(&mut self, new: &[Location]) -> Result<(), StoreError> {
        self.host.learn_locations(None);
        locations::save(self.host.session(), new)?;
        if let Some(numbering) = &mut self.numbering {
            let next = new.iter().map(|location| LocationNumber(location.number.0.saturating_add(1))).max();
            numbering.location = next.map_or(numbering.location, |next| next.max(numbering.location));
        }
        Ok(())
    }

    fn load_items(&mut self, products: &[ProductRef]) -> Result<Vec<InventoryItem>, StoreError> {
        let mut found: Vec<InventoryItem> = Vec::with_capacity(products.len());
        let mut unknown: Vec<ProductRef> = Vec::new();
        for product in products {
            match self.host.known_item(product) {
                Some(item) => found.push(item),
                None => unknown.push(product.clone()),
            }
        }
        if !unknown.is_empty() {
            let next = self.host.asked_next(&unknown);
            let loaded = items::load(self.host.session(), &unknown, next)?;
            for item in &loaded {
                self.host.learn_item(item, false);
            }
            found.extend(loaded);
        }
        found.sort_unstable_by_key(|item| item.product);
        found.dedup_by_key(|item| item.product);
        Ok(found)
    }

    fn save_items(&mut self, pages: &[&ItemPage]) -> Result<(), StoreError> {
        items::save(self.host.session(), pages)?;
        if let Some(numbering) = &mut self.numbering {
            let new = pages.iter().filter(|page| page.loaded_version.is_none());
            let next = new.map(|page| ItemNumber(page.item.number.0.saturating_add(1))).max();
            numbering.item = next.map_or(numbering.item, |next| next.max(numbering.item));
        }
        for page in pages {
            self.host.learn_item(&page.item, true);
        }
        Ok(())
    }

    fn numbering(&mut self, most: usize) -> Result<Numbering, StoreError> {
        let numbering = self.host.numbering(most)?;
        self.numbering = Some(numbering);
        Ok(numbering)
    }
}

impl<H: TransactionHost> StockReservationRepository for SqlTransaction<H> {
    fn load_orders(&mut self, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        let once: BTreeSet<OrderId> = ids.iter().copied().collect();
        orders::load(self.host.session(), &once.into_iter().collect::<Vec<_>>())
    }

    fn save_orders(&mut self, pages: &[&OrderPage]) -> Result<(), StoreError> {
        orders::save(self.host.session(), pages)?;
        if let Some(shared) = self.host.due() {
            let mut holders = shared.lock();
            for page in pages {
                holders.saved(&page.order);
            }
        }
        for page in pages.iter().filter(|page| page.loaded_seq.is_none()) {
            self.host.learn_order(&page.order);
            if let Some(numbering) = &mut self.numbering {
                numbering.order = OrderNumber(page.order.number.0.saturating_add(1)).max(numbering.order);
                numbering.ordered_at = page.order.numbered_at.max(numbering.ordered_at);
            }
        }
        Ok(())
    }

    fn due_orders(&mut self, now: Timestamp, most: usize) -> Result<Vec<OrderId>, StoreError> {
        due_orders::find(self.host.session(), now, most)
    }

    fn due_orders_holding(
        &mut self,
        levels: &[(ProductId, Option<LocationNumber>)],
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<OrderId>, StoreError> {
        let shared = self.host.due();
        let session = self.host.session();
        let holds = match shared {
            Some(shared) => {
                due_orders::holds_as_remembered(session, &shared, Asker::Writer, levels, now, most)?.unwrap_or_default()
            }
            None => due_orders::holds(session, levels, now, most)?,
        };
        Ok(due_orders::orders_of(&holds))
    }

    fn load_waiting(&mut self, ids: &[OrderId]) -> Result<Vec<(OrderId, PaymentWait)>, StoreError> {
        if !self.host.anybody_waits()? {
            return Ok(Vec::new()); // as nearly always
        }
        waiting_payments::load(self.host.session(), ids)
    }

    fn save_waiting(&mut self, waiting: &WaitingPayments) -> Result<(), StoreError> {
        if waiting.added.is_empty() && waiting.ended.is_empty() {
            return Ok(());
        }
        waiting_payments::save(self.host.session(), waiting)
    }

    fn forget_given_up(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        waiting_payments::forget_given_up(self.host.session(), before, most)
    }
}

impl<H: TransactionHost> StockMovementRepository for SqlTransaction<H> {
    fn append_movements(&mut self, new: &[StockMovement]) -> Result<(), StoreError> {
        movements::append(self.host.session(), new)
    }

    fn append_alerts(&mut self, alerts: &[Alert]) -> Result<(), StoreError> {
        outbox::append_alerts(self.host.session(), alerts)
    }
}

impl<H: TransactionHost> Outbox for SqlTransaction<H> {
    fn append_events(
        &mut self,
        destination: &str,
        events: &[&OutgoingEvent],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        outbox::append(self.host.session(), destination, events, now)
    }

    fn remove_events(&mut self, destination: &str, sent: &[SentParcel]) -> Result<(), StoreError> {
        outbox::remove(self.host.session(), destination, sent)
    }
}

impl<H: TransactionHost> DeadLetterRepository for SqlTransaction<H> {
    fn known_letters(&mut self, origins: &[[u8; 16]]) -> Result<Vec<[u8; 16]>, StoreError> {
        dead_letters::known(self.host.session(), origins)
    }

    fn put_away(&mut self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        dead_letters::put_away(self.host.session(), letters)
    }

    fn load_letters(&mut self, ids: &[DeadLetterId]) -> Result<Vec<LetterHead>, StoreError> {
        dead_letters::load(self.host.session(), ids)
    }

    fn settle_letter(&mut self, letter: &LetterHead) -> Result<(), StoreError> {
        dead_letters::settle(self.host.session(), letter)
    }

    fn forget_letters(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        dead_letters::forget(self.host.session(), before, most)
    }
}

impl<H: TransactionHost> CommandLog for SqlTransaction<H> {
    fn find_answers(&mut self, keys: &[&CommandKey]) -> Result<Vec<Option<LoggedAnswer>>, StoreError> {
        command_log::find(self.host.session(), keys)
    }

    fn keep_answers(&mut self, answers: &[(&CommandKey, &KeptAnswer)], now: Timestamp) -> Result<(), StoreError> {
        command_log::keep(self.host.session(), answers, now)
    }

    fn forget_answers(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        command_log::forget(self.host.session(), before, most)
    }
}

impl<H: TransactionHost> StoreTransaction for SqlTransaction<H> {
    fn expect(&mut self, orders: &[OrderId], products: &[ProductRef]) {
        self.host.expect(orders, products);
    }

    fn now(&mut self) -> Result<Timestamp, StoreError> {
        self.host.now()
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.host.session().flush()
    }

    fn commit(mut self: Box<Self>) -> Result<(), CommitError> {
        self.is_open = false;
        self.host.learn_numbering(self.numbering.take());
        self.host.commit()
    }
}
