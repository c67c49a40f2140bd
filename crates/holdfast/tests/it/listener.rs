//! Somebody who listens to a service's stock events.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use serde_json::Value;

/// Longer than any story listens.
const PATIENCE: Duration = Duration::from_mins(2);

/// Somebody who listens; gone with this value.
pub(crate) struct Listener {
    lines: BufReader<Response>,
    /// What to come back with.
    pub(crate) last_id: Option<String>,
    /// How many comments came.
    pub(crate) comments: usize,
}

/// An event that was heard.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// Its id, where it has one.
    pub(crate) id: String,
    /// What it is.
    pub(crate) kind: String,
    /// What it says.
    pub(crate) data: Value,
}

impl Heard {
    /// The product it tells of.
    pub(crate) fn product(&self) -> String {
        self.data["data"]["productId"].as_str().expect("a product").to_owned()
    }

    /// Where it stands among the product's events.
    pub(crate) fn place(&self) -> (u64, u64) {
        let number = |name: &str| self.data["data"][name].as_u64().expect("a number");
        (number("sequence"), number("part"))
    }
}

impl Listener {
    /// Listens to a service; `query` begins with `?` or is empty.
    pub(crate) fn to(url: &str, query: &str, last_id: Option<&str>) -> Self {
        let response = ask(url, query, last_id);
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { lines: BufReader::new(response), last_id: last_id.map(str::to_owned), comments: 0 }
    }

    /// The next event, or `None` when the stream has ended.
    pub(crate) fn next(&mut self) -> Option<Heard> {
        let (mut id, mut kind, mut data) = (String::new(), String::new(), None);
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("", _)) => self.comments += 1,
                Some(("id", text)) => {
                    text.clone_into(&mut id);
                    self.last_id = Some(id.clone());
                }
                Some(("event", text)) => text.clone_into(&mut kind),
                Some(("data", text)) => data = Some(serde_json::from_str(text).expect("JSON in one line")),
                _ => {}
            }
            if let Some(data) = data.take_if(|_| line.trim_end().is_empty()) {
                return Some(Heard { id, kind, data });
            }
        }
    }

    /// Listens until a comment came.
    pub(crate) fn wait_for_a_comment(&mut self) {
        let mut line = String::new();
        while !line.starts_with(": still") {
            line.clear();
            assert_ne!(self.lines.read_line(&mut line).expect("the stream goes on"), 0);
        }
    }
}

/// Asks for a stream.
pub(crate) fn ask(url: &str, query: &str, last_id: Option<&str>) -> Response {
    let client = Client::builder().timeout(PATIENCE).build().expect("a client");
    let request = client.get(format!("{url}/api/inventory/events/stream{query}"));
    let request = match last_id {
        Some(id) => request.header("Last-Event-ID", id),
        None => request,
    };
    request.send().expect("an answer")
}

/// What was heard of each product, the first time each.
#[derive(Debug, Default)]
pub(crate) struct Chronicle {
    of: BTreeMap<String, Vec<(u64, u64)>>,
    kinds: BTreeMap<(String, u64), String>,
}

impl Chronicle {
    /// Notes what was heard, and says whether it was new. Repeats come; but nothing new comes behind something later.
    pub(crate) fn note(&mut self, heard: &Heard) -> bool {
        let (product, place) = (heard.product(), heard.place());
        let places = self.of.entry(product.clone()).or_default();
        if places.last().is_some_and(|last| place <= *last) {
            assert!(places.contains(&place), "{place:?} of {product} comes behind {:?}", places.last());
            return false;
        }
        places.push(place);
        if place.1 == 0 {
            self.kinds.insert((product, place.0), heard.kind.clone());
        }
        true
    }

    /// Up to which sequence a product was heard.
    pub(crate) fn last(&self, product: &str) -> u64 {
        self.of.get(product).and_then(|places| places.last()).map_or(0, |(sequence, _)| *sequence)
    }

    /// Up to which sequence a product's events were heard; they must be 1, 2, 3 … from the first one on.
    pub(crate) fn sequences(&self, product: &str) -> Vec<u64> {
        let places = self.of.get(product).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter(|(_, part)| *part == 0).map(|(sequence, _)| *sequence).collect()
    }

    /// What a movement was told as.
    pub(crate) fn kind(&self, product: &str, sequence: u64) -> Option<&str> {
        self.kinds.get(&(product.to_owned(), sequence)).map(String::as_str)
    }
}
