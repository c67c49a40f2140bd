//! Topics of one story's own on the broker that `HOLDFAST_TEST_KAFKA` names, written and read by an independent client.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::running::Service;

/// How long events may take on their way.
const PATIENCE: Duration = Duration::from_mins(1);

/// A broker, and a name that sets a story's topics apart.
pub(crate) struct Broker {
    address: String,
    name: String,
}

impl Broker {
    /// The broker, where there is one; where there is none, the story says that it is left out.
    pub(crate) fn find() -> Option<Self> {
        static FOUND: AtomicU32 = AtomicU32::new(0);
        let Some(address) = std::env::var("HOLDFAST_TEST_KAFKA").ok().filter(|address| !address.is_empty()) else {
            eprintln!("left out: there is no broker to show it on");
            return None;
        };
        let name = format!("story-{}-{}", std::process::id(), FOUND.fetch_add(1, Ordering::Relaxed));
        Some(Self { address, name })
    }

    /// The name of the story's topic for all events.
    pub(crate) fn topic(&self) -> &str {
        &self.name
    }

    /// What a service is told to take part.
    pub(crate) fn flags(&self, group: &str) -> Vec<String> {
        let (topic, address) = (&self.name, &self.address);
        vec![
            "--kafka-brokers".to_owned(),
            address.clone(),
            "--set".to_owned(),
            format!("kafka.topics_in={topic}"),
            "--set".to_owned(),
            format!("kafka.group={topic}-{group}"),
        ]
    }

    /// Writes records, each with its key, in this order.
    pub(crate) fn write(&self, records: &[(String, String)]) {
        let lines: Vec<String> = records.iter().map(|(key, value)| format!("{key}\t{value}")).collect();
        let lines = lines.join("\n");
        self.kcat(&["-P", "-K", "\t", "-z", "none"], lines.as_bytes());
    }

    /// Writes one record as it stands, with headers as `name=value`; into partition 0, so that it keeps its place.
    pub(crate) fn write_raw(&self, key: &str, value: &[u8], headers: &[&str]) {
        let headers = headers.iter().flat_map(|header| ["-H", header]);
        // No record holds what ends one.
        let record = ["-P", "-D", "\u{1}end\u{1}", "-p", "0", "-k", key, "-X", "message.max.bytes=8388608"];
        self.kcat(&record.into_iter().chain(headers).collect::<Vec<_>>(), value);
    }

    /// Writes a record without a value.
    pub(crate) fn write_nothing(&self, key: &str, headers: &[&str]) {
        let headers = headers.iter().flat_map(|header| ["-H", header]);
        let record = ["-P", "-Z", "-K", ":", "-p", "0"].into_iter().chain(headers).collect::<Vec<_>>();
        self.kcat(&record, format!("{key}:\n").as_bytes());
    }

    /// Everything in a topic, a line each as `format` says.
    pub(crate) fn read(&self, topic: &str, format: &str) -> Vec<String> {
        let mut kcat = Command::new("kcat");
        kcat.args(["-b", &self.address, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", format]);
        let output = kcat.stdin(Stdio::null()).output().expect("kcat runs");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    fn kcat(&self, arguments: &[&str], input: &[u8]) {
        let mut kcat = Command::new("kcat");
        kcat.args(["-b", &self.address, "-t", &self.name]).args(arguments);
        let mut child = kcat.stdin(Stdio::piped()).spawn().expect("kcat runs");
        child.stdin.take().expect("its input").write_all(input).expect("it reads");
        assert!(child.wait().expect("it ends").success(), "the broker takes what it is given");
    }
}

/// How many events a service has taken, by outcome or all of them.
pub(crate) fn taken(service: &Service, outcome: Option<&str>) -> u64 {
    let metrics = service.text("/metrics");
    let lines = metrics.lines().filter(|line| line.starts_with("holdfast_events_in_total{"));
    let wanted = lines.filter(|line| outcome.is_none_or(|word| line.contains(&format!("outcome=\"{word}\""))));
    wanted.map(|line| line.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok()).expect("a count")).sum()
}

/// Waits until services have taken so many events together.
pub(crate) fn wait_until_taken(services: &[&Service], events: u64) {
    let asked = Instant::now();
    loop {
        let so_far: u64 = services.iter().map(|service| taken(service, None)).sum();
        if so_far >= events {
            return;
        }
        assert!(asked.elapsed() < PATIENCE, "{so_far} of {events} events: {}", services[0].log());
        std::thread::sleep(Duration::from_millis(20));
    }
}
