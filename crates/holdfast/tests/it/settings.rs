//! Settings as the command line, the environment and files give them.

use serde_json::Value;

use crate::program::{Program, Said, argument};

#[test]
fn every_setting_is_shown_with_its_origin_and_no_password() {
    let program = Program::new()
        .with_variable("HOLDFAST_SERVER__THREADS", "3")
        .with_variable("ConnectionStrings__DefaultConnection", "server=db;database=inventory;user=app;password=geheim");
    let file = program.file("holdfast.toml", "[cors]\norigins = [\"https://shop.example\"]\n");
    let said = program.done(&[
        "config",
        "show",
        "--config",
        argument(&file),
        "--data",
        "elsewhere",
        "--set",
        "batch.commands_max=7",
    ]);
    assert!(!said.stdout.contains("geheim"));
    assert_eq!(shown(&said, "server.threads"), ("3".to_owned(), "environment HOLDFAST_SERVER__THREADS".to_owned()));
    assert_eq!(shown(&said, "store.data"), ("elsewhere".to_owned(), "flag --data".to_owned()));
    assert_eq!(shown(&said, "batch.commands_max"), ("7".to_owned(), "flag --set".to_owned()));
    assert_eq!(shown(&said, "reservation.ttl_default"), ("30m".to_owned(), "default".to_owned()));
    assert_eq!(shown(&said, "store.database_url").0, "mysql://app:***@db:3306/inventory");
    assert!(shown(&said, "cors.origins").1.starts_with("file "));
}

#[test]
fn a_folder_on_the_command_line_beside_a_database_that_stands_around_is_refused() {
    let program = Program::new().with_variable("HOLDFAST_STORE__DATABASE_URL", "mysql://app@127.0.0.1:9/inventory");
    for arguments in [&["migrate"][..], &["verify"], &["export", "orders"], &["import", "x"], &["replay", "x"]] {
        let said = program.run(&[arguments, &["--data", "elsewhere"]].concat());
        assert_eq!(said.exit, Some(2), "{said:?}");
        assert!(said.stderr.contains("environment HOLDFAST_STORE__DATABASE_URL"), "{said:?}");
    }
    let folder = ["--data", "elsewhere", "--set", "store.database_url="];
    program.done(&[&["migrate"][..], &folder].concat());
    assert_eq!(program.done(&[&["verify"][..], &folder].concat()).json()["ok"], true);
    let emptied = Program::new().with_variable("HOLDFAST_STORE__DATABASE_URL", "");
    emptied.done(&["migrate", "--data", "elsewhere"]);
    let named = ["verify", "--data", "elsewhere", "--database-url", "mysql://app@127.0.0.1:9/inventory"];
    assert_eq!(program.run(&named).exit, Some(8), "both on the command line: the database");
    let said = program.run(&["serve", "--data", "elsewhere", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.exit, Some(8), "a service goes to the database: {said:?}");
    assert!(said.stderr.contains("is not used"), "{said:?}");
}

#[test]
fn the_page_about_settings_has_a_row_for_each_with_its_default() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let rows: Vec<(String, String)> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let (key, default) = (cells.next()?.strip_suffix('`')?, cells.next()?.replace('`', "").replace(", ", ","));
            let default = if ["empty", "none"].contains(&&*default) { String::new() } else { default };
            Some((key.to_owned(), default))
        })
        .collect();
    let said = Program::new().done(&["config", "show"]);
    let text = |setting: &Value, name: &str| setting[name].as_str().expect("a text").to_owned();
    let mut settings: Vec<(String, String)> =
        said.json_lines().iter().map(|setting| (text(setting, "key"), text(setting, "value"))).collect();
    let mut told = rows;
    settings.sort();
    told.sort();
    assert_eq!(told, settings);
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("database_url");
    for (content, name, masked) in [
        ("mysql://app:geheim@db/x\n", "HOLDFAST_STORE__DATABASE_URL_FILE", "mysql://app:***@db/x"),
        ("mysql://app:geheim@db/x\r\n", "HOLDFAST_STORE__DATABASE_URL_FILE", "mysql://app:***@db/x"),
        ("redis://app:geheim@db/1", "HOLDFAST_LOCK__REDIS_URL_FILE", "redis://app:***@db/1"),
    ] {
        std::fs::write(&path, content).expect("written");
        let said = Program::new().with_variable(name, argument(&path)).done(&["config", "show"]);
        assert!(!said.stdout.contains("geheim"));
        let key = if name.contains("LOCK") { "lock.redis_url" } else { "store.database_url" };
        let origin = format!("environment {name}, file {}", path.display());
        assert_eq!(shown(&said, key), (masked.to_owned(), origin));
    }
    let program = Program::new().with_variable("HOLDFAST_STORE__DATABASE_URL_FILE", argument(&path));
    std::fs::write(&path, "mysql://app:geheim@127.0.0.1:9/inventory").expect("written");
    let said = program.run(&["migrate"]);
    assert_eq!(said.exit, Some(8), "the setting counts: {said:?}");
    assert!(said.stderr.contains("the database cannot be reached") && !said.stderr.contains("geheim"), "{said:?}");
    let said = program.done(&["config", "show", "--database-url", "mysql://flag/x"]);
    assert_eq!(shown(&said, "store.database_url").1, "flag --database-url");
}

#[test]
fn a_secret_that_is_not_there_or_is_there_twice_is_told() {
    let missing = Program::new().with_variable("HOLDFAST_STORE__DATABASE_URL_FILE", "/nowhere/secret");
    let said = missing.run(&["config", "show"]);
    assert_eq!(said.exit, Some(2), "{said:?}");
    for words in ["store.database_url", "HOLDFAST_STORE__DATABASE_URL_FILE", "/nowhere/secret cannot be read"] {
        assert!(said.stderr.contains(words), "{words} not in {said:?}");
    }
    for content in ["", "\n", " \r\n"] {
        let empty = Program::new();
        let file = empty.file("secret", content);
        let said = empty.with_variable("HOLDFAST_STORE__DATABASE_URL_FILE", argument(&file)).run(&["migrate"]);
        assert_eq!(said.exit, Some(2), "an empty secret is no store of one's own: {said:?}");
        assert!(said.stderr.contains("is empty"), "{said:?}");
    }
    let program = Program::new();
    let file = program.file("secret", "redis://:secret@redis");
    let said = program
        .with_variable("HOLDFAST_LOCK__REDIS_URL_FILE", argument(&file))
        .with_variable("HOLDFAST_LOCK__REDIS_URL", "redis://:secret@other")
        .run(&["config", "show"]);
    assert_eq!(said.exit, Some(2), "{said:?}");
    assert!(said.stderr.contains("given twice") && !said.stderr.contains("secret@"), "{said:?}");
    let said = Program::new().with_variable("HOLDFAST_SERVER__LISTEN_FILE", "x").run(&["config", "show"]);
    assert_eq!(said.exit, Some(2), "what is no secret stands in no file of its own: {said:?}");
}

#[test]
fn an_unknown_setting_is_an_error_wherever_it_stands() {
    let program = Program::new();
    let file = program.file("holdfast.toml", "[server]\nlisten_on = \"x\"\n");
    for arguments in
        [&["config", "show", "--config", argument(&file)][..], &["config", "show", "--set", "server.listne=x"]]
    {
        let said = program.run(arguments);
        assert_eq!(said.exit, Some(2), "{said:?}");
        assert!(said.stderr.contains("did you mean server.listen?"), "{said:?}");
    }
    let said = Program::new().with_variable("HOLDFAST_SERVR__LISTEN", "x").run(&["verify"]);
    assert_eq!(said.exit, Some(2));
    assert!(said.stderr.contains("did you mean server.listen?"), "{said:?}");
}

#[test]
fn a_setting_that_is_nearly_one_is_an_error() {
    let said = Program::new().with_variable("HOLDFAST_RESERVATION_TTL_DEFAULT", "5m").run(&["config", "show"]);
    assert_eq!(said.exit, Some(2), "{said:?}");
    assert!(said.stderr.contains("did you mean HOLDFAST_RESERVATION__TTL_DEFAULT?"), "{said:?}");
    let said = Program::new().with_variable("HOLDFAST_LOCK_REDIS_URL_FILE", "x").run(&["config", "show"]);
    assert!(said.stderr.contains("did you mean HOLDFAST_LOCK__REDIS_URL_FILE?"), "{said:?}");
    Program::new()
        .with_variable("HOLDFAST_STORE__DATA", "")
        .with_variable("HOLDFAST_STORE__DATABASE_URL", "mysql://app@127.0.0.1:9/inventory")
        .done(&["config", "show"]);
    // What container platforms make up is none of ours.
    Program::new().with_variable("HOLDFAST_PORT_8080_TCP", "tcp://10.0.0.1:8080").done(&["config", "show"]);
    for (set, is_fit) in [
        ("log.level=wran", false),
        ("log.level=info,foo", false),
        ("log.level=INFO", true),
        ("log.level= info ", true),
        ("log.level=warn, info", false),
        ("log.level=off", true),
        ("log.level=warn,holdfast_api=debug", true),
        ("store.data=", false),
    ] {
        let said = Program::new().run(&["config", "show", "--set", set]);
        assert_eq!(said.exit, Some(if is_fit { 0 } else { 2 }), "{set}: {said:?}");
    }
}

#[test]
fn a_property_of_kafka_that_is_not_taken_is_named_without_its_value() {
    let property = "kafka.properties=sasl.pasword=geheim";
    let said = Program::new().run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--kafka-brokers",
        "localhost:9092",
        "--set",
        property,
    ]);
    assert_eq!(said.exit, Some(2), "{said:?}");
    assert!(said.stderr.contains("sasl.pasword") && !said.stderr.contains("geheim"), "{said:?}");
}

#[test]
fn the_settings_show_no_value_of_a_property_of_kafka() {
    for given in ["kafka.properties=sasl.username=u,sasl.password=ge&heim", "kafka.properties=sasl.password=x@y,heim"] {
        let said = Program::new().done(&["config", "show", "--set", given]);
        assert!(said.stdout.contains("sasl.password=***") && !said.stdout.contains("heim"), "{said:?}");
    }
}

#[test]
fn a_migration_tells_its_statements_and_makes_the_store_once() {
    let program = Program::new();
    let dry = program.done(&["migrate", "--dry-run"]).json();
    assert!(!dry["statements"].as_array().expect("a list").is_empty());
    assert_eq!(program.run(&["verify"]).exit, Some(5), "a dry run makes nothing");
    program.done(&["migrate"]);
    program.done(&["verify"]);
    assert_eq!(program.done(&["migrate"]).json()["statements"], Value::Array(Vec::new()));
}

#[test]
fn completions_come_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(Program::new().done(&["completions", shell]).stdout.contains("holdfast"));
    }
}

fn shown(said: &Said, key: &str) -> (String, String) {
    let rows = said.json_lines();
    let row = rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key} in {said:?}"));
    let text = |name: &str| row[name].as_str().expect("a text").to_owned();
    (text("value"), text("origin"))
}
