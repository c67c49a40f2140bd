//! What the service does: a command is decoded, queued and put in a batch; the domain decides; one transaction makes
//! the batch durable; everybody gets an answer.
//!
//! Reading order: [`command`] (what can be asked), [`answer`] (what is heard), [`order_event`] (the upstream events'
//! rules), [`intake`] (how those events are read), [`consumer`] (how they come from a broker), [`queue`], [`ticket`]
//! and [`bounded_wait`] (waiting in line), [`batch`], [`committer`] (the heart) and [`lane`] (the loop), [`admission`]
//! (whose turn it is, where replicas share a lock), [`expiry`] (the sweep), [`duties`] (who sweeps), [`events`] and
//! [`relay`] (what the world is told), [`rollback`] and [`frozen`] (a database that is older than that), [`stream`] (those who listen over HTTP), [`dead_letters`] (what can never be
//! applied), [`ports`] (what a store is), [`queries`] (reads) and [`audit`] (the proof).
//!
//! The centre is synchronous: a lane is a thread, and `async` ends at the queue.

pub mod admission;
pub mod answer;
pub mod audit;
mod backoff;
pub mod batch;
pub mod bounded_wait;
pub mod clock;
pub mod command;
pub mod commit_bell;
pub mod committer;
pub mod consumer;
pub mod dead_letters;
pub mod duties;
mod event_clock;
pub mod events;
pub mod expiry;
pub mod failpoint;
pub mod frozen;
mod imported;
pub mod intake;
pub mod lane;
pub mod order_event;
pub mod policy;
pub mod ports;
pub mod queries;
pub mod queue;
pub mod relay;
pub mod rollback;
mod shown;
pub mod stream;
pub mod succession;
pub mod ticket;

pub use answer::{Answer, Decision, Fault, KeptAnswer, Reply};
pub use clock::Clock;
pub use command::{Command, CommandKey, Submission};
pub use imported::ImportedItem;
pub use policy::Policy;
pub use queue::{Class, CommandQueue};
pub use shown::Shown;
