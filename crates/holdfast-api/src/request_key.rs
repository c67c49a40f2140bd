//! The `Idempotency-Key` of a request whose commands have names of their own: it says which request this is, and
//! nothing is decided when it was another one's.

use holdfast_application::{Class, Command, Decision, KeptAnswer, Reply};
use tokio::time::Instant;

use crate::convoy::Convoy;
use crate::idempotency::command_key;
use crate::problem::Problem;
use crate::render;
use crate::state::Service;

/// Notes that `key` belongs to the request with this fingerprint.
///
/// # Errors
///
/// The key belongs to another request, or nobody can tell.
pub(crate) async fn claim(
    service: &Service,
    key: &str,
    fingerprint: [u8; 32],
    class: Class,
    deadline: Instant,
) -> Result<(), Problem> {
    claim_as_one_of(service, key, &[fingerprint], class, deadline).await
}

/// Notes that `key` belongs to the request whose first fingerprint this is, or finds that it does under another of its
/// fingerprints: it had less of them when it was first sent.
///
/// # Errors
///
/// The key belongs to another request, or nobody can tell.
pub(crate) async fn claim_as_one_of(
    service: &Service,
    key: &str,
    fingerprints: &[[u8; 32]],
    class: Class,
    deadline: Instant,
) -> Result<(), Problem> {
    let asked = |fingerprint: &[u8; 32]| {
        let key = command_key(key, 0, *fingerprint, noted);
        service.submission(Command::ClaimKey, Some(key))
    };
    let (first, others) = fingerprints.split_first().ok_or_else(render::key_reused)?;
    let ticket = service.commands.submit(asked(first), class, service.landing.clone())?;
    if !matches!(service.hear_until(deadline, ticket).await?, Reply::KeyReused) {
        return Ok(());
    }
    let mut convoy = Convoy::new(service, class, deadline);
    for fingerprint in others {
        convoy.send(asked(fingerprint)).await;
    }
    for heard in convoy.answers().await {
        if matches!(heard?, Reply::Replayed(_)) {
            return Ok(());
        }
    }
    Err(render::key_reused())
}

fn noted(_decision: &Decision) -> KeptAnswer {
    KeptAnswer { status: 200, body: b"{}".to_vec(), location: None, etag: None }
}
