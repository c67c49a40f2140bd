//! Somebody who asks a service over HTTP.

use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::{Client as Connections, RequestBuilder};
use serde_json::Value;

/// Longer than any answer takes: a story that waits so long has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Connections to one service. Clones share them.
#[derive(Clone)]
pub(crate) struct Client {
    connections: Connections,
    url: String,
}

/// What a service answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// After how many seconds the same may be asked again.
    pub(crate) retry_after: Option<u64>,
    /// Whether this is an earlier answer once more.
    pub(crate) is_replayed: bool,
    /// The body.
    pub(crate) body: String,
}

impl Client {
    /// Somebody who asks the service at `url`.
    pub(crate) fn of(url: &str) -> Self {
        let connections = Connections::builder().timeout(PATIENCE).build().expect("a client");
        Self { connections, url: url.to_owned() }
    }

    /// Somebody who asks the service at `url` and does not wait for longer than this.
    pub(crate) fn impatient(url: &str, patience: Duration) -> Self {
        let connections = Connections::builder().timeout(patience).build().expect("a client");
        Self { connections, url: url.to_owned() }
    }

    /// The same for another service.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self { connections: self.connections.clone(), url: url.to_owned() }
    }

    /// Reads.
    pub(crate) fn get(&self, path: &str) -> reqwest::Result<Answer> {
        answer(self.connections.request(Method::GET, format!("{}{path}", self.url)))
    }

    /// Writes, under a key or without.
    pub(crate) fn post(&self, path: &str, key: Option<&str>, body: &Value) -> reqwest::Result<Answer> {
        let request = self.connections.request(Method::POST, format!("{}{path}", self.url)).json(body);
        answer(match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        })
    }
}

fn answer(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send()?;
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    Ok(Answer {
        status: response.status().as_u16(),
        retry_after: header("Retry-After").and_then(|seconds| seconds.parse().ok()),
        is_replayed: header("Idempotent-Replayed") == Some("true"),
        body: response.text()?,
    })
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}
