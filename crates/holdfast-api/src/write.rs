//! A write as it came in: what every route that changes something does before and after its own part.

use std::fmt::Display;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use holdfast_application::intake::{StockEventName, kept_event};
use holdfast_application::{Command, Reply};
use holdfast_domain::ProductId;
use holdfast_domain::book::ProductRef;
use http::request::Parts;
use serde_json::Value;
use tokio::time::Instant;

use crate::body::{self, Presence, Tree};
use crate::etag::IfMatch;
use crate::faults::Complaint;
use crate::idempotency::{command_key, fingerprint, key_of};
use crate::path;
use crate::problem::Problem;
use crate::query::Query;
use crate::received::Received;
use crate::render::{self, Render};
use crate::rim;
use crate::state::Service;

/// A version that no item has.
const NO_VERSION: u64 = 0;

/// A write as it came in.
pub(crate) struct Write<'s> {
    /// The body.
    pub(crate) body: Tree,
    /// The key the caller gave.
    pub(crate) key: Option<String>,
    parts: Parts,
    /// What the path names, as it is always written.
    named: Vec<(String, String)>,
    service: &'s Service,
}

impl<'s> Write<'s> {
    /// Takes in a request whose body has up to `most` bytes.
    ///
    /// # Errors
    ///
    /// What no route would take: a query, a bad key, a body that is no JSON.
    pub(crate) async fn take(
        service: &'s Service,
        request: Request,
        presence: Presence,
        most: usize,
    ) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = Received::take(&parts.headers, body, most).await?;
        Self::of(service, parts, bytes, presence, service.deadline()).await
    }

    /// A write whose body has come in. A long one waits for its turn until `deadline`.
    ///
    /// # Errors
    ///
    /// As [`Self::take`].
    pub(crate) async fn of(
        service: &'s Service,
        parts: Parts,
        bytes: Received,
        presence: Presence,
        deadline: Instant,
    ) -> Result<Self, Problem> {
        let body = body::read(&parts.headers, bytes, presence, deadline).await?;
        Query::none(&parts.uri)?;
        let key = key_of(&parts.headers, service.settings.idempotency_required)?;
        Ok(Self { body, key, parts, named: Vec::new(), service })
    }

    /// The part of the path called `name`.
    pub(crate) async fn part<T: Display>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Result<T, Problem> {
        let part = path::part(&mut self.parts, name, read).await?;
        self.named.push((name.to_owned(), part.to_string()));
        Ok(part)
    }

    /// Which version of the item the caller knows, if the caller says.
    pub(crate) fn if_match(&self) -> Result<IfMatch, Problem> {
        IfMatch::of(&self.parts.headers)
    }

    /// The version the item must have for the command to be carried out.
    pub(crate) async fn version(&self, product: ProductId) -> Result<Option<u64>, Problem> {
        let versions = match self.if_match()? {
            IfMatch::Absent | IfMatch::Any => return Ok(None),
            IfMatch::Versions(versions) => versions,
        };
        if let [] | [_] = *versions {
            return Ok(Some(versions.first().copied().unwrap_or(NO_VERSION)));
        }
        let items = self.service.read(move |queries| queries.items(&[ProductRef::Id(product)])).await?;
        let present = items.first().map_or(NO_VERSION, |item| item.version);
        Ok(Some(if versions.contains(&present) { present } else { NO_VERSION }))
    }

    /// The request's id.
    pub(crate) fn request_id(&self) -> &str {
        rim::request_id(&self.parts.headers)
    }

    /// What came in, as repeats are known by. How the path was spelt does not count.
    fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint_of(&self.body)
    }

    /// A part of what came in, as its repeats are known by.
    pub(crate) fn fingerprint_of(&self, part: &Value) -> [u8; 32] {
        let route = self.parts.extensions.get::<MatchedPath>().map_or(self.parts.uri.path(), MatchedPath::as_str);
        let fill = |path: String, (name, part): &(String, String)| path.replace(&format!("{{{name}}}"), part);
        let path = self.named.iter().fold(route.to_owned(), fill);
        fingerprint(&self.parts.method, &path, part)
    }

    /// Has the command decided and answers.
    pub(crate) async fn carry_out(self, command: Command, render: Render) -> Result<Response, Problem> {
        let key = self.key.as_deref().map(|key| command_key(key, 0, self.fingerprint(), render));
        drop(self.body);
        let reply = self.service.ask(command, key).await?;
        Ok(render::answer(reply, render))
    }

    /// Has a change of stock decided and answers. Under the name of an event of a file the answer is what is kept of
    /// events, so that each is decided once whichever road it takes.
    pub(crate) async fn change_stock(self, command: Command, render: Render) -> Result<Response, Problem> {
        let Some(event) = self.key.as_deref().and_then(StockEventName::parse) else {
            return self.carry_out(command, render).await;
        };
        drop(self.body);
        let reply = self.service.ask(command, Some(event.command_key())).await?;
        // What is not kept, such as a stale version, is told as to anybody.
        let render = if matches!(reply, Reply::Decided(_)) { render } else { kept_event };
        Ok(render::answer(reply, render))
    }
}
