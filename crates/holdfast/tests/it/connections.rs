//! Connections: a bounded number, and none of them for ever.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::patience::eventually;
use crate::program::Program;
use crate::running::Service;

#[test]
fn a_connection_too_many_hears_that_there_is_no_room_until_another_leaves() {
    let program = Program::new();
    let service = Service::start(&program, &["--set", "server.connections_max=2"]);
    let mut guests = [connect(&service), connect(&service)];
    for guest in &mut guests {
        assert!(ask(guest).starts_with("HTTP/1.1 200"));
    }
    let answer = ask(&mut connect(&service));
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let lower = answer.to_ascii_lowercase();
    for header in ["content-type: application/problem+json", "retry-after: ", "x-request-id: ", "connection: close"] {
        assert!(lower.contains(header), "{header} in {answer}");
    }
    assert!(answer.contains(r#""code":"overloaded""#), "{answer}");

    drop(guests);
    eventually("there is room", || ask(&mut connect(&service)).starts_with("HTTP/1.1 200"));
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_client_that_does_not_read_its_answers_loses_its_connection() {
    let program = Program::new();
    let settings = ["--set", "server.connections_max=1", "--set", "server.write_timeout=300ms"];
    let service = Service::start(&program, &settings);
    let mut deaf = connect(&service);
    // Far more than what the system keeps for a connection; the service stops reading once it cannot answer.
    deaf.set_nonblocking(true).expect("a setting of the stream");
    for _ in 0..1_000 {
        if deaf.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: holdfast\r\n\r\n").is_err() {
            break;
        }
    }
    eventually("there is room", || ask(&mut connect(&service)).starts_with("HTTP/1.1 200"));
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_body_that_is_too_large_by_its_own_word_is_refused_at_once() {
    let program = Program::new();
    let service = Service::start(&program, &["--set", "server.body_timeout=8s"]);
    for (header, sent) in [("", "{}"), ("Expect: 100-continue\r\n", "")] {
        let mut guest = connect(&service);
        let began = Instant::now();
        let head = format!(
            "POST /api/inventory HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n{header}\r\n{sent}"
        );
        guest.write_all(head.as_bytes()).expect("sent");
        let mut answer = vec![0; 4_096];
        let length = guest.read(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(answer.get(..length).expect("what was read")).into_owned();
        assert!(answer.starts_with("HTTP/1.1 413"), "{header}: {answer}");
        assert!(began.elapsed() < Duration::from_secs(4), "{header}: {:?}", began.elapsed());
    }
    // One who sends all of it before listening gets to read the answer too, and goes on with the same connection.
    let mut guest = connect(&service);
    let head =
        "POST /api/inventory HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 8000000\r\n\r\n";
    guest.write_all(head.as_bytes()).expect("sent");
    guest.write_all(&vec![b' '; 8_000_000]).expect("sent");
    let mut answer = vec![0; 4_096];
    let length = guest.read(&mut answer).expect("an answer");
    assert!(answer.get(..length).is_some_and(|answer| answer.starts_with(b"HTTP/1.1 413")));
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_head_is_as_large_as_it_may_be_however_it_arrives() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    for (bytes, status) in [(60_000, "200"), (66_000, "431"), (100_000, "431"), (400_000, "431")] {
        let mut guest = connect(&service);
        let head = format!("GET /health/live HTTP/1.1\r\nHost: h\r\nX-Long: {}\r\n\r\n", "x".repeat(bytes));
        // The service may have answered before it was sent to the end.
        let _ = guest.write_all(head.as_bytes());
        let mut answer = vec![0; 4_096];
        let length = guest.read(&mut answer).unwrap_or(0);
        let answer = String::from_utf8_lossy(answer.get(..length).expect("what was read")).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{bytes}: {answer}");
    }
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_body_that_comes_too_slowly_is_told_so() {
    let program = Program::new();
    let service = Service::start(&program, &["--set", "server.body_timeout=300ms"]);
    let mut guest = connect(&service);
    let head =
        "POST /api/inventory HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    guest.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    guest.read_to_string(&mut answer).expect("an answer, and the end of the connection");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("The body did not arrive in time.") && answer.contains("not_applied"), "{answer}");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_request_names_its_host_once_or_is_refused() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    let answer_to = |version: &str, hosts: &str| {
        let mut guest = connect(&service);
        let head = format!("GET /health/live HTTP/{version}\r\nConnection: close\r\n{hosts}\r\n");
        guest.write_all(head.as_bytes()).expect("sent");
        let mut answer = String::new();
        guest.read_to_string(&mut answer).expect("an answer, and the end of the connection");
        answer
    };
    for (hosts, said) in [
        ("", "must be there: HTTP/1.1 asks for it"),
        ("Host: a\r\nHost: a\r\n", "must be there once"),
        ("Host: a, b\r\n", "must be a host"),
        ("Host: https://a/b\r\n", "must be a host"),
    ] {
        let answer = answer_to("1.1", hosts);
        assert!(answer.starts_with("HTTP/1.1 400"), "{hosts}: {answer}");
        let lower = answer.to_ascii_lowercase();
        for header in ["content-type: application/problem+json", "x-request-id: ", "connection: close"] {
            assert!(lower.contains(header), "{header} in {answer}");
        }
        assert!(answer.contains(r#""code":"validation_failed""#) && answer.contains(said), "{said} in {answer}");
        assert!(answer.contains(r#""pointer":"/header/Host""#), "{answer}");
    }
    for (version, hosts) in [("1.1", "Host: a:80\r\n"), ("1.1", "Host:\r\n"), ("1.0", ""), ("1.0", "Host: a\r\n")] {
        let answer = answer_to(version, hosts);
        assert!(answer.starts_with(&format!("HTTP/{version} 200")), "{version} {hosts}: {answer}");
    }
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_client_that_never_ends_its_request_keeps_no_shutdown_and_an_idle_interface_ends_at_once() {
    let program = Program::new();
    for (drain_max, is_slow) in [("1s", true), ("0s", true), ("0s", false), ("10s", false)] {
        let mut service = Service::start(&program, &["--set", &format!("server.drain_max={drain_max}")]);
        let mut guest = is_slow.then(|| connect(&service));
        if let Some(guest) = &mut guest {
            let head = "POST /api/inventory HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
            guest.write_all(head.as_bytes()).expect("sent");
            std::thread::sleep(Duration::from_millis(100));
        }
        service.terminate();
        assert_eq!(service.ended().code(), Some(0), "{drain_max} {is_slow}");
        let log = service.log();
        assert!(is_slow || !log.contains("turned away"), "{drain_max}: nobody waits in line: {log}");
    }
}

fn connect(service: &Service) -> TcpStream {
    let stream = TcpStream::connect(service.url().trim_start_matches("http://")).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a setting of the stream");
    stream
}

/// Asks whether the service lives, and takes what comes first.
fn ask(stream: &mut TcpStream) -> String {
    // Where there is no room, the service may have closed the connection already.
    let _ = stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: holdfast\r\n\r\n");
    let mut answer = vec![0; 4_096];
    let length = stream.read(&mut answer).unwrap_or(0);
    answer.truncate(length);
    String::from_utf8(answer).expect("text")
}
