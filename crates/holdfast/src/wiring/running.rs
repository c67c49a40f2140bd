//! A running service: its lanes, one sweep, one watch, and the HTTP interface before them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use holdfast_api::server::{Server, ServerSettings};
use holdfast_api::{ApiSettings, Service};
use holdfast_application::commit_bell::CommitBell;
use holdfast_application::expiry::Sweep;
use holdfast_application::frozen::FrozenProducts;
use holdfast_application::ports::Store;
use holdfast_application::queries::StockQueries;
use holdfast_application::relay::{Relay, RelayParts};
use holdfast_application::stream::{RecentEvents, StreamReader};
use holdfast_application::{Clock, CommandQueue};
use tokio::sync::watch;

use super::Books;
use super::consuming::{Consuming, Member};
use super::health::{Health, Watched};
use super::lanes::Lanes;
use super::letters::LetterWatch;
use super::lock::SharedLock;
use super::outbox::OutboxWatch;
use super::relays::relays;
use super::rollback::RollbackLook;
use super::threads::{BoundedThread, thread};
use crate::config::Settings;
use crate::exit::{Exit, Failure};
use crate::telemetry;

/// How long a shutdown takes at most, whatever keeps it (PROTOCOL, section 3.12).
const LEAVE_WITHIN: Duration = Duration::from_secs(10);

/// What is left of that for the lanes once everybody else has gone or was given up.
const LAST_COMMIT: Duration = Duration::from_millis(500);

/// Who still waits in line so long before requests under way are given up is turned away, and hears so.
const TURNED_AWAY_BEFORE: Duration = Duration::from_millis(500);

/// But not before, and not after so long: an interface without requests ends at once, and those who are turned away
/// want to hear it.
const TURNED_AWAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(8_500));

/// How long a shutdown waits for the consumer once the HTTP interface has ended: brokers that do not answer keep
/// nobody.
const LEAVE_GROUP_WITHIN: Duration = Duration::from_secs(4);

/// How long it then waits for the relays: two seconds in which they still tell, two in which what was told is removed,
/// and one more.
const TELL_WITHIN: Duration = Duration::from_secs(5);

/// A running service.
pub(crate) struct Running {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where its commands wait.
    pub(crate) queue: CommandQueue,
    /// Reads of its books.
    pub(crate) queries: Arc<dyn StockQueries>,
    health: Arc<Health>,
    /// Those who listen.
    events: Arc<RecentEvents>,
    stop_http: watch::Sender<bool>,
    stop_sweep: Arc<AtomicBool>,
    /// Takes events from a broker, where there is one.
    consumer: Option<Consuming>,
    /// Hears when the HTTP interface has ended.
    http_ended: mpsc::Receiver<std::io::Result<()>>,
    /// The relays.
    telling: Vec<BoundedThread>,
    /// The sweep and the lanes.
    writers: Vec<BoundedThread>,
    /// How long requests under way may take to finish.
    drain_max: Duration,
}

impl Running {
    /// Starts all parts.
    pub(crate) fn start(settings: &Settings, books: Books) -> Result<Self, Failure> {
        let metrics = telemetry::start_metrics()?;
        let server = listen(settings)?;
        let address = server.local_addr().map_err(|error| Failure::failed("the address is not told", &error))?;
        if !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "LISTENING BEYOND THIS MACHINE WITHOUT ACCESS KEYS: everybody who reaches this port can change stock"
            );
        }

        let clock: Arc<dyn Clock> = books.clock;
        let queries = books.queries;
        let stores: Vec<Box<dyn Store>> = std::iter::once(books.store).chain(books.further).collect();
        let queue = CommandQueue::with_lanes(settings.queue, stores.len());
        let lock = settings.lock.as_ref().map(SharedLock::of).transpose()?;
        let bell = Arc::new(CommitBell::default());
        let lanes = Lanes::over(stores, &queue, settings, &bell, lock.as_ref().map(|lock| (lock, &queries)));
        let frozen = FrozenProducts::default();
        let mut rollback = RollbackLook::of(settings, &queries, &frozen)?;
        let lanes = if rollback.is_some() { lanes.that_leave_alone(&frozen, &queries) } else { lanes };
        if let Some(rollback) = &mut rollback {
            rollback.look_first();
        }
        let letters = LetterWatch::of(&settings.policy.publishing);
        let room = letters.room();
        let kafka = settings.kafka.as_ref().map(|kafka| Member::join(kafka, &queue, room.clone())).transpose()?;
        let stop_sweep = Arc::new(AtomicBool::new(false));
        let parts = RelayParts {
            queries: queries.clone(),
            queue: queue.clone(),
            duties: books.duties.clone(),
            bell: bell.clone(),
            stop: stop_sweep.clone(),
        };
        let relays = relays(settings, &parts)?;
        let sweep = Sweep::new(queue.clone(), queries.clone(), books.duties, settings.sweep, stop_sweep.clone());
        let watched = Watched {
            replica: settings.http.replica.clone(),
            database: super::kind_of_store(settings),
            schema: super::schema_version(settings),
            queue: queue.clone(),
            queries: queries.clone(),
            clock: clock.clone(),
            lanes: lanes.statuses(),
            sweep: sweep.status(),
            pace: settings.sweep,
            lock,
            kafka: kafka.as_ref().map(Member::status),
            frozen,
            outbox: outbox_watch(settings, &relays),
            letters,
        };
        let health = Arc::new(Health::of(watched));

        let events = RecentEvents::new(settings.streams);
        let stream = StreamReader::new(events.clone(), queries.clone(), bell, &settings.event_source);
        let (stop_http, stopping) = watch::channel(false);
        let (ended, http_ended) = mpsc::channel();
        let service = Service {
            commands: queue.clone(),
            queries: queries.clone(),
            events: events.clone(),
            clock,
            landing: None,
            settings: api_settings(settings),
            letters: room,
            health: health.clone(),
            metrics: Some(metrics.clone()),
        };
        let on_thread =
            move |landing| holdfast_api::interface(Arc::new(Service { landing: Some(landing), ..service.clone() }));
        let watched = health.clone();
        let mut writers = vec![BoundedThread::start("sweep", move || sweep.run())?];
        let telling: Result<Vec<_>, Failure> =
            relays.into_iter().map(|relay| BoundedThread::start("relay", move || relay.run())).collect();
        let telling = telling?;
        writers.extend(lanes.start(&queue)?);
        let consumer = kafka.map(Member::start).transpose()?;
        // None of these writes, so nobody needs to wait for them at the end.
        thread("stream", move || stream.run())?;
        thread("watch", move || watched.watch(&metrics))?;
        if let Some(rollback) = rollback {
            let health = health.clone();
            thread("rollback", move || rollback.watch(&health))?;
        }
        thread("http", move || {
            // Nobody listens once the service is being stopped.
            let _ = ended.send(server.run(on_thread, &stopping));
        })?;
        Ok(Self {
            address,
            queue,
            queries,
            health,
            events,
            stop_http,
            stop_sweep,
            consumer,
            http_ended,
            telling,
            writers,
            drain_max: settings.http.drain_max,
        })
    }

    /// Its address as a URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until `told` hears something, or the HTTP interface ends by itself.
    pub(crate) fn wait(&self, told: &mpsc::Receiver<()>) -> Result<(), Failure> {
        loop {
            match self.http_ended.try_recv() {
                Ok(Err(error)) => return Err(Failure::failed("the HTTP interface has failed", &error)),
                Ok(Ok(())) | Err(mpsc::TryRecvError::Disconnected) => {
                    return Err(Failure::new(Exit::Failed, "the HTTP interface has ended"));
                }
                Err(mpsc::TryRecvError::Empty) => {}
            }
            match told.recv_timeout(Duration::from_millis(100)) {
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Stops: not ready any more, no new connections, requests under way finish, what waits in line is decided. All of
    /// that within ten seconds; who still waits in line by then is turned away.
    ///
    /// # Errors
    ///
    /// The store does not let a writer go: what that one does may be done or not.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.health.leaving.store(true, Ordering::Relaxed);
        if let Some(consumer) = &self.consumer {
            consumer.stop();
        }
        let began = Instant::now();
        let left = || LEAVE_WITHIN.saturating_sub(began.elapsed());
        let left_for_others = || left().saturating_sub(LAST_COMMIT);
        // Streams do not end by themselves.
        self.events.close();
        // Nobody listens when the HTTP interface has ended already.
        let _ = self.stop_http.send(true);
        let runs_on =
            |most: Duration| matches!(self.http_ended.recv_timeout(most), Err(mpsc::RecvTimeoutError::Timeout));
        if runs_on(self.drain_max.saturating_sub(TURNED_AWAY_BEFORE).clamp(TURNED_AWAY.0, TURNED_AWAY.1)) {
            tracing::warn!(commands = self.queue.depth(), "what still waits in line is turned away");
            self.queue.turn_away();
            if runs_on(left_for_others()) {
                tracing::warn!("requests under way did not finish in time");
            }
        }
        self.stop_sweep.store(true, Ordering::Relaxed);
        if let Some(consumer) = self.consumer {
            consumer.leave(left_for_others().min(LEAVE_GROUP_WITHIN));
        }
        // What the relays have told is removed by a lane, as long as there is time.
        let telling = Instant::now();
        for relay in self.telling {
            if !relay.ends_within(TELL_WITHIN.saturating_sub(telling.elapsed()).min(left_for_others())) {
                tracing::warn!("a relay does not end in time: what it has not told is told after the next start");
            }
        }
        self.queue.close();
        // Each is waited for, also behind one that does not end.
        let ended: Vec<bool> = self.writers.into_iter().map(|writer| writer.ends_within(left())).collect();
        if ended.contains(&false) {
            let words = "the store does not let a writer go: what it was asked last may be done or not; start again, and it will be read";
            return Err(Failure::new(Exit::Failed, words));
        }
        Ok(())
    }
}

fn outbox_watch(settings: &Settings, relays: &[Relay]) -> OutboxWatch {
    let statuses = relays.iter().map(Relay::status).collect();
    OutboxWatch::of(&settings.policy.publishing, statuses, settings.outbox_events_max)
}

/// Takes the address.
fn listen(settings: &Settings) -> Result<Server, Failure> {
    let http = &settings.http;
    let server = Server::bind(ServerSettings {
        listen: http.listen,
        threads: http.threads,
        header_timeout: http.header_timeout,
        body_timeout: http.body_timeout,
        write_timeout: http.write_timeout,
        connections_max: http.connections_max,
        drain: http.drain_max,
    });
    server.map_err(|error| Failure::failed(&format!("{} cannot be listened on", http.listen), &error))
}

fn api_settings(settings: &Settings) -> ApiSettings {
    ApiSettings {
        cors_origins: settings.cors_origins.clone(),
        idempotency_required: settings.idempotency_required,
        body_max: settings.http.body_max,
        batch_body_max: settings.http.batch_body_max,
        answer_max: settings.queue.wait_max.saturating_add(Duration::from_secs(20)),
        reclaim_orders_max: settings.policy.reclaim_orders_max,
        swagger: settings.http.swagger,
        event_source: settings.event_source.clone(),
        ..ApiSettings::default()
    }
}
