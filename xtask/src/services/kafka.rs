//! Apache Kafka itself, one node in `KRaft` mode: a broker for the stories about events. Its programs come from Maven Central
//! and are kept under the target folder.

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

/// What it consists of.
const POM: &str = include_str!("kafka-pom.xml");

/// A question that every broker answers: which versions of requests it knows.
const GREETING: &[u8] = &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

fn start(folder: &Path) -> Result<String> {
    let programs = programs()?;
    let (port, controller) = (free_port()?, free_port()?);
    let settings = folder.join("server.properties");
    fs::write(
        &settings,
        format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
             controller.quorum.bootstrap.servers=127.0.0.1:{controller}\nlog.dirs={}\n\
             offsets.topic.replication.factor=1\noffsets.topic.num.partitions=4\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\nnum.partitions=3\nmessage.max.bytes=8388608\n",
            folder.join("data").display()
        ),
    )?;
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
fn programs() -> Result<PathBuf> {
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
