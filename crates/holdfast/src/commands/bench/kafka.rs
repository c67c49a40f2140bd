//! `bench kafka`: orders from a topic to committed reservations, and on to the published events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use holdfast_application::queries::StockQueries;
use holdfast_domain::book::ProductRef;
use holdfast_domain::{ProductId, Quantity};
use holdfast_infrastructure::kafka::{KafkaError, TopicReader, TopicWriter};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::setting_up::{self, Proved};
use super::{Found, Tally, rate, with};
use crate::cli::{BenchKafkaArgs, CommonArgs};
use crate::config::DESTINATION;
use crate::exit::{Exit, Failure};
use crate::numbers::{count, float};
use crate::random::Random;
use crate::wiring::{self, Running};

/// How long anything may take before the bench gives up.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often the books are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A service of the bench's own, and the topic it takes orders from.
struct Bench {
    brokers: String,
    topic: String,
    products: Vec<ProductId>,
    stock: Quantity,
    folder: TempDir,
}

/// Runs the bench.
pub(super) fn run(common: &CommonArgs, args: &BenchKafkaArgs) -> Result<Found, Failure> {
    let mut random = Random::new();
    let bench = Bench {
        brokers: args.kafka_brokers.clone(),
        topic: format!("holdfast-bench-{:016x}", random.next()),
        products: setting_up::new_products(args.products),
        stock: Quantity::new(Quantity::MAX).expect("the largest quantity"),
        folder: setting_up::folder(args.folder.as_deref())?,
    };
    match args.rate {
        Some(per_second) => bench.steadily(common, args, per_second),
        None => bench.at_once(common, args),
    }
}

impl Bench {
    fn start(&self, common: &CommonArgs, args: &BenchKafkaArgs) -> Result<Running, Failure> {
        let flags = [
            ("kafka.brokers", self.brokers.clone()),
            ("kafka.topics_in", self.topic.clone()),
            ("kafka.group", self.topic.clone()),
            ("kafka.publish", (!args.no_publish).to_string()),
            ("kafka.topic_stock", self.stock_topic()),
            ("kafka.topic_orders", format!("{}-orders", self.topic)),
        ];
        let settings = setting_up::settings_with(common, &self.folder, &flags)?;
        let mut books = wiring::open_books(&settings)?;
        setting_up::stock_up(&mut books, &self.products, self.stock)?;
        Running::start(&settings, books)
    }

    fn stock_topic(&self) -> String {
        format!("{}-stock", self.topic)
    }

    /// The next order of one unit: its id, and its event.
    fn order(&self, random: &mut Random) -> (String, String) {
        let order = random.order().to_string();
        let product = random.pick(&self.products).map(ProductId::to_string).unwrap_or_default();
        let event = format!(
            r#"{{"type":"OrderCreated","orderId":"{order}","items":[{{"productId":"{product}","quantity":1}}],"createdAt":"2026-11-22T10:00:00Z"}}"#
        );
        (order, event)
    }

    /// All orders lie in the topic before the service starts.
    fn at_once(&self, common: &CommonArgs, args: &BenchKafkaArgs) -> Result<Found, Failure> {
        let writer = TopicWriter::to(&self.brokers, &self.topic).map_err(|error| away(&error))?;
        let mut random = Random::new();
        for _ in 0..args.orders {
            let (order, event) = self.order(&mut random);
            writer.write(&order, event.as_bytes()).map_err(|error| away(&error))?;
        }
        writer.finish().map_err(|error| away(&error))?;
        let running = self.start(common, args)?;
        let queries = running.queries.clone();
        let reserved = || self.reserved(&*queries);
        wait_until(|| Ok(reserved()? > 0))?;
        let (started, first) = (Instant::now(), reserved()?);
        wait_until(|| Ok(reserved()? >= args.orders))?;
        let committed = started.elapsed();
        wait_until(|| is_told(&*queries))?;
        let told = started.elapsed();
        running.stop()?;
        let proved = setting_up::prove(&*queries, &self.products, self.stock)?;
        let decided = args.orders.saturating_sub(first);
        let mut tally = Tally { accepted: proved.reserved, ..Tally::default() };
        let shown = with(
            tally.shown(rate(decided, committed), proved.oversold),
            json!({
                "published_per_s": (!args.no_publish).then(|| rate(decided, told).round()),
                "orders": args.orders,
                "products": args.products,
                "verified": is_right(&proved, args.orders),
                "seconds": committed.as_secs_f64(),
            }),
        );
        Ok(Found { shown, is_right: is_right(&proved, args.orders) })
    }

    /// Orders come at a steady rate; what is measured is the time until their `StockReserved` can be read.
    fn steadily(&self, common: &CommonArgs, args: &BenchKafkaArgs, per_second: u32) -> Result<Found, Failure> {
        if args.no_publish {
            return Err(Failure::usage("--rate measures what is published: leave --no-publish out".to_owned()));
        }
        let writer = TopicWriter::to(&self.brokers, &self.topic).map_err(|error| away(&error))?;
        // Makes the topic, so that the service finds it when it starts.
        let mut random = Random::new();
        let (order, event) = self.order(&mut random);
        writer.write(&order, event.as_bytes()).map_err(|error| away(&error))?;
        writer.finish().map_err(|error| away(&error))?;
        let running = self.start(common, args)?;
        let queries = running.queries.clone();
        wait_until(|| Ok(self.reserved(&*queries)? > 0 && is_told(&*queries)?))?;
        let reader = TopicReader::of(&self.brokers, &self.stock_topic()).map_err(|error| away(&error))?;
        wait_until(|| Ok(reader.next(LOOK_EVERY).is_some()))?;

        let sent: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let reading = {
            let (sent, is_over) = (sent.clone(), is_over.clone());
            std::thread::spawn(move || latencies(&reader, &sent, &is_over))
        };
        let orders = u64::from(per_second).saturating_mul(args.seconds);
        let pause = Duration::from_secs_f64(1.0 / f64::from(per_second));
        let started = Instant::now();
        for number in 0..orders {
            let due = pause.mul_f64(float(number));
            std::thread::sleep(due.saturating_sub(started.elapsed()));
            let (order, event) = self.order(&mut random);
            sent.lock().unwrap_or_else(PoisonError::into_inner).insert(order.clone(), Instant::now());
            writer.write(&order, event.as_bytes()).map_err(|error| away(&error))?;
        }
        let took = started.elapsed();
        let left = || sent.lock().unwrap_or_else(PoisonError::into_inner).len();
        wait_until(|| Ok(left() == 0))?;
        is_over.store(true, Ordering::Relaxed);
        let latencies = reading.join().map_err(|_| Failure::new(Exit::Failed, "the reader of the topic has died"))?;
        running.stop()?;
        let all = orders.saturating_add(1);
        let proved = setting_up::prove(&*queries, &self.products, self.stock)?;
        let mut tally = Tally { accepted: count(latencies.len()), latencies, ..Tally::default() };
        let shown = with(
            tally.shown(rate(orders, took), proved.oversold),
            json!({"asked_per_s": per_second, "products": args.products, "verified": is_right(&proved, all)}),
        );
        Ok(Found { shown, is_right: is_right(&proved, all) })
    }

    fn reserved(&self, queries: &dyn StockQueries) -> Result<u64, Failure> {
        let mut reserved = 0_u64;
        for some in self.products.chunks(1_000) {
            let wanted: Vec<ProductRef> = some.iter().map(|product| ProductRef::Id(*product)).collect();
            let items = queries.items(&wanted).map_err(|error| Failure::failed("the store cannot be read", &error))?;
            reserved = reserved.saturating_add(items.iter().map(|item| item.reserved().get()).sum());
        }
        Ok(reserved)
    }
}

const fn is_right(proved: &Proved, orders: u64) -> bool {
    proved.is_clean && proved.oversold == 0 && proved.reserved == orders
}

/// Whether nothing waits in the outbox.
fn is_told(queries: &dyn StockQueries) -> Result<bool, Failure> {
    let depth = queries.outbox_depth(&[DESTINATION], 1);
    Ok(depth.map_err(|error| Failure::failed("the store cannot be read", &error))?.events == 0)
}

/// How long each order took to come back as an event, in microseconds.
fn latencies(reader: &TopicReader, sent: &Mutex<HashMap<String, Instant>>, is_over: &AtomicBool) -> Vec<u32> {
    let mut latencies = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let Some(event) = reader.next(LOOK_EVERY) else { continue };
        let now = Instant::now();
        let event: Value = serde_json::from_slice(&event).unwrap_or_default();
        let order = event.get("orderId").and_then(Value::as_str).unwrap_or_default();
        if let Some(at) = sent.lock().unwrap_or_else(PoisonError::into_inner).remove(order) {
            latencies.push(u32::try_from(now.saturating_duration_since(at).as_micros()).unwrap_or(u32::MAX));
        }
    }
    latencies
}

/// Looks again and again until it is so.
fn wait_until(mut is_so: impl FnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
    let since = Instant::now();
    while !is_so()? {
        if since.elapsed() > PATIENCE {
            return Err(Failure::new(Exit::Failed, "the orders of the topic do not come to an end"));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

fn away(error: &KafkaError) -> Failure {
    Failure::failed("the brokers cannot be used", error)
}
