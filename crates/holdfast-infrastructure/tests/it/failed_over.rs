//! A database that took over from another one and does not know the last that was done there: whoever writes goes on by
//! itself.

use holdfast_application::Policy;
use holdfast_application::answer::Reply;
use holdfast_application::audit::prove;
use holdfast_application::command::{Command, Remarks};
use holdfast_application::lane::decide_at_once;
use holdfast_application::ports::contract::warehouse::{new_item, reserve, submission};
use holdfast_application::ports::{CommitError, StoreError};
use holdfast_infrastructure::mysql::MysqlStore;

use crate::shared_store::{Database, left_out};

/// As often as a lane tries a command that meets another writer.
const TRIES: usize = 8;

#[test]
fn numbers_that_were_given_away_twice_keep_nobody_up() {
    let Some(database) = Database::make() else {
        return left_out("numbers_that_were_given_away_twice_keep_nobody_up");
    };
    let (mut one, queries) = database.opened();
    let (mut other, mut third) = (one.another(), one.another());
    insist(&mut one, Command::CreateItem(new_item(1, &[("main", 100)]), Remarks::default()));
    insist(&mut one, reserve(1, &[(1, 1)]));
    // The first writer has numbers left, and now nobody remembers that.
    database.run("UPDATE numbers SET next_free = 1");
    insist(&mut other, reserve(2, &[(1, 1)]));
    insist(&mut other, Command::CreateItem(new_item(2, &[("main", 100)]), Remarks::default()));
    for number in 0..20 {
        insist(&mut one, reserve(10 + number, &[(1, 1)]));
        insist(&mut other, reserve(40 + number, &[(2, 1)]));
        insist(&mut third, reserve(70 + number, &[(1, 1)]));
    }
    insist(&mut one, Command::CreateItem(new_item(3, &[("main", 100)]), Remarks::default()));
    insist(&mut third, Command::CreateItem(new_item(4, &[("main", 100)]), Remarks::default()));
    let report = prove(&*queries, None).expect("reads");
    assert_eq!((report.faults, report.products, report.reservations), (Vec::new(), 4, 62));
}

/// Tries until no other writer is met.
fn insist(store: &mut MysqlStore, command: Command) {
    let asked = [submission(command)];
    for _ in 0..TRIES {
        match decide_at_once(store, &asked, &Policy::default()) {
            Ok(replies) => {
                assert!(matches!(replies.as_slice(), [Reply::Decided(Ok(_))]), "{replies:?}");
                return;
            }
            Err(CommitError::NotApplied(StoreError::Contention(..))) => {}
            Err(other) => panic!("{other}"),
        }
    }
    panic!("it meets somebody again and again");
}
