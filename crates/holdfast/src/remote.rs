//! A running service, as commands talk to it: JSON over HTTP, with patience while it is busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{HeaderMap, LINK, RETRY_AFTER};
use serde_json::Value;

use crate::cli::{CommonArgs, ServerArg};
use crate::exit::{Exit, Failure};
use crate::random::Random;

/// How often a request is sent again while the service is busy.
const TRIES_MAX: u32 = 30;
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// A running service.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    client: Client,
    base: String,
    /// Whether the service has said that it wants a key with every write.
    wants_keys: Arc<AtomicBool>,
}

/// What a service answered.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// The status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Value,
    /// Whether it is the answer to an earlier request under the same key.
    pub(crate) is_replayed: bool,
    next: Option<String>,
}

impl Answered {
    /// The code of a problem; empty when it is none.
    pub(crate) fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }

    /// What went wrong, as a failure of the program.
    pub(crate) fn into_failure(self) -> Failure {
        let detail = self.body.get("detail").and_then(Value::as_str).unwrap_or_default();
        Failure::new(Exit::of_problem(self.status, self.code()), format!("{} {}: {detail}", self.status, self.code()))
    }
}

impl Remote {
    /// The service that the command line or `HOLDFAST_SERVER` names; `None` when a store is meant.
    pub(crate) fn named(common: &CommonArgs, server: &ServerArg) -> Result<Option<Self>, Failure> {
        let is_store = |pair: &String| {
            let key = pair.split_once('=').map_or("", |(key, _)| key.trim());
            matches!(key, "store.data" | "store.database_url")
        };
        let store_is_named = common.data.is_some() || common.database_url.is_some() || common.set.iter().any(is_store);
        let from_environment = || std::env::var("HOLDFAST_SERVER").ok().filter(|_| !store_is_named);
        server.server.clone().or_else(from_environment).map(|url| Self::at(&url)).transpose()
    }

    fn at(url: &str) -> Result<Self, Failure> {
        let base = url.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") {
            return Err(Failure::usage(format!("{url} is no URL such as http://127.0.0.1:8080")));
        }
        let client = Client::builder().timeout(ANSWER_WITHIN).build();
        let client = client.map_err(|error| Failure::failed("no request can be made", &error))?;
        Ok(Self { client, base, wants_keys: Arc::default() })
    }

    /// Asks for something.
    pub(crate) fn get(&self, path: &str) -> Result<Answered, Failure> {
        self.send(|| self.client.get(self.url(path)))
    }

    /// Posts something, under a key where it must happen once only.
    pub(crate) fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Result<Answered, Failure> {
        let request = || self.client.post(self.url(path)).json(body);
        match key {
            Some(key) => self.send(|| request().header("Idempotency-Key", key)),
            None => self.send_without_key(request),
        }
    }

    /// Posts something that must happen once only and to this version of an item only.
    pub(crate) fn post_to_version(
        &self,
        path: &str,
        key: &str,
        version: u64,
        body: &Value,
    ) -> Result<Answered, Failure> {
        self.send(|| {
            let request = self.client.post(self.url(path)).json(body);
            request.header("Idempotency-Key", key).header("If-Match", format!("\"v{version}\""))
        })
    }

    /// Changes something.
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Result<Answered, Failure> {
        self.send_without_key(|| self.client.patch(self.url(path)).json(body))
    }

    /// Sends a request that needs no key, under one of its own where the service wants one with every write.
    fn send_without_key(&self, request: impl Fn() -> RequestBuilder) -> Result<Answered, Failure> {
        if !self.wants_keys.load(Ordering::Relaxed) {
            let answered = self.send(&request)?;
            if answered.code() != "idempotency_key_required" {
                return Ok(answered);
            }
            self.wants_keys.store(true, Ordering::Relaxed);
        }
        let mut random = Random::new();
        let key = format!("holdfast-{:016x}{:016x}", random.next(), random.next());
        self.send(|| request().header("Idempotency-Key", &key))
    }

    /// Walks over a list, page by page.
    pub(crate) fn each(
        &self,
        path: &str,
        visit: &mut dyn FnMut(Value) -> std::ops::ControlFlow<()>,
    ) -> Result<(), Failure> {
        let mut page = Some(path.to_owned());
        while let Some(path) = page.take() {
            let answered = self.get(&path)?;
            if answered.status != 200 {
                return Err(answered.into_failure());
            }
            page = answered.next;
            let Value::Array(rows) = answered.body else {
                return Err(Failure::new(Exit::Failed, format!("{path} is no list")));
            };
            for row in rows {
                if visit(row).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("http://") { path.to_owned() } else { format!("{}{path}", self.base) }
    }

    /// Sends a request, again and again while the service is busy.
    fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Answered, Failure> {
        let mut tries = 0_u32;
        loop {
            let response = request().send().map_err(|error| self.away(&error))?;
            let status = response.status().as_u16();
            if matches!(status, 429 | 503) && tries < TRIES_MAX {
                tries = tries.saturating_add(1);
                std::thread::sleep(patience(response.headers()));
                continue;
            }
            return self.read(status, response);
        }
    }

    fn read(&self, status: u16, response: Response) -> Result<Answered, Failure> {
        let is_replayed = response.headers().contains_key("Idempotent-Replayed");
        let next = next_page(response.headers());
        let body = response.bytes().map_err(|error| self.away(&error))?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Answered { status, body, is_replayed, next })
    }

    fn away(&self, error: &reqwest::Error) -> Failure {
        let words = crate::exit::with_sources(error);
        let hint = "start one with `holdfast serve` or `holdfast demo`, or name it with --server or HOLDFAST_SERVER";
        Failure::new(Exit::Later, format!("no service answers at {}: {words}; {hint}", self.base))
    }
}

/// How long a busy service wants to be left alone; ten seconds at most.
fn patience(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(1_u64);
    Duration::from_secs(seconds.min(10))
}

/// The `rel="next"` of a `Link` header (RFC 8288).
fn next_page(headers: &HeaderMap) -> Option<String> {
    let links = headers.get(LINK)?.to_str().ok()?;
    let next = links.split(", ").find(|link| link.contains("rel=\"next\""))?;
    let (_, rest) = next.split_once('<')?;
    rest.split_once('>').map(|(target, _)| target.to_owned())
}
