//! One transaction over a session: the ports of the application, in SQL.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use holdfast_application::KeptAnswer;
use holdfast_application::command::CommandKey;
use holdfast_application::ports::{
    CommandLog, CommitError, InventoryRepository, LoggedAnswer, StockMovementRepository, StockReservationRepository,
    StoreError, StoreTransaction,
};
use holdfast_domain::book::{ItemPage, Numbering, OrderPage, PaymentWait, ProductRef, WaitingPayments};
use holdfast_domain::{
    InventoryItem, ItemNumber, Location, LocationNumber, Order, OrderId, OrderNumber, ProductId, StockMovement,
    Timestamp,
};

use crate::sql::due_holders::SharedHolders;
use crate::sql::due_orders::Asker;
use crate::sql::session::{SqlSession, Value};
use crate::sql::{codec, command_log, due_orders, items, locations, movements, orders, waiting_payments};

/// What one database does its own way around a transaction.
pub(crate) trait TransactionHost {
    /// The session with the transaction open.
    fn session(&mut self) -> &mut dyn SqlSession;
    /// The time to decide by.
    fn now(&mut self) -> Result<Timestamp, StoreError>;
    /// An item that is known without asking.
    fn known_item(&self, product: &ProductRef) -> Option<InventoryItem>;
    /// Keeps in mind an item as it was loaded, or as it will be once this transaction is durable.
    fn learn_item(&mut self, item: &InventoryItem, is_saved: bool);
    /// All locations, when they are known without asking.
    fn known_locations(&self) -> Option<Vec<Location>>;
    /// Keeps all locations in mind, or forgets them.
    fn learn_locations(&mut self, locations: Option<&[Location]>);
    /// The numbers of the next new things, when they are known without asking.
    fn known_numbering(&self) -> Option<Numbering>;
    /// Keeps the numbers of the next new things in mind, or forgets them.
    fn learn_numbering(&mut self, numbering: Option<Numbering>);
    /// What is remembered of due orders, by a writer that is the only one. The host settles it with each end of a transaction.
    fn due(&self) -> Option<SharedHolders>;
    /// Keeps in mind that an order was made.
    fn learn_order(&mut self, order: &Order);
    /// Makes everything durable, and what was learnt certain.
    fn commit(&mut self) -> Result<(), CommitError>;
    /// Undoes everything.
    fn rollback(&mut self);
}

/// An open transaction.
pub(crate) struct SqlTransaction<H: TransactionHost> {
    host: H,
    is_open: bool,
    /// The numbers of the next new things, unless what was saved here made them uncertain.
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
        if let Some(known) = self.host.known_locations() {
            return Ok(known);
        }
        let locations = locations::load(self.host.session())?;
        self.host.learn_locations(Some(&locations));
        Ok(locations)
    }

    fn save_locations(&mut self, new: &[Location]) -> Result<(), StoreError> {
        self.host.learn_locations(None);
        self.numbering = None;
        locations::save(self.host.session(), new)
    }

    fn load_items(&mut self, products: &[ProductRef]) -> Result<Vec<InventoryItem>, StoreError> {
        let mut found: Vec<InventoryItem> = Vec::with_capacity(products.len());
        for product in products {
            let known = self.host.known_item(product);
            let item = match known {
                Some(item) => Some(item),
                None => {
                    let item = items::load_one(self.host.session(), product)?;
                    item.inspect(|item| self.host.learn_item(item, false))
                }
            };
            found.extend(item);
        }
        found.sort_unstable_by_key(|item| item.product);
        found.dedup_by_key(|item| item.product);
        Ok(found)
    }

    fn save_items(&mut self, pages: &[&ItemPage]) -> Result<(), StoreError> {
        items::save(self.host.session(), pages)?;
        if pages.iter().any(|page| page.loaded_version.is_none()) {
            self.numbering = None;
        }
        for page in pages {
            self.host.learn_item(&page.item, true);
        }
        Ok(())
    }

    fn numbering(&mut self) -> Result<Numbering, StoreError> {
        if let Some(known) = self.host.known_numbering() {
            self.numbering = Some(known);
            return Ok(known);
        }
        let session = self.host.session();
        let mut numbers = [0_i64; 4];
        let sql = "SELECT COALESCE((SELECT MAX(number) FROM items), 0), COALESCE((SELECT MAX(number) FROM locations), 0), \
                   COALESCE((SELECT MAX(number) FROM orders), 0), \
                   COALESCE((SELECT numbered_at FROM orders ORDER BY number DESC LIMIT 1), 0)";
        session.query(sql, &[], &mut |row| {
            for (at, number) in numbers.iter_mut().enumerate() {
                *number = row.int(at)?;
            }
            Ok(ControlFlow::Break(()))
        })?;
        let [item, location, order, ordered_at] = numbers;
        let numbering = Numbering {
            item: ItemNumber(codec::number(item.saturating_add(1))?),
            location: LocationNumber(codec::number(location.saturating_add(1))?),
            order: OrderNumber(codec::number(order.saturating_add(1))?),
            ordered_at: codec::time(ordered_at),
        };
        self.numbering = Some(numbering);
        Ok(numbering)
    }
}

impl<H: TransactionHost> StockReservationRepository for SqlTransaction<H> {
    fn load_orders(&mut self, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        let once: BTreeSet<&OrderId> = ids.iter().collect();
        for id in once {
            found.extend(orders::load_one(self.host.session(), *id)?);
        }
        Ok(found)
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
    fn now(&mut self) -> Result<Timestamp, StoreError> {
        self.host.now()
    }

    fn commit(mut self: Box<Self>) -> Result<(), CommitError> {
        let time = self.host.now()?;
        let sql = "UPDATE books SET batch = batch + 1, decided_at = ? WHERE id = 1";
        self.host.session().execute(sql, &[Value::time(time)])?;
        self.is_open = false;
        let numbering = self.numbering.take();
        self.host.learn_numbering(None);
        self.host.commit()?;
        self.host.learn_numbering(numbering);
        Ok(())
    }
}
