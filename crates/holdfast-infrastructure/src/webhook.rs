//! Webhooks: events posted to endpoints of others, signed as Standard Webhooks says.

mod authorities;
mod endpoint;
mod networks;
mod pauses;
mod post;
mod signature;
mod sink;

pub use authorities::{Authorities, UnfitAuthorities};
pub use endpoint::{Endpoint, UnfitEndpoint};
pub use signature::{SigningSecret, UnfitSecret};
pub use sink::{WallClock, WebhookSink};
