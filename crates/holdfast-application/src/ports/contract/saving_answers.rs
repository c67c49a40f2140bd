//! Answers are kept under their keys for as long as they should be.

use std::time::Duration;

use holdfast_domain::book::stocking::StockVerb;

use super::MakeStore;
use super::pages::{key_of, must_meet_somebody};
use super::warehouse::{Warehouse, change, keyed};
use crate::command::{Command, CommandKey};

/// An answer is found under scope, key and position together, as it was given.
pub fn kept_answers_are_found_under_their_key(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    let key = key_of("a key");
    let answer = crate::answer::KeptAnswer {
        status: 201,
        body: vec![0, 255, b'{', b'\''],
        location: Some("/here".to_owned()),
        etag: Some("\"v1\"".to_owned()),
    };
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let bare = crate::answer::KeptAnswer { status: 404, body: Vec::new(), location: None, etag: None };
    let second = CommandKey { position: 1, fingerprint: [9; 32], ..key.clone() };
    let now = transaction.now().expect("the time");
    transaction.keep_answers(&[(&key, &answer), (&second, &bare)], now).expect("kept");
    transaction.commit().expect("committed");
    let others = [
        CommandKey { position: 2, ..key.clone() },
        CommandKey { scope: "another".to_owned(), ..key.clone() },
        CommandKey { key: "A KEY".to_owned(), ..key.clone() },
        CommandKey { key: "a key ".to_owned(), ..key.clone() },
    ];
    let mut asked: Vec<&CommandKey> = others.iter().collect();
    asked.insert(2, &key);
    asked.push(&second);
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let found = transaction.find_answers(&asked).expect("answers");
    let logged = |fingerprint: [u8; 32], answer: &crate::answer::KeptAnswer| {
        Some(crate::ports::LoggedAnswer { fingerprint, answer: answer.clone() })
    };
    assert_eq!(found, [None, None, logged(key.fingerprint, &answer), None, None, logged([9; 32], &bare)]);
    let saved = transaction.keep_answers(&[(&key, &bare)], now);
    must_meet_somebody(saved, &mut *transaction);
}

/// Answers that were kept long enough go, a step at a time.
pub fn old_answers_are_forgotten(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let start = warehouse.now();
    for key in ["first", "second", "third"] {
        warehouse.wait(Duration::from_secs(10));
        warehouse.decide_all(&[keyed(key, change(1, StockVerb::Add, 1))]);
    }
    let left = |warehouse: &mut Warehouse| {
        let keys = ["first", "second", "third"].map(key_of);
        let mut transaction = warehouse.store.begin().expect("a transaction");
        let found = transaction.find_answers(&keys.each_ref()).expect("answers");
        found.iter().filter(|answer| answer.is_some()).count()
    };
    let before = start.after(Duration::from_secs(25));
    warehouse.decide(Command::ForgetAnswers { before: start, most: 9 }).expect("nothing so old");
    assert_eq!(left(&mut warehouse), 3);
    warehouse.decide(Command::ForgetAnswers { before, most: 1 }).expect("a step");
    assert_eq!(left(&mut warehouse), 2);
    warehouse.decide(Command::ForgetAnswers { before, most: 9 }).expect("the rest");
    assert_eq!(left(&mut warehouse), 1);
}
