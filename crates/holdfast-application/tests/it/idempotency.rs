//! A command under a key is carried out once, however often it is sent.

use holdfast_application::answer::Reply;
use holdfast_application::command::{Command, CommandKey, Remarks, StockChange, Submission};
use holdfast_application::ports::contract::Warehouse;
use holdfast_application::ports::contract::warehouse::{change, confirm, keyed, product, reserve, submission, units};
use holdfast_domain::LocationCode;
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::stocking::StockVerb::{Add, Remove};

#[test]
fn what_depends_on_the_callers_copy_is_judged_anew() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let on_version = |version: u64| {
        let asked = StockChange {
            product: ProductRef::Id(product(1)),
            location: LocationCode::main(),
            verb: Add,
            quantity: units(1),
            version: Some(version),
            remarks: Remarks::default(),
        };
        keyed("k", Command::ChangeStock(asked))
    };
    let stale = warehouse.decide_all(&[on_version(1)]);
    assert!(matches!(stale.as_slice(), [Reply::Decided(Err(_))]), "a stale copy is no answer: {stale:?}");
    let fresh = warehouse.decide_all(&[on_version(2)]);
    assert!(matches!(fresh.as_slice(), [Reply::Kept { .. }]), "{fresh:?}");
}

#[test]
fn callers_do_not_share_names_and_positions_are_names_too() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let asked = keyed("k", change(1, Add, 1));
    let with_key = |change: fn(&mut CommandKey)| {
        let mut asked = asked.clone();
        asked.key.iter_mut().for_each(change);
        asked
    };
    let another = with_key(|key| key.scope = "another".to_owned());
    let second = with_key(|key| key.position = 1);
    let replies = warehouse.decide_all(&[asked.clone(), another.clone(), second.clone()]);
    assert!(replies.iter().all(|reply| matches!(reply, Reply::Kept { .. })), "{replies:?}");
    let replies = warehouse.decide_all(&[asked, another, second]);
    assert!(replies.iter().all(|reply| matches!(reply, Reply::Replayed(_))), "{replies:?}");
    assert_eq!(warehouse.levels(1), (13, 0));
}

#[test]
fn a_repeat_beside_new_commands_does_not_count_again() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let first = keyed("first", reserve(1, &[(1, 6)]));
    warehouse.decide_all(std::slice::from_ref(&first));
    let batch =
        [keyed("second", reserve(2, &[(1, 4)])), first, submission(confirm(1)), submission(reserve(3, &[(1, 1)]))];
    let replies = warehouse.decide_all(&batch);
    let [Reply::Kept { .. }, Reply::Replayed(_), Reply::Decided(Ok(_)), Reply::Decided(Err(_))] = replies.as_slice()
    else {
        panic!("{replies:?}")
    };
    assert_eq!(warehouse.levels(1), (0, 4));
    warehouse.must_be_clean();
}

#[test]
fn an_answer_that_was_forgotten_leaves_the_orders_state_to_prevent_a_second_promise() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let asked = keyed("k", reserve(1, &[(1, 6)]));
    warehouse.decide_all(std::slice::from_ref(&asked));
    let before = warehouse.now().after(std::time::Duration::from_hours(1));
    warehouse.decide(Command::ForgetAnswers { before, most: 10 }).expect("forgotten");
    let replies = warehouse.decide_all(&[asked]);
    assert!(matches!(replies.as_slice(), [Reply::Kept { .. }]), "{replies:?}");
    assert_eq!(warehouse.levels(1), (4, 6), "the same lines again are the same promise");
}

#[test]
fn a_refusal_and_a_success_in_one_batch_are_kept_each_for_itself() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let batch: Vec<Submission> = vec![
        keyed("a", change(1, Remove, 11)),
        keyed("b", change(1, Remove, 10)),
        keyed("a", change(1, Remove, 11)),
        keyed("c", change(1, Remove, 1)),
    ];
    let statuses = |replies: &[Reply]| -> Vec<u16> {
        let status = |reply: &Reply| match reply {
            Reply::Kept { answer, .. } | Reply::Replayed(answer) => answer.status,
            other => panic!("{other:?}"),
        };
        replies.iter().map(status).collect()
    };
    assert_eq!(statuses(&warehouse.decide_all(&batch)), [409, 200, 409, 409]);
    assert_eq!(statuses(&warehouse.decide_all(&batch)), [409, 200, 409, 409]);
    assert_eq!(warehouse.levels(1), (0, 0));
}
