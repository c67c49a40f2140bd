//! A dead letter is read anew, as if its record had just come.

use holdfast_domain::Refusal;

use super::letter::DeadLetter;
use crate::command::{Command, CommandKey};
use crate::intake::{self, EventNames};
use crate::order_event::OrderEvent;
use crate::ports::Record;

/// What is to be decided anew.
#[derive(Clone, Debug)]
pub struct Retry {
    /// The command.
    pub command: Command,
    /// The name under which it is decided once, if it has one.
    pub key: Option<CommandKey>,
}

/// What a letter says about itself, and what is to be decided, or the code of why that can never be.
pub fn retry_of(letter: &DeadLetter) -> (EventNames, Result<Retry, String>) {
    let DeadLetter { head, content } = letter;
    let record = Record {
        topic: head.from.place.as_ref().map(|place| place.topic.clone()).unwrap_or_default(),
        partition: head.from.place.as_ref().map_or(0, |place| place.partition),
        offset: head.from.place.as_ref().map_or(0, |place| place.offset),
        key: content.key.clone(),
        value: content.value.clone(),
        headers: content.headers.clone(),
    };
    let (names, read) = intake::read_record(&record);
    // What is not there any more as it came would be read as something else.
    if content.are_headers_cut || content.left_out.is_some() {
        let names =
            EventNames { kind: head.from.kind.clone(), order: head.from.order.map(|order| order.to_string()), ..names };
        return (names, Err(head.from.code.clone()));
    }
    let read = match read {
        Ok(read) => read,
        Err(unreadable) => return (names, Err(unreadable.code().to_owned())),
    };
    let retry = if head.from.code == Refusal::OrderNotFound.code() {
        // It waited in vain, and its repeats are told so for good: this one is decided by the order as it is now.
        let event = OrderEvent { is_bare: false, ..read.event };
        Retry { command: Command::OrderEvent(event), key: None }
    } else {
        Retry { key: Some(read.identity.command_key()), command: Command::OrderEvent(read.event) }
    };
    (names, Ok(retry))
}
