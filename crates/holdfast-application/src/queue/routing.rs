//! Which lane a command waits for: lanes that seldom want the same rows, and one lane at a time for each order.
//!
//! Lanes that work on the same product wait for each other's transactions, so a product has its lane, and whoever reserves
//! it goes there. Later commands of the order name no product; they follow the order's lane, which is remembered as long as
//! one of its commands is in line or being decided, and for some time after. So an order's commands are decided in their
//! order, whatever is forgotten: once none is under way, any lane will do.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use holdfast_domain::OrderId;

use crate::command::Command;

/// How many orders that are not under way are remembered, at least. Twice as many take some 5 MB.
const REMEMBERED: usize = 65_536;

/// The lane of every command.
#[derive(Debug)]
pub(super) struct Routing {
    lanes: usize,
    /// Orders with commands under way.
    under_way: HashMap<OrderId, Place>,
    /// Orders without, and where their last command was decided.
    recent: HashMap<OrderId, usize>,
    /// Those that were recent before.
    before: HashMap<OrderId, usize>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    lane: usize,
    commands: usize,
}

impl Routing {
    pub(super) fn over(lanes: usize) -> Self {
        Self { lanes, under_way: HashMap::new(), recent: HashMap::new(), before: HashMap::new() }
    }

    /// Where a command waits that comes now. It is under way until [`Self::leave`].
    pub(super) fn enter(&mut self, command: &Command) -> usize {
        let Some(order) = command.order() else { return command.product().map_or(0, |product| self.of(&product)) };
        if let Some(place) = self.under_way.get_mut(&order) {
            place.commands = place.commands.saturating_add(1);
            return place.lane;
        }
        let remembered = self.recent.get(&order).or_else(|| self.before.get(&order)).copied();
        let lane = remembered.unwrap_or_else(|| match command.product() {
            Some(product) => self.of(&product),
            None => self.of(&order),
        });
        self.under_way.insert(order, Place { lane, commands: 1 });
        lane
    }

    /// A command about this order is not under way any more.
    pub(super) fn leave(&mut self, order: OrderId) {
        let Some(place) = self.under_way.get_mut(&order) else { return };
        place.commands = place.commands.saturating_sub(1);
        if place.commands > 0 {
            return;
        }
        let lane = place.lane;
        self.under_way.remove(&order);
        if self.recent.len() >= REMEMBERED {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(order, lane);
    }

    /// The same in every process, so that two services whose lanes are as many meet lane by lane.
    fn of(&self, subject: &impl Hash) -> usize {
        let mut hasher = DefaultHasher::new();
        subject.hash(&mut hasher);
        let lanes = u64::try_from(self.lanes).unwrap_or(u64::MAX);
        hasher.finish().checked_rem(lanes).and_then(|lane| usize::try_from(lane).ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use holdfast_domain::book::ProductRef;
    use holdfast_domain::book::reserving::OrderLine;
    use holdfast_domain::{ProductId, Quantity};

    use super::*;

    fn order(number: u8) -> OrderId {
        OrderId::from_bytes([number; 16])
    }

    fn reserve(number: u8, products: &[u8]) -> Command {
        let line = |product: &u8| OrderLine {
            product: ProductRef::Id(ProductId::from_bytes([*product; 16])),
            quantity: Quantity::ONE,
            location: None,
        };
        let lines = products.iter().map(line).collect();
        Command::ReserveOrder { order: order(number), lines, ttl: None, strategy: None }
    }

    fn confirm(number: u8) -> Command {
        Command::ConfirmOrder { order: order(number), reacquire: false }
    }

    #[test]
    fn orders_for_one_product_share_a_lane_whatever_else_stands_in_which_order() {
        let mut routing = Routing::over(4);
        let lane = routing.enter(&reserve(1, &[7]));
        assert!((2..20).all(|number| routing.enter(&reserve(number, &[7])) == lane));
        assert_eq!(routing.enter(&reserve(20, &[7, 9])), routing.enter(&reserve(21, &[9, 7])));
    }

    #[test]
    fn products_are_spread_over_all_lanes() {
        let mut routing = Routing::over(4);
        let mut orders_of = [0_u32; 4];
        for number in 0..200 {
            orders_of[routing.enter(&reserve(number, &[number]))] += 1;
        }
        assert!(orders_of.iter().all(|orders| *orders >= 25), "{orders_of:?}");
    }

    #[test]
    fn an_order_keeps_its_lane_while_a_command_of_it_is_under_way() {
        let mut routing = Routing::over(4);
        // Its payment comes first, so its lane is not its product's.
        let number = (0..200)
            .find(|number| routing.of(&order(*number)) != routing.of(&ProductRef::Id(ProductId::from_bytes([7; 16]))));
        let number = number.expect("lanes differ");
        let lane = routing.enter(&confirm(number));
        assert_eq!(routing.enter(&reserve(number, &[7])), lane);
        routing.leave(order(number));
        for other in (0..u32::try_from(3 * REMEMBERED).expect("fits")).map(u128::from) {
            let other = OrderId::from_bytes((other + (1 << 64)).to_be_bytes());
            routing.enter(&Command::ConfirmOrder { order: other, reacquire: false });
            routing.leave(other);
        }
        assert_eq!(routing.enter(&confirm(number)), lane, "one of its commands waits still");
        assert!(routing.recent.len() <= REMEMBERED && routing.before.len() <= REMEMBERED);
    }

    #[test]
    fn an_order_is_remembered_where_its_product_is() {
        let mut routing = Routing::over(4);
        for number in 0..200 {
            let lane = routing.enter(&reserve(number, &[7]));
            routing.leave(order(number));
            assert_eq!(routing.enter(&confirm(number)), lane);
            routing.leave(order(number));
        }
        assert!(routing.under_way.is_empty());
    }
}
