//! What becomes of a service when its broker fails under load: requests go on, nothing is lost, and what is published
//! is in order and what the books say.

use std::time::{Duration, Instant};

use crate::broker::taken;
use crate::kafka::{start_with, unlimited};
use crate::order_traffic::OrderTraffic;
use crate::own_broker::OwnBroker;
use crate::program::Program;
use crate::published::published_is_what_the_books_say;
use crate::running::Service;

/// How long the service may take to take some more.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn a_broker_that_is_killed_and_started_again_under_load() {
    let Some(mut own) = OwnBroker::start() else { return };
    let (broker, program) = (own.broker(), unlimited(Program::new()));
    let mut traffic = OrderTraffic::default();
    let service = start_with(&program, &broker, &[]);
    traffic.run(&service, &broker, Duration::from_secs(20), || {
        must_take_more(&service);
        for _ in 0..2 {
            own.kill();
            service.must_say("Degraded");
            own.start_again();
            service.must_say("Healthy");
        }
    });
    traffic.must_be_in_the_books(&program, &service);
    assert_eq!(service.stop(), Some(0));
    published_is_what_the_books_say(&program, &broker);
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn a_broker_that_stands_still_under_load_and_a_service_that_leaves_meanwhile() {
    let Some(own) = OwnBroker::start() else { return };
    let (broker, program) = (own.broker(), unlimited(Program::new()));
    let mut traffic = OrderTraffic::default();
    let mut service = start_with(&program, &broker, &[]);
    traffic.run(&service, &broker, Duration::from_secs(20), || {
        must_take_more(&service);
        own.pause();
        service.must_say("Degraded");
        own.go_on();
        service.must_say("Healthy");
        assert!(
            service.log().contains("they are sent anew"),
            "a producer that hears nothing is replaced: {}",
            service.log()
        );
    });
    traffic.must_be_in_the_books(&program, &service);

    own.pause();
    traffic.run_http(&service, || std::thread::sleep(Duration::from_secs(2)));
    service.terminate();
    // Ten seconds are a promise to whoever stops it, and would kill it after them.
    let ended = service.ended_within(Duration::from_secs(10));
    assert_eq!(ended.and_then(|ended| ended.code()), Some(0), "{}", service.log());
    own.go_on();
    // What it could not tell any more it tells now.
    let service = start_with(&program, &broker, &[]);
    crate::broker::wait_until_told(&service);
    assert_eq!(service.stop(), Some(0));
    published_is_what_the_books_say(&program, &broker);
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

/// Waits until it has taken some more from the broker, so that something is under way.
fn must_take_more(service: &Service) {
    let (asked, so_far) = (Instant::now(), taken(service, None));
    while taken(service, None) < so_far + 50 {
        assert!(asked.elapsed() < PATIENCE, "{}", service.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}
