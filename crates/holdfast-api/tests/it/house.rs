//! The harness: the interface, a store and a lane, and requests written down in one line.

use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::body::Body;
use holdfast_api::{ApiSettings, Component, HealthProbe, HealthState, Identity, Interface, Service, interface};
use holdfast_application::batch::BatchLimits;
use holdfast_application::clock::ManualClock;
use holdfast_application::commit_bell::CommitBell;
use holdfast_application::events::cloud_event;
use holdfast_application::lane::{Lane, LaneEnd};
use holdfast_application::ports::memory::MemoryStore;
use holdfast_application::queries::StockQueries;
use holdfast_application::queue::QueueLimits;
use holdfast_application::stream::{RecentEvents, StreamLimits, StreamReader};
use holdfast_application::{CommandQueue, Policy};
use holdfast_domain::Timestamp;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::document;

/// A lamp.
pub(crate) const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66af01";
/// A chair.
pub(crate) const CHAIR: &str = "3fa85f64-5717-4562-b3fc-2c963f66af02";
/// A product nobody has.
pub(crate) const NOBODYS: &str = "3fa85f64-5717-4562-b3fc-2c963f66afff";

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&holdfast_api::openapi_json()).expect("a document"));

/// The whole service in memory.
pub(crate) struct House {
    interface: Interface,
    runtime: tokio::runtime::Runtime,
    queue: CommandQueue,
    clock: Arc<ManualClock>,
    /// Who listens, and to what.
    events: Arc<RecentEvents>,
    lane: Option<JoinHandle<LaneEnd>>,
}

/// How healthy the house says it is.
pub(crate) struct Mood {
    /// The state of its only component.
    pub(crate) state: HealthState,
    /// Why it cannot write, if it cannot.
    pub(crate) why_not_ready: Option<&'static str>,
}

impl HealthProbe for Mood {
    fn identity(&self) -> Identity {
        Identity { replica: "house".to_owned(), role: "sweeper", database: "sqlite", schema: 1 }
    }

    fn components(&self) -> Vec<Component> {
        vec![Component { name: "store", state: self.state, detail: None }]
    }

    fn why_not_ready(&self) -> Option<String> {
        self.why_not_ready.map(str::to_owned)
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Heard {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The problem's code.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The status and the problem's code.
    pub(crate) fn no(&self) -> (u16, &str) {
        (self.status, self.code())
    }

    /// The pointers of a validation problem.
    pub(crate) fn pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
    }

    /// The address of the next page.
    pub(crate) fn next(&self) -> Option<String> {
        let link = self.header("link")?;
        Some(link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?.to_owned())
    }
}

impl House {
    /// An empty house with the usual settings.
    pub(crate) fn new() -> Self {
        Self::with(ApiSettings::default(), QueueLimits::default(), true)
    }

    /// An empty house with these settings. Without a lane nobody answers.
    pub(crate) fn with(settings: ApiSettings, limits: QueueLimits, has_lane: bool) -> Self {
        Self::in_mood(settings, limits, has_lane, Mood { state: HealthState::Healthy, why_not_ready: None })
    }

    /// An empty house that says it is in this mood.
    pub(crate) fn in_mood(settings: ApiSettings, limits: QueueLimits, has_lane: bool, mood: Mood) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-11-22T10:00:00Z").expect("a time")));
        let (store, queries) = MemoryStore::new(clock.clone());
        let queue = CommandQueue::new(limits);
        let lane = has_lane
            .then(|| Lane::new(Box::new(store), queue.clone().line(0), Policy::default(), BatchLimits::default()));
        let queries: Arc<dyn StockQueries> = queries;
        let events = RecentEvents::new(StreamLimits::default());
        let bell = Arc::new(CommitBell::default());
        let lane = lane.map(|lane: Lane| lane.that_rings(bell.clone()));
        let reader = StreamReader::new(events.clone(), queries.clone(), bell, cloud_event::SOURCE);
        std::thread::spawn(move || reader.run());
        let lane = lane.map(|lane| std::thread::spawn(move || lane.run()));
        let service = Service {
            commands: queue.clone(),
            queries,
            events: events.clone(),
            clock: clock.clone(),
            landing: None,
            settings,
            letters: Arc::default(),
            health: Arc::new(mood),
            metrics: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { interface: interface(Arc::new(service)), runtime, queue, clock, events, lane }
    }

    /// A house with 10 lamps and 5 chairs.
    pub(crate) fn furnished() -> Self {
        let house = Self::new();
        for (product, sku, quantity) in [(LAMP, "LAMP", 10), (CHAIR, "CHAIR", 5)] {
            let made = house.post("/api/inventory", &item(product, sku, quantity));
            assert_eq!(made.status, 201, "{made:?}");
        }
        house
    }

    /// Where commands wait in line.
    pub(crate) fn queue(&self) -> &CommandQueue {
        &self.queue
    }

    /// Time passes.
    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Sends a request and holds the answer against the document.
    pub(crate) fn send(&self, request: Request<Body>) -> Heard {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let heard = self.runtime.block_on(async {
            let response = self.interface.answer(request).await;
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.expect("a body").to_bytes();
            if let Some(length) = parts.headers.get(CONTENT_LENGTH).filter(|_| method != Method::HEAD) {
                assert_eq!(length, bytes.len().to_string().as_str(), "the length that is announced");
            }
            let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
            let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
            Heard { status: parts.status.as_u16(), headers: parts.headers, body }
        });
        document::must_be_documented(&DOCUMENT, &method, &path, &heard);
        heard
    }

    /// Sends a request with these headers and this text.
    pub(crate) fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Heard {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request"))
    }

    /// Reads.
    pub(crate) fn get(&self, path: &str) -> Heard {
        self.request(Method::GET, path, &[], Body::empty())
    }

    /// Posts JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Heard {
        self.post_with(path, &[], body)
    }

    /// Posts JSON with these headers besides.
    pub(crate) fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Heard {
        self.json(Method::POST, path, headers, body)
    }

    /// Sends JSON.
    pub(crate) fn json(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Heard {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.request(method, path, &all, body.to_string())
    }

    /// Posts without a body.
    pub(crate) fn post_empty(&self, path: &str) -> Heard {
        self.request(Method::POST, path, &[], Body::empty())
    }

    /// What is available and reserved of a product.
    pub(crate) fn levels(&self, product: &str) -> (u64, u64) {
        let item = self.get(&format!("/api/inventory/product/{product}"));
        let level = |name: &str| item.body[name].as_u64().expect("a level");
        (level("quantityAvailable"), level("quantityReserved"))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.queue.close();
        self.events.close();
        if let Some(lane) = self.lane.take() {
            let end = lane.join();
            assert!(std::thread::panicking() || matches!(end, Ok(LaneEnd::Drained)), "the lane drains");
        }
    }
}

/// The body of a new item.
pub(crate) fn item(product: &str, sku: &str, quantity: u64) -> Value {
    json!({"productId": product, "productName": format!("A {sku}"), "sku": sku, "initialQuantity": quantity})
}

/// The id of the order with this number.
pub(crate) fn order_id(number: u32) -> String {
    format!("0195a000-0000-7000-8000-{number:012x}")
}

/// The body of a reservation.
pub(crate) fn order(number: u32, lines: &[(&str, u64)]) -> Value {
    let lines: Vec<Value> =
        lines.iter().map(|(product, quantity)| json!({"productId": product, "quantity": quantity})).collect();
    json!({"orderId": order_id(number), "lines": lines})
}
