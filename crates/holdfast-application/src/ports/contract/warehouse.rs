//! A store under trial with its reads, its clock and its rules, and short words for what a story is about.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::stocking::{NewItem, StockVerb};
use holdfast_domain::order::OrderEventKind;
use holdfast_domain::{
    Actor, Count, InventoryItem, LocationCode, Name, Order, OrderId, OrderStatus, ProductId, Quantity, Sku,
    StockMovement, Timestamp,
};

use super::MakeStore;
use crate::answer::{Answer, Decision, KeptAnswer, Reply};
use crate::audit::{self, AuditReport};
use crate::clock::{Clock, ManualClock};
use crate::command::{Command, CommandKey, Remarks, StockChange, Submission};
use crate::committer::commit_batch;
use crate::order_event::{EventAnswer, OrderEvent};
use crate::policy::Policy;
use crate::ports::Store;
use crate::ports::memory::MemoryStore;
use crate::queries::{MovementFilter, StockQueries};

/// A store under trial. Its clock stands at 2026-11-22T10:00:00Z when it opens.
pub struct Warehouse {
    /// The store.
    pub store: Box<dyn Store>,
    /// Its reads.
    pub queries: Arc<dyn StockQueries>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The rules' settings.
    pub policy: Policy,
}

impl std::fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warehouse").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Warehouse {
    /// A warehouse on a new store.
    pub fn open(make: MakeStore<'_>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-11-22T10:00:00Z").expect("a time")));
        let (store, queries) = make(clock.clone());
        Self { store, queries, clock, policy: Policy::default() }
    }

    /// A warehouse on the reference store.
    pub fn in_memory() -> Self {
        Self::open(&mut memory)
    }

    /// What the clock says.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn wait(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Decides a batch and makes it durable, a millisecond after what was before. The clock then says when it was
    /// decided.
    pub fn decide_all(&mut self, batch: &[Submission]) -> Vec<Reply> {
        self.wait(Duration::from_millis(1));
        let batch: Vec<&Submission> = batch.iter().collect();
        commit_batch(&mut *self.store, &batch, &self.policy).expect("the store takes the batch")
    }

    /// Decides one command without a key.
    pub fn decide(&mut self, command: Command) -> Decision {
        let reply = self.decide_all(&[submission(command)]).pop().expect("a reply to the command");
        let Reply::Decided(decision) = reply else { panic!("{reply:?} to a command without a key") };
        decision
    }

    /// Makes product `number` with `stock` units at `main`.
    pub fn stock(&mut self, number: u8, stock: u32) -> InventoryItem {
        item_of(self.decide(Command::CreateItem(new_item(number, &[("main", stock)]), Remarks::default())))
    }

    /// Makes a location.
    pub fn open_location(&mut self, code: &str, priority: u32) {
        let name = Name::new(code).expect("a name");
        let made = self.decide(Command::CreateLocation { code: location(code), name, priority });
        made.expect("a new location");
    }

    /// Reserves for order `number`.
    pub fn reserve(&mut self, number: u8, lines: &[(u8, u32)]) -> Decision {
        self.decide(reserve(number, lines))
    }

    /// Hears an upstream event about order `number`, whose identity is its type and the order.
    pub fn hear(&mut self, kind: OrderEventKind, number: u8, lines: &[(u8, u32)]) -> EventAnswer {
        event_of(self.decide(event(kind, number, lines)))
    }

    /// Product `number`.
    pub fn item(&self, number: u8) -> InventoryItem {
        let found = self.queries.items(&[ProductRef::Id(product(number))]).expect("the store can be read");
        found.into_iter().next().expect("the product is there")
    }

    /// Units available and reserved of product `number`, over all locations.
    pub fn levels(&self, number: u8) -> (u64, u64) {
        let item = self.item(number);
        (item.available().get(), item.reserved().get())
    }

    /// Order `number`.
    pub fn order(&self, number: u8) -> Option<Order> {
        self.queries.order(order(number)).expect("the store can be read")
    }

    /// What has become of order `number`.
    pub fn status(&self, number: u8) -> Option<OrderStatus> {
        self.order(number).map(|order| order.status)
    }

    /// The movements of product `number`, oldest first.
    pub fn movements(&self, number: u8) -> Vec<StockMovement> {
        let product = Some(product(number));
        let filter = MovementFilter { product, ascending: true, limit: usize::MAX, ..MovementFilter::default() };
        self.queries.movements(&filter).expect("the store can be read")
    }

    /// Every movement there is, by product and sequence.
    pub fn all_movements(&self) -> Vec<StockMovement> {
        let mut all = Vec::new();
        let each = self.queries.each_movement(&mut |movement| {
            all.push(movement);
            ControlFlow::Continue(())
        });
        each.expect("the store can be read");
        all
    }

    /// Follows the whole ledger.
    pub fn audit(&self) -> AuditReport {
        audit::prove(&*self.queries, None).expect("the store can be read")
    }

    /// Every number must be explained.
    pub fn must_be_clean(&self) {
        assert_eq!(self.audit().faults, [], "the ledger explains every number");
    }
}

/// Makes the reference store.
pub fn memory(clock: Arc<ManualClock>) -> (Box<dyn Store>, Arc<dyn StockQueries>) {
    let (store, queries) = MemoryStore::new(clock);
    (Box::new(store), queries)
}

/// The id of product `number`.
pub fn product(number: u8) -> ProductId {
    ProductId::from_bytes([[0xA0; 15].as_slice(), &[number]].concat().try_into().expect("16 bytes"))
}

/// The id of order `number`.
pub fn order(number: u8) -> OrderId {
    OrderId::from_bytes([[0xB0; 15].as_slice(), &[number]].concat().try_into().expect("16 bytes"))
}

/// The SKU of product `number`.
pub fn sku(number: u8) -> Sku {
    Sku::new(&format!("SKU-{number:03}")).expect("a sku")
}

/// A quantity of `units`.
pub fn units(units: u32) -> Quantity {
    Quantity::new(units).expect("a quantity")
}

/// A location's code.
pub fn location(code: &str) -> LocationCode {
    LocationCode::new(code).expect("a location code")
}

/// Who asks in stories.
pub fn actor() -> Actor {
    Actor::new("test").expect("an actor")
}

/// Product `number` with first stock by location; levels of 0 are left out.
pub fn new_item(number: u8, stock: &[(&str, u32)]) -> NewItem {
    let initial = stock.iter().filter_map(|(code, units)| Some((location(code), Quantity::new(*units)?)));
    NewItem {
        product: product(number),
        name: Name::new(&format!("Product {number}")).expect("a name"),
        sku: sku(number),
        initial: initial.collect(),
        reorder_level: Count::new(10).expect("a count"),
        max_stock_level: Count::new(1_000).expect("a count"),
    }
}

/// Lines by product id that name no location.
pub fn lines(lines: &[(u8, u32)]) -> Vec<OrderLine> {
    let line = |(number, asked): &(u8, u32)| OrderLine {
        product: ProductRef::Id(product(*number)),
        quantity: units(*asked),
        location: None,
    };
    lines.iter().map(line).collect()
}

/// A reservation for order `number` with the default time to live.
pub fn reserve(number: u8, asked: &[(u8, u32)]) -> Command {
    Command::ReserveOrder { order: order(number), lines: lines(asked), ttl: None, strategy: None }
}

/// Order `number` is confirmed.
pub fn confirm(number: u8) -> Command {
    Command::ConfirmOrder { order: order(number), reacquire: false }
}

/// Order `number` is released.
pub fn release(number: u8) -> Command {
    Command::ReleaseOrder { order: order(number), reason: None }
}

/// Order `number` is ended if it is due.
pub fn expire(number: u8) -> Command {
    Command::ExpireOrder { order: order(number) }
}

/// Order `number` asks for other lines.
pub fn replace(number: u8, asked: &[(u8, u32)]) -> Command {
    Command::ReplaceLines { order: order(number), lines: lines(asked), ttl: None, strategy: None }
}

/// Units of product `number` come, go or are written off at `main`.
pub fn change(number: u8, verb: StockVerb, asked: u32) -> Command {
    Command::ChangeStock(StockChange {
        product: ProductRef::Id(product(number)),
        location: LocationCode::main(),
        verb,
        quantity: units(asked),
        version: None,
        remarks: Remarks::default(),
    })
}

/// An upstream event whose identity is its type and its order.
pub fn event(kind: OrderEventKind, number: u8, asked: &[(u8, u32)]) -> Command {
    Command::OrderEvent(OrderEvent { kind, order: order(number), lines: lines(asked), reason: None, is_bare: true })
}

/// A command with nothing around it.
pub fn submission(command: Command) -> Submission {
    Submission { command, actor: actor(), key: None, decided_at: None }
}

/// A command under a caller's key; the fingerprint is made of what is asked.
pub fn keyed(key: &str, command: Command) -> Submission {
    let mut fingerprint = [0; 32];
    for (at, byte) in format!("{command:?}").bytes().enumerate() {
        if let Some(place) = fingerprint.get_mut(at & 31) {
            *place = u8::wrapping_mul(*place, 31).wrapping_add(byte);
        }
    }
    let (scope, key) = ("caller".to_owned(), key.to_owned());
    let key = CommandKey { scope, key, position: 0, fingerprint, render };
    Submission { key: Some(key), ..submission(command) }
}

/// An answer written down as tests can read it.
pub fn render(decision: &Decision) -> KeptAnswer {
    let status = match decision {
        Ok(_) => 200,
        Err(_) => 409,
    };
    let body = format!("{decision:?}").into_bytes();
    KeptAnswer { status, body, location: Some("/here".to_owned()), etag: None }
}

/// The item of an answer.
pub fn item_of(decision: Decision) -> InventoryItem {
    match decision {
        Ok(Answer::Item(answer)) => answer.item,
        other => panic!("{other:?} is no item"),
    }
}

/// The order of an answer.
pub fn order_of(decision: Decision) -> Order {
    match decision {
        Ok(Answer::Order { order, .. }) => Arc::unwrap_or_clone(order),
        other => panic!("{other:?} is no order"),
    }
}

/// What became of an event.
pub fn event_of(decision: Decision) -> EventAnswer {
    match decision {
        Ok(Answer::Event(answer)) => answer,
        other => panic!("{other:?} is no event's answer"),
    }
}
