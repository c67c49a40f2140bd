//! Stories of where units are taken from.

use super::Strategy;
use crate::book::Hold;
use crate::book::given::{CHAIR, HALF_AN_HOUR, LAMP, ORDER, actor, given_at, line_at, lines};
use crate::{Book, Refusal};

/// Numbers follow the order here; they are served south (3), north (1), east (2).
fn warehouse() -> Book {
    let stock = [(LAMP, "north", 5), (LAMP, "east", 8), (LAMP, "south", 3), (CHAIR, "east", 1)];
    given_at([("north", 1), ("east", 2), ("south", 0)], stock)
}

fn taken(strategy: Strategy, asked: u32) -> Vec<(u16, u32)> {
    let mut book = warehouse();
    let hold = Hold::For(HALF_AN_HOUR);
    book.reserve_order(ORDER, &lines([(LAMP, asked)]), hold, strategy, &actor()).expect("enough");
    book.held(ORDER)
}

#[test]
fn by_priority_the_first_location_is_emptied_first() {
    assert_eq!(taken(Strategy::Priority, 2), [(3, 2)]);
    assert_eq!(taken(Strategy::Priority, 10), [(3, 3), (1, 5), (2, 2)]);
}

#[test]
fn by_most_available_the_fullest_location_is_emptied_first() {
    assert_eq!(taken(Strategy::MostAvailable, 2), [(2, 2)]);
    assert_eq!(taken(Strategy::MostAvailable, 14), [(2, 8), (1, 5), (3, 1)]);
}

#[test]
fn by_fewest_splits_the_first_location_that_has_all_serves_alone() {
    assert_eq!(taken(Strategy::FewestSplits, 3), [(3, 3)]);
    assert_eq!(taken(Strategy::FewestSplits, 4), [(1, 4)], "north comes in front of east");
    assert_eq!(taken(Strategy::FewestSplits, 6), [(2, 6)]);
    assert_eq!(taken(Strategy::FewestSplits, 10), [(2, 8), (3, 2)], "two, and the rest from the first that has it");
    assert_eq!(taken(Strategy::FewestSplits, 16), [(2, 8), (1, 5), (3, 3)]);
}

#[test]
fn a_line_that_names_its_location_is_served_first() {
    let mut book = warehouse();
    let mut asked = lines([(LAMP, 4)]);
    asked.push(line_at(LAMP, 2, "south"));
    book.order_lines(ORDER, &asked).expect("enough");
    let mut held = book.held(ORDER);
    held.sort_unstable();
    assert_eq!(held, [(1, 3), (3, 3)], "one part at one level, the open line takes what is left");
}

#[test]
fn a_line_that_names_its_location_is_not_served_from_elsewhere() {
    let mut book = warehouse();
    let refusal = book.order_lines(ORDER, &[line_at(LAMP, 6, "north")]).expect_err("five are there");
    let Refusal::InsufficientStock(short) = refusal else { panic!("{refusal:?}") };
    let told: Vec<_> = short.iter().map(|line| (line.location.clone(), line.available.get())).collect();
    assert_eq!(told, [(Some(crate::book::given::place("north")), 5)]);
}

#[test]
fn a_line_without_a_location_is_told_what_all_of_them_have() {
    let mut book = warehouse();
    let refusal = book.order_lines(ORDER, &lines([(LAMP, 17), (CHAIR, 2)])).expect_err("too many");
    let told: Vec<_> = refusal.lines().iter().map(|line| (line.requested.get(), line.available.get())).collect();
    assert_eq!(told, [(17, 16), (2, 1)]);
}
