//! What the metrics hear of a batch.

use std::time::Instant;

use holdfast_domain::order::OrderEventKind::{OrderCancelled, PaymentFailed};

use crate::answer::{Reply, outcome_word};
use crate::command::Command;
use crate::queue::Waiting;

/// Tells the metrics of a batch that was committed; its last try began at `started`.
pub(super) fn committed(batch: &[Waiting], replies: &[Reply], started: Instant) {
    let commands = u32::try_from(batch.len()).unwrap_or(u32::MAX);
    metrics::histogram!("holdfast_batch_commands").record(f64::from(commands));
    metrics::histogram!("holdfast_commit_duration_seconds").record(started.elapsed().as_secs_f64());
    let mut counts: Vec<((&'static str, &'static str), u64)> = Vec::new();
    for (command, reply) in batch.iter().zip(replies) {
        let name = command.submission.command.name();
        let outcome = outcome_of(reply);
        tell_if_kept_alive(&command.submission.command, outcome);
        match counts.iter_mut().find(|(kind, _)| *kind == (name, outcome)) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => counts.push(((name, outcome), 1)),
        }
    }
    for ((name, outcome), count) in counts {
        metrics::counter!("holdfast_commands_total", "command" => name, "outcome" => outcome).increment(count);
    }
    if let Some(oldest) = batch.first() {
        let name = oldest.submission.command.name();
        metrics::histogram!("holdfast_command_duration_seconds", "command" => name)
            .record(oldest.since.elapsed().as_secs_f64());
    }
}

/// What the metrics call a reply.
fn outcome_of(reply: &Reply) -> &'static str {
    match reply {
        Reply::Decided(decision) => outcome_word(decision),
        Reply::Kept { outcome, .. } => outcome,
        Reply::Replayed(_) => "replayed",
        Reply::KeyReused => "not_applied",
    }
}

/// Tells of an event that ends an order and was refused, which only a confirmed one does (CONTRACT, section 4): its
/// units went out, and somebody has to see to the goods.
fn tell_if_kept_alive(command: &Command, outcome: &str) {
    if let Command::OrderEvent(event) = command
        && matches!(event.kind, OrderCancelled | PaymentFailed)
        && outcome == "refused"
    {
        let kind = event.kind.as_str();
        tracing::warn!(order.id = %event.order, event = kind, "a confirmed order is not ended: its goods come back by a return");
    }
}
