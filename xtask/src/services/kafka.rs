//! Apache Kafka itself, one node in `KRaft` mode: a broker for the stories about events. Its programs come from Maven
//! Central and are kept under the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use super::{Kind, free_port, spawn};
use crate::debian;
use crate::shell::{program, read, run, target};

pub(super) static KIND: Kind = Kind {
    name: "kafka",
    words: "a broker",
    variable: "HOLDFAST_TEST_KAFKA",
    packages: &[&debian::JAVA, &debian::MAVEN, &debian::KCAT],
    start,
};

/// The variable that tells the stories with a broker of their own where its programs are.
pub(super) const HOME: &str = "HOLDFAST_TEST_KAFKA_HOME";

/// How it is set; the stories with a broker of their own set theirs alike.
const SETTINGS: &str = include_str!("kafka.properties");

/// What it consists of.
const POM: &str = include_str!("kafka-pom.xml");

/// A question that every broker answers: which versions of requests it knows.
const GREETING: &[u8] = &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

fn start(folder: &Path) -> Result<String> {
    let programs = programs()?;
    let (port, controller) = (free_port()?, free_port()?);
    let settings = folder.join("server.properties");
    let data = folder.join("data").display().to_string();
    let words = SETTINGS.replace("{port}", &port.to_string()).replace("{controller}", &controller.to_string());
    fs::write(&settings, words.replace("{data}", &data))?;
    let cluster = read(java(&programs).args(["kafka.tools.StorageTool", "random-uuid"]))?;
    let format = ["kafka.tools.StorageTool", "format", "--standalone", "-t", cluster.trim(), "-c"];
    run(java(&programs).args(format).arg(&settings).stdout(Stdio::null()).stderr(Stdio::null()))?;
    let log = folder.join("log");
    let mut server = java(&programs);
    server.arg(format!("-Dorg.slf4j.simpleLogger.logFile={}", log.display())).arg("kafka.Kafka").arg(&settings);
    let child = spawn(&mut server, port, GREETING, &log)?;
    fs::write(folder.join("pid"), child.id().to_string())?;
    Ok(format!("127.0.0.1:{port}"))
}

/// The folder of its programs, fetched once.
pub(super) fn programs() -> Result<PathBuf> {
    let folder = target().join("tools/kafka");
    let programs = folder.join("programs");
    let done = folder.join("done");
    if fs::read_to_string(&done).is_ok_and(|pom| pom == POM) {
        return Ok(programs);
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let pom = folder.join("pom.xml");
    fs::write(&pom, POM)?;
    let mut fetch =
        program("mvn", &["--quiet", "--batch-mode", "dependency:copy-dependencies", "-DincludeScope=runtime"]);
    fetch.arg(format!("-DoutputDirectory={}", programs.display())).arg("--file").arg(&pom);
    run(fetch.stdout(Stdio::null()))?;
    fs::write(done, POM)?;
    Ok(programs)
}

fn java(programs: &Path) -> Command {
    let mut java = program("java", &["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
    java.arg(programs.join("*"));
    java
}
