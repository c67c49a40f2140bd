//! What the metrics hear of a batch.

use std::time::Instant;

use holdfast_domain::book::Effect;

use crate::answer::{Answer, Reply};
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
        Reply::Decided(Ok(Answer::Event(event))) => event.outcome.as_str(),
        Reply::Replayed(_)
        | Reply::Decided(Ok(
            Answer::Order { effect: Effect::Replayed, .. } | Answer::DeadLetter { effect: Effect::Replayed, .. },
        )) => "replayed",
        Reply::Decided(Ok(Answer::Item(item))) if item.effect == Effect::Replayed => "replayed",
        Reply::KeyReused | Reply::Decided(Err(_)) => "refused",
        Reply::Kept(answer) if answer.status >= 400 => "refused",
        Reply::Kept(_) | Reply::Decided(Ok(_)) => "applied",
    }
}
