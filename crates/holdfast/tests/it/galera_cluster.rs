//! A Galera cluster of one story's own on this machine: nodes may be killed, and come back by a full state transfer.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable as _;
use mysql::{Conn, Opts};
use tempfile::TempDir;

use crate::free_port::free_port;

/// How long nodes may take until they agree.
const PATIENCE: Duration = Duration::from_mins(1);
/// Where Debian puts the library.
const LIBRARY: &str = "/usr/lib/galera/libgalera_smm.so";
/// The user and the group who own nothing. A state transfer fails as root: rsync gives root's rights up.
const NOBODY: u32 = 65_534;
/// What a state transfer runs. Debian has them in a package that would start a server.
const SCRIPTS: [&str; 2] = ["wsrep_sst_rsync", "wsrep_sst_common"];

/// Nodes with a folder that goes away with them.
pub(crate) struct Cluster {
    folder: TempDir,
    nodes: Vec<Node>,
}

struct Node {
    port: u16,
    group: u16,
    /// Where it is told what it missed.
    increments: u16,
    /// Where it is given everything.
    state: u16,
    process: Option<Child>,
}

impl Cluster {
    /// Whether there is what it needs; where it is not, the story says that it is left out.
    pub(crate) fn is_there() -> bool {
        let is_there = scripts().is_some();
        if !is_there {
            eprintln!("left out: there is no Galera to show it on");
        }
        is_there
    }

    /// Starts so many nodes; the first one begins, the others take its state.
    pub(crate) fn start(nodes: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cluster = Self { folder, nodes: (0..nodes).map(|_| Node::new()).collect() };
        give_away(cluster.folder.path());
        for script in SCRIPTS {
            let copy = cluster.folder.path().join(script);
            fs::copy(scripts().expect("scripts").join(script), &copy).expect("a copy");
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("it may be run");
        }
        for node in 0..nodes {
            fs::create_dir_all(cluster.data(node)).expect("a folder");
            give_away(&cluster.of(node));
            give_away(&cluster.data(node));
        }
        let mut install = cluster.command("mariadb-install-db", 0);
        install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        let installed = install.stdin(Stdio::null()).output().expect("mariadb-install-db runs");
        assert!(installed.status.success(), "{installed:?}");
        cluster.spawn(0, "gcomm://");
        cluster.must_agree(&[0]);
        for node in 1..nodes {
            cluster.start_again(node);
        }
        cluster.must_agree(&(0..nodes).collect::<Vec<_>>());
        cluster
    }

    /// Where others reach a node.
    pub(crate) fn url(&self, node: usize) -> String {
        format!("mysql://root@127.0.0.1:{}", self.nodes[node].port)
    }

    /// Ends a node in the middle of whatever it does, as a crash would.
    pub(crate) fn kill(&mut self, node: usize) {
        let mut process = self.nodes[node].process.take().expect("it runs");
        process.kill().expect("it is killed");
        process.wait().expect("it ends");
    }

    /// Lets a node join those that run.
    pub(crate) fn start_again(&mut self, node: usize) {
        let members: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.group)).collect();
        self.spawn(node, &format!("gcomm://{}", members.join(",")));
    }

    /// Waits until these and nobody else are the cluster, and take writes.
    pub(crate) fn must_have(&self, nodes: &[usize]) {
        self.must_say(nodes, |_| true);
    }

    /// Waits until these and nobody else are the cluster, and each has all that was committed; nobody writes meanwhile.
    pub(crate) fn must_agree(&self, nodes: &[usize]) {
        self.must_say(nodes, |told| told.iter().all(|one| one.committed == told[0].committed));
    }

    fn must_say(&self, nodes: &[usize], is_enough: impl Fn(&[Told]) -> bool) {
        let size = nodes.len().to_string();
        let asked = Instant::now();
        loop {
            let told: Vec<Told> = nodes.iter().filter_map(|&node| self.told(node)).collect();
            let is_whole = |one: &Told| one.state == "Synced" && one.size == size && one.ready == "ON";
            if told.len() == nodes.len() && told.iter().all(is_whole) && is_enough(&told) {
                return;
            }
            assert!(asked.elapsed() < PATIENCE, "{nodes:?} say {told:?}: {}", self.log(nodes[nodes.len() - 1]));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn told(&self, node: usize) -> Option<Told> {
        let mut session = Conn::new(Opts::from_url(&self.url(node)).expect("an address")).ok()?;
        let mut value = |name: &str| {
            let row: Option<(String, String)> = session.query_first(format!("SHOW STATUS LIKE '{name}'")).ok()?;
            row.map(|(_, value)| value)
        };
        Some(Told {
            state: value("wsrep_local_state_comment")?,
            size: value("wsrep_cluster_size")?,
            ready: value("wsrep_ready")?,
            committed: value("wsrep_last_committed")?,
        })
    }

    fn of(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("node-{node}"))
    }

    fn data(&self, node: usize) -> PathBuf {
        self.of(node).join("data")
    }

    fn log(&self, node: usize) -> String {
        fs::read_to_string(self.of(node).join("log.err")).unwrap_or_default()
    }

    /// A program of the database about the data of a node.
    fn command(&self, program: &str, node: usize) -> Command {
        let mut command = Command::new(program);
        command.args(["--no-defaults", &format!("--datadir={}", self.data(node).display())]);
        let path = std::env::var("PATH").expect("a path");
        command.env("PATH", format!("{}:{path}", self.folder.path().display()));
        // Its own: a database that starts empties its folder for temporary files, whoever else uses it.
        command.env("TMPDIR", self.of(node)).current_dir(self.of(node));
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn spawn(&mut self, node: usize, members: &str) {
        let Node { port, group, increments, state, .. } = self.nodes[node];
        let mut server = self.command("mariadbd", node);
        server.args([
            "--socket=socket".to_owned(),
            format!("--tmpdir={}", self.of(node).display()),
            format!("--log-error={}", self.of(node).join("log.err").display()),
            format!("--port={port}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--max-connections=500".to_owned(),
            "--binlog-format=ROW".to_owned(),
            "--innodb-autoinc-lock-mode=2".to_owned(),
            "--wsrep-on=ON".to_owned(),
            format!("--wsrep-provider={LIBRARY}"),
            "--wsrep-cluster-name=story".to_owned(),
            format!("--wsrep-node-name=node-{node}"),
            format!("--wsrep-node-address=127.0.0.1:{group}"),
            format!("--wsrep-cluster-address={members}"),
            "--wsrep-sst-method=rsync".to_owned(),
            format!("--wsrep-sst-receive-address=127.0.0.1:{state}"),
            // The last one gives: the one that gives stands still meanwhile, and services write to the first one.
            format!("--wsrep-sst-donor=node-{},", self.nodes.len() - 1),
            format!(
                "--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:{group};\
                 ist.recv_addr=127.0.0.1:{increments};gcache.size=32M"
            ),
        ]);
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.nodes[node].process = Some(server.spawn().expect("mariadbd starts"));
    }
}

/// What a node says about itself.
#[derive(Debug)]
struct Told {
    state: String,
    size: String,
    ready: String,
    /// The last transaction it has.
    committed: String,
}

impl Node {
    fn new() -> Self {
        let [port, group, increments, state] = [(); 4].map(|()| free_port());
        Self { port, group, increments, state, process: None }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in self.nodes.iter_mut().filter_map(|node| node.process.as_mut()) {
            // They are of no use to anybody else.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The folder with the scripts of a state transfer, which `cargo xtask test` names where all that a cluster needs is
/// there.
fn scripts() -> Option<PathBuf> {
    std::env::var_os("HOLDFAST_TEST_GALERA").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

fn give_away(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give it away");
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
