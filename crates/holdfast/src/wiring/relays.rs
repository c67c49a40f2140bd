//! The relays of a service: to brokers, and to each webhook.

use std::sync::Arc;

use holdfast_application::events::EventSet;
use holdfast_application::relay::{Relay, RelayParts};
use holdfast_infrastructure::kafka::KafkaPublisher;
use holdfast_infrastructure::webhook::WebhookSink;

use super::system_clock::wall_clock;
use crate::config::{DEAD_LETTERS, DESTINATION, Settings, Webhook};
use crate::exit::{Failure, with_sources};

/// One relay for each destination of events, and one of dead letters.
pub(super) fn relays(settings: &Settings, parts: &RelayParts) -> Result<Vec<Relay>, Failure> {
    let mut relays = Vec::new();
    if let Some(kafka) = settings.kafka.as_ref().filter(|kafka| kafka.publish.is_on) {
        let wrong = |error| Failure::usage(with_sources(&error));
        let events = KafkaPublisher::new(kafka.clone()).map_err(wrong)?;
        let letters = KafkaPublisher::of_dead_letters(kafka.clone()).map_err(wrong)?;
        // There are few dead letters, so no commit wakes their relay: it looks by itself.
        let seldom = RelayParts { bell: Arc::default(), ..parts.clone() };
        relays.push(Relay::new(DESTINATION.into(), true, Box::new(events), parts.clone()));
        relays.push(Relay::of_dead_letters(DEAD_LETTERS.into(), Box::new(letters), seldom));
    }
    for Webhook { endpoint, wants } in &settings.webhooks {
        let sink = WebhookSink::new(endpoint.clone(), Box::new(wall_clock));
        let destination = endpoint.destination().into();
        relays.push(Relay::new(destination, *wants == EventSet::ALL, Box::new(sink), parts.clone()));
    }
    Ok(relays)
}
