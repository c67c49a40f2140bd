//! What is kept of an event's decision, and what its repeats hear.

use serde_json::{Value, json};

use crate::answer::{Answer, Decision, KeptAnswer, Reply};
use crate::order_event::EventOutcome;

/// What became of an event, and the code of the rule that said no.
pub type Outcome = (EventOutcome, Option<String>);

/// The code of an event whose identity belongs to another one.
const IDENTITY_REUSED: &str = "idempotency_key_reused";

/// What a reply says became of an event.
pub fn heard(reply: &Reply) -> Outcome {
    match reply {
        Reply::Decided(Ok(Answer::Event(answer))) => (answer.outcome, answer.code.map(str::to_owned)),
        Reply::Decided(decision) => outcome_of(&kept_event(decision)),
        Reply::Kept { answer, .. } => outcome_of(answer),
        Reply::Replayed(answer) => heard_again(answer),
        Reply::KeyReused => (EventOutcome::Rejected, Some(IDENTITY_REUSED.to_owned())),
    }
}

/// What is kept of an event's decision under its name.
pub fn kept_event(decision: &Decision) -> KeptAnswer {
    let (outcome, code) = match decision {
        Ok(Answer::Event(answer)) => (answer.outcome, answer.code),
        Ok(_) => (EventOutcome::Applied, None),
        Err(refusal) => (EventOutcome::Refused, Some(refusal.code())),
    };
    let body = json!({"outcome": outcome.as_str(), "code": code}).to_string().into_bytes();
    KeptAnswer { status: 200, body, location: None, etag: None }
}

/// The outcome and the code of a kept answer to an event.
pub fn outcome_of(answer: &KeptAnswer) -> Outcome {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let outcome = body.get("outcome").and_then(Value::as_str).and_then(EventOutcome::parse);
    let outcome = outcome.unwrap_or(EventOutcome::Applied);
    (outcome, body.get("code").and_then(Value::as_str).map(str::to_owned))
}

/// What a repeat hears of the answer that is kept: a no stays what it was, anything else is known now.
pub fn heard_again(answer: &KeptAnswer) -> Outcome {
    again(outcome_of(answer))
}

/// What a repeat hears of a first outcome.
pub fn again(first: Outcome) -> Outcome {
    match first {
        no @ (EventOutcome::Refused | EventOutcome::Rejected, _) => no,
        (_, code) => (EventOutcome::Replayed, code),
    }
}
