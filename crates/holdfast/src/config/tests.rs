//! Stories of settings.

use super::known::KNOWN;
use super::*;

#[test]
fn the_page_of_defaults_explains_exactly_the_settings_there_are() {
    let table: toml::Table = toml::from_str(DEFAULTS).expect("the page is TOML");
    let on_the_page: Vec<String> = table
        .iter()
        .flat_map(|(section, entries)| {
            let entries = entries.as_table().expect("a section");
            entries.keys().map(move |key| format!("{section}.{key}"))
        })
        .collect();
    for known in KNOWN {
        assert!(on_the_page.iter().any(|key| key == known.key), "{} is not on the page", known.key);
    }
    assert_eq!(on_the_page.len(), KNOWN.len());
    let mut explained = false;
    for line in DEFAULTS.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(explained, "{line} has no explanation");
            explained = false;
        } else {
            explained = line.starts_with('#');
        }
    }
    load(&[], &[], &[]).typed().expect("the defaults are in order");
}

#[test]
fn a_flag_beats_the_environment_and_that_the_file_and_that_the_default() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("holdfast.toml");
    std::fs::write(&path, "[server]\nlisten = \"127.0.0.1:1\"\nthreads = 3\n[cors]\norigins = [\"http://a\"]\n")
        .expect("written");
    let line = FromCommandLine {
        file: Some(path.clone()),
        set: vec!["server.listen=127.0.0.1:3".to_owned()],
        flags: vec![("server.listen", "--listen", "127.0.0.1:4".to_owned())],
    };
    let environment = pairs(&[("HOLDFAST_SERVER__LISTEN", "127.0.0.1:2"), ("HOLDFAST_SERVER__THREADS", "5")]);
    let all = Configuration::load(&line, environment).expect("in order");
    assert_eq!(all.get("server.listen"), &(Origin::CommandLine("--listen"), Value::Text("127.0.0.1:4".to_owned())));
    assert_eq!(all.get("server.threads").0, Origin::Environment("HOLDFAST_SERVER__THREADS".to_owned()));
    assert_eq!(all.get("cors.origins").0, Origin::File(path));
    assert_eq!(all.get("queue.wait_max").0, Origin::Default);
    assert_eq!(all.typed().expect("in order").http.threads, 5);
}

#[test]
fn a_file_that_is_not_understood_is_told_by_line_without_what_stands_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("holdfast.toml");
    std::fs::write(&path, "[store]\ndatabase_url = \"mysql://app:geheim@db/x\n").expect("written");
    let line = FromCommandLine { file: Some(path), ..FromCommandLine::default() };
    let failure = Configuration::load(&line, pairs(&[])).expect_err("a string without its end");
    assert!(failure.message.contains(", line 2, is not understood: "), "{failure}");
    assert!(!failure.message.contains("geheim"), "{failure}");
}

#[test]
fn all_faults_are_told_at_once_with_the_nearest_known_name() {
    let line = FromCommandLine {
        set: vec!["server.listn=x".to_owned(), "nonsense".to_owned(), "queue.commands_max=0".to_owned()],
        ..FromCommandLine::default()
    };
    let environment = pairs(&[("HOLDFAST_STORE__DATE", "x"), ("HOLDFAST_RESERVATION__TTL_DEFAULT", "15d")]);
    let failure = Configuration::load(&line, environment).expect_err("faults");
    assert_eq!(failure.exit, crate::exit::Exit::Usage);
    for words in [
        "there is no setting server.listn (flag --set); did you mean server.listen?",
        "there is no setting store.date (environment HOLDFAST_STORE__DATE); did you mean store.data?",
        "--set nonsense has no `=`",
        "queue.commands_max = 0 (flag --set) is no whole number from 1 to 10000000",
        "reservation.ttl_default = 15d",
    ] {
        assert!(failure.message.contains(words), "{words} not in:\n{failure}");
    }
}

#[test]
fn names_without_a_double_underscore_are_no_settings() {
    load(&[("HOLDFAST_SERVICE_HOST", "10.0.0.1"), ("HOLDFAST_PORT", "tcp://10.0.0.1:80")], &[], &[]);
}

#[test]
fn lists_come_with_commas_and_times_may_be_never() {
    let variables = [("HOLDFAST_KAFKA__TOPICS_IN", "orders.events, b"), ("HOLDFAST_RESERVATION__TTL_DEFAULT", "never")];
    let all = load(&variables, &[], &[]);
    assert_eq!(all.get("kafka.topics_in").1, Value::List(vec!["orders.events".to_owned(), "b".to_owned()]));
    assert_eq!(all.typed().expect("in order").policy.ttl_default, None);
}

#[test]
fn the_connection_strings_of_old_are_read_and_no_password_is_shown() {
    let variables = [
        ("ConnectionStrings__DefaultConnection", "server=db;port=3307;database=inventorydb;user=root;password=p@ss:w"),
        ("ConnectionStrings__Redis", "localhost:6379,abortConnect=false"),
    ];
    let all = load(&variables, &[], &[]);
    let settings = all.typed().expect("in order");
    assert_eq!(settings.store.database_url.as_deref(), Some("mysql://root:p%40ss%3Aw@db:3307/inventorydb"));
    assert_eq!(all.get("lock.redis_url").1, Value::Url("redis://localhost:6379".to_owned()));
    assert!(settings.lock.is_some());
    assert_eq!(all.get("store.database_url").1.to_string(), "mysql://root:***@db:3307/inventorydb");
    let newer = load(&[variables[0], ("HOLDFAST_STORE__DATABASE_URL", "")], &[], &[]);
    assert_eq!(newer.typed().expect("in order").store.database_url, None);
}

#[test]
fn what_does_not_fit_together_is_told_at_once() {
    let faults =
        ["server.listen=nowhere", "cors.origins=shop.example", "log.level=a=b=c", "lock.redis_url=redis://:geheim@h/x"];
    let failure = load(&[], &faults, &[]).typed().expect_err("faults");
    assert!(!failure.message.contains("geheim"), "{failure}");
    for words in
        ["server.listen = nowhere", "cors.origins: shop.example", "log.level = a=b=c", "lock.redis_url: the address"]
    {
        assert!(failure.message.contains(words), "{words} not in:\n{failure}");
    }
}

fn pairs(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn load(environment: &[(&str, &str)], set: &[&str], flags: &[(&'static str, &'static str, String)]) -> Configuration {
    let set = set.iter().map(|pair| (*pair).to_owned()).collect();
    let line = FromCommandLine { file: None, set, flags: flags.to_vec() };
    Configuration::load(&line, pairs(environment)).expect("in order")
}
