//! Whoever writes locks rows in one order, whatever the order in which they were named: so nobody waits in a circle.

use std::thread;
use std::time::{Duration, Instant};

use holdfast_application::answer::Reply;
use holdfast_application::command::Remarks;
use holdfast_application::lane::decide_at_once;
use holdfast_application::ports::Store;
use holdfast_application::ports::contract::warehouse::{confirm, new_item, product, reserve, submission};
use holdfast_application::{Command, Policy};
use mysql::prelude::Queryable as _;

use crate::shared_store::{Database, left_out};

/// Items, and orders, of a story; the one in the middle is held by somebody else.
const NUMBERS: std::ops::RangeInclusive<u8> = 1..=20;
const HELD: u8 = 10;
/// `InnoDB` tells anew who waits once nobody has asked for a tenth of a second.
const LOOK_EVERY: Duration = Duration::from_millis(150);

fn done(store: &mut dyn Store, commands: impl Iterator<Item = Command>) {
    let batch: Vec<_> = commands.map(submission).collect();
    let replies = decide_at_once(store, &batch, &Policy::default()).expect("committed");
    assert!(replies.iter().all(|reply| matches!(reply, Reply::Decided(Ok(_)))), "{replies:?}");
}

/// While somebody holds a row of `table` in the middle, and `commands` wait for it, those before it are locked and none
/// behind it.
fn shows_the_order(database: &Database, store: &mut (dyn Store + Send), table: &str, commands: Vec<Command>) {
    let row = |number: u8| format!("SELECT number FROM {table} WHERE number = {number} FOR UPDATE");
    let mut holder = database.connect();
    holder.query_drop("START TRANSACTION").expect("begins");
    holder.query_drop(row(HELD)).expect("holds");
    thread::scope(|scope| {
        let writer = scope.spawn(move || done(store, commands.into_iter()));
        let asked = Instant::now();
        let waiting = "SELECT COUNT(*) FROM information_schema.innodb_lock_waits w JOIN information_schema.innodb_trx t \
                       ON t.trx_id = w.blocking_trx_id WHERE t.trx_mysql_thread_id = ";
        while database.ask(&format!("{waiting}{}", holder.connection_id())) == 0 {
            assert!(asked.elapsed() < Duration::from_secs(20), "nobody waits for the row");
            thread::sleep(LOOK_EVERY);
        }
        let mut prober = database.connect();
        let locked: Vec<u8> =
            NUMBERS.filter(|number| prober.query_drop(format!("{} NOWAIT", row(*number))).is_err()).collect();
        holder.query_drop("ROLLBACK").expect("lets go");
        writer.join().expect("the writer goes on");
        assert_eq!(locked, (1..=HELD).collect::<Vec<_>>(), "{table}");
    });
}

#[test]
fn rows_are_locked_in_the_order_of_their_ids_however_they_were_named() {
    let Some(database) = Database::make() else {
        return left_out("rows_are_locked_in_the_order_of_their_ids_however_they_were_named");
    };
    assert!(NUMBERS.map(product).is_sorted());
    let (mut store, _) = database.opened();
    // One after the other, so that their numbers rise as their ids do.
    for number in NUMBERS {
        done(&mut store, std::iter::once(Command::CreateItem(new_item(number, &[("main", 100)]), Remarks::default())));
        done(&mut store, std::iter::once(reserve(number, &[(number, 1)])));
    }
    assert_eq!(database.ask("SELECT MAX(number) FROM items"), 20);
    assert_eq!(database.ask("SELECT MAX(number) FROM orders"), 20);
    // New orders, whose items are asked for along with them; orders that are there; and their items, which come behind
    // them.
    let new = NUMBERS.rev().map(|number| reserve(number + 100, &[(number, 1)])).collect();
    shows_the_order(&database, &mut store, "items", new);
    shows_the_order(&database, &mut store, "orders", NUMBERS.rev().map(confirm).collect());
    let known = NUMBERS.rev().map(|number| confirm(number + 100)).collect();
    shows_the_order(&database, &mut store, "items", known);
}
