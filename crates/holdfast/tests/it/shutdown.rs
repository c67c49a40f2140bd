//! A service that is asked to leave finishes what it has begun, and loses nothing that it acknowledged.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::load::Load;
use crate::patience::eventually;
use crate::program::Program;
use crate::running::Service;

#[test]
fn a_service_that_is_asked_to_leave_under_load_leaves_in_order_and_loses_nothing() {
    let program = Program::new();
    let mut load = Load::on(&program);
    for _ in 0..3 {
        let mut service = Service::start(&program, &[]);
        let url = service.url().to_owned();
        load.run(&url, || {
            std::thread::sleep(Duration::from_millis(300));
            service.terminate();
            // Ten seconds are a promise to whoever stops it, and would kill it after them.
            let ended = service.ended_within(Duration::from_secs(10));
            assert_eq!(ended.expect("it leaves within ten seconds").code(), Some(0));
        });
    }
    let service = Service::start(&program, &[]);
    load.settle(&service);
    assert_eq!(service.stop(), Some(0));
    load.must_be_kept_by(&program);
}

#[test]
fn a_client_that_never_finishes_does_not_keep_a_service_for_ever() {
    let program = Program::new();
    let mut service = Service::start(&program, &["--set", "server.drain_max=1s"]);
    let _unfinished = begin_a_request(&service);
    service.terminate();
    assert_eq!(service.ended_within(Duration::from_secs(10)).and_then(|ended| ended.code()), Some(0));
}

#[test]
fn asked_twice_it_leaves_at_once() {
    let program = Program::new();
    let mut service = Service::start(&program, &[]);
    let _unfinished = begin_a_request(&service);
    service.terminate();
    eventually("it has heard", || service.log().contains("stopping: requests under way finish"));
    service.terminate();
    // The code of a service that did not wait for the request.
    assert_eq!(service.ended().code(), Some(1));
    assert!(service.log().contains("told to stop twice"), "{}", service.log());
    program.done(&["verify"]);
}

/// A request whose body does not come; the service has begun to read it.
fn begin_a_request(service: &Service) -> TcpStream {
    let mut stream = TcpStream::connect(service.url().trim_start_matches("http://")).expect("a connection");
    let head = "POST /api/inventory HTTP/1.1\r\nHost: holdfast\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("it wants the body");
    assert_eq!(&answer, b"HTTP/1.1 100");
    stream
}
