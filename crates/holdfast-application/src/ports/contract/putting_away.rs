//! What can never be applied is put away once, is found again, is dealt with once, and is forgotten some time after
//! that.

use std::sync::Arc;
use std::time::Duration;

use holdfast_domain::book::Effect;
use holdfast_domain::order::OrderEventKind;
use holdfast_domain::{Actor, DeadLetterId, DiscardNote, OrderId, Refusal};

use super::MakeStore;
use super::pages::must_meet_somebody;
use super::telling::unsent;
use super::warehouse::{Warehouse, actor, confirm, order, submission};
use crate::answer::{Answer, Decision, Reply};
use crate::command::{Command, Submission};
use crate::dead_letters::room::SMALL_MAX;
use crate::dead_letters::{
    DeadLetter, LetterContent, LetterEnd, LetterHead, LetterRoom, LetterStatus, NewLetter, RecordPlace, ToldLetter,
    retry_of,
};
use crate::events::{Destination, EventSet, Publishing, Stream};
use crate::intake::EventNames;
use crate::order_event::EventOutcome;
use crate::ports::Record;
use crate::queries::LetterFilter;

/// Who is told of dead letters, in stories.
const LETTERS: &str = "letters";

fn record(offset: i64) -> Record {
    Record {
        topic: if offset % 2 == 0 { "even" } else { "odd" }.to_owned(),
        partition: 3,
        offset,
        key: Some(vec![0, 255]),
        value: Some(b"{".to_vec()),
        headers: vec![("trace".to_owned(), Some(b"7".to_vec())), ("none".to_owned(), None)],
    }
}

fn letter_of(record: &Record, code: &str) -> Submission {
    let names = EventNames { kind: Some("OrderCreated".to_owned()), order: Some(order(1).to_string()), event_id: None };
    let letter = NewLetter::of_record(record, &names, code, "it cannot be read");
    let key = Some(letter.command_key());
    Submission { key, ..submission(Command::PutAway(Arc::new(letter))) }
}

fn letters(warehouse: &Warehouse, filter: LetterFilter) -> Vec<LetterHead> {
    let filter = LetterFilter { limit: if filter.limit == 0 { usize::MAX } else { filter.limit }, ..filter };
    warehouse.queries.find_letters(&filter).expect("the store can be read")
}

fn letter(warehouse: &Warehouse, id: DeadLetterId) -> Option<DeadLetter> {
    warehouse.queries.letter(id).expect("the store can be read")
}

fn offsets(letters: &[LetterHead]) -> Vec<i64> {
    letters.iter().filter_map(|head| head.from.place.as_ref()).map(|place| place.offset).collect()
}

fn open(warehouse: &Warehouse, most: usize) -> usize {
    warehouse.queries.open_letters(most).expect("the store can be read")
}

fn discard(id: DeadLetterId, note: &str) -> Command {
    let note = DiscardNote::new(note).expect("a note");
    Command::SettleLetter { letter: id, end: LetterEnd::Discarded(note) }
}

fn letter_in(decision: Decision) -> (Effect, LetterHead) {
    match decision {
        Ok(Answer::DeadLetter { effect, letter }) => (effect, *letter),
        other => panic!("{other:?} is no letter"),
    }
}

/// A record is put away once, however often it comes, and is there as it came.
pub fn a_record_is_put_away_once(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    let first = letter_of(&record(7), "malformed_json");
    let replies = warehouse.decide_all(&[first.clone(), first.clone(), letter_of(&record(8), "validation_failed")]);
    assert!(matches!(replies.as_slice(), [Reply::Kept { .. }, Reply::Replayed(_), Reply::Kept { .. }]), "{replies:?}");
    let again = warehouse.decide_all(std::slice::from_ref(&first));
    assert!(matches!(again.as_slice(), [Reply::Replayed(_)]), "{again:?}");
    // When its answer is forgotten, the letter itself is known.
    let forgotten = Submission { key: None, ..first };
    let again = warehouse.decide_all(&[forgotten.clone(), forgotten]);
    assert_eq!(again, vec![Reply::Decided(Ok(Answer::Swept { ended: false })); 2]);
    let all = letters(&warehouse, LetterFilter::default());
    assert_eq!(offsets(&all).len(), 2);
    let head = all.iter().find(|head| head.from.code == "malformed_json").expect("the first");
    let place = RecordPlace { topic: "odd".to_owned(), partition: 3, offset: 7 };
    assert_eq!(
        (head.from.place.as_ref(), head.status, head.from.order),
        (Some(&place), LetterStatus::Open, Some(order(1)))
    );
    assert_eq!((head.from.kind.as_deref(), head.from.cause.as_str()), (Some("OrderCreated"), "it cannot be read"));
    let content = letter(&warehouse, head.id).map(|letter| (letter.head, letter.content));
    assert_eq!(content, Some((head.clone(), LetterContent::of(&record(7)))));
    assert_eq!(letter(&warehouse, DeadLetterId::from_bytes([9; 16])), None);
    warehouse.must_be_clean();
    let known = letter(&warehouse, head.id).expect("it is there");
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let saved = transaction.put_away(&[known]);
    must_meet_somebody(saved, &mut *transaction);
}

/// Letters are listed newest first, page by page, and found by what they are.
pub fn letters_are_listed_newest_first(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    for offset in 0..5 {
        let code = if offset < 3 { "malformed_json" } else { "validation_failed" };
        warehouse.decide_all(&[letter_of(&record(offset), code)]);
    }
    let all = letters(&warehouse, LetterFilter::default());
    assert_eq!(offsets(&all), [4, 3, 2, 1, 0]);
    let mut paged = letters(&warehouse, LetterFilter { limit: 2, ..LetterFilter::default() });
    let after = paged.last().map(|head| head.id);
    paged.extend(letters(&warehouse, LetterFilter { after, ..LetterFilter::default() }));
    assert_eq!(paged, all);
    let of = |filter: LetterFilter| offsets(&letters(&warehouse, filter));
    assert_eq!(of(LetterFilter { topic: Some("even".to_owned()), ..LetterFilter::default() }), [4, 2, 0]);
    let odd = LetterFilter {
        code: Some("malformed_json".to_owned()),
        topic: Some("odd".to_owned()),
        ..LetterFilter::default()
    };
    assert_eq!(of(odd), [1]);
    assert!(of(LetterFilter { statuses: vec![LetterStatus::Retried], ..LetterFilter::default() }).is_empty());
    assert_eq!((open(&warehouse, 9), open(&warehouse, 2)), (5, 2));
    let id = all.first().expect("a letter").id;
    warehouse.decide(discard(id, "seen")).expect("it is open");
    let of = |statuses: Vec<LetterStatus>| {
        offsets(&letters(&warehouse, LetterFilter { statuses, ..LetterFilter::default() }))
    };
    assert_eq!((of(vec![LetterStatus::Discarded]), of(vec![LetterStatus::Open])), (vec![4], vec![3, 2, 1, 0]));
    assert_eq!(open(&warehouse, 9), 4);
}

/// A letter is dealt with once: the first word stands.
pub fn a_letter_is_dealt_with_once(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.decide_all(&[letter_of(&record(7), "malformed_json")]);
    let id = letters(&warehouse, LetterFilter::default()).first().expect("a letter").id;
    let (effect, discarded) = letter_in(warehouse.decide(discard(id, "a test of the shop")));
    assert_eq!((effect, discarded.status), (Effect::Applied, LetterStatus::Discarded));
    assert_eq!((discarded.settled_at, discarded.settled_by.as_ref()), (Some(warehouse.now()), Some(&actor())));
    assert_eq!(discarded.note.as_ref().map(DiscardNote::as_str), Some("a test of the shop"));
    for later in [
        discard(id, "another word"),
        Command::SettleLetter { letter: id, end: LetterEnd::Retried((EventOutcome::Applied, None)) },
    ] {
        assert_eq!(letter_in(warehouse.decide(later)), (Effect::Replayed, discarded.clone()));
    }
    assert_eq!(letter(&warehouse, id).map(|letter| letter.head), Some(discarded));
    warehouse.decide_all(&[letter_of(&record(9), "malformed_json")]);
    let id = letters(&warehouse, LetterFilter::default()).first().expect("a letter").id;
    let outcome = (EventOutcome::Refused, Some("insufficient_stock".to_owned()));
    let end = LetterEnd::Retried(outcome.clone());
    let (_, retried) = letter_in(warehouse.decide(Command::SettleLetter { letter: id, end }));
    assert_eq!(
        (retried.status, retried.note.as_ref(), retried.retried.as_ref()),
        (LetterStatus::Retried, None, Some(&outcome))
    );
    assert_eq!(letter(&warehouse, id).map(|letter| letter.head), Some(retried));
    let nobodys = DeadLetterId::from_bytes([9; 16]);
    assert_eq!(warehouse.decide(discard(nobodys, "x")), Err(Refusal::DeadLetterNotFound));
}

/// Letters are forgotten some time after they were dealt with; open ones stay.
pub fn letters_that_were_dealt_with_are_forgotten(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    for offset in 0..4 {
        warehouse.decide_all(&[letter_of(&record(offset), "malformed_json")]);
    }
    let all = letters(&warehouse, LetterFilter::default());
    for head in all.iter().skip(1) {
        warehouse.wait(Duration::from_secs(10));
        warehouse.decide(discard(head.id, "x")).expect("it is open");
    }
    let left = |warehouse: &Warehouse| offsets(&letters(warehouse, LetterFilter::default()));
    let early = warehouse.now().before(Duration::from_secs(15));
    warehouse.decide(Command::ForgetLetters { before: early, most: 9 }).expect("a step");
    assert_eq!(left(&warehouse), [3, 1, 0], "offset 2 was dealt with first");
    let before = warehouse.now().after(Duration::from_secs(1));
    let more = warehouse.decide(Command::ForgetLetters { before, most: 1 });
    assert_eq!(more, Ok(Answer::Swept { ended: true }), "there may be more");
    assert_eq!(left(&warehouse).len(), 2);
    let more = warehouse.decide(Command::ForgetLetters { before, most: 9 });
    assert_eq!((more, left(&warehouse)), (Ok(Answer::Swept { ended: false }), vec![3]));
}

/// A payment that waited in vain is a letter, which can be tried again once its order is there.
pub fn a_payment_that_waited_in_vain_is_put_away(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    warehouse.hear(OrderEventKind::PaymentCompleted, 1, &[]);
    warehouse.wait(Duration::from_mins(16));
    warehouse.decide(Command::DropPayment { order: order(1) }).expect("given up");
    warehouse.decide(Command::DropPayment { order: order(1) }).expect("given up already");
    let all = letters(&warehouse, LetterFilter::default());
    let [head] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(
        (head.from.place.as_ref(), head.from.code.as_str(), head.from.order),
        (None, "order_not_found", Some(order(1)))
    );
    assert_eq!(head.from.kind.as_deref(), Some("PaymentCompleted"));
    warehouse.reserve(1, &[(1, 4)]).expect("enough");
    let letter = letter(&warehouse, head.id).expect("it is there");
    let (names, retry) = retry_of(&letter);
    assert_eq!(names.order.as_deref().and_then(OrderId::parse), Some(order(1)));
    let retry = retry.expect("it can be read");
    warehouse.decide_all(&[Submission { key: retry.key, ..submission(retry.command) }]);
    assert_eq!(warehouse.levels(1), (6, 0), "the order is paid");
    warehouse.decide(confirm(1)).expect("it is confirmed");
}

/// Whoever is told of dead letters hears of each once, as it came; nobody else does.
pub fn letters_are_told_to_who_wants_them(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.policy.publishing = Publishing {
        destinations: vec![
            Destination { name: "all".into(), wants: EventSet::ALL },
            Destination { name: LETTERS.into(), wants: EventSet::DEAD_LETTERS },
        ],
    };
    warehouse.stock(1, 1);
    for _ in 0..2 {
        warehouse.decide_all(&[letter_of(&record(7), "malformed_json"), letter_of(&record(9), "malformed_json")]);
    }
    let told = unsent(&warehouse, LETTERS, Stream::DeadLetters);
    assert_eq!(told.iter().map(|unsent| unsent.event.place.sequence).collect::<Vec<_>>(), [8, 10]);
    let first = ToldLetter::of(&told.first().expect("a letter").event).expect("a letter");
    assert_eq!((first.topic.as_str(), &first.content.value), ("odd", &record(7).value));
    assert!(first.content.headers.starts_with(&record(7).headers), "{:?}", first.content.headers);
    assert_eq!(unsent(&warehouse, "all", Stream::DeadLetters), []);
    assert_eq!(unsent(&warehouse, LETTERS, Stream::Stock), []);
    let depth = |names: &[&str]| warehouse.queries.outbox_depth(names, 9).expect("reads").events;
    assert_eq!((depth(&["all"]), depth(&[LETTERS])), (1, 2), "each is counted by itself");
}

/// Where there is no room for a letter it is kept in short, and told as it came as long as there is room for that.
pub fn a_letter_without_room_is_kept_in_short(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.policy.publishing =
        Publishing { destinations: vec![Destination { name: LETTERS.into(), wants: EventSet::DEAD_LETTERS }] };
    let long = |offset| Record { value: Some(vec![b'{'; 300]), ..record(offset) };
    let room = LetterRoom::default();
    for (offset, open, untold) in [(1, 0, 0), (2, SMALL_MAX, 0), (3, 0, SMALL_MAX)] {
        room.learn(open, untold);
        let letter = NewLetter::of_record(&long(offset), &EventNames::default(), "malformed_json", "x").within(&room);
        let key = Some(letter.command_key());
        warehouse.decide_all(&[Submission { key, ..submission(Command::PutAway(Arc::new(letter))) }]);
    }
    let kept = letters(&warehouse, LetterFilter::default());
    assert_eq!(offsets(&kept), [3, 2, 1]);
    let cut = |head: &LetterHead| letter(&warehouse, head.id).expect("it is there").content.cut();
    assert_eq!(kept.iter().map(cut).collect::<Vec<_>>(), [vec!["value"], vec!["value"], vec![]]);
    let told = unsent(&warehouse, LETTERS, Stream::DeadLetters);
    let whole = |offset: i64| {
        let place = u64::try_from(offset).expect("small").saturating_add(1);
        let unsent = told.iter().find(|unsent| unsent.event.place.sequence == place).expect("it is told");
        ToldLetter::of(&unsent.event).expect("a letter").content.value == long(offset).value
    };
    assert_eq!([1, 2, 3].map(whole), [true, true, false]);
}

/// What a batch that was not committed did to letters was not done.
pub fn a_letter_that_was_not_committed_is_not_there(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.decide_all(&[letter_of(&record(7), "malformed_json")]);
    let known = letters(&warehouse, LetterFilter::default());
    let head = known.first().cloned().expect("a letter");
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let new = NewLetter::of_record(&record(9), &EventNames::default(), "malformed_json", "x");
    let origins = [new.from.origin, head.from.origin];
    let at = transaction.now().expect("the time");
    transaction.put_away(&[new.put_away(at)]).expect("it is new");
    let other = Actor::new("other").expect("an actor");
    let settled = LetterHead { status: LetterStatus::Retried, settled_by: Some(other), ..head.clone() };
    transaction.settle_letter(&settled).expect("it is there");
    assert_eq!(transaction.load_letters(&[head.id]).expect("reads"), [settled]);
    assert_eq!(transaction.known_letters(&origins).expect("reads").len(), 2);
    drop(transaction);
    assert_eq!(letters(&warehouse, LetterFilter::default()), known);
    let mut transaction = warehouse.store.begin().expect("a transaction");
    assert_eq!(transaction.known_letters(&origins).expect("reads"), [head.from.origin]);
}
