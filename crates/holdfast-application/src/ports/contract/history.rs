//! Random histories: the same commands on two stores must lead to the same replies and the same ledger.

use std::time::Duration;

use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::stocking::{CardChange, NewItem, StockVerb};
use holdfast_domain::book::{ExpiryRule, ProductRef};
use holdfast_domain::order::OrderEventKind;
use holdfast_domain::{
    Actor, Count, LocationCode, Name, Notes, OrderId, ProductId, Quantity, Reason, Reference, Sku, Strategy, Timestamp,
};

use super::ledger::same_ledger;
use super::random::Random;
use super::retelling::same_retold;
use super::telling::{everybody, same_events};
use super::warehouse::{Warehouse, keyed, location, product, sku, submission};
use crate::command::{Command, Remarks, StockChange, Submission};
use crate::events::Publishing;
use crate::order_event::OrderEvent;
use crate::policy::{LatePayment, Policy};

/// One batch of a history, and how much time passes before it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The time that passes.
    pub pause: Duration,
    /// The batch.
    pub batch: Vec<Submission>,
}

/// Plays a history on both, under the rules' settings of `seed`; every reply must be the same, and so must the ledgers
/// in the end, with every number explained.
pub fn plays_the_same(one: &mut Warehouse, other: &mut Warehouse, history: &[Step], seed: u64) {
    one.policy = random_policy(seed);
    other.policy = random_policy(seed);
    for (at, step) in history.iter().enumerate() {
        one.wait(step.pause);
        other.wait(step.pause);
        let replies = one.decide_all(&step.batch).into_iter().zip(other.decide_all(&step.batch));
        for (asked, (left, right)) in step.batch.iter().zip(replies) {
            assert_eq!(left, right, "seed {seed}, batch {at}, to {asked:?}");
        }
    }
    same_ledger(&*one.queries, &*other.queries);
    same_events(one, other);
    same_retold(one);
    same_retold(other);
    assert_eq!(one.audit(), other.audit(), "seed {seed}");
    assert_eq!(one.audit().faults, [], "seed {seed}");
}

/// Settings of the rules: every one of them sometimes differs from its default.
pub fn random_policy(seed: u64) -> Policy {
    let mut random = Random::new(!seed);
    let ttl = random.within(5, 3_000);
    Policy {
        ttl_default: random.chance(80).then(|| Duration::from_secs(ttl)),
        expiry: random.pick(&[ExpiryRule::Lenient, ExpiryRule::Lenient, ExpiryRule::Strict]),
        late_payment: random.pick(&[LatePayment::Reacquire, LatePayment::Refuse]),
        sweep_grace: Duration::from_secs(random.within(0, 2)),
        payment_wait: Duration::from_secs(random.within(1, 900)),
        strategy: random.pick(Strategy::ALL),
        reclaim_orders_max: random.pick(&[2, 50, 1_024]),
        publishing: if random.chance(70) { everybody() } else { Publishing::default() },
    }
}

const PRODUCTS: u64 = 12;
const PLACES: [&str; 4] = ["main", "berlin", "aachen", "nowhere"];

/// A history of `commands` commands in batches of 1 … 200: all kinds of them, few products so that they meet often,
/// keys that repeat, time that passes so that orders become due. Its last fifth runs on the events' clock.
pub fn random_history(seed: u64, commands: usize) -> Vec<Step> {
    let mut story = Storyteller { random: Random::new(seed), orders: 0, told: Vec::new(), ts: None };
    let mut history = vec![Step { pause: Duration::from_secs(1), batch: story.opening() }];
    let mut left = commands.saturating_sub(history.iter().map(|step| step.batch.len()).sum());
    let events_from = commands / 5;
    while left > 0 {
        if left <= events_from && story.ts.is_none() {
            // Later than anything the clock has decided: 3,000 s a batch at most, see below.
            let start = Timestamp::parse("2126-01-01T00:00:00Z").expect("a time");
            story.ts = Some(start);
        }
        let most = story.random.pick(&[1, 3, 20, 200]);
        let size = usize::try_from(story.random.within(1, most)).unwrap_or(1).min(left);
        left = left.saturating_sub(size);
        let pause = story.random.pick(&[0, 1, 1_000, 400_000, 30_000_000, 3_000_000_000]);
        let batch = (0..size).map(|_| story.submission()).collect();
        history.push(Step { pause: Duration::from_micros(story.random.within(1, pause.max(1))), batch });
    }
    history
}

/// Makes up commands.
struct Storyteller {
    random: Random,
    orders: u64,
    /// Keyed submissions that may be sent again.
    told: Vec<Submission>,
    /// The time of the last event, once the history runs on the events' clock.
    ts: Option<Timestamp>,
}

impl Storyteller {
    /// Some locations and items to begin with.
    fn opening(&mut self) -> Vec<Submission> {
        let mut batch: Vec<Submission> = PLACES
            .iter()
            .filter(|code| !matches!(**code, "main" | "nowhere"))
            .map(|code| self.new_location(code))
            .map(submission)
            .collect();
        for number in 1..=8 {
            batch.push(submission(Command::CreateItem(self.new_item(number), Remarks::default())));
        }
        batch
    }

    fn submission(&mut self) -> Submission {
        if self.random.chance(5) && !self.told.is_empty() {
            let at = self.random.within(0, u64::try_from(self.told.len()).unwrap_or(1).saturating_sub(1));
            let again = self.told.get(usize::try_from(at).unwrap_or(0)).cloned().expect("one that was told");
            return Submission { decided_at: self.ts, ..again };
        }
        let command = self.command();
        let key = format!("key {}", self.random.within(1, 1_000_000));
        let is_keyed = self.random.chance(20);
        let asked = if is_keyed { keyed(&key, command) } else { submission(command) };
        let actor = self.random.pick(&["http", "kafka", "sweep"]);
        let asked = Submission { actor: Actor::new(actor).expect("an actor"), decided_at: self.tick(), ..asked };
        if is_keyed {
            self.told.push(asked.clone());
            if self.random.chance(10) {
                // The same key for something else, one day.
                let other = keyed(&key, self.command());
                self.told.push(other);
            }
        }
        asked
    }

    /// Moves the events' clock on, if the history runs on it.
    fn tick(&mut self) -> Option<Timestamp> {
        let pause = self.random.pick(&[0, 1, 1_000_000, 60_000_000, 200_000_000]);
        self.ts = self.ts.map(|ts| ts.after(Duration::from_micros(pause)));
        self.ts
    }

    fn command(&mut self) -> Command {
        match self.random.within(1, 100) {
            1 => Command::CreateItem(self.any_new_item(), self.remarks()),
            2 => Command::ImportItem(Box::new(self.any_new_item().into())),
            3..=4 => Command::ChangeCard { product: self.product(), change: self.card(), version: self.version() },
            5..=15 => self.change_stock(),
            16..=21 => self.adjust_stock(),
            22..=25 => self.transfer(),
            26 => {
                let code = self.random.pick(&["berlin", "cologne", "dresden", "essen"]);
                self.new_location(code)
            }
            27..=47 => {
                let order = self.order_to_be();
                let (lines, ttl, strategy) = (self.lines_of(order), self.ttl(), self.strategy());
                Command::ReserveOrder { order, lines, ttl, strategy }
            }
            48..=54 => Command::ReplaceLines {
                order: self.order(),
                lines: self.lines(),
                ttl: self.ttl(),
                strategy: self.strategy(),
            },
            55..=61 => Command::ConfirmOrder { order: self.order(), reacquire: self.random.chance(40) },
            62..=66 => Command::ReleaseOrder { order: self.order(), reason: self.reason() },
            67..=71 => {
                Command::ExtendOrder { order: self.order(), ttl: Duration::from_secs(self.random.within(5, 5_000)) }
            }
            72..=77 => Command::ExpireOrder { order: self.order() },
            78..=97 => self.event(),
            98 => Command::MatchPayment { order: self.order() },
            99 => Command::DropPayment { order: self.order() },
            _ => {
                let seconds = self.random.within(0, 100_000);
                let opening = Timestamp::parse("2026-11-22T10:00:00Z").expect("a time");
                Command::ForgetAnswers { before: opening.after(Duration::from_secs(seconds)), most: usize::MAX >> 1 }
            }
        }
    }

    fn change_stock(&mut self) -> Command {
        use StockVerb::{Add, AdjustDown, AdjustUp, Damage, Remove, Return};
        let verb = self.random.pick(&[Add, Add, Remove, Remove, Damage, Return, AdjustUp, AdjustDown]);
        Command::ChangeStock(StockChange {
            product: self.product_ref(),
            location: self.place(),
            verb,
            quantity: self.quantity(25),
            version: self.version(),
            remarks: self.remarks(),
        })
    }

    fn adjust_stock(&mut self) -> Command {
        let most = if self.random.chance(2) { Count::MAX } else { 60 };
        let expected = self.random.chance(30).then(|| self.random.within(0, 60)).and_then(Count::new);
        Command::AdjustStock {
            product: self.product(),
            location: self.place(),
            counted: Count::new(self.random.within(0, most)).expect("a count"),
            expected,
            version: self.version(),
            remarks: self.remarks(),
        }
    }

    fn transfer(&mut self) -> Command {
        Command::TransferStock {
            product: self.product(),
            from: self.place(),
            to: self.place(),
            quantity: self.quantity(30),
            version: self.version(),
            remarks: self.remarks(),
        }
    }

    fn event(&mut self) -> Command {
        use OrderEventKind::{OrderCancelled, OrderCreated, PaymentCompleted, PaymentFailed};
        let kinds = [OrderCreated, OrderCreated, OrderCreated, PaymentCompleted, PaymentFailed, OrderCancelled];
        let kind = self.random.pick(&kinds);
        let order = if kind == OrderCreated { self.order_to_be() } else { self.order() };
        let lines = if kind == OrderCreated { self.lines_of(order) } else { Vec::new() };
        let (reason, is_bare) = (self.reason(), self.random.chance(70));
        Command::OrderEvent(OrderEvent { kind, order, lines, reason, is_bare })
    }

    /// Often a new order.
    fn order_to_be(&mut self) -> OrderId {
        if self.random.chance(60) {
            self.orders = self.orders.saturating_add(1);
        }
        self.order()
    }

    /// One of the latest orders, now and then one that nobody has heard of.
    fn order(&mut self) -> OrderId {
        if self.random.chance(5) {
            self.orders = self.orders.saturating_add(1);
        }
        let back = self.random.pick(&[0, 1, 5, 40, 400]);
        let number = self.orders.saturating_sub(self.random.within(0, back));
        // Ids whose order is not the order of arrival.
        let (high, low) = (Random::new(number).number(), number);
        OrderId::from_bytes([high.to_be_bytes(), low.to_be_bytes()].concat().try_into().expect("16 bytes"))
    }

    /// Mostly the same lines for the same order.
    fn lines_of(&mut self, order: OrderId) -> Vec<OrderLine> {
        if self.random.chance(20) {
            return self.lines();
        }
        let seed = order.to_bytes().iter().fold(0_u64, |seed, byte| (seed << 5) ^ u64::from(*byte));
        let random = std::mem::replace(&mut self.random, Random::new(seed));
        let lines = self.lines();
        self.random = random;
        lines
    }

    fn lines(&mut self) -> Vec<OrderLine> {
        let most = self.random.pick(&[1, 2, 4, 10]);
        let line = |story: &mut Self| OrderLine {
            product: story.product_ref(),
            quantity: story.quantity(12),
            location: story.random.chance(25).then(|| story.place()),
        };
        (0..self.random.within(1, most)).map(|_| line(self)).collect()
    }

    fn number(&mut self) -> u8 {
        u8::try_from(self.random.within(1, PRODUCTS)).unwrap_or(1)
    }

    fn product(&mut self) -> ProductId {
        product(self.number())
    }

    fn product_ref(&mut self) -> ProductRef {
        let number = self.number();
        if self.random.chance(30) { ProductRef::Sku(sku(number)) } else { ProductRef::Id(product(number)) }
    }

    fn place(&mut self) -> LocationCode {
        if self.random.chance(2) {
            return location("nowhere");
        }
        location(self.random.pick(&["main", "main", "berlin", "aachen", "cologne"]))
    }

    /// Mostly few units, now and then as many as there can be.
    fn quantity(&mut self, usual: u64) -> Quantity {
        let most = if self.once_in_a_thousand() { u64::from(Quantity::MAX) } else { usual };
        Quantity::from_u64(self.random.within(1, most)).expect("a quantity")
    }

    fn once_in_a_thousand(&mut self) -> bool {
        self.random.within(1, 1_000) == 1
    }

    fn version(&mut self) -> Option<u64> {
        self.random.chance(10).then(|| self.random.within(1, 40))
    }

    fn ttl(&mut self) -> Option<Duration> {
        self.random.chance(60).then(|| Duration::from_secs(self.random.within(5, 3_000)))
    }

    fn strategy(&mut self) -> Option<Strategy> {
        self.random.chance(60).then(|| self.random.pick(Strategy::ALL))
    }

    fn reason(&mut self) -> Option<Reason> {
        self.random.chance(40).then(|| Reason::new(self.random.pick(&["late", "Größe", "x y"])).expect("a reason"))
    }

    fn remarks(&mut self) -> Remarks {
        let reference = self.random.chance(40).then(|| format!("DOC-{}", self.random.within(1, 5)));
        let notes = self.random.chance(20).then(|| Notes::new("two\nlines, \"quoted\"").expect("notes"));
        Remarks {
            reference: reference.map(|text| Reference::new(&text).expect("a reference")),
            reason: self.reason(),
            notes,
        }
    }

    fn card(&mut self) -> CardChange {
        let number = self.number();
        CardChange {
            name: self
                .random
                .chance(50)
                .then(|| Name::new(self.random.pick(&["Lamp", "lamp", "Ärmel"])).expect("a name")),
            sku: self.random.chance(50).then(|| sku(number)),
            reorder_level: self.random.chance(50).then(|| Count::new(self.random.within(0, 50)).expect("a count")),
            max_stock_level: Count::new(self.random.within(1, 100)),
        }
    }

    fn any_new_item(&mut self) -> NewItem {
        let (number, other) = (self.number(), self.number());
        let name = if self.random.chance(80) { sku(number) } else { sku(other) };
        NewItem { sku: name, ..self.new_item(number) }
    }

    fn new_item(&mut self, number: u8) -> NewItem {
        let mut initial = Vec::new();
        for place in ["main", "berlin"] {
            if self.random.chance(60) {
                initial.push((location(place), self.quantity(80)));
            }
        }
        NewItem { initial, sku: self.fresh_sku(number), ..super::warehouse::new_item(number, &[]) }
    }

    fn fresh_sku(&mut self, number: u8) -> Sku {
        if self.random.chance(95) { sku(number) } else { Sku::new("Sku ÄÖ").expect("a sku") }
    }

    fn new_location(&mut self, code: &str) -> Command {
        let priority = u32::try_from(self.random.within(0, 3)).unwrap_or(0);
        Command::CreateLocation { code: location(code), name: Name::new(code).expect("a name"), priority }
    }
}
