//! A member of a consumer group, with mock brokers within this process.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use holdfast_application::ports::{EventSource as _, PollLimits};
use holdfast_infrastructure::kafka::{EventFormat, KafkaSettings, KafkaSource, PublishSettings};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

const TOPIC: &str = "orders";
const RECORDS: usize = 200;
const LIMITS: PollLimits = PollLimits { records_max: 500, bytes_max: 1 << 20 };
const MOMENT: Duration = Duration::from_millis(20);

#[test]
fn partitions_that_come_while_no_records_are_wanted_give_none() {
    let brokers = MockCluster::new(1).expect("a mock broker");
    brokers.create_topic(TOPIC, 2, 1).expect("a topic");
    let (mut stays, mut goes) = (join(&brokers.bootstrap_servers()), join(&brokers.bootstrap_servers()));
    eventually(|| {
        stays.poll(LIMITS, MOMENT).expect("no error");
        goes.poll(LIMITS, MOMENT).expect("no error");
        has(&stays, 1) && has(&goes, 1)
    });
    write(&brokers.bootstrap_servers());
    drop(goes);
    // Long enough for the other's partition to come, and for its records.
    eventually(|| {
        stays.stay(Duration::from_secs(10));
        has(&stays, 2)
    });
    assert!(format!("{stays:?}").contains("early: 0,"), "{stays:?}");
    let mut taken = BTreeSet::new();
    eventually(|| {
        let records = stays.poll(LIMITS, MOMENT).expect("no error");
        taken.extend(records.into_iter().map(|record| (record.partition, record.offset)));
        taken.len() == RECORDS
    });
}

#[test]
fn a_partition_that_goes_while_no_records_are_wanted_gives_some_once_it_is_back() {
    let brokers = MockCluster::new(1).expect("a mock broker");
    brokers.create_topic(TOPIC, 2, 1).expect("a topic");
    let mut stays = join(&brokers.bootstrap_servers());
    eventually(|| {
        stays.poll(LIMITS, MOMENT).expect("no error");
        has(&stays, 2)
    });
    let mut comes = join(&brokers.bootstrap_servers());
    eventually(|| {
        stays.stay(MOMENT);
        comes.poll(LIMITS, MOMENT).expect("no error");
        has(&stays, 1) && has(&comes, 1)
    });
    drop(comes);
    eventually(|| {
        stays.poll(LIMITS, MOMENT).expect("no error");
        has(&stays, 2)
    });
    write(&brokers.bootstrap_servers());
    let mut taken = BTreeSet::new();
    eventually(|| {
        let records = stays.poll(LIMITS, MOMENT).expect("no error");
        taken.extend(records.into_iter().map(|record| (record.partition, record.offset)));
        taken.len() == RECORDS
    });
}

fn join(brokers: &str) -> KafkaSource {
    let properties = [("session.timeout.ms", "6000"), ("heartbeat.interval.ms", "200")];
    let settings = KafkaSettings {
        brokers: brokers.to_owned(),
        topics_in: vec![TOPIC.to_owned()],
        group: "group".to_owned(),
        topic_dead_letter: "<topic>.dlq".to_owned(),
        publish: PublishSettings {
            is_on: false,
            topic_stock: String::new(),
            topic_orders: String::new(),
            format: EventFormat::Binary,
            source: String::new(),
        },
        properties: properties.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    };
    KafkaSource::join(&settings).expect("a member").0
}

fn has(source: &KafkaSource, partitions: usize) -> bool {
    format!("{source:?}").contains(&format!("partitions: {partitions},"))
}

fn write(brokers: &str) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().expect("a producer");
    for number in 0..RECORDS {
        let record = BaseRecord::to(TOPIC).partition(i32::from(number % 2 == 0)).key("k").payload("{}");
        producer.send(record).map_err(|(error, _)| error).expect("there is room");
    }
    producer.flush(Duration::from_secs(30)).expect("the broker takes them");
}

#[track_caller]
fn eventually(mut is_so: impl FnMut() -> bool) {
    let asked = Instant::now();
    while !is_so() {
        assert!(asked.elapsed() < Duration::from_mins(1), "waited in vain");
    }
}
