//! What holds after every decision of a history.

use std::collections::BTreeMap;

use holdfast_domain::event::{Alert, Crossing};
use holdfast_domain::movement::{Balance, MovementReference, is_legal};
use holdfast_domain::{
    Count, InventoryItem, LocationNumber, Order, OrderStatus, ProductId, ReservationStatus, StockMovementType as Kind,
};

use crate::household::{Decided, Household, Snapshot};
use crate::seeds;

const DECISIONS: usize = 300;

/// Lives through histories and shows each decision with what was before and after.
fn each_decision(check: impl Fn(&Snapshot, &Decided, &Snapshot)) {
    for seed in seeds(15) {
        let mut household = Household::new(seed);
        let mut before = household.snapshot();
        for at in 0..DECISIONS {
            let decided = household.live_on();
            let after = household.snapshot();
            let story = format!("seed {seed}, decision {at}");
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&before, &decided, &after)));
            assert!(checked.is_ok(), "{story}: {decided:?}");
            before = after;
        }
        assert!(before.movements.len() > 100, "seed {seed} has a history");
    }
}

#[test]
fn units_are_conserved() {
    each_decision(|_, _, after| {
        for (product, item) in &after.items {
            let (mut came, mut went) = (0, 0);
            for movement in after.movements.iter().filter(|movement| movement.product == *product) {
                let units = movement.quantity.get();
                match movement.kind {
                    Kind::StockIn | Kind::Returned | Kind::TransferIn => came += units,
                    Kind::Adjustment if movement.after.available > movement.before.available => came += units,
                    Kind::Adjustment | Kind::StockOut | Kind::Damaged | Kind::TransferOut | Kind::Confirmed => {
                        went += units;
                    }
                    Kind::Reserved | Kind::Released => {}
                }
            }
            assert_eq!(item.on_hand().get(), came - went, "what came and did not go is in the house");
        }
    });
}

#[test]
fn replaying_the_movements_gives_the_levels() {
    each_decision(|_, _, after| {
        for item in after.items.values() {
            let mut levels: BTreeMap<LocationNumber, Balance> = BTreeMap::new();
            let mut sequence = 0;
            for movement in after.movements.iter().filter(|movement| movement.product == item.product) {
                sequence += 1;
                assert_eq!(movement.sequence, sequence, "without a gap");
                let level = levels.entry(movement.location).or_default();
                assert_eq!(movement.before, *level, "before is what was after the one in front");
                assert!(is_legal(movement.kind, movement.quantity, movement.before, movement.after), "{movement:?}");
                *level = movement.after;
            }
            assert_eq!(item.sequence, sequence);
            let kept: BTreeMap<_, _> = item.levels().iter().map(|level| (level.location, level.balance)).collect();
            assert_eq!(kept, levels);
        }
    });
}

#[test]
fn what_is_reserved_is_what_live_reservations_hold() {
    each_decision(|_, _, after| {
        let mut held: BTreeMap<(ProductId, LocationNumber), u64> = BTreeMap::new();
        for reservation in after.orders.values().flat_map(Order::live) {
            *held.entry((reservation.product, reservation.location)).or_default() +=
                u64::from(reservation.quantity.get());
        }
        for item in after.items.values() {
            for level in item.levels() {
                let units = held.remove(&(item.product, level.location)).unwrap_or(0);
                assert_eq!(level.balance.reserved.get(), units, "{} at {:?}", item.sku, level.location);
            }
        }
        assert_eq!(held.len(), 0, "nothing is held where there is no level");
    });
}

#[test]
fn a_reservation_has_one_end_and_shares_its_orders_fate() {
    each_decision(|before, _, after| {
        for (id, order) in &after.orders {
            let was = before.orders.get(id).map(|order| order.reservations.as_slice()).unwrap_or_default();
            for (old, new) in was.iter().zip(&order.reservations) {
                if old.is_live() {
                    assert_eq!((old.line, old.product, old.quantity), (new.line, new.product, new.quantity));
                } else {
                    assert_eq!(old, new, "what has ended does not change");
                }
            }
            assert!(order.reservations.len() >= was.len(), "history is not forgotten");
            let live = order.live().count();
            assert_eq!(live > 0, order.status == OrderStatus::Reserved, "{order:?}");
            let lines: Vec<u32> = order.reservations.iter().map(|held| held.line).collect();
            assert!(lines.iter().zip(1..).all(|(line, at)| *line == at), "{lines:?}");
            for held in &order.reservations {
                assert_eq!(held.ended_at.is_none(), held.is_live());
                let confirmed = held.status == ReservationStatus::Confirmed;
                assert!(!confirmed || order.status == OrderStatus::Confirmed);
            }
        }
    });
}

#[test]
fn each_reservation_was_made_by_one_movement_and_ended_by_one() {
    each_decision(|_, _, after| {
        for order in after.orders.values() {
            for held in &order.reservations {
                let id = Some(order.reservation_id(held.line));
                let mut of_it = after.movements.iter().filter(|movement| movement.cause.reservation == id);
                let kinds: Vec<Kind> = of_it.clone().map(|movement| movement.kind).collect();
                let expected = match held.status {
                    ReservationStatus::Reserved => vec![Kind::Reserved],
                    ReservationStatus::Confirmed => vec![Kind::Reserved, Kind::Confirmed],
                    ReservationStatus::Released | ReservationStatus::Expired => vec![Kind::Reserved, Kind::Released],
                };
                assert_eq!(kinds, expected);
                for movement in of_it.clone() {
                    assert_eq!((movement.product, movement.location), (held.product, held.location));
                    assert_eq!(movement.quantity, Count::from(held.quantity));
                    assert_eq!(movement.cause.reference, MovementReference::Order(order.id));
                }
                assert_eq!(of_it.next_back().map(|movement| movement.sequence), Some(held.sequence));
            }
        }
    });
}

#[test]
fn a_refusal_changes_nothing_but_an_orders_state() {
    each_decision(|before, decided, after| {
        if decided.result.is_ok() {
            return;
        }
        let mut after = after.clone();
        let Some(order) = decided.order else { return assert_eq!(*before, after) };
        let refused = after.orders.get(&order).is_some_and(|order| order.status == OrderStatus::Refused);
        if refused && decided.about.starts_with("reserve") {
            let now = after.orders.get(&order).cloned().expect("the order");
            let was = before.orders.get(&order).map(|was| (was.reservations.clone(), was.asked.clone()));
            assert_eq!((now.reservations, now.asked), was.unwrap_or_default());
            match before.orders.get(&order) {
                Some(was) => after.orders.insert(order, was.clone()),
                None => after.orders.remove(&order),
            };
        }
        // Due orders may have ended for it in vain: they were over, and each ended as a whole.
        let ended = |id| {
            let status = |snapshot: &Snapshot| snapshot.orders.get(id).map(|order: &Order| order.status);
            status(before) == Some(OrderStatus::Reserved) && status(&after) == Some(OrderStatus::Expired)
        };
        if !after.orders.keys().any(ended) {
            assert_eq!(*before, after);
        }
    });
}

#[test]
fn an_order_is_held_as_a_whole_for_what_it_asked() {
    each_decision(|_, _, after| {
        for order in after.orders.values().filter(|order| order.status == OrderStatus::Reserved) {
            let mut asked: BTreeMap<ProductId, u64> = BTreeMap::new();
            for line in &order.asked {
                *asked.entry(line.product).or_default() += u64::from(line.quantity.get());
            }
            let mut held: BTreeMap<ProductId, u64> = BTreeMap::new();
            for reservation in order.live() {
                *held.entry(reservation.product).or_default() += u64::from(reservation.quantity.get());
            }
            assert_eq!(held, asked);
            for line in &order.asked {
                let Some(location) = line.location else { continue };
                let there = order.live().filter(|held| (held.product, held.location) == (line.product, location));
                let units: u64 = there.map(|held| u64::from(held.quantity.get())).sum();
                assert!(units >= u64::from(line.quantity.get()), "a named line is served where it named");
            }
        }
    });
}

#[test]
fn parts_at_one_level_are_one_reservation() {
    each_decision(|_, _, after| {
        for order in after.orders.values() {
            let mut places: Vec<_> = order.live().map(|held| (held.product, held.location)).collect();
            let count = places.len();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), count, "{order:?}");
        }
    });
}

#[test]
fn a_line_is_told_once_whenever_it_is_crossed() {
    let mut lines_told = 0;
    for seed in seeds(15) {
        let mut household = Household::new(seed);
        let limits: BTreeMap<ProductId, InventoryItem> = household.snapshot().items;
        let first = household.snapshot().movements.len();
        (0..DECISIONS).for_each(|_| drop(household.live_on()));
        let after = household.snapshot();
        let mut total: BTreeMap<ProductId, i128> =
            limits.iter().map(|(product, item)| (*product, i128::from(item.available().get()))).collect();
        let mut expected: Vec<Alert> = Vec::new();
        for movement in after.movements.iter().skip(first) {
            let (product, sequence) = (movement.product, movement.sequence);
            let available = total.get_mut(&product).expect("a product");
            let before = *available;
            *available += i128::from(movement.after.available.get()) - i128::from(movement.before.available.get());
            if matches!(movement.kind, Kind::TransferIn | Kind::TransferOut) {
                continue;
            }
            let limit = i128::from(limits.get(&product).expect("a product").reorder_level.get());
            let crossed = [
                (before > limit && *available <= limit, Crossing::LowStock),
                (before > 0 && *available == 0, Crossing::OutOfStock),
                (before == 0 && *available > 0, Crossing::BackInStock),
            ];
            let told = crossed.into_iter().filter(|(crossed, _)| *crossed);
            let (available, reorder_level) = (movement_total(*available), movement_total(limit));
            let item = movement.item;
            expected.extend(told.map(|(_, crossing)| Alert {
                product,
                item,
                sequence,
                crossing,
                available,
                reorder_level,
            }));
        }
        assert_eq!(household.book.alerts, expected, "seed {seed}");
        lines_told += expected.len();
    }
    assert!(lines_told > 100, "{lines_told} lines were crossed");
}

/// A sum of units as the books count it.
fn movement_total(units: i128) -> Count {
    u64::try_from(units).ok().and_then(Count::new).expect("no sum is negative")
}
