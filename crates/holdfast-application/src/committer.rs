//! The heart: load the pages, decide in order, save, commit. All of a batch becomes durable, or none of it.

use std::collections::HashMap;

use holdfast_domain::{Book, Refusal};

use crate::answer::{Answer, Decision, KeptAnswer, Reply, outcome_word};
use crate::command::{Command, CommandKey, Submission};
use crate::dead_letters::DeadLetter;
use crate::dead_letters::shelf::Shelf;
use crate::dead_letters::told::told;
use crate::event_clock::EventClock;
use crate::events::of_book::events_of;
use crate::events::{OutgoingEvent, Publishing};
use crate::failpoint;
use crate::order_event::EventOutcome;
use crate::policy::Policy;
use crate::ports::{CommitError, LoggedAnswer, Store, StoreError, StoreTransaction};

mod loading;

use loading::{Found, due_orders_in_the_way, load_book};

/// Decides a batch and makes it durable. The replies stand in the order of the batch.
///
/// # Errors
///
/// [`CommitError`]: nothing was done, or nobody knows.
pub fn commit_batch(store: &mut dyn Store, batch: &[&Submission], policy: &Policy) -> Result<Vec<Reply>, CommitError> {
    let mut found = Found::default();
    loop {
        if let Some(replies) = commit_with(store, batch, policy, &mut found)? {
            return Ok(replies);
        }
    }
}

/// Commits the batch, as far as is known what it touches. `None`: there is more, and all rows must be locked anew, in
/// their order.
fn commit_with(
    store: &mut dyn Store,
    batch: &[&Submission],
    policy: &Policy,
    found: &mut Found,
) -> Result<Option<Vec<Reply>>, CommitError> {
    let starts_over = store.shares_rows();
    let mut transaction = store.begin()?;
    failpoint::reach("begun");
    let logged = find_answers(&mut *transaction, batch)?;
    let mut shelf = Shelf::load(&mut *transaction, batch)?;
    let (book, mut replies) = loop {
        let Some(mut book) = load_book(&mut *transaction, batch, policy, found, starts_over)? else { return Ok(None) };
        let replies = decide(batch, &logged, &mut book, &mut shelf, policy);
        let in_the_way = due_orders_in_the_way(&mut *transaction, batch, &book, &found.due, policy)?;
        let Some(more) = in_the_way else { break (book, replies) };
        found.due.extend(more);
        if starts_over {
            return Ok(None);
        }
    };
    failpoint::reach("decided");
    save_book(&mut *transaction, &book)?;
    save_letters(&mut *transaction, &shelf)?;
    save_events(&mut *transaction, batch, &book, &shelf, &policy.publishing)?;
    save_answers(&mut *transaction, batch, &mut replies, &book)?;
    transaction.flush()?;
    failpoint::reach("saved");
    transaction.commit()?;
    failpoint::reach("committed");
    for alert in &book.alerts {
        let crossing = alert.crossing.as_str();
        metrics::counter!("holdfast_stock_crossings_total", "crossing" => crossing).increment(1);
    }
    for order in &book.waiting.turned_away {
        tracing::warn!(order.id = %order, "a payment that waited for its order is turned away: the order was cancelled or refused, or has expired");
        metrics::counter!("holdfast_events_in_total", "type" => "PaymentCompleted", "outcome" => "refused")
            .increment(1);
    }
    for letter in shelf.all_new() {
        metrics::counter!("holdfast_dead_letters_total", "code" => letter.head.from.code.clone()).increment(1);
    }
    Ok(Some(replies))
}

/// Decides the batch in order of arrival.
fn decide(
    batch: &[&Submission],
    logged: &[Option<LoggedAnswer>],
    book: &mut Book,
    shelf: &mut Shelf,
    policy: &Policy,
) -> Vec<Reply> {
    let now = book.now;
    shelf.start_over();
    let mut ends = EventClock::new(batch, book);
    let mut first_of: HashMap<(&str, &str, u32), usize> = HashMap::new();
    let mut replies: Vec<Reply> = Vec::with_capacity(batch.len());
    for (at, submission) in batch.iter().enumerate() {
        let known = match &submission.key {
            None => None,
            Some(key) => logged.get(at).and_then(Option::as_ref).map_or_else(
                || {
                    let first = first_of.get(&(key.scope.as_str(), key.key.as_str(), key.position))?;
                    repeated(batch, &replies, *first, key)
                },
                |logged| Some(replay(logged, key)),
            ),
        };
        let reply = known.unwrap_or_else(|| {
            book.now = submission.decided_at.unwrap_or(now);
            book.on_events_clock = submission.decided_at.is_some();
            ends.pass(book, submission);
            let Submission { command, actor, .. } = submission;
            let of_letters = shelf.decide(command, actor, book.now);
            let decision = of_letters.unwrap_or_else(|| command.apply(book, policy, actor));
            if let (Command::DropPayment { order }, Ok(Answer::Swept { ended: true })) = (command, &decision) {
                shelf.give_up_payment(*order, book.now);
            }
            ends.note(book, submission);
            match &submission.key {
                Some(key) if is_kept(&submission.command, &decision) => {
                    Reply::Kept { answer: (key.render)(&decision), outcome: outcome_word(&decision) }
                }
                _ => Reply::Decided(decision),
            }
        });
        if let (Some(key), Reply::Kept { .. }) = (&submission.key, &reply) {
            first_of.insert((&key.scope, &key.key, key.position), at);
        }
        replies.push(reply);
    }
    book.now = now;
    replies
}

/// Whether a decision answers every repeat of its command (PROTOCOL, section 3.6). Not kept are what depends on the
/// caller's copy or breaks a limit, and that a bare event is known or waits: its order, or its waiting payment,
/// remembers that already.
fn is_kept(command: &Command, decision: &Decision) -> bool {
    match (command, decision) {
        (_, Err(Refusal::VersionMismatch { .. } | Refusal::OutOfRange { .. })) => false,
        (Command::OrderEvent(event), Ok(Answer::Event(answer))) if event.is_bare => {
            !matches!(answer.outcome, EventOutcome::Waiting | EventOutcome::Replayed)
        }
        _ => true,
    }
}

/// The reply to a command whose answer is kept.
fn replay(logged: &LoggedAnswer, key: &CommandKey) -> Reply {
    if logged.fingerprint == key.fingerprint { Reply::Replayed(logged.answer.clone()) } else { Reply::KeyReused }
}

/// The reply to a command that stands twice in one batch.
fn repeated(batch: &[&Submission], replies: &[Reply], first: usize, key: &CommandKey) -> Option<Reply> {
    let Some(Reply::Kept { answer, .. }) = replies.get(first) else { return None };
    let fingerprint = batch.get(first)?.key.as_ref()?.fingerprint;
    Some(replay(&LoggedAnswer { fingerprint, answer: answer.clone() }, key))
}

fn find_answers(
    transaction: &mut dyn StoreTransaction,
    batch: &[&Submission],
) -> Result<Vec<Option<LoggedAnswer>>, StoreError> {
    let (places, keys): (Vec<usize>, Vec<&CommandKey>) =
        batch.iter().enumerate().filter_map(|(at, submission)| submission.key.as_ref().map(|key| (at, key))).unzip();
    let mut logged = vec![None; batch.len()];
    if keys.is_empty() {
        return Ok(logged);
    }
    for (at, answer) in places.into_iter().zip(transaction.find_answers(&keys)?) {
        if let Some(place) = logged.get_mut(at) {
            *place = answer;
        }
    }
    Ok(logged)
}

/// What changed, all of it or none.
fn save_book(transaction: &mut dyn StoreTransaction, book: &Book) -> Result<(), StoreError> {
    if !book.new_locations.is_empty() {
        transaction.save_locations(&book.new_locations)?;
    }
    let mut items: Vec<_> = book.item_pages().filter(|page| page.is_changed()).collect();
    items.sort_unstable_by_key(|page| page.item.number);
    transaction.append_movements(&book.movements)?;
    if !book.alerts.is_empty() {
        transaction.append_alerts(&book.alerts)?;
    }
    transaction.save_items(&items)?;
    let mut orders: Vec<_> = book.order_pages().filter(|page| page.is_changed()).collect();
    orders.sort_unstable_by_key(|page| page.order.number);
    transaction.save_orders(&orders)?;
    transaction.save_waiting(&book.waiting)
}

/// What was put away, and what was dealt with.
fn save_letters(transaction: &mut dyn StoreTransaction, shelf: &Shelf) -> Result<(), StoreError> {
    if !shelf.new.is_empty() {
        transaction.put_away(&shelf.new)?;
    }
    if !shelf.new_in_short.is_empty() {
        let in_short: Vec<DeadLetter> = shelf.new_in_short.iter().map(DeadLetter::in_short).collect();
        transaction.put_away(&in_short)?;
    }
    shelf.settled.values().try_for_each(|letter| transaction.settle_letter(letter))
}

/// What the world is to be told, and what it was told and need not be kept any longer.
fn save_events(
    transaction: &mut dyn StoreTransaction,
    batch: &[&Submission],
    book: &Book,
    shelf: &Shelf,
    publishing: &Publishing,
) -> Result<(), StoreError> {
    for submission in batch {
        if let Command::RemoveEvents { destination, sent } = &submission.command {
            transaction.remove_events(destination, sent)?;
        }
    }
    if !publishing.is_on() {
        return Ok(());
    }
    let mut events = events_of(book);
    events.extend(shelf.all_new().map(told));
    for destination in &publishing.destinations {
        let wanted: Vec<&OutgoingEvent> = events.iter().filter(|event| destination.wants.has(event.kind)).collect();
        if !wanted.is_empty() {
            transaction.append_events(&destination.name, &wanted, book.now)?;
        }
    }
    Ok(())
}

/// The answers that are kept, and those that need not be kept any longer: whoever asked hears whether there are more.
fn save_answers(
    transaction: &mut dyn StoreTransaction,
    batch: &[&Submission],
    replies: &mut [Reply],
    book: &Book,
) -> Result<(), StoreError> {
    let kept: Vec<(&CommandKey, &KeptAnswer)> = batch
        .iter()
        .zip(&*replies)
        .filter_map(|(submission, reply)| match (&submission.key, reply) {
            (Some(key), Reply::Kept { answer, .. }) => Some((key, answer)),
            _ => None,
        })
        .collect();
    if !kept.is_empty() {
        transaction.keep_answers(&kept, book.now)?;
    }
    for (submission, reply) in batch.iter().zip(replies) {
        if let Command::ForgetAnswers { before, most } = &submission.command {
            let answers = transaction.forget_answers(*before, *most)?;
            let payments = transaction.forget_given_up(*before, *most)?;
            *reply = Reply::Decided(Ok(Answer::Swept { ended: answers.max(payments) >= *most }));
        }
        if let Command::ForgetLetters { before, most } = &submission.command {
            let letters = transaction.forget_letters(*before, *most)?;
            *reply = Reply::Decided(Ok(Answer::Swept { ended: letters >= *most }));
        }
    }
    Ok(())
}
