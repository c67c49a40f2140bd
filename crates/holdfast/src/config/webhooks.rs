//! The settings of webhooks: endpoints, their secrets, and what each wants to hear, all by name.

use std::collections::BTreeMap;
use std::path::Path;

use holdfast_application::events::{Destination, EventKind, EventSet};
use holdfast_infrastructure::webhook::{Authorities, Endpoint, SigningSecret};

use super::reader::Reader;

/// An endpoint, and what it is told.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    /// Where events are posted.
    pub(crate) endpoint: Endpoint,
    /// What it is told.
    pub(crate) wants: EventSet,
}

impl Webhook {
    /// It as somebody who is told of events.
    pub(crate) fn destination(&self) -> Destination {
        Destination { name: self.endpoint.destination().into(), wants: self.wants }
    }
}

/// All of them. What is wrong is told without addresses and secrets.
pub(super) fn read(from: &Reader<'_>, faults: &mut Vec<String>) -> Vec<Webhook> {
    let endpoints = by_name("webhooks.endpoints", from.list("webhooks.endpoints"), faults);
    let mut secrets = by_name("webhooks.secrets", from.list("webhooks.secrets"), faults);
    let mut events = by_name("webhooks.events", from.list("webhooks.events"), faults);
    let (may_be_private, source) = (from.flag("webhooks.allow_private"), from.text("kafka.source"));
    let authorities = from.filled("webhooks.ca_file").map_or_else(
        || Ok(Authorities::default()),
        |path| Authorities::in_file(Path::new(&path)).map_err(|error| format!("webhooks.ca_file: {path}: {error}")),
    );
    let authorities = authorities.unwrap_or_else(|fault| {
        faults.push(fault);
        Authorities::default()
    });
    let mut webhooks = Vec::new();
    for (name, address) in endpoints {
        let secrets = signing_secrets(&name, secrets.remove(&name), faults);
        let wants = events.remove(&name).map_or(Ok(EventSet::ALL), |words| event_set(&words));
        let wants = wants.map_err(|word| faults.push(format!("webhooks.events: {name}: there is no event {word}")));
        let Some(secrets) = secrets else { continue };
        let endpoint = Endpoint::new(&name, &address, secrets, may_be_private, authorities.clone(), source.clone());
        match (endpoint, wants) {
            (Ok(endpoint), Ok(wants)) => webhooks.push(Webhook { endpoint, wants }),
            (Err(error), _) => faults.push(format!("webhooks.endpoints: {name}: {error}")),
            (Ok(_), Err(())) => {}
        }
    }
    for (key, left) in [("webhooks.secrets", secrets), ("webhooks.events", events)] {
        faults.extend(left.into_keys().map(|name| format!("{key}: webhooks.endpoints has no {name}")));
    }
    webhooks
}

/// Entries `name=…`, each name once.
fn by_name(key: &str, entries: Vec<String>, faults: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut named = BTreeMap::new();
    for entry in entries {
        let Some((name, rest)) = entry.split_once('=') else {
            faults.push(format!("{key}: an entry has no `=`: each is name=…"));
            continue;
        };
        let name = name.trim().to_owned();
        if named.insert(name.clone(), rest.trim().to_owned()).is_some() {
            faults.push(format!("{key} has two entries for {name}"));
        }
    }
    named
}

/// The secrets of an endpoint, or none where one is unfit.
fn signing_secrets(name: &str, text: Option<String>, faults: &mut Vec<String>) -> Option<Vec<SigningSecret>> {
    let secrets: Result<_, _> = text.unwrap_or_default().split_ascii_whitespace().map(SigningSecret::parse).collect();
    secrets.map_err(|error| faults.push(format!("webhooks.secrets: {name}: {error}"))).ok()
}

/// The kinds of events with these words, joined by `+`; or the word that is none.
fn event_set(words: &str) -> Result<EventSet, String> {
    if words == "all" {
        return Ok(EventSet::ALL);
    }
    let kind = |word: &str| {
        let word = word.trim();
        EventKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| word.to_owned())
    };
    let kinds: Vec<EventKind> = words.split('+').map(kind).collect::<Result<_, _>>()?;
    Ok(EventSet::of(&kinds))
}
