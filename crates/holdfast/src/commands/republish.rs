//! `republish`: sends the stock events of a range of the ledger again. Readers drop what they know by sequence and
//! part, so it is harmless to send too much. What became of whole orders is not in the ledger and is not sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_application::events::{OutgoingEvent, cloud_event};
use holdfast_application::ports::EventSink;
use holdfast_application::queries::{LedgerPlace, ReadError, StockQueries, ToldPlace};
use holdfast_domain::book::ProductRef;
use holdfast_domain::{ItemNumber, ProductId, Timestamp};
use holdfast_infrastructure::kafka::KafkaPublisher;
use serde_json::json;

use crate::cli::{CommonArgs, RangeEnd, RepublishArgs};
use crate::config::Settings;
use crate::exit::{Exit, Failure, with_sources};
use crate::interrupt::{Interrupt, Work};
use crate::numbers::seconds;
use crate::output::Output;
use crate::wiring;

/// Movements that are read and sent at a time.
const STEP: usize = 500;
/// For how long brokers that do not take events are tried again.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long brokers are left alone after a failure.
const PAUSE: Duration = Duration::from_millis(250);

/// What an interrupted command says.
const SENDING: Work = Work {
    counted: Some("events were sent"),
    go_on: "run it again: what was sent twice is dropped by its readers",
    looks: true,
};

/// Sends what was asked for.
pub(super) fn run(common: &CommonArgs, args: &RepublishArgs) -> Result<Exit, Failure> {
    let range = Range::of(args)?;
    let interrupt = Interrupt::hear(SENDING)?;
    let configuration = super::configuration(common, args.settings())?;
    super::refuse_two_stores(common, &configuration)?;
    let settings = super::warned(&configuration)?;
    let mut output = super::output(common);
    let mut target = Target::named(args, &settings)?;
    let queries = wiring::open_reader(&settings)?;
    let started = Instant::now();
    let (mut movements, mut events) = (0_u64, 0_u64);
    let mut walk = Walk::begin(queries, range)?;
    loop {
        interrupt.look()?;
        let told = walk.next().map_err(|error| Failure::failed("the store cannot be read", &error))?;
        let Some(told) = told else { break };
        movements = movements.saturating_add(crate::numbers::count(told.len()));
        let told: Vec<&OutgoingEvent> = told.iter().flat_map(|told| &told.events).collect();
        target.take(&told, &mut output, &interrupt)?;
        let count = crate::numbers::count(told.len());
        interrupt.note(count);
        events = events.saturating_add(count);
    }
    if !args.dry_run {
        let took = seconds(started.elapsed());
        output.object(&json!({"movements": movements, "events": events, "seconds": took}))?;
    }
    Ok(Exit::Done)
}

/// Which movements.
#[derive(Clone, Copy, Debug)]
struct Range {
    product: Option<ProductId>,
    /// From and before.
    times: (Timestamp, Timestamp),
    /// From and up to.
    sequences: (u64, u64),
}

impl Range {
    fn of(args: &RepublishArgs) -> Result<Self, Failure> {
        let mut range =
            Self { product: args.product, times: (Timestamp::EPOCH, Timestamp::MAX), sequences: (1, u64::MAX) };
        let mut needs_product = false;
        match args.from {
            RangeEnd::Time(time) => range.times.0 = time,
            RangeEnd::Sequence(first) => (range.sequences.0, needs_product) = (first, true),
        }
        match args.to {
            Some(RangeEnd::Time(time)) => range.times.1 = time,
            Some(RangeEnd::Sequence(last)) => (range.sequences.1, needs_product) = (last, true),
            None => {}
        }
        if needs_product && range.product.is_none() {
            return Err(Failure::usage("sequences are counted per product: name one with --product, or give a time"));
        }
        Ok(range)
    }

    fn has(&self, place: LedgerPlace) -> bool {
        (self.times.0..self.times.1).contains(&place.created_at)
            && (self.sequences.0..=self.sequences.1).contains(&place.sequence)
    }
}

/// A walk over the movements of a range: of one product by sequence, else by time.
struct Walk {
    queries: Arc<dyn StockQueries>,
    range: Range,
    step: Step,
}

enum Step {
    /// An item's next sequence, and its last.
    OfProduct(ItemNumber, u64, u64),
    ByTime(LedgerPlace),
}

impl Walk {
    fn begin(queries: Arc<dyn StockQueries>, range: Range) -> Result<Self, Failure> {
        let Some(product) = range.product else {
            let step = Step::ByTime(LedgerPlace::before(range.times.0));
            return Ok(Self { queries, range, step });
        };
        let found = queries.items(&[ProductRef::Id(product)]);
        let found = found.map_err(|error| Failure::failed("the store cannot be read", &error))?;
        let missing = || Failure::new(Exit::NotFound, format!("there is no product {product}"));
        let item = found.first().ok_or_else(missing)?;
        let step = Step::OfProduct(item.number, range.sequences.0.max(1), range.sequences.1.min(item.sequence));
        Ok(Self { queries, range, step })
    }

    /// The next of them; `None` behind the last.
    fn next(&mut self) -> Result<Option<Vec<ToldPlace>>, ReadError> {
        let movements: Vec<(ItemNumber, u64)> = match &mut self.step {
            Step::OfProduct(item, next, last) => {
                let some: Vec<_> = (*next..=*last).take(STEP).map(|sequence| (*item, sequence)).collect();
                *next = next.saturating_add(crate::numbers::count(some.len()));
                some
            }
            Step::ByTime(after) => {
                let until = self.range.times.1.before(Duration::from_micros(1));
                let places = self.queries.places_between(*after, until, STEP)?;
                *after = places.last().copied().unwrap_or(*after);
                places.iter().map(|place| (place.item, place.sequence)).collect()
            }
        };
        if movements.is_empty() {
            return Ok(None);
        }
        let mut told = self.queries.events_at(&movements)?;
        told.retain(|told| self.range.has(told.place));
        Ok(Some(told))
    }
}

/// Where events go.
enum Target {
    /// To whoever reads standard output, as `CloudEvents` from this source.
    Printed(String),
    /// To brokers.
    Sent(Box<dyn EventSink>),
}

impl Target {
    fn named(args: &RepublishArgs, settings: &Settings) -> Result<Self, Failure> {
        if args.dry_run {
            return Ok(Self::Printed(settings.event_source.clone()));
        }
        let Some(kafka) = &settings.kafka else {
            return Err(Failure::usage("nobody to send to: name brokers with --kafka-brokers, or try --dry-run"));
        };
        let publisher = KafkaPublisher::new(kafka.clone()).map_err(|error| Failure::usage(with_sources(&error)))?;
        Ok(Self::Sent(Box::new(publisher)))
    }

    /// Takes events, of each product in order.
    fn take(&mut self, events: &[&OutgoingEvent], output: &mut Output, interrupt: &Interrupt) -> Result<(), Failure> {
        match self {
            Self::Printed(source) => events.iter().try_for_each(|event| {
                let line = cloud_event::structured(event, source);
                let line = line.map_err(|error| Failure::failed("an event cannot be written", &error))?;
                output.text(&String::from_utf8_lossy(&line))
            }),
            Self::Sent(sink) => send(&mut **sink, events, interrupt),
        }
    }
}

/// Sends events, and those that were not taken again, until the patience is over.
fn send(sink: &mut dyn EventSink, events: &[&OutgoingEvent], interrupt: &Interrupt) -> Result<(), Failure> {
    let started = Instant::now();
    let mut left: Vec<&OutgoingEvent> = events.to_vec();
    loop {
        let taken = sink.send(&left, &|| interrupt.came() || started.elapsed() >= PATIENCE);
        left = left.into_iter().zip(taken).filter(|(_, taken)| !taken).map(|(event, _)| event).collect();
        interrupt.look()?;
        if left.is_empty() {
            return Ok(());
        }
        if started.elapsed() >= PATIENCE {
            let fault = sink.fault().unwrap_or_else(|| "events were not taken".to_owned());
            return Err(Failure::new(Exit::Later, format!("the brokers do not take events: {fault}")));
        }
        interrupt.pause(PAUSE);
    }
}
