//! Dead letters: listed, read, tried again, discarded.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_application::dead_letters::{DeadLetter, LetterEnd, LetterHead, LetterStatus, Retry, retry_of};
use holdfast_application::intake::{self, EventNames, Outcome};
use holdfast_application::order_event::EventOutcome;
use holdfast_application::queries::LetterFilter;
use holdfast_application::{Class, Command};
use holdfast_domain::DeadLetterId;
use http::HeaderValue;

use crate::body::Presence;
use crate::code::ProblemCode;
use crate::cursor;
use crate::decode;
use crate::faults::Complaint;
use crate::list::{one_more, page};
use crate::path;
use crate::problem::Problem;
use crate::query::Query;
use crate::read;
use crate::render::{self, IDEMPOTENT_REPLAYED, shown};
use crate::request_key;
use crate::state::Service;
use crate::wire::Shown;
use crate::wire::bodies::DiscardBody;
use crate::wire::dead_letter::{DeadLetterSummaryView, DeadLetterView, RetriedView};
use crate::write::Write;

/// The longest topic name Kafka takes, and the longest code there is.
const WORD_CHARACTERS_MAX: usize = 249;

/// Lists records that can never be applied, and payments that waited for their order in vain; newest first.
#[utoipa::path(
    get, path = "/api/inventory/dead-letters", tag = "dead letters",
    params(
        ("status" = Option<String>, Query, description = "Only in this state: `open`, `retried`, `discarded`; several with commas between them."),
        ("topic" = Option<String>, Query, max_length = 249, description = "Only records of this topic."),
        ("code" = Option<String>, Query, max_length = 249, description = "Only with this cause."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "The most rows; 50 when left out."),
        ("cursor" = Option<String>, Query, description = "Where the page begins, from the `Link` of the page before."),
    ),
    responses((status = 200, description = "A page of dead letters.", body = [DeadLetterSummaryView]))
)]
pub(crate) async fn list_dead_letters(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    const LIST: &str = "dead letters";
    let uri = request.uri().clone();
    let mut query = Query::of(&uri);
    let limit = query.limit();
    let cursor = query.text("cursor");
    let statuses = query.words("status", LetterStatus::parse, "open, retried, discarded");
    let (topic, code) = (query.parsed("topic", word), query.parsed("code", word));
    query.settle(Some(()))?;
    let after = cursor::read(LIST, cursor, |parts| if let [id] = parts { DeadLetterId::parse(id) } else { None })?;
    let filter = LetterFilter { statuses, topic, code, after, limit: one_more(limit) };
    let letters = service.read(move |queries| queries.find_letters(&filter)).await?;
    let next = |head: &LetterHead| cursor::write(LIST, &[&head.id.to_string()]);
    Ok(page(&uri, limit, letters, |head| DeadLetterSummaryView::of(head, None), next))
}

/// A topic or a code.
fn word(text: &str) -> Result<String, Complaint> {
    let fits = (1..=WORD_CHARACTERS_MAX).contains(&text.chars().count()) && !text.contains('\0');
    if fits { Ok(text.to_owned()) } else { Err("must have 1 to 249 characters".into()) }
}

/// Shows a dead letter with its key, headers and value.
#[utoipa::path(
    get, path = "/api/inventory/dead-letters/{letterId}", tag = "dead letters",
    params(("letterId" = String, Path, format = "uuid", description = "The letter's id.")),
    responses((status = 200, description = "The dead letter.", body = DeadLetterView))
)]
pub(crate) async fn get_dead_letter(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let id = path::part(&mut parts, "letterId", read::dead_letter_id).await?;
    Query::none(&parts.uri)?;
    Ok(shown(&DeadLetterView::from(&letter(&service, id).await?)))
}

async fn letter(service: &Service, id: DeadLetterId) -> Result<DeadLetter, Problem> {
    let letter = service.read(move |queries| queries.letter(id)).await?;
    letter.ok_or_else(|| Problem::new(ProblemCode::NotFound, format!("There is no dead letter {id}.")))
}

/// Reads a dead letter anew and decides its event, as if it had just come.
///
/// The letter is `retried` once the event is decided, whatever became of it; while it can still not be read or applied it is
/// answered with `rejected` and stays `open`. A letter that somebody has dealt with is left as it is. An event changes stock at
/// most once, so trying again is harmless.
#[utoipa::path(
    post, path = "/api/inventory/dead-letters/{letterId}/retry", tag = "dead letters",
    params(("letterId" = String, Path, format = "uuid", description = "The letter's id.")),
    responses((status = 200, description = "What became of the event.", body = RetriedView))
)]
pub(crate) async fn retry_dead_letter(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let mut write = Write::take(&service, request, Presence::Optional, service.settings.body_max).await?;
    let id = write.part("letterId", read::dead_letter_id).await?;
    decode::nothing(&write.body)?;
    if let Some(key) = &write.key {
        let fingerprint = write.fingerprint_of(&write.body);
        request_key::claim(&service, key, fingerprint, Class::Interactive, service.deadline()).await?;
    }
    let letter = letter(&service, id).await?;
    let (names, retry) = retry_of(&letter);
    if letter.head.status != LetterStatus::Open {
        let first = letter.head.retried.clone().unwrap_or((EventOutcome::Replayed, None));
        let mut response = shown(&retried(&letter.head, names, intake::again(first)));
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        return Ok(response);
    }
    let outcome = match retry {
        Ok(Retry { command, key }) => intake::heard(&service.ask(command, key).await?),
        Err(code) => (EventOutcome::Rejected, Some(code)),
    };
    intake::count(&names, outcome.0);
    let mut head = letter.head;
    if outcome.0 != EventOutcome::Rejected {
        let end = LetterEnd::Retried(outcome.clone());
        service.ask(Command::SettleLetter { letter: id, end }, None).await?;
        head.status = LetterStatus::Retried;
    }
    Ok(shown(&retried(&head, names, outcome)))
}

fn retried(head: &LetterHead, names: EventNames, (outcome, code): Outcome) -> RetriedView {
    let EventNames { event_id, kind, order } = names;
    RetriedView {
        id: Shown(head.id),
        status: head.status.as_str(),
        event_id,
        kind,
        order_id: order,
        outcome: outcome.as_str(),
        code,
    }
}

/// Says that a dead letter need not be applied, and why.
///
/// A letter that somebody has dealt with is left as it is, and answered as it is.
#[utoipa::path(
    post, path = "/api/inventory/dead-letters/{letterId}/discard", tag = "dead letters", request_body = DiscardBody,
    params(("letterId" = String, Path, format = "uuid", description = "The letter's id.")),
    responses((status = 200, description = "The dead letter as it is now.", body = DeadLetterSummaryView))
)]
pub(crate) async fn discard_dead_letter(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let mut write = Write::take(&service, request, Presence::Required, service.settings.body_max).await?;
    let letter = write.part("letterId", read::dead_letter_id).await?;
    let note = decode::discard_note(&write.body)?;
    let command = Command::SettleLetter { letter, end: LetterEnd::Discarded(note) };
    write.carry_out(command, render::dead_letter).await
}
