//! How often a batch crosses the network, and that it is right however it crosses.

use std::ops::Range;

use holdfast_application::answer::Reply;
use holdfast_application::audit::prove;
use holdfast_application::command::{Remarks, Submission};
use holdfast_application::lane::decide_at_once;
use holdfast_application::ports::Store;
use holdfast_application::ports::contract::warehouse::{
    confirm, location, new_item, order, release, reserve, sku, submission, units,
};
use holdfast_application::{Command, Policy};
use holdfast_domain::Name;
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_infrastructure::mysql::{MysqlSettings, TimeSource, migrate, open};

use crate::shared_store::{Database, left_out};
use crate::statement_proxy::StatementProxy;

/// The way to a database through a proxy.
fn through(database: &Database, takes_many: bool) -> (StatementProxy, MysqlSettings) {
    let settings = database.settings();
    let port = mysql::Opts::from_url(&settings.url).expect("an address").get_tcp_port();
    let proxy = StatementProxy::before(port, takes_many);
    let url = settings.url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port));
    assert!(url.contains(&proxy.port.to_string()), "{url}");
    (proxy, MysqlSettings { url, ..settings })
}

/// Commands that are decided together, and what came of each.
fn decided(store: &mut dyn Store, commands: Vec<Command>) -> Vec<bool> {
    let batch: Vec<Submission> = commands.into_iter().map(submission).collect();
    let replies = decide_at_once(store, &batch, &Policy::default()).expect("committed");
    replies.iter().map(|reply| matches!(reply, Reply::Decided(Ok(_)))).collect()
}

fn made(units: u32) -> Vec<Command> {
    [1, 2].map(|number| Command::CreateItem(new_item(number, &[("main", units)]), Remarks::default())).into()
}

/// New orders of two products, and how many round trips they take.
fn trips_of_new(proxy: &StatementProxy, store: &mut dyn Store, numbers: Range<u8>) -> u64 {
    let wishes = numbers.map(|number| reserve(number, &[(1, 1), (2, 2)])).collect();
    let before = proxy.heard();
    assert!(decided(store, wishes).into_iter().all(|is_done| is_done));
    proxy.heard().saturating_sub(before)
}

/// An order of one unit of product 2, by its SKU.
fn reserve_by_sku(number: u8) -> Command {
    let line = OrderLine { product: ProductRef::Sku(sku(2)), quantity: units(1), location: None };
    Command::ReserveOrder { order: order(number), lines: vec![line], ttl: None, strategy: None }
}

#[test]
fn a_batch_of_new_orders_takes_three_round_trips() {
    let Some(database) = Database::make() else { return left_out("a_batch_of_new_orders_takes_three_round_trips") };
    migrate(&database.settings(), false).expect("makes");
    let (proxy, settings) = through(&database, true);
    let (mut store, _) = open(&settings, TimeSource::Database).expect("opens");
    let (mut other, _) = open(&database.settings(), TimeSource::Database).expect("opens");
    decided(&mut store, made(1_000));
    // Numbers are taken by the first.
    trips_of_new(&proxy, &mut store, 0..40);
    assert_eq!(trips_of_new(&proxy, &mut store, 40..80), 3);
    assert_eq!(trips_of_new(&proxy, &mut store, 80..81), 3);
    // Of a product that it meets for the first time it asks for the levels once it knows the number.
    decided(&mut other, vec![Command::CreateItem(new_item(3, &[("main", 10)]), Remarks::default())]);
    let mut trips_of_one = |number| {
        let before = proxy.heard();
        assert_eq!(decided(&mut store, vec![reserve(number, &[(3, 1)])]), [true]);
        proxy.heard() - before
    };
    assert_eq!((trips_of_one(81), trips_of_one(82)), (4, 3));
    assert_eq!(database.ask("SELECT COUNT(*) FROM orders"), 83);
}

#[test]
fn orders_that_are_there_tell_of_products_that_nobody_names() {
    let Some(database) = Database::make() else {
        return left_out("orders_that_are_there_tell_of_products_that_nobody_names");
    };
    migrate(&database.settings(), false).expect("makes");
    let (proxy, settings) = through(&database, true);
    let (mut store, queries) = open(&settings, TimeSource::Database).expect("opens");
    decided(&mut store, made(100));
    assert_eq!(decided(&mut store, vec![reserve(1, &[(1, 1)]), reserve(2, &[(2, 3)])]), [true, true]);
    // A statement is prepared that finds the reservations of an order or two. Of the same lines, and of others: the
    // second batch begins anew, for it has not locked the product that the order holds.
    let mut trips = |wishes: Vec<Command>, expected: &[bool]| {
        let before = proxy.heard();
        assert_eq!(decided(&mut store, wishes), expected);
        proxy.heard() - before
    };
    assert_eq!(trips(vec![reserve(1, &[(1, 1)]), reserve(3, &[(1, 1)])], &[true, true]), 5);
    assert!(trips(vec![reserve(1, &[(2, 1)]), reserve(4, &[(2, 1)])], &[false, true]) > 5);
    assert_eq!(trips(vec![confirm(1), release(2), reserve(5, &[(1, 1)])], &[true, true, true]), 6);
    // A SKU is looked up once the orders are known; an order that was there, and is told again, begins nothing anew.
    trips(vec![reserve_by_sku(6)], &[true]);
    let of_new = trips(vec![reserve_by_sku(7)], &[true]);
    let again = trips(vec![reserve_by_sku(7)], &[true]);
    assert_eq!((of_new, again), (6, 6));
    // Two of product 1 and three of product 2 are held now, and one of product 1 has left.
    assert_eq!(database.ask("SELECT SUM(reserved * item) FROM levels"), 8);
    assert_eq!(database.ask("SELECT SUM(available) FROM levels"), 194);

    let report = prove(&*queries, None).expect("reads");
    assert_eq!((report.faults, report.reservations), (Vec::new(), 7));
}

#[test]
fn an_item_with_another_number_than_before_keeps_its_levels() {
    let Some(database) = Database::make() else {
        return left_out("an_item_with_another_number_than_before_keeps_its_levels");
    };
    let (mut store, _) = database.opened();
    decided(&mut store, made(10));
    let wishes = |numbers: Range<u8>| numbers.map(|number| reserve(number, &[(1, 2), (2, 3)])).collect::<Vec<_>>();
    assert_eq!(decided(&mut store, wishes(0..2)), [true, true]);
    // As a database might that came out of a backup: what the writer remembers is another's number now.
    for (table, column) in
        [("items", "number"), ("stock", "item"), ("levels", "item"), ("movements", "item"), ("reservations", "item")]
    {
        for (from, to) in [(1, 3), (2, 1), (3, 2)] {
            database.run(&format!("UPDATE {table} SET {column} = {to} WHERE {column} = {from}"));
        }
    }
    database.run("DELETE FROM orders");
    database.run("DELETE FROM reservations");
    assert_eq!(decided(&mut store, wishes(2..4)), [true, false]);
    let left = |item| database.ask(&format!("SELECT available FROM levels WHERE item = {item}"));
    assert_eq!([left(2), left(1)], [4, 1]);
}

#[test]
fn a_writer_whose_statements_are_refused_together_says_one_at_a_time() {
    let Some(database) = Database::make() else {
        return left_out("a_writer_whose_statements_are_refused_together_says_one_at_a_time");
    };
    migrate(&database.settings(), false).expect("makes");
    let (proxy, settings) = through(&database, false);
    let (mut store, queries) = open(&settings, TimeSource::Database).expect("opens");
    let refused = proxy.refused();
    assert!(refused > 0, "it was asked whether it takes several");
    assert_eq!(decided(&mut store, made(10)), [true, true]);
    let wishes = (1..=6).map(|number| reserve(number, &[(1, 2), (2, 1)])).collect();
    assert_eq!(decided(&mut store, wishes), [true, true, true, true, true, false]);
    let changes = vec![confirm(1), release(2), confirm(6), reserve(7, &[(1, 2)])];
    assert_eq!(decided(&mut store, changes), [true, true, false, true]);
    assert_eq!(proxy.refused(), refused, "nothing was said together any more");

    let report = prove(&*queries, None).expect("reads");
    assert_eq!((report.faults, report.reservations), (Vec::new(), 11));
}

#[test]
fn a_writer_that_knows_all_locations_learns_of_those_that_others_make() {
    let Some(database) = Database::make() else {
        return left_out("a_writer_that_knows_all_locations_learns_of_those_that_others_make");
    };
    migrate(&database.settings(), false).expect("makes");
    let (mut one, _) = open(&database.settings(), TimeSource::Database).expect("opens");
    let mut other = one.another();
    let item_at = |number, place| Command::CreateItem(new_item(number, &[(place, 5)]), Remarks::default());
    assert_eq!(decided(&mut one, vec![item_at(1, "main"), item_at(2, "berlin")]), [true, false]);
    assert_eq!(decided(&mut other, vec![place("berlin"), item_at(2, "berlin")]), [true, true]);
    assert_eq!(decided(&mut one, vec![item_at(3, "berlin"), place("paris"), item_at(4, "paris")]), [true, true, true]);
    assert_eq!(decided(&mut other, vec![item_at(5, "paris")]), [true]);
}

fn place(code: &str) -> Command {
    let name = Name::new(code).expect("a name");
    Command::CreateLocation { code: location(code), name, priority: 0 }
}
