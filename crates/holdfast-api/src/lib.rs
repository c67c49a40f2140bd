//! How Holdfast is talked to: HTTP routes, problem answers, the OpenAPI document.
//!
//! Reading order: [`mod@router`] (what surrounds all routes), [`routes`] (decode, ask, answer; the list of them),
//! [`decode`] (bodies to commands), [`wire`] (the shapes of answers), [`render`] (decisions to answers), [`code`] and
//! [`problem`] (what goes wrong, one table), [`openapi`] and [`asyncapi`] (the documents).
//!
//! Nothing here decides about stock: a write becomes a command and waits in line, a read goes to the queries.

pub mod asyncapi;
mod body;
pub mod code;
mod convoy;
mod cursor;
mod decode;
mod etag;
mod fast;
mod faults;
pub mod field_fault;
mod fields;
pub mod health;
mod idempotency;
mod list;
pub mod openapi;
mod path;
pub mod problem;
mod query;
mod read;
mod received;
mod render;
mod request_key;
mod rim;
pub mod router;
mod routes;
pub mod server;
pub mod state;
mod strict_json;
mod timed_body;
pub mod wire;
mod write;

pub use health::{Component, HealthProbe, HealthState, Identity};
pub use openapi::openapi_json;
pub use router::{Interface, interface};
pub use state::{ApiSettings, Service};
