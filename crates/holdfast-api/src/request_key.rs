//! The `Idempotency-Key` of a request whose commands have names of their own: it says which request this is, and nothing
//! is decided when it was another one's.

use holdfast_application::{Class, Command, Decision, KeptAnswer, Reply};
use holdfast_domain::OrderId;
use tokio::time::Instant;

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
    deadline: Instant,
) -> Result<(), Problem> {
    let key = command_key(key, 0, fingerprint, noted);
    let submission = service.submission(no_change(fingerprint), Some(key));
    let ticket = service.commands.submit(submission, Class::Events, service.landing.clone())?;
    match service.hear_until(deadline, ticket).await? {
        Reply::KeyReused => Err(render::key_reused()),
        Reply::Decided(_) | Reply::Kept(_) | Reply::Replayed(_) => Ok(()),
    }
}

/// A command that changes nothing but leaves its key behind: nobody waits for an order whose id is a hash.
fn no_change(fingerprint: [u8; 32]) -> Command {
    let mut id = [0; 16];
    id.iter_mut().zip(fingerprint).for_each(|(to, from)| *to = from);
    Command::DropPayment { order: OrderId::from_bytes(id) }
}

fn noted(_decision: &Decision) -> KeptAnswer {
    KeptAnswer { status: 200, body: b"{}".to_vec(), location: None, etag: None }
}
