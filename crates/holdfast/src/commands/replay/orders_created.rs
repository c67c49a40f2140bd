//! The orders that a file of events makes, for a bench.

use std::path::Path;
use std::sync::mpsc::sync_channel;

use holdfast_application::Command;
use holdfast_domain::book::reserving::OrderLine;

use super::event::Reading;
use super::{BATCH, READ_AHEAD, file};
use crate::cli::{EventKind, ReplayClock};
use crate::exit::{Exit, Failure};

/// Reads what the orders of a file ask for, in their order; nothing of it is decided.
pub(in crate::commands) fn orders_created(path: &Path) -> Result<Vec<Vec<OrderLine>>, Failure> {
    let lines = file::open(path)?;
    let reading = Reading { kinds: vec![EventKind::OrderCreated], clock: ReplayClock::Wall, is_paced: false };
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(READ_AHEAD);
        scope.spawn(move || file::read(lines, &reading, BATCH, &sender));
        let mut orders = Vec::new();
        for chunk in receiver {
            let chunk = chunk?;
            if let Some((line, why)) = chunk.unreadable.first() {
                return Err(Failure::new(Exit::Invalid, format!("{}, line {line}: {why}", path.display())));
            }
            orders.extend(chunk.events.into_iter().filter_map(|event| match event.submission.command {
                Command::OrderEvent(created) => Some(created.lines),
                _ => None,
            }));
        }
        Ok(orders)
    })
}
