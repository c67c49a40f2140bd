//! The `Idempotency-Key` of a request whose commands have names of their own: it says which request this is, and
//! nothing is decided when it was another one's.

use holdfast_application::{Class, Command, Decision, KeptAnswer, Reply};
use tokio::time::Instant;

use crate::idempotency::command_key;
use crate::problem::Problem;
use crate::render;
use crate::state::Service;

/// Notes that `key` belongs to the request with this fingerprint. Says whether it was anybody's before.
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
) -> Result<bool, Problem> {
    let key = command_key(key, 0, fingerprint, noted);
    let submission = service.submission(Command::ClaimKey, Some(key));
    let ticket = service.commands.submit(submission, class, service.landing.clone())?;
    match service.hear_until(deadline, ticket).await? {
        Reply::KeyReused => Err(render::key_reused()),
        Reply::Decided(_) | Reply::Kept { .. } => Ok(false),
        Reply::Replayed(_) => Ok(true),
    }
}

fn noted(_decision: &Decision) -> KeptAnswer {
    KeptAnswer { status: 200, body: b"{}".to_vec(), location: None, etag: None }
}
