//! What a database must be before anything is promised on it (PROTOCOL, section 3.13).
//!
//! A schema that has drifted is refused. A server whose settings put promises at risk is refused unless the risk was
//! accepted by name. What only deserves a look is told.

use std::collections::{BTreeSet, HashMap};

use mysql::Conn;
use mysql::prelude::Queryable as _;

use crate::mysql::connect::Address;
use crate::mysql::privileges;
use crate::mysql::risks::Risk;
use crate::mysql::schema;

/// Passwords that stand in examples.
const SAMPLE_PASSWORDS: &[&str] =
    &["", "root", "password", "secret", "example", "changeme", "admin", "mysql", "mariadb", "test", "123456"];

/// The variables that are looked at. A server that does not know one leaves it out.
const VARIABLES: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', \
     'innodb_doublewrite', 'log_bin', 'sync_binlog', 'binlog_format', 'wsrep_on', 'rpl_semi_sync_master_enabled', \
     'rpl_semi_sync_source_enabled', 'group_replication_group_name', 'tidb_txn_mode', 'tidb_enable_check_constraint', \
     'max_allowed_packet')";
/// What the server must take in one piece: an order of 5,000 lines, with the answer that is kept, is some MiB.
const PACKET_MIN: u64 = 16 << 20;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What nobody may accept.
    pub(crate) faults: Vec<String>,
    /// What may be accepted.
    pub(crate) risks: Vec<(Risk, String)>,
    /// What deserves a look.
    pub(crate) remarks: Vec<String>,
}

impl Findings {
    /// The sentences that stand in the way of opening, given what was accepted; accepted risks become remarks.
    pub(crate) fn refusals(&mut self, accepted: &[Risk]) -> Vec<String> {
        let mut refusals = std::mem::take(&mut self.faults);
        for (risk, words) in std::mem::take(&mut self.risks) {
            if accepted.contains(&risk) {
                self.remarks.push(format!("{words} (accepted as `{}`)", risk.as_str()));
            } else {
                refusals.push(format!("{words}; `store.accept_risks = {}` serves all the same", risk.as_str()));
            }
        }
        refusals
    }
}

/// Looks at a database whose schema has the present version, over a connection that writes.
pub(crate) fn look(connection: &mut Conn, address: &Address) -> mysql::Result<Findings> {
    let variables: HashMap<String, String> = connection.query::<(String, String), _>(VARIABLES)?.into_iter().collect();
    let mut findings = Findings::default();
    durability(&variables, &mut findings);
    packets(&variables, &mut findings);
    cluster(&variables, &mut findings);
    isolation(connection, &variables, &mut findings)?;
    tidb(&variables, &mut findings);
    tables(connection, &mut findings)?;
    findings.faults.extend(privileges::lacking(connection, address)?);
    password(address, &mut findings);
    Ok(findings)
}

fn is_on(value: &str) -> bool {
    value == "1" || value.eq_ignore_ascii_case("ON")
}

fn durability(variables: &HashMap<String, String>, findings: &mut Findings) {
    let value = |name: &str| variables.get(name).map(String::as_str);
    let mut risk = |words: String| findings.risks.push((Risk::Durability, words));
    if let Some(flush) = value("innodb_flush_log_at_trx_commit").filter(|flush| *flush != "1") {
        risk(format!(
            "innodb_flush_log_at_trx_commit is {flush}, must be 1: a crash of the server's machine loses what was acknowledged"
        ));
    }
    if let Some(written) =
        value("innodb_doublewrite").filter(|written| *written == "0" || written.eq_ignore_ascii_case("OFF"))
    {
        risk(format!("innodb_doublewrite is {written}, must be ON: a power cut can leave half-written pages"));
    }
    if value("log_bin").is_some_and(is_on) {
        if let Some(sync) = value("sync_binlog").filter(|sync| *sync != "1") {
            risk(format!(
                "sync_binlog is {sync}, must be 1 while log_bin is ON: a crash leaves binary log and tables apart"
            ));
        }
        let semi_sync = ["rpl_semi_sync_master_enabled", "rpl_semi_sync_source_enabled"];
        let is_grouped = value("group_replication_group_name").is_some_and(|name| !name.is_empty());
        if !is_grouped && !semi_sync.iter().any(|name| value(name).is_some_and(is_on)) {
            findings.remarks.push(
                "replication is asynchronous (log_bin is ON, neither semi-synchronous nor group replication is): a failover \
                 to a replica may lose what was acknowledged"
                    .to_owned(),
            );
        }
    }
}

fn packets(variables: &HashMap<String, String>, findings: &mut Findings) {
    let most = variables.get("max_allowed_packet").and_then(|most| most.parse::<u64>().ok());
    if let Some(most) = most.filter(|most| *most < PACKET_MIN) {
        findings.remarks.push(format!(
            "max_allowed_packet is {most}, should be {PACKET_MIN} or more: an order of many lines does not fit"
        ));
    }
}

fn cluster(variables: &HashMap<String, String>, findings: &mut Findings) {
    if variables.get("wsrep_on").is_some_and(|on| is_on(on)) {
        findings.risks.push((
            Risk::Galera,
            "this is a Galera cluster (wsrep_on is ON), whose nodes lock rows each for itself: all replicas of the service \
             must write to one and the same node"
                .to_owned(),
        ));
    }
}

fn isolation(connection: &mut Conn, variables: &HashMap<String, String>, findings: &mut Findings) -> mysql::Result<()> {
    // MariaDB before 11.1 knows only the older name, MySQL 8 only the newer one.
    let sql = "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')";
    let levels: Vec<(String, String)> = connection.query(sql)?;
    if let Some((_, level)) = levels.into_iter().find(|(_, level)| level != "READ-COMMITTED") {
        findings.faults.push(format!("sessions stay at the isolation {level}, READ-COMMITTED could not be set"));
    }
    let is_logged = variables.get("log_bin").is_some_and(|on| is_on(on));
    if is_logged && variables.get("binlog_format").is_some_and(|format| format == "STATEMENT") {
        findings.faults.push(
            "binlog_format is STATEMENT, must be ROW or MIXED: InnoDB writes nothing at READ COMMITTED otherwise"
                .to_owned(),
        );
    }
    Ok(())
}

fn tidb(variables: &HashMap<String, String>, findings: &mut Findings) {
    if let Some(mode) = variables.get("tidb_txn_mode").filter(|mode| *mode != "pessimistic") {
        findings.faults.push(format!("tidb_txn_mode is {mode:?}, must be pessimistic: no row would be locked"));
    }
    if variables.get("tidb_enable_check_constraint").is_some_and(|on| !is_on(on)) {
        findings.faults.push("tidb_enable_check_constraint is OFF, must be ON".to_owned());
    }
}

/// The tables, their keys, checks and collations.
fn tables(connection: &mut Conn, findings: &mut Findings) -> mysql::Result<()> {
    let ours = schema::tables();
    let mut engines: HashMap<String, String> = connection
        .query::<(String, Option<String>), _>(
            "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()",
        )?
        .into_iter()
        .map(|(table, engine)| (table, engine.unwrap_or_default()))
        .collect();
    for table in &ours {
        match engines.remove(*table) {
            None => findings.faults.push(format!("the table {table} is missing")),
            Some(engine) if engine != "InnoDB" => {
                findings
                    .faults
                    .push(format!("the table {table} is kept by {engine}, must be InnoDB: it has no transactions"));
            }
            Some(_) => {}
        }
    }
    let lenient: Vec<(String, String, String)> = connection.query(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns WHERE table_schema = DATABASE() \
         AND collation_name IS NOT NULL AND collation_name <> 'binary' AND collation_name NOT LIKE '%\\_bin' \
         ORDER BY table_name, column_name",
    )?;
    for (table, column, collation) in lenient.iter().filter(|(table, ..)| ours.contains(table.as_str())) {
        findings.faults.push(format!(
            "the column {table}.{column} has the collation {collation}, must have a binary one: it takes other text for the same"
        ));
    }
    keys(connection, findings)?;
    let checks: BTreeSet<String> = connection
        .query::<String, _>(
            // `table_constraints` of TiDB leaves them out.
            "SELECT constraint_name FROM information_schema.check_constraints WHERE constraint_schema = DATABASE()",
        )?
        .into_iter()
        .collect();
    for check in ["levels_available", "levels_reserved"].into_iter().filter(|check| !checks.contains(*check)) {
        findings.faults.push(format!("the CHECK {check} of the table levels is missing"));
    }
    Ok(())
}

/// What must be unique: that nothing is promised twice rests on it (PROTOCOL, section 3.7, D2).
const UNIQUE: &[(&str, &str)] = &[
    ("movements", "item,sequence"),
    ("orders", "number"),
    ("orders", "id"),
    ("reservations", "number"),
    ("items", "number"),
    ("items", "product"),
    ("items", "sku"),
    ("stock", "item"),
    ("levels", "item,location"),
    ("locations", "number"),
    ("locations", "code"),
    ("waiting_payments", "id"),
    ("dead_letters", "id"),
    ("dead_letters", "origin"),
    ("answers", "key,scope,position"),
];

fn keys(connection: &mut Conn, findings: &mut Findings) -> mysql::Result<()> {
    let parts: Vec<(String, String, String)> = connection.query(
        "SELECT table_name, index_name, column_name FROM information_schema.statistics \
         WHERE table_schema = DATABASE() AND non_unique = 0 ORDER BY table_name, index_name, seq_in_index",
    )?;
    let mut keys: HashMap<(String, String), String> = HashMap::new();
    for (table, index, column) in parts {
        let columns = keys.entry((table, index)).or_default();
        if !columns.is_empty() {
            columns.push(',');
        }
        columns.push_str(&column);
    }
    let unique: BTreeSet<(&str, &str)> =
        keys.iter().map(|((table, _), columns)| (table.as_str(), columns.as_str())).collect();
    for (table, columns) in UNIQUE.iter().filter(|key| !unique.contains(*key)) {
        findings.faults.push(format!("the table {table} has no unique key on ({columns})"));
    }
    Ok(())
}

/// On this machine a sample password is only told.
fn password(address: &Address, findings: &mut Findings) {
    if !SAMPLE_PASSWORDS.contains(&address.password()) && address.password() != address.user() {
        return;
    }
    let words = format!("the password of the user {:?} is none, its name, or one from examples", address.user());
    if address.is_on_this_machine() {
        findings.remarks.push(words);
    } else {
        findings.risks.push((Risk::Password, words));
    }
}
