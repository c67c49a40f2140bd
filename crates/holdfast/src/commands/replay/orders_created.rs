//! The orders that a file of events makes, for a bench.

use std::path::Path;

use holdfast_application::Command;
use holdfast_domain::Timestamp;
use holdfast_domain::book::reserving::OrderLine;

use super::event::Reading;
use super::{BATCH, file};
use crate::cli::{EventKind, ReplayClock};
use crate::exit::{Exit, Failure};

/// Reads what the orders of a file ask for, in their order; nothing of it is decided.
pub(in crate::commands) fn orders_created(path: &Path) -> Result<Vec<Vec<OrderLine>>, Failure> {
    let lines = file::open(path)?;
    let reading = Reading {
        kinds: vec![EventKind::OrderCreated],
        clock: ReplayClock::Wall,
        is_paced: false,
        latest: Timestamp::MAX,
    };
    let mut orders = Vec::new();
    file::each_chunk(lines, reading, BATCH, &mut |chunk| {
        if let Some((line, why)) = chunk.unreadable.first() {
            return Err(Failure::new(Exit::Invalid, format!("{}, line {line}: {why}", path.display())));
        }
        orders.extend(chunk.events.into_iter().filter_map(|event| match event.submission.command {
            Command::OrderEvent(created) => Some(created.lines),
            _ => None,
        }));
        Ok(())
    })?;
    Ok(orders)
}
