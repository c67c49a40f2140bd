//! Which lane a command waits for: lanes that seldom want the same rows, and one lane at a time for each order.
//!
//! Lanes that work on the same product wait for each other's transactions, so a product has its lane, and whoever
//! reserves it goes there. Later commands of the order name no product; they follow it, for its product is remembered
//! as long as one of its commands is in line or being decided, and for some time after. While one is under way the
//! order keeps its lane, so its commands are decided in their order, whatever is forgotten: once none is, any lane will
//! do.
//!
//! Commands in succession have one lane, for two would not keep their order.
//!
//! Lanes follow load: while few commands are under way one lane takes them all, for one full batch costs less than some
//! small ones. So a product may change its lane, and for a moment two lanes want its rows.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use holdfast_domain::OrderId;

use crate::command::Command;

/// How many orders that are not under way are remembered, at least. Twice as many take some 6 MB.
const REMEMBERED: usize = 65_536;
/// With more commands under way than this for each lane that gets work, twice as many lanes get some
/// (docs/performance.md).
const COMMANDS_A_LANE_MAX: usize = 48;
/// After so many commands for which half as many lanes would have done, half as many get work: callers who wait for
/// their answers come and go by batches, and a product that changed its lane with each of them would wait for itself.
const CALM_MAX: usize = 1_024;

/// The lane of every command.
#[derive(Debug)]
pub(super) struct Routing {
    lanes: usize,
    /// How many of them get work.
    at_work: usize,
    /// How many commands are under way.
    commands: usize,
    /// How many have come since all those lanes were needed.
    calm: usize,
    /// Orders with commands under way.
    under_way: HashMap<OrderId, Place>,
    /// Orders without, and what they went by.
    recent: HashMap<OrderId, Mark>,
    /// Those that were recent before.
    before: HashMap<OrderId, Mark>,
}

/// What tells the lane of a command: a number made of its product or order.
#[derive(Clone, Copy, Debug)]
struct Mark(u64);

#[derive(Clone, Copy, Debug)]
struct Place {
    lane: usize,
    mark: Mark,
    commands: usize,
}

impl Routing {
    pub(super) fn over(lanes: usize) -> Self {
        let (under_way, recent, before) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { lanes, at_work: 1, commands: 0, calm: 0, under_way, recent, before }
    }

    /// Where a command waits that comes now. It is under way until [`Self::leave`].
    pub(super) fn enter(&mut self, command: &Command) -> usize {
        self.enter_by(command, None)
    }

    /// The same for a command in succession, for which one lane waits.
    pub(super) fn enter_in_succession(&mut self, command: &Command) -> usize {
        self.enter_by(command, Some(Mark::FIRST))
    }

    fn enter_by(&mut self, command: &Command, instead: Option<Mark>) -> usize {
        self.enter_anywhere();
        let Some(order) = command.order() else {
            let mark = instead.or_else(|| command.product().map(|product| Mark::of(&product)));
            return self.lane_of(mark.unwrap_or(Mark::FIRST));
        };
        if let Some(place) = self.under_way.get_mut(&order) {
            place.commands = place.commands.saturating_add(1);
            return place.lane;
        }
        let remembered = self.recent.get(&order).or_else(|| self.before.get(&order)).copied();
        let mark = remembered.unwrap_or_else(|| match (command.product(), command) {
            (Some(product), _) => Mark::of(&product),
            // A sweep ends many orders of few products: in one lane it keeps one other lane waiting at most.
            (None, Command::ExpireOrder { .. } | Command::MatchPayment { .. } | Command::DropPayment { .. }) => {
                Mark::FIRST
            }
            (None, _) => Mark::of(&order),
        });
        let lane = self.lane_of(instead.unwrap_or(mark));
        self.under_way.insert(order, Place { lane, mark, commands: 1 });
        lane
    }

    /// A command is under way whose lane is given.
    pub(super) fn enter_anywhere(&mut self) {
        self.commands = self.commands.saturating_add(1);
        let fits = |lanes: usize| self.commands <= lanes.saturating_mul(COMMANDS_A_LANE_MAX);
        self.calm = if fits(self.at_work.div_ceil(2)) { self.calm.saturating_add(1) } else { 0 };
        if !fits(self.at_work) {
            self.at_work = self.at_work.saturating_mul(2).min(self.lanes);
        } else if self.calm > CALM_MAX {
            (self.at_work, self.calm) = (self.at_work.div_ceil(2), 0);
        }
    }

    /// A command, about this order if about one, is not under way any more.
    pub(super) fn leave(&mut self, order: Option<OrderId>) {
        self.commands = self.commands.saturating_sub(1);
        let Some(order) = order else { return };
        let Some(place) = self.under_way.get_mut(&order) else { return };
        place.commands = place.commands.saturating_sub(1);
        if place.commands > 0 {
            return;
        }
        let mark = place.mark;
        self.under_way.remove(&order);
        if self.recent.len() >= REMEMBERED {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(order, mark);
    }

    fn lane_of(&self, mark: Mark) -> usize {
        let at_work = u64::try_from(self.at_work).unwrap_or(u64::MAX);
        mark.0.checked_rem(at_work).and_then(|lane| usize::try_from(lane).ok()).unwrap_or(0)
    }
}

impl Mark {
    /// That of the first lane, however many there are.
    const FIRST: Self = Self(0);

    /// The same in every process, so that services whose lanes are as many meet lane by lane.
    fn of(subject: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        subject.hash(&mut hasher);
        Self(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use holdfast_domain::book::ProductRef;
    use holdfast_domain::book::reserving::OrderLine;
    use holdfast_domain::{ProductId, Quantity};

    use super::*;

    fn order(number: u32) -> OrderId {
        OrderId::from_bytes(u128::from(number).to_be_bytes())
    }

    fn reserve(number: u32, products: &[u8]) -> Command {
        let line = |product: &u8| OrderLine {
            product: ProductRef::Id(ProductId::from_bytes([*product; 16])),
            quantity: Quantity::ONE,
            location: None,
        };
        let lines = products.iter().map(line).collect();
        Command::ReserveOrder { order: order(number), lines, ttl: None, strategy: None }
    }

    fn confirm(number: u32) -> Command {
        Command::ConfirmOrder { order: order(number), reacquire: false }
    }

    /// Four lanes that all have work: commands with numbers from a million on are under way.
    fn busy() -> Routing {
        let mut routing = Routing::over(4);
        for number in 1_000_000..1_000_400 {
            routing.enter(&confirm(number));
        }
        assert_eq!(routing.at_work, 4);
        routing
    }

    #[test]
    fn lanes_follow_load() {
        let mut routing = Routing::over(6);
        let mut at_work_after = |numbers: std::ops::Range<u32>| {
            for number in numbers {
                routing.enter(&confirm(number));
            }
            routing.at_work
        };
        let grown = [0..48, 48..49, 49..97, 97..193, 193..3_000].map(&mut at_work_after);
        assert_eq!(grown, [1, 2, 4, 6, 6]);
        (0..2_990).for_each(|number| routing.leave(Some(order(number))));
        let mut at_work_after_some = |commands: u32| {
            for number in 0..commands {
                routing.enter(&confirm(number));
                routing.leave(Some(order(number)));
            }
            routing.at_work
        };
        let shrunk = [1_000, 25, 1_025, 1_025, 5_000].map(&mut at_work_after_some);
        assert_eq!(shrunk, [6, 3, 2, 1, 1]);
    }

    #[test]
    fn callers_who_come_and_go_together_do_not_move_lanes() {
        let mut routing = Routing::over(4);
        for round in 0..100 {
            let numbers = round * 64..round * 64 + 64;
            for number in numbers.clone() {
                routing.enter(&confirm(number));
            }
            assert_eq!(routing.at_work, 2, "round {round}");
            numbers.for_each(|number| routing.leave(Some(order(number))));
            assert_eq!(routing.at_work, 2, "round {round}");
        }
    }

    #[test]
    fn orders_for_one_product_share_a_lane_whatever_else_stands_in_which_order() {
        let mut routing = busy();
        let lane = routing.enter(&reserve(1, &[7]));
        assert!((2..20).all(|number| routing.enter(&reserve(number, &[7])) == lane));
        assert_eq!(routing.enter(&reserve(20, &[7, 9])), routing.enter(&reserve(21, &[9, 7])));
    }

    #[test]
    fn products_are_spread_over_all_lanes() {
        let mut routing = busy();
        let mut orders_of = [0_u32; 4];
        for number in 0..200 {
            orders_of[routing.enter(&reserve(number.into(), &[number]))] += 1;
        }
        assert!(orders_of.iter().all(|orders| *orders >= 25), "{orders_of:?}");
    }

    #[test]
    fn an_order_keeps_its_lane_while_a_command_of_it_is_under_way() {
        let mut routing = busy();
        // Their payments come first, so their lanes are not their product's.
        let lanes: Vec<usize> = (0..50).map(|number| routing.enter(&confirm(number))).collect();
        assert_eq!(lanes.iter().collect::<BTreeSet<_>>().len(), 4, "all lanes are in use");
        for number in 0..50 {
            assert_eq!(routing.enter(&reserve(number, &[7])), lanes[usize::try_from(number).expect("few")]);
            routing.leave(Some(order(number)));
        }
        // The others have gone, so few lanes get new work.
        (1_000_000..1_000_400).for_each(|other| routing.leave(Some(order(other))));
        for other in 2_000_000..2_200_000 {
            routing.enter(&confirm(other));
            routing.leave(Some(order(other)));
        }
        assert_eq!(routing.at_work, 2);
        for number in 0..50 {
            assert_eq!(routing.enter(&confirm(number)), lanes[usize::try_from(number).expect("few")]);
        }
        assert!(routing.recent.len() <= REMEMBERED && routing.before.len() <= REMEMBERED);
    }

    #[test]
    fn a_sweep_stays_in_one_lane() {
        let mut routing = busy();
        assert!((0..200).all(|number| routing.enter(&Command::ExpireOrder { order: order(number) }) == 0));
    }

    #[test]
    fn a_succession_stays_in_one_lane_but_for_orders_that_are_under_way_elsewhere() {
        let mut routing = busy();
        let elsewhere = (1_000_000..1_000_400).find(|number| routing.under_way[&order(*number)].lane == 3);
        let elsewhere = elsewhere.expect("all lanes are in use");
        for number in 0..200 {
            assert_eq!(routing.enter_in_succession(&reserve(number.into(), &[number])), 0);
        }
        assert_eq!(routing.enter_in_succession(&confirm(elsewhere)), 3);
        // Whoever asks for such an order later goes where its product is.
        let lane = routing.enter(&reserve(1_000, &[7]));
        routing.leave(Some(order(7)));
        assert_eq!(routing.enter(&confirm(7)), lane);
    }

    #[test]
    fn an_order_is_remembered_where_its_product_is() {
        let mut routing = busy();
        for number in 0..200 {
            let lane = routing.enter(&reserve(number, &[7]));
            routing.leave(Some(order(number)));
            assert_eq!(routing.enter(&confirm(number)), lane);
            routing.leave(Some(order(number)));
        }
        assert_eq!(routing.under_way.len(), 400);
    }
}
