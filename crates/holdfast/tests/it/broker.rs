//! Topics of one story's own on the broker that `HOLDFAST_TEST_KAFKA` names, written and read by an independent client.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::running::Service;

/// How long an event may take on its way.
const PATIENCE: Duration = Duration::from_mins(1);

/// A broker, and a name that sets a story's topics apart.
pub(crate) struct Broker {
    address: String,
    name: String,
}

impl Broker {
    /// The broker, where there is one; where there is none, the story says that it is left out.
    pub(crate) fn find() -> Option<Self> {
        let Some(address) = std::env::var("HOLDFAST_TEST_KAFKA").ok().filter(|address| !address.is_empty()) else {
            eprintln!("left out: there is no broker to show it on");
            return None;
        };
        Some(Self::at(address))
    }

    /// The broker at an address.
    pub(crate) fn at(address: String) -> Self {
        static FOUND: AtomicU32 = AtomicU32::new(0);
        let name = format!("story-{}-{}", std::process::id(), FOUND.fetch_add(1, Ordering::Relaxed));
        Self { address, name }
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
            "--set".to_owned(),
            format!("kafka.topic_stock={topic}-stock"),
            "--set".to_owned(),
            format!("kafka.topic_orders={topic}-orders"),
        ]
    }

    /// Everything that was published about products: headers and value, in order of each key.
    pub(crate) fn stock_events(&self) -> Vec<Published> {
        self.published(&format!("{}-stock", self.name))
    }

    /// Everything that was published about orders.
    pub(crate) fn order_events(&self) -> Vec<Published> {
        self.published(&format!("{}-orders", self.name))
    }

    /// Everything in a topic of events.
    pub(crate) fn published(&self, topic: &str) -> Vec<Published> {
        let lines = self.read(topic, "%k\t%h\t%s\n");
        lines.iter().map(|line| Published::of(line)).collect()
    }

    /// Writes records, each with its key, in this order.
    pub(crate) fn write(&self, records: &[(String, String)]) {
        let lines: Vec<String> = records.iter().map(|(key, value)| format!("{key}\t{value}")).collect();
        let lines = lines.join("\n");
        self.kcat(&["-P", "-K", "\t", "-z", "none"], lines.as_bytes());
    }

    /// Writes records one after another, spread over this time, each once and in order even if the broker is away for a
    /// while.
    pub(crate) fn write_within(&self, records: &[(String, String)], time: Duration) {
        let pause = time / u32::try_from(records.len()).expect("a small number");
        let mut kcat = Command::new("kcat");
        kcat.args(["-b", &self.address, "-t", &self.name, "-P", "-K", "\t", "-z", "none", "-q", "-E"]);
        kcat.args(["-X", "enable.idempotence=true", "-X", "message.timeout.ms=120000"]);
        let mut child = kcat.stdin(Stdio::piped()).spawn().expect("kcat runs");
        let mut input = child.stdin.take().expect("its input");
        for (key, value) in records {
            writeln!(input, "{key}\t{value}").expect("it reads");
            std::thread::sleep(pause);
        }
        drop(input);
        assert!(child.wait().expect("it ends").success(), "the broker takes what it is given");
    }

    /// Writes one record as it stands, with headers as `name=value`; into partition 0, so that it keeps its place.
    pub(crate) fn write_raw(&self, key: &str, value: &[u8], headers: &[&str]) {
        let headers: Vec<&OsStr> = headers.iter().map(OsStr::new).collect();
        self.write_strange(key, value, &headers);
    }

    /// The same with headers that need not be text.
    pub(crate) fn write_strange(&self, key: &str, value: &[u8], headers: &[&OsStr]) {
        // No record holds what ends one.
        let record = ["-P", "-D", "\u{1}end\u{1}", "-p", "0", "-k", key, "-X", "message.max.bytes=8388608"];
        let headers = headers.iter().flat_map(|header| [OsStr::new("-H"), header]);
        self.kcat(&record.into_iter().map(OsStr::new).chain(headers).collect::<Vec<_>>(), value);
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

    /// Everything in a topic once it has so many records, and for a moment after that.
    pub(crate) fn read_until(&self, topic: &str, format: &str, records: usize) -> Vec<String> {
        let asked = Instant::now();
        while self.read(topic, format).len() < records {
            assert!(asked.elapsed() < PATIENCE, "{topic} does not get {records} records");
            std::thread::sleep(Duration::from_millis(100));
        }
        std::thread::sleep(Duration::from_millis(500));
        self.read(topic, format)
    }

    fn kcat(&self, arguments: &[impl AsRef<OsStr>], input: &[u8]) {
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

/// Waits until services have taken so many events together, as long as they take some.
pub(crate) fn wait_until_taken(services: &[&Service], events: u64) {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let so_far: u64 = services.iter().map(|service| taken(service, None)).sum();
        if so_far >= events {
            return;
        }
        if so_far > last {
            (last, since) = (so_far, Instant::now());
        }
        assert!(since.elapsed() < PATIENCE, "{so_far} of {events} events: {}", services[0].log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until everything was published that a service has written down.
pub(crate) fn wait_until_told(service: &Service) {
    let asked = Instant::now();
    // The figure is a second old at most.
    std::thread::sleep(Duration::from_millis(1_100));
    while !service.text("/metrics").lines().any(|line| line == "holdfast_outbox_pending 0") {
        assert!(asked.elapsed() < PATIENCE, "{}", service.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A published event.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) key: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) value: Value,
}

impl Published {
    fn of(line: &str) -> Self {
        let mut fields = line.splitn(3, '\t');
        let mut next = || fields.next().unwrap_or_default();
        let (key, headers, value) = (next().to_owned(), next(), next());
        let headers = headers.split(',').filter_map(|header| header.split_once('='));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { key, headers, value: serde_json::from_str(value).expect("an event is JSON") }
    }

    /// What it tells, by the last part of its `CloudEvents` type but the version.
    pub(crate) fn kind(&self) -> &str {
        let kind = self.headers.get("ce_type").expect("a type");
        kind.strip_prefix("com.holdfast.").and_then(|kind| kind.strip_suffix(".v1")).expect("a type of ours")
    }

    /// Its sequence, by the name of the field that counts, and its part.
    pub(crate) fn place(&self, sequence: &str) -> (u64, u64) {
        let number = |name: &str| self.value[name].as_u64().expect("a number");
        (number(sequence), number("part"))
    }
}

/// What is heard first of each key comes as n, n + 1, n + 2 … with its parts, whatever is repeated (PROTOCOL, I19): n
/// is 1, but where publishing was switched on later. Returns the first occurrences.
pub(crate) fn in_order<'a>(events: &'a [Published], sequence: &str) -> Vec<&'a Published> {
    let mut last: HashMap<&str, (u64, u64)> = HashMap::new();
    let mut first = Vec::new();
    for event in events {
        let here = event.place(sequence);
        if let Some(before) = last.get(event.key.as_str()) {
            if here <= *before {
                continue;
            }
            let follows = here == (before.0, before.1 + 1) || here == (before.0 + 1, 0);
            assert!(follows, "{here:?} follows {before:?} of {}", event.key);
        }
        last.insert(&event.key, here);
        first.push(event);
    }
    first
}
