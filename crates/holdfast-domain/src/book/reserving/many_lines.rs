//! The longest order there may be takes no more time than its lines.

use crate::book::ProductRef;
use crate::book::given::{HALF_AN_HOUR, ORDER, OTHER, actor, cause, given, new_item, place, units};
use crate::book::reserving::OrderLine;
use crate::book::stocking::NewItem;
use crate::order::LINES_MAX;
use crate::{ProductId, Strategy};

#[test]
fn an_order_of_five_thousand_lines_takes_no_more_than_its_lines() {
    let most = u16::try_from(LINES_MAX).expect("small");
    let mut book = given([]);
    let product = |number: u16| {
        ProductId::from_bytes([&[9; 14], number.to_be_bytes().as_slice()].concat().try_into().expect("16 bytes"))
    };
    let many = || (0..most).map(product);
    for (number, product) in (0_u32..).zip(many()) {
        let new = NewItem { initial: vec![(place("main"), units(9))], ..new_item(product, &format!("P{number}")) };
        book.create_item(&new, &cause()).expect("new");
    }
    let lines = |asked: &dyn Fn(usize) -> u32| -> Vec<OrderLine> {
        let line =
            |(at, product)| OrderLine { product: ProductRef::Id(product), quantity: units(asked(at)), location: None };
        many().enumerate().map(line).collect()
    };
    let started = std::time::Instant::now();
    book.order_lines(ORDER, &lines(&|_| 5)).expect("enough");
    let every_other = lines(&|at| if at % 2 == 0 { 5 } else { 6 });
    book.replace_lines(ORDER, &every_other, None, Strategy::Priority, &actor()).expect("enough");
    // Another that wants what the first, whose time is over, holds.
    book.now = book.now.after(HALF_AN_HOUR);
    book.due = vec![ORDER];
    book.order_lines(OTHER, &lines(&|_| 9)).expect("the dead hold gives way");
    let spent = started.elapsed();
    assert_eq!(book.held(OTHER).len(), LINES_MAX);
    assert!(spent < std::time::Duration::from_secs(2), "{spent:?} for 15,000 lines");
}
