//! A book that lives through a whole history, and commands made up at random.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::stocking::{NewItem, StockVerb};
use holdfast_domain::book::{Effect, ExpiryRule, Hold, Numbering, ProductRef};
use holdfast_domain::location::Locations;
use holdfast_domain::movement::Cause;
use holdfast_domain::{
    Actor, Book, Count, InventoryItem, ItemNumber, Location, LocationCode, LocationNumber, Name, Order, OrderId,
    OrderNumber, ProductId, Quantity, Refusal, Sku, StockMovement, Strategy, Timestamp,
};

use crate::random::Random;

pub(crate) const PRODUCTS: u8 = 4;
const PLACES: [&str; 3] = ["main", "berlin", "aachen"];
const ORDERS: u64 = 30;

/// Everything a decision can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) items: BTreeMap<ProductId, InventoryItem>,
    pub(crate) orders: BTreeMap<OrderId, Order>,
    pub(crate) movements: Vec<StockMovement>,
    pub(crate) alerts: usize,
}

/// A book and what happens to it.
pub(crate) struct Household {
    pub(crate) book: Book,
    pub(crate) random: Random,
}

/// What a command was about and what the rules said.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) about: String,
    pub(crate) order: Option<OrderId>,
    pub(crate) result: Result<(), Refusal>,
}

impl Household {
    /// Some products at three locations.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let places = PLACES.iter().zip(1_u16..).map(|(code, number)| Location {
            number: LocationNumber(number),
            code: LocationCode::new(code).expect("a code"),
            name: Name::new(code).expect("a name"),
            priority: u32::try_from(random.within(0, 2)).expect("small"),
        });
        let locations = Arc::new(Locations::new(places.collect()));
        let numbering = Numbering {
            item: ItemNumber(1),
            location: LocationNumber(4),
            order: OrderNumber(1),
            ordered_at: Timestamp::EPOCH,
        };
        let expiry = random.pick(&[ExpiryRule::Lenient, ExpiryRule::Strict]);
        let now = Timestamp::from_micros(1_000_000_000_000);
        let mut household = Self { book: Book::new(now, expiry, locations, numbering), random };
        for number in 1..=PRODUCTS {
            let initial = PLACES.iter().filter_map(|place| {
                let units = household.random.within(0, 30);
                Some((LocationCode::new(place).expect("a code"), Quantity::from_u64(units)?))
            });
            let new = NewItem {
                product: product(number),
                name: Name::new("a thing").expect("a name"),
                sku: Sku::new(&format!("thing {number}")).expect("a sku"),
                initial: initial.collect(),
                reorder_level: Count::new(household.random.within(0, 20)).expect("a count"),
                max_stock_level: Count::new(100).expect("a count"),
            };
            household.book.create_item(&new, &cause()).expect("new");
        }
        household
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            items: self.book.item_pages().map(|page| (page.item.product, page.item.clone())).collect(),
            orders: self.book.order_pages().map(|page| (page.order.id, page.order.clone())).collect(),
            movements: self.book.movements.clone(),
            alerts: self.book.alerts.len(),
        }
    }

    /// Time passes and something is asked.
    pub(crate) fn live_on(&mut self) -> Decided {
        let pause = self.random.pick(&[0, 1, 1_000_000, 60_000_000, 900_000_000]);
        self.book.now = self.book.now.after(Duration::from_micros(pause));
        self.book.due.clear();
        if self.random.chance(50) {
            let now = self.book.now;
            let due = self.book.order_pages().filter(|page| page.order.is_due(now));
            let mut due: Vec<_> = due.map(|page| (page.order.expires_at, page.order.number, page.order.id)).collect();
            due.sort_unstable();
            self.book.due = due.into_iter().map(|(_, _, id)| id).collect();
        }
        match self.random.within(1, 100) {
            1..=20 => self.change_stock(),
            21..=25 => self.adjust(),
            26..=32 => self.transfer(),
            33..=60 => self.reserve(),
            61..=70 => self.replace(),
            _ => self.verb(),
        }
    }

    fn change_stock(&mut self) -> Decided {
        use StockVerb::{Add, AdjustDown, AdjustUp, Damage, Remove, Return};
        let verb = self.random.pick(&[Add, Remove, Damage, Return, AdjustUp, AdjustDown]);
        let (product, place, quantity) = (self.reference(), self.place(), self.quantity(15));
        let result = self.book.change_stock(&product, &place, verb, quantity, None, cause());
        decided(format!("{verb:?} {quantity} of {product:?} at {place}"), None, result)
    }

    fn adjust(&mut self) -> Decided {
        let (product, place, counted) = (self.product(), self.place(), self.random.within(0, 40));
        let counted = Count::new(counted).expect("a count");
        let result = self.book.adjust_stock(product, &place, counted, None, None, cause());
        decided(format!("count {counted} of {product} at {place}"), None, result)
    }

    fn transfer(&mut self) -> Decided {
        let (product, from, to, quantity) = (self.product(), self.place(), self.place(), self.quantity(10));
        let result = self.book.transfer_stock(product, &from, &to, quantity, None, cause());
        decided(format!("transfer {quantity} of {product} from {from} to {to}"), None, result)
    }

    fn reserve(&mut self) -> Decided {
        let (order, lines, strategy) = (self.order(), self.lines(), self.random.pick(Strategy::ALL));
        if self.random.chance(5) && self.book.order(order).is_none() {
            self.book.waiting.wait(order, self.book.now);
        }
        let hold = if self.random.chance(10) { Hold::Forever } else { Hold::For(self.ttl()) };
        let result = self.book.reserve_order(order, &lines, hold, strategy, &actor());
        decided(format!("reserve {lines:?} by {strategy}"), Some(order), result)
    }

    fn replace(&mut self) -> Decided {
        let (order, lines, strategy) = (self.order(), self.lines(), self.random.pick(Strategy::ALL));
        let ttl = self.random.chance(30).then(|| self.ttl());
        let result = self.book.replace_lines(order, &lines, ttl, strategy, &actor());
        decided(format!("replace by {lines:?} by {strategy}"), Some(order), result)
    }

    fn verb(&mut self) -> Decided {
        let (order, verb) = (self.order(), self.random.within(1, 6));
        let ttl = self.ttl();
        let book = &mut self.book;
        let (about, result) = match verb {
            1 => ("confirm", book.confirm_order(order, None, &actor())),
            2 => ("confirm again", book.confirm_order(order, Some(Strategy::Priority), &actor())),
            3 => ("release", book.release_order(order, None, &actor())),
            4 => ("extend", book.extend_order(order, ttl)),
            5 if book.order(order).is_none() => {
                book.close_unseen_order(order, None);
                ("close", Ok(Effect::Applied))
            }
            _ => {
                book.expire_order(order, Duration::from_secs(2), &actor());
                ("expire", Ok(Effect::Applied))
            }
        };
        decided(about.to_owned(), Some(order), result)
    }

    fn lines(&mut self) -> Vec<OrderLine> {
        let line = |household: &mut Self| OrderLine {
            product: household.reference(),
            quantity: household.quantity(12),
            location: household.random.chance(30).then(|| household.place()),
        };
        (0..self.random.within(1, 4)).map(|_| line(self)).collect()
    }

    fn product(&mut self) -> ProductId {
        let spare = u64::from(self.random.chance(3));
        product(u8::try_from(self.random.within(1, u64::from(PRODUCTS) + spare)).expect("small"))
    }

    fn reference(&mut self) -> ProductRef {
        ProductRef::Id(self.product())
    }

    fn place(&mut self) -> LocationCode {
        let code = if self.random.chance(2) { "nowhere" } else { self.random.pick(&PLACES) };
        LocationCode::new(code).expect("a code")
    }

    fn quantity(&mut self, most: u64) -> Quantity {
        Quantity::from_u64(self.random.within(1, most)).expect("a quantity")
    }

    fn ttl(&mut self) -> Duration {
        Duration::from_secs(self.random.within(5, 2_000))
    }

    fn order(&mut self) -> OrderId {
        OrderId::from_bytes(u128::from(self.random.within(1, ORDERS)).to_be_bytes())
    }
}

fn decided<T>(about: String, order: Option<OrderId>, result: Result<T, Refusal>) -> Decided {
    Decided { about, order, result: result.map(|_| ()) }
}

pub(crate) fn product(number: u8) -> ProductId {
    ProductId::from_bytes([number; 16])
}

fn actor() -> Actor {
    Actor::new("law").expect("an actor")
}

fn cause() -> Cause {
    Cause::by(actor())
}
