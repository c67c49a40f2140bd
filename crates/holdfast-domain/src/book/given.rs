//! Short words to tell stories of a book with.

use std::sync::Arc;
use std::time::Duration;

use crate::book::reserving::OrderLine;
use crate::book::stocking::{NewItem, StockVerb};
use crate::book::{Book, Effect, ExpiryRule, Hold, Numbering, ProductRef};
use crate::event::Crossing;
use crate::ids::{ItemNumber, LocationNumber, OrderId, OrderNumber, ProductId};
use crate::location::{Location, Locations};
use crate::movement::Cause;
use crate::quantity::{Count, Quantity};
use crate::refusal::Refusal;
use crate::text::{Actor, LocationCode, Name, Sku};
use crate::time::Timestamp;
use crate::{StockMovement, Strategy};

/// A product that light comes from.
pub(crate) const LAMP: ProductId = ProductId::from_bytes([1; 16]);
/// A product to sit on.
pub(crate) const CHAIR: ProductId = ProductId::from_bytes([2; 16]);
/// An order.
pub(crate) const ORDER: OrderId = OrderId::from_bytes([7; 16]);
/// Another order.
pub(crate) const OTHER: OrderId = OrderId::from_bytes([8; 16]);
/// How long orders are held in stories.
pub(crate) const HALF_AN_HOUR: Duration = Duration::from_mins(30);

/// A book with these units at `main`, nothing low at 3 units or more of them.
pub(crate) fn given<const N: usize>(stock: [(ProductId, u64); N]) -> Book {
    given_at([("main", 0)], stock.map(|(product, units)| (product, "main", units)))
}

/// A book with these locations, by code and priority, and these units.
pub(crate) fn given_at<const L: usize, const N: usize>(
    places: [(&str, u32); L],
    stock: [(ProductId, &str, u64); N],
) -> Book {
    let places = places.iter().zip(1_u16..).map(|((code, priority), number)| Location {
        number: LocationNumber(number),
        code: place(code),
        name: Name::new(code).expect("a name"),
        priority: *priority,
    });
    let locations = Arc::new(Locations::new(places.collect()));
    let numbering = Numbering {
        item: ItemNumber(1),
        location: LocationNumber(100),
        order: OrderNumber(1),
        ordered_at: Timestamp::EPOCH,
    };
    let mut book = Book::new(Timestamp::from_micros(1_000_000), ExpiryRule::Lenient, locations, numbering);
    for product in [LAMP, CHAIR] {
        let of_product = stock.iter().filter(|(of, _, _)| *of == product);
        let initial = of_product.map(|(_, code, units)| (place(code), units)).filter(|(_, units)| **units > 0);
        let new = NewItem {
            initial: initial.map(|(code, units)| (code, Quantity::from_u64(*units).expect("a quantity"))).collect(),
            ..new_item(product, if product == LAMP { "LAMP" } else { "CHAIR" })
        };
        book.create_item(&new, &cause()).expect("new");
    }
    book
}

/// An item without stock.
pub(crate) fn new_item(product: ProductId, sku: &str) -> NewItem {
    NewItem {
        product,
        name: Name::new(sku).expect("a name"),
        sku: Sku::new(sku).expect("a sku"),
        initial: Vec::new(),
        reorder_level: count(2),
        max_stock_level: count(100),
    }
}

/// Lines that name no location.
pub(crate) fn lines<const N: usize>(asked: [(ProductId, u32); N]) -> Vec<OrderLine> {
    let line =
        |(product, asked)| OrderLine { product: ProductRef::Id(product), quantity: units(asked), location: None };
    asked.map(line).to_vec()
}

/// A line that names a location.
pub(crate) fn line_at(product: ProductId, asked: u32, code: &str) -> OrderLine {
    OrderLine { product: ProductRef::Id(product), quantity: units(asked), location: Some(place(code)) }
}

pub(crate) fn units(units: u32) -> Quantity {
    Quantity::new(units).expect("a quantity")
}

pub(crate) fn count(units: u64) -> Count {
    Count::new(units).expect("a count")
}

pub(crate) fn place(code: &str) -> LocationCode {
    LocationCode::new(code).expect("a location code")
}

pub(crate) fn actor() -> Actor {
    Actor::new("story").expect("an actor")
}

pub(crate) fn cause() -> Cause {
    Cause::by(actor())
}

impl Book {
    /// Reserves for half an hour, the locations in their order.
    pub(crate) fn order_lines(&mut self, order: OrderId, lines: &[OrderLine]) -> Result<Effect, Refusal> {
        self.reserve_order(order, lines, Hold::For(HALF_AN_HOUR), Strategy::Priority, &actor())
    }

    /// Changes the stock of a product at `main`.
    pub(crate) fn change(&mut self, product: ProductId, verb: StockVerb, asked: u32) -> Result<u64, Refusal> {
        self.change_stock(&ProductRef::Id(product), &LocationCode::main(), verb, units(asked), None, cause())
    }

    /// Units available and reserved, over all locations.
    pub(crate) fn levels(&self, product: ProductId) -> (u64, u64) {
        let item = self.item(product).expect("the product is in the book");
        (item.available().get(), item.reserved().get())
    }

    /// What the live reservations of an order hold: location number and units.
    pub(crate) fn held(&self, order: OrderId) -> Vec<(u16, u32)> {
        let order = self.order(order).expect("the order is in the book");
        order.live().map(|held| (held.location.0, held.quantity.get())).collect()
    }

    /// The lines that were crossed since the book was given, as sequence and line.
    pub(crate) fn told(&self) -> Vec<(u64, Crossing)> {
        self.alerts.iter().map(|alert| (alert.sequence, alert.crossing)).collect()
    }

    /// The last movement.
    pub(crate) fn last_movement(&self) -> &StockMovement {
        self.movements.last().expect("something moved")
    }
}
