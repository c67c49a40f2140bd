//! Members of the consumer group die, sleep and come and go: the books are the same as if nothing had happened.

use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::kafka::{order_events, shuffled, start_with, unlimited};
use crate::order_traffic::OrderTraffic;
use crate::program::Program;
use crate::published::published_is_what_the_books_say;
use crate::running::Service;
use crate::shared_database::SharedDatabase;
use crate::test_data::{Books, kept};

/// Members that are silent for this long are taken for dead, so that a story need not wait for minutes.
const SHORT: [&str; 2] =
    ["--set", "kafka.properties=session.timeout.ms=6000,max.poll.interval.ms=6000,heartbeat.interval.ms=1000"];

#[test]
fn a_service_that_is_killed_again_and_again_takes_every_order_once() {
    let Some(broker) = Broker::find() else { return };
    let program = unlimited(Program::new());
    broker.write(&shuffled(&order_events()));
    for round in 0..4 {
        let mut service = start_with(&program, &broker, &SHORT);
        std::thread::sleep(Duration::from_millis(200 + 250 * round));
        service.kill();
    }
    let service = start_with(&program, &broker, &SHORT);
    must_come_to_the_expected_books(&program, &service);
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn members_that_sleep_and_members_that_come_and_go() {
    let Some(broker) = Broker::find() else { return };
    if !SharedDatabase::is_there() {
        return;
    }
    let program = unlimited(Program::new().on(SharedDatabase::migrated()));
    let services = [start_with(&program, &broker, &SHORT), start_with(&program, &broker, &SHORT)];
    let events = shuffled(&order_events());
    let (some, others) = events.split_at(events.len() / 2);
    broker.write(some);
    services[0].pause();
    // Longer than a member may be silent: its partitions go to others, and it comes back with what it had.
    let slept = Instant::now();
    while slept.elapsed() < Duration::from_secs(9) {
        let third = start_with(&program, &broker, &SHORT);
        std::thread::sleep(Duration::from_millis(700));
        assert_eq!(third.stop(), Some(0));
    }
    broker.write(others);
    services[0].resume();
    must_come_to_the_expected_books(&program, &services[1]);
    for service in services {
        assert_eq!(service.stop(), Some(0));
    }
}

fn must_come_to_the_expected_books(program: &Program, service: &Service) {
    let (asked, expected) = (Instant::now(), Books::expected(&kept("online_retail_small"), "unlimited"));
    while Books::of(program) != expected {
        assert!(asked.elapsed() < Duration::from_mins(1), "the books differ: {}", service.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    // Whoever still has something under way changes nothing any more.
    std::thread::sleep(Duration::from_secs(1));
    assert!(Books::of(program) == expected, "the books have changed again");
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn a_third_member_comes_and_goes_every_second_while_all_publish() {
    let Some(broker) = Broker::find() else { return };
    if !SharedDatabase::is_there() {
        return;
    }
    let program = unlimited(Program::new().on(SharedDatabase::migrated()));
    let services = [start_with(&program, &broker, &SHORT), start_with(&program, &broker, &SHORT)];
    let mut traffic = OrderTraffic::default();
    traffic.run(&services[0], &broker, Duration::from_secs(28), || {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            let third = start_with(&program, &broker, &SHORT);
            std::thread::sleep(Duration::from_millis(700));
            assert_eq!(third.stop(), Some(0));
        }
    });
    traffic.must_be_in_the_books(&program, &services[0]);
    for service in services {
        assert_eq!(service.stop(), Some(0));
    }
    published_is_what_the_books_say(&program, &broker);
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}
