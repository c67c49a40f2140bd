//! What the routes work with.

use std::sync::Arc;
use std::time::Duration;

use holdfast_application::dead_letters::LetterRoom;
use holdfast_application::events::cloud_event;
use holdfast_application::queries::{DueHold, ReadError, StockQueries};
use holdfast_application::stream::RecentEvents;
use holdfast_application::ticket::{Landing, Ticket};
use holdfast_application::{Class, Command, CommandKey};
use holdfast_application::{Clock, CommandQueue, Reply, Submission};
use holdfast_domain::{Actor, LocationNumber, OrderId, ProductId};
use tokio::time::Instant;

use crate::code::ProblemCode;
use crate::health::HealthProbe;
use crate::problem::Problem;

/// The settings of the HTTP interface.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// Foreign origins that browsers may call from; `*` for any; none when empty.
    pub cors_origins: Vec<String>,
    /// Whether every write needs an `Idempotency-Key`.
    pub idempotency_required: bool,
    /// The most bytes of a body.
    pub body_max: usize,
    /// The most bytes of the body of a batch.
    pub batch_body_max: usize,
    /// How long an answer is awaited before its outcome is called unknown. Longer than commands may wait in line.
    pub answer_max: Duration,
    /// The most due orders whose units a quote counts on: as many as a batch ends.
    pub reclaim_orders_max: usize,
    /// Who movements say asked for a change.
    pub actor: Actor,
    /// Whether Swagger UI is there.
    pub swagger: bool,
    /// Where events come from, by their own account.
    pub event_source: String,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            cors_origins: Vec::new(),
            idempotency_required: false,
            body_max: 1 << 20,
            batch_body_max: 16 << 20,
            answer_max: Duration::from_secs(30),
            reclaim_orders_max: 1_024,
            actor: Actor::new("http").expect("a plain word is an actor"),
            swagger: true,
            event_source: cloud_event::SOURCE.to_owned(),
        }
    }
}

/// What the routes work with.
#[derive(Clone)]
pub struct Service {
    /// Where commands wait in line.
    pub commands: CommandQueue,
    /// Reads of the books.
    pub queries: Arc<dyn StockQueries>,
    /// What happened last, for those who listen.
    pub events: Arc<RecentEvents>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where the callers of the thread that this service lives on are woken.
    pub landing: Option<Arc<Landing>>,
    /// The settings.
    pub settings: ApiSettings,
    /// How much room there is for events that can never be applied.
    pub letters: Arc<LetterRoom>,
    /// How the service is.
    pub health: Arc<dyn HealthProbe>,
    /// What `/metrics` shows.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Service {
    /// A command with what surrounds it.
    pub(crate) fn submission(&self, command: Command, key: Option<CommandKey>) -> Submission {
        Submission { command, actor: self.settings.actor.clone(), key, decided_at: None }
    }

    /// Puts a command in line and waits for what becomes of it.
    pub(crate) async fn ask(&self, command: Command, key: Option<CommandKey>) -> Result<Reply, Problem> {
        let deadline = self.deadline();
        let submission = self.submission(command, key);
        let ticket = self.commands.submit(submission, Class::Interactive, self.landing.clone())?;
        self.hear_until(deadline, ticket).await
    }

    /// When a request that came just now must have its answer. A request of many commands has one deadline for all.
    pub(crate) fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.settings.answer_max).unwrap_or(now)
    }

    /// Waits for an answer. One that is there already is heard after the deadline too.
    pub(crate) async fn hear_until(&self, deadline: Instant, ticket: Ticket) -> Result<Reply, Problem> {
        match tokio::time::timeout_at(deadline, ticket).await {
            Ok(heard) => Ok(heard?),
            Err(_) => Err(Problem::new(
                ProblemCode::OutcomeUnknown,
                format!("No answer came within {} s.", self.settings.answer_max.as_secs()),
            )),
        }
    }

    /// What due orders but `own` hold of these levels: what an attempt that is short of them would get.
    pub(crate) async fn due_holds(
        &self,
        levels: Vec<(ProductId, Option<LocationNumber>)>,
        own: Option<OrderId>,
    ) -> Result<Vec<DueHold>, Problem> {
        let (now, most) = (self.clock.now(), self.settings.reclaim_orders_max);
        let mut holds = self.read(move |queries| queries.due_holds(&levels, now, most)).await?;
        holds.retain(|hold| Some(hold.order) != own);
        Ok(holds)
    }

    /// Reads from the books. The store blocks, so this happens on a thread apart.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn StockQueries) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Problem> {
        let queries = self.queries.clone();
        let joined = tokio::task::spawn_blocking(move || read(&*queries)).await;
        let read = joined.map_err(|error| {
            tracing::error!(%error, "a read did not finish");
            Problem::new(ProblemCode::Internal, "The read did not finish.")
        })?;
        Ok(read?)
    }
}
