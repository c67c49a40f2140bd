//! How often a batch crosses the network, and that it is right however it crosses.

use holdfast_application::answer::Reply;
use holdfast_application::audit::prove;
use holdfast_application::command::{Remarks, Submission};
use holdfast_application::lane::decide_at_once;
use holdfast_application::ports::Store;
use holdfast_application::ports::contract::warehouse::{confirm, location, new_item, release, reserve, submission};
use holdfast_application::{Command, Policy};
use holdfast_domain::Name;
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

#[test]
fn a_batch_of_new_orders_takes_five_round_trips() {
    let Some(database) = Database::make() else { return left_out("a_batch_of_new_orders_takes_five_round_trips") };
    migrate(&database.settings(), false).expect("makes");
    let (proxy, settings) = through(&database, true);
    let (mut store, _) = open(&settings, TimeSource::Database).expect("opens");
    decided(&mut store, made(1_000));
    let mut orders = 0;
    let mut trips = |store: &mut dyn Store, size: u8| {
        let wishes = (orders..orders + size).map(|number| reserve(number, &[(1, 1), (2, 2)])).collect();
        orders += size;
        let before = proxy.heard();
        assert!(decided(store, wishes).into_iter().all(|is_done| is_done));
        proxy.heard() - before
    };
    // Numbers are taken, and statements prepared, by the first of a size.
    trips(&mut store, 40);
    assert_eq!(trips(&mut store, 40), 5);
    assert_eq!(trips(&mut store, 1), 5);
    assert_eq!(database.ask("SELECT COUNT(*) FROM orders"), 81);
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
