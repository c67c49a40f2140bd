//! The relays of a service: to brokers, and to each webhook.

use std::sync::Arc;

use holdfast_application::events::{Destination, EventSet};
use holdfast_application::relay::{Relay, RelayParts};
use holdfast_infrastructure::kafka::{KafkaPublisher, KafkaSettings};
use holdfast_infrastructure::webhook::WebhookSink;

use super::system_clock::wall_clock;
use crate::config::{Settings, kafka_destinations};
use crate::exit::{Failure, with_sources};

/// One relay for each destination of events, and one of dead letters.
pub(super) fn relays(settings: &Settings, parts: &RelayParts) -> Result<Vec<Relay>, Failure> {
    let mut relays = Vec::new();
    if let Some(kafka) = &settings.kafka {
        for destination in kafka_destinations(kafka) {
            relays.push(to_brokers(&destination, kafka, parts)?);
        }
    }
    for webhook in &settings.webhooks {
        let sink = WebhookSink::new(webhook.endpoint.clone(), Box::new(wall_clock));
        relays.push(Relay::new(&webhook.destination(), Box::new(sink), parts.clone()));
    }
    Ok(relays)
}

fn to_brokers(destination: &Destination, kafka: &KafkaSettings, parts: &RelayParts) -> Result<Relay, Failure> {
    let wrong = |error| Failure::usage(with_sources(&error));
    if destination.wants != EventSet::DEAD_LETTERS {
        let sink = KafkaPublisher::new(kafka.clone()).map_err(wrong)?;
        return Ok(Relay::new(destination, Box::new(sink), parts.clone()));
    }
    let sink = KafkaPublisher::of_dead_letters(kafka.clone()).map_err(wrong)?;
    // There are few dead letters, so no commit wakes their relay: it looks by itself.
    Ok(Relay::new(destination, Box::new(sink), RelayParts { bell: Arc::default(), ..parts.clone() }))
}
