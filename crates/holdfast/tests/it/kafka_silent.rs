//! Brokers that fall silent, with connections open and nobody answering: the service goes on, and leaves when it is
//! asked to.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use serde_json::json;

use crate::broker::{taken, wait_until_taken};
use crate::program::Program;
use crate::running::Service;

const TOPIC: &str = "orders";

#[test]
fn a_service_whose_brokers_fall_silent_leaves_in_time() {
    let brokers = SilentBrokers::start();
    let program = Program::new();
    let mut service = brokers.service(&program);
    // More than it decides until they are silent, so that there is something to tell them then.
    brokers.write(0..20_000);
    wait_until_taken(&[&service], 1);
    brokers.fall_silent();
    let so_far = taken(&service, None);
    wait_until_taken(&[&service], so_far + 1_000);
    assert_eq!(service.get("/health/ready").0, 200);
    service.terminate();
    // Ten seconds are a promise to whoever stops it, and would kill it after them.
    let ended = service.ended_within(Duration::from_secs(10));
    assert_eq!(ended.and_then(|ended| ended.code()), Some(0), "{}", service.log());
}

#[test]
fn what_was_dealt_with_does_not_come_again_once_a_service_has_left() {
    let brokers = SilentBrokers::start();
    let program = Program::new();
    for range in [0..700, 700..701] {
        let service = brokers.service(&program);
        let events = u64::from(range.end - range.start);
        brokers.write(range);
        wait_until_taken(&[&service], events);
        assert_eq!(taken(&service, None), events);
        assert_eq!(service.stop(), Some(0));
    }
}

/// A broker within this process.
struct SilentBrokers(MockCluster<'static, DefaultProducerContext>);

impl SilentBrokers {
    fn start() -> Self {
        let cluster = MockCluster::new(1).expect("a mock broker");
        cluster.create_topic(TOPIC, 1, 1).expect("a topic");
        Self(cluster)
    }

    fn service(&self, program: &Program) -> Service {
        let address = self.0.bootstrap_servers();
        Service::start(program, &["--kafka-brokers", &address, "--set", &format!("kafka.topics_in={TOPIC}")])
    }

    /// Orders that nothing can serve: each is decided, and refused.
    fn write(&self, numbers: std::ops::Range<u32>) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", self.0.bootstrap_servers())
            .set("queue.buffering.max.messages", "100000")
            .create()
            .expect("a producer");
        for number in numbers {
            let order = format!("33333333-0000-4000-8000-{number:012}");
            let lines = json!([{"sku": "unknown", "quantity": 1}]);
            let value = json!({"type": "OrderCreated", "orderId": order, "items": lines}).to_string();
            let record = BaseRecord::to(TOPIC).key(&order).payload(&value);
            producer.send(record).map_err(|(error, _)| error).expect("there is room");
        }
        producer.flush(Duration::from_secs(30)).expect("the broker takes them");
    }

    /// From now on every answer takes longer than anybody waits.
    fn fall_silent(&self) {
        self.0.broker_round_trip_time(-1, Duration::from_hours(1)).expect("the broker does it");
    }
}
