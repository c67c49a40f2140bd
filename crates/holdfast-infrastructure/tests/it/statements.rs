//! What the statements for the shared store must not use, so that they mean the same on MySQL 8, MariaDB, Galera and
//! `TiDB` (ECOSYSTEM, section 12): a word that one of them takes and ignores would be believed.

use std::path::{Path, PathBuf};

/// What is not used, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("SKIP LOCKED", "TiDB takes it and locks nothing"),
    ("NOWAIT", "on Galera it speaks of one node alone"),
    ("FOR SHARE", "no syntax of MariaDB, and no lock of TiDB"),
    ("LOCK IN SHARE MODE", "TiDB takes it and locks nothing"),
    ("GET_LOCK", "on Galera it is held on one node alone"),
    ("LOCK TABLES", "not for a cluster"),
    (" RETURNING", "no syntax of MySQL"),
    ("LAST_INSERT_ID", "ties a session to one server"),
    ("REPLACE INTO", "deletes the row it meets"),
    ("INSERT IGNORE", "hides what collided"),
    ("TRIGGER", "TiDB has none"),
    ("PROCEDURE", "TiDB has none"),
    ("FOREIGN KEY", "TiDB and Vitess keep them in their own ways"),
    ("REFERENCES", "TiDB and Vitess keep them in their own ways"),
    (" NOW(", "stale by the whole wait for a lock"),
    ("CURRENT_TIMESTAMP", "stale by the whole wait for a lock"),
    ("UNSIGNED", "what is below 0 means something else on each"),
    ("SAVEPOINT", "not needed"),
    (" AS new", "no syntax of MariaDB behind VALUES"),
    ("ADD COLUMN IF NOT EXISTS", "no syntax of MySQL"),
    ("CREATE INDEX IF NOT EXISTS", "no syntax of MySQL"),
    ("OFFSET", "pages go by keys"),
];

#[test]
fn no_statement_uses_what_one_of_the_databases_takes_otherwise() {
    let mut looked_at = 0;
    for (file, text) in sources() {
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !is_remark(line)) {
            looked_at += 1;
            for (word, why) in FORBIDDEN {
                assert!(!line.contains(word), "{}:{number} uses {word}: {why}", file.display());
            }
        }
    }
    assert!(looked_at > 1_000, "{looked_at} lines were looked at");
}

/// Words that only some of the databases keep for themselves, as long as they stand alone: no table and no column is
/// called so, unless its name stands between backticks. (What MySQL 8, MariaDB or `TiDB` reserves and any of our kind
/// of tables might use.)
const RESERVED: &[&str] = &[
    "array",
    "call",
    "condition",
    "cube",
    "current_role",
    "cursor",
    "delayed",
    "elseif",
    "empty",
    "enclosed",
    "except",
    "exit",
    "explain",
    "fulltext",
    "function",
    "generated",
    "get",
    "groups",
    "ilike",
    "inout",
    "intersect",
    "iterate",
    "key",
    "keys",
    "lag",
    "lateral",
    "lead",
    "leave",
    "library",
    "linear",
    "manual",
    "match",
    "maxvalue",
    "of",
    "offset",
    "optimizer_costs",
    "option",
    "out",
    "over",
    "page_checksum",
    "parallel",
    "partition",
    "period",
    "qualify",
    "range",
    "rank",
    "recursive",
    "release",
    "rename",
    "repeat",
    "require",
    "resignal",
    "row",
    "row_number",
    "rows",
    "schema",
    "signal",
    "slow",
    "sql",
    "stats_auto_recalc",
    "stored",
    "system",
    "tablesample",
    "trigger",
    "undo",
    "until",
    "usage",
    "utc_time",
    "varying",
    "vector",
    "virtual",
    "while",
    "window",
];

#[test]
fn no_table_or_column_bears_a_word_that_one_of_the_databases_keeps_for_itself() {
    let mut names = 0;
    for (file, text) in sources().into_iter().filter(|(file, _)| file.extension().is_some_and(|kind| kind == "sql")) {
        let lines = text.lines().filter(|line| !is_remark(line));
        let tables = lines.clone().filter_map(|line| line.strip_prefix("CREATE TABLE IF NOT EXISTS "));
        let columns = lines.clone().filter_map(|line| line.strip_prefix("    ")).filter(|line| !is_told_of_keys(line));
        let added = lines.filter_map(|line| line.split_once(" ADD COLUMN ").map(|(_, rest)| rest));
        for name in tables.chain(columns).chain(added).filter_map(|line| line.split_whitespace().next()) {
            names += 1;
            assert!(!RESERVED.contains(&name), "{}: {name} wants backticks", file.display());
        }
    }
    assert!(names > 70, "{names} names were looked at");
    // Wherever statements name such a column, it stands between backticks, too.
    for (file, text) in sources() {
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !is_remark(line) && line.contains('"')) {
            let said = ["until <", "until >", "until =", "until,", "until FROM", "(until", "BY until"];
            let found = said.iter().find(|said| line.contains(*said));
            assert!(found.is_none(), "{}:{number}: `until` wants backticks: {line}", file.display());
        }
    }
}

/// Whether a line within a table speaks of a key or a condition, not of a column.
fn is_told_of_keys(line: &str) -> bool {
    ["KEY ", "UNIQUE KEY ", "PRIMARY KEY ", "CONSTRAINT ", "ON DUPLICATE", "--"]
        .iter()
        .any(|word| line.starts_with(word))
}

#[test]
fn every_table_says_how_it_is_kept_and_compared_and_has_a_key() {
    for (file, text) in sources().into_iter().filter(|(file, _)| file.extension().is_some_and(|kind| kind == "sql")) {
        for table in text.split("CREATE TABLE ").skip(1) {
            let table = table.split(";\n").next().unwrap_or(table);
            let name = table.split_whitespace().nth(3).unwrap_or_default();
            let told = "ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin";
            assert!(table.contains(told), "{name} in {}: {told}", file.display());
            assert!(table.contains("PRIMARY KEY"), "{name} in {}: Galera wants a key", file.display());
        }
        for change in text.split("ALTER TABLE ").skip(1) {
            let change = change.split(";\n").next().unwrap_or(change);
            assert!(!change.contains(", ADD ") && !change.contains(",\n"), "one change at a time, for TiDB: {change}");
        }
    }
}

/// What only explains.
fn is_remark(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with("--")
}

/// The files that statements for the shared store stand in.
fn sources() -> Vec<(PathBuf, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src/sql", "src/mysql", "migrations/mysql"] {
        add_files(&here.join(folder), &mut files);
    }
    // The clients that the bench compares with do what others do.
    let files = files.into_iter().filter(|file| !file.ends_with("naive_orders.rs"));
    files.map(|file| (file.clone(), std::fs::read_to_string(&file).expect("text"))).collect()
}

/// The files of a folder and of those in it.
fn add_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            add_files(&path, files);
        } else {
            files.push(path);
        }
    }
}
