//! Events reach endpoints of others: of each product in order, signed, and none is lost, whatever an endpoint answers.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::broker::{in_order, wait_until_told};
use crate::certificates::certificates;
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;
use crate::webhook_receiver::{Received, Receiver, Reply};

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const TABLE: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa7";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A service that posts to endpoints by these names.
pub(crate) fn start(program: &Program, endpoints: &[(&str, &Receiver)], more: &[&str]) -> Service {
    let urls: Vec<String> = endpoints.iter().map(|(name, receiver)| format!("{name}={}", receiver.url())).collect();
    let secrets: Vec<String> = endpoints.iter().map(|(name, _)| format!("{name}={SECRET}")).collect();
    let (urls, secrets) = (urls.join(","), secrets.join(","));
    let flags = [format!("webhooks.endpoints={urls}"), format!("webhooks.secrets={secrets}")];
    let allowed = ["--set", &flags[0], "--set", &flags[1], "--set", "webhooks.allow_private=true"];
    Service::start(program, &[&allowed[..], more].concat())
}

fn create(service: &Service, product: &str) {
    let sku = &product[34..];
    let item = json!({"productId": product, "productName": "Thing", "sku": sku, "initialQuantity": 100});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
}

/// Changes a product's stock `times` times.
fn change(service: &Service, product: &str, times: usize) {
    for _ in 0..times {
        let (status, said) =
            service.post(&format!("/api/inventory/product/{product}/remove-stock"), &json!({"quantity": 1}));
        assert_eq!(status, 200, "{said}");
    }
}

/// How many different events were taken.
fn taken(came: &[Received]) -> usize {
    let taken = came.iter().filter(|came| came.reply == Reply::Status(200));
    taken.map(|came| came.headers["webhook-id"].as_str()).collect::<HashSet<_>>().len()
}

/// What `/health` says of the outbox, once it says that it is degraded.
fn degraded(service: &Service) -> String {
    let asked = Instant::now();
    loop {
        let (_, health) = service.get("/health");
        let parts = health["components"].as_array().expect("components");
        let outbox = parts.iter().find(|part| part["name"] == "outbox").expect("an outbox");
        if outbox["status"] == "Degraded" {
            return outbox.to_string();
        }
        assert!(asked.elapsed().as_secs() < 60, "{health}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn each_change_is_posted_once_in_order_of_its_product_and_signed() {
    let receiver = Receiver::start(|_, _| Reply::Status(200));
    let program = Program::new();
    let both = format!("webhooks.secrets=shop={NEW_SECRET} {SECRET}");
    let service = start(&program, &[("shop", &receiver)], &["--set", &both]);
    for product in [LAMP, TABLE] {
        create(&service, product);
    }
    for _ in 0..10 {
        change(&service, LAMP, 1);
        change(&service, TABLE, 1);
    }
    let came = receiver.wait_until(|came| came.len() == 22);
    wait_until_told(&service);
    assert_eq!(service.stop(), Some(0));
    let events = receiver.taken();
    assert_eq!(in_order(&events, "sequence").len(), 22, "nothing failed, so nothing is told twice");
    for product in [LAMP, TABLE] {
        let of_it: Vec<u64> =
            events.iter().filter(|event| event.key == product).map(|event| event.place("sequence").0).collect();
        assert_eq!(of_it, (1..=11).collect::<Vec<u64>>());
    }
    for came in &came {
        assert_eq!(came.headers["content-type"], "application/cloudevents+json");
        let event: Value = serde_json::from_str(&came.body).expect("JSON");
        assert_eq!((&event["specversion"], &event["id"]), (&json!("1.0"), &json!(came.headers["webhook-id"])));
        let signatures = format!("{} {}", came.signature(NEW_SECRET), came.signature(SECRET));
        assert_eq!(came.headers["webhook-signature"], signatures, "whoever knows one of the secrets can tell");
    }
}

#[test]
fn an_endpoint_over_tls_is_posted_to_only_if_its_certificate_is_trusted() {
    let program = Program::new();
    let authority = certificates(program.folder());
    let receiver = Receiver::start_encrypted(program.folder(), |_, _| Reply::Status(200));
    let service = start(&program, &[("shop", &receiver)], &[]);
    create(&service, LAMP);
    change(&service, LAMP, 3);
    let outbox = degraded(&service);
    assert!(outbox.contains("webhook shop: it is not reached: invalid peer certificate: UnknownIssuer"), "{outbox}");
    assert_eq!(service.stop(), Some(0));
    assert_eq!(receiver.came().len(), 0, "nobody whom it cannot trust hears anything");

    let ca_file = |path: &Path| format!("webhooks.ca_file={}", path.display());
    let service = start(&program, &[("shop", &receiver)], &["--set", &ca_file(&authority)]);
    receiver.wait_until(|came| came.len() == 4);
    wait_until_told(&service);
    service.must_say("Healthy");
    assert_eq!(service.stop(), Some(0));
    assert_eq!(in_order(&receiver.taken(), "sequence").len(), 4);

    // The key stands in PEM too, and vouches for nobody.
    for unfit in ["nowhere.pem", "server.key"] {
        let said = program.run(&["serve", "--set", &ca_file(&program.folder().join(unfit))]);
        assert_eq!(said.exit, Some(2), "{said:?}");
        assert!(said.stderr.contains("webhooks.ca_file"), "{said:?}");
    }
}

#[test]
fn an_endpoint_that_fails_now_and_then_loses_nothing_and_no_order() {
    let receiver = Receiver::start(|at, _| match at {
        2 | 5 => Reply::Status(500),
        8 => Reply::After(503, 1),
        11 => Reply::HangUp,
        14 => Reply::Redirect,
        _ => Reply::Status(200),
    });
    let program = Program::new();
    let service = start(&program, &[("shop", &receiver)], &[]);
    for product in [LAMP, TABLE] {
        create(&service, product);
        change(&service, product, 9);
    }
    let came = receiver.wait_until(|came| taken(came) == 20);
    wait_until_told(&service);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(came.iter().filter(|came| came.reply != Reply::Status(200)).count(), 5, "each failure was met");
    assert_eq!(in_order(&receiver.taken(), "sequence").len(), 20);
}

#[test]
fn a_product_whose_event_is_refused_waits_and_others_go_on() {
    let receiver = Receiver::start(|_, event| match event["partitionkey"].as_str() {
        Some(LAMP) => Reply::Status(400),
        _ => Reply::Status(200),
    });
    let program = Program::new();
    let service = start(&program, &[("shop", &receiver)], &[]);
    create(&service, LAMP);
    receiver.wait_until(|came| came.len() == 1);
    create(&service, TABLE);
    change(&service, TABLE, 5);
    change(&service, LAMP, 5);
    let came = receiver.wait_until(|came| taken(came) == 6);
    assert!(degraded(&service).contains("webhook shop: it answers 400"));
    assert_eq!(service.stop(), Some(0));
    let of_the_lamp = came.iter().map(Received::event).filter(|event| event.key == LAMP);
    assert!(of_the_lamp.into_iter().all(|event| event.place("sequence").0 == 1), "nothing overtakes what was refused");
}

#[test]
fn an_endpoint_that_is_gone_is_asked_again_after_a_restart_and_keeps_no_other_waiting() {
    let gone = Receiver::start(|at, _| Reply::Status(if at == 0 { 410 } else { 200 }));
    let well = Receiver::start(|_, _| Reply::Status(200));
    let program = Program::new();
    let endpoints = [("gone", &gone), ("well", &well)];
    let service = start(&program, &endpoints, &[]);
    create(&service, LAMP);
    change(&service, LAMP, 5);
    well.wait_until(|came| taken(came) == 6);
    let said = degraded(&service);
    assert!(said.contains("webhook gone: it answers 410"), "{said}");
    assert_eq!(service.stop(), Some(0));
    assert_eq!(gone.came().len(), 1, "it is left alone");
    let service = start(&program, &endpoints, &[]);
    gone.wait_until(|came| taken(came) == 6);
    wait_until_told(&service);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(in_order(&gone.taken(), "sequence").len(), 6);
    assert_eq!(well.came().len(), 6, "what it took is not told again");
}

#[test]
fn a_name_that_leads_into_a_private_network_is_not_followed() {
    let receiver = Receiver::start(|_, _| Reply::Status(200));
    let program = Program::new();
    let endpoint = format!("webhooks.endpoints=shop=https://localhost:{}/hooks", receiver.port());
    let secret = format!("webhooks.secrets=shop={SECRET}");
    let service = Service::start(&program, &["--set", &endpoint, "--set", &secret]);
    create(&service, LAMP);
    let said = degraded(&service);
    assert!(said.contains("webhook shop: the address is in a private network"), "{said}");
    assert_eq!(service.stop(), Some(0));
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_service_that_is_killed_goes_on_where_it_was() {
    let receiver = Receiver::start(|at, _| if at == 30 { Reply::Silence } else { Reply::Status(200) });
    let program = Program::new();
    let mut service = start(&program, &[("shop", &receiver)], &[]);
    for product in [LAMP, TABLE] {
        create(&service, product);
        change(&service, product, 19);
    }
    receiver.wait_until(|came| came.len() == 31);
    service.kill();
    let service = start(&program, &[("shop", &receiver)], &[]);
    receiver.wait_until(|came| taken(came) == 40);
    wait_until_told(&service);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(in_order(&receiver.taken(), "sequence").len(), 40, "first come 1, 2, 3 …, whatever is repeated");
}

#[test]
fn of_several_services_one_posts_and_when_it_is_killed_another_goes_on() {
    if !SharedDatabase::is_there() {
        return;
    }
    let receiver = Receiver::start(|_, _| Reply::Status(200));
    let program = Program::new().on(SharedDatabase::migrated());
    let endpoints = [("shop", &receiver)];
    let mut services = vec![start(&program, &endpoints, &[]), start(&program, &endpoints, &[])];
    for product in [LAMP, TABLE] {
        create(&services[0], product);
    }
    for round in 1..=3 {
        for service in &services {
            change(service, LAMP, 5);
            change(service, TABLE, 5);
        }
        // One is killed while events wait; whoever posted them, the other goes on.
        services[round % 2].kill();
        change(&services[(round + 1) % 2], LAMP, 5);
        services[round % 2] = start(&program, &endpoints, &[]);
    }
    receiver.wait_until(|came| taken(came) == 2 + 3 * 25);
    for service in &services {
        wait_until_told(service);
    }
    for service in services {
        assert_eq!(service.stop(), Some(0));
    }
    let events = receiver.taken();
    let first = in_order(&events, "sequence");
    for (product, last) in [(LAMP, 1 + 3 * 15), (TABLE, 1 + 3 * 10)] {
        let of_it: Vec<u64> =
            first.iter().filter(|event| event.key == product).map(|event| event.place("sequence").0).collect();
        assert_eq!(of_it, (1..=last).collect::<Vec<u64>>(), "whatever is repeated");
    }
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn an_endpoint_that_never_answers_keeps_no_service_from_leaving() {
    let receiver = Receiver::start(|at, _| if at == 0 { Reply::Silence } else { Reply::Status(200) });
    let program = Program::new();
    let service = start(&program, &[("shop", &receiver)], &[]);
    create(&service, LAMP);
    receiver.wait_until(|came| came.len() == 1);
    change(&service, LAMP, 2);
    assert_eq!(service.stop(), Some(0));
    let service = start(&program, &[("shop", &receiver)], &[]);
    receiver.wait_until(|came| taken(came) == 3);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(in_order(&receiver.taken(), "sequence").len(), 3);
}

#[test]
fn an_endpoint_is_told_what_it_wants_to_hear() {
    let alarm = Receiver::start(|_, _| Reply::Status(200));
    let all = Receiver::start(|_, _| Reply::Status(200));
    let program = Program::new();
    let wants = ["--set", "webhooks.events=alarm=LowStock+OutOfStock"];
    let service = start(&program, &[("alarm", &alarm), ("all", &all)], &wants);
    create(&service, LAMP);
    change(&service, LAMP, 1);
    let (status, _) = service.post(&format!("/api/inventory/product/{LAMP}/remove-stock"), &json!({"quantity": 99}));
    assert_eq!(status, 200);
    all.wait_until(|came| taken(came) == 5);
    wait_until_told(&service);
    assert_eq!(service.stop(), Some(0));
    let told: Vec<String> = alarm.taken().iter().map(|event| event.kind().to_owned()).collect();
    assert_eq!(told, ["stock.low", "stock.out"]);
}

#[test]
fn wrong_settings_are_told_at_the_start_and_no_secret_is_shown() {
    let program = Program::new();
    let secret = format!("webhooks.secrets=shop={SECRET}");
    let shop = "webhooks.endpoints=shop=https://shop.example/hooks";
    for (settings, words) in [
        (vec![shop], "webhooks.endpoints: shop: it has no secret"),
        (vec!["webhooks.endpoints=https://shop.example"], "each is name=…"),
        (vec!["webhooks.endpoints=a b=https://shop.example", &secret], "its name is not one of"),
        (vec!["webhooks.endpoints=shop=http://shop.example", &secret], "its address is not https"),
        (vec!["webhooks.endpoints=shop=https://10.0.0.1", &secret], "its address is in a private network"),
        (vec![shop, "webhooks.secrets=shop=geheim"], "a secret is whsec_"),
        (vec![shop, "webhooks.events=shop=StockReserved+Nonsense", &secret], "there is no event Nonsense"),
        (vec![shop, "webhooks.events=shopp=LowStock", &secret], "webhooks.endpoints has no shopp"),
        (vec![secret.as_str()], "webhooks.secrets: webhooks.endpoints has no shop"),
    ] {
        let flags: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        let said = program.run(&[&["serve"][..], &flags].concat());
        assert_eq!(said.exit, Some(2), "{settings:?}: {said:?}");
        assert!(said.stderr.contains(words), "{words} not in {}", said.stderr);
        assert!(!said.stderr.contains("geheim") && !said.stderr.contains(SECRET), "{}", said.stderr);
    }
    let file = program.file("secrets", format!("shop={SECRET}\n"));
    let program = Program::new().with_variable("HOLDFAST_WEBHOOKS__SECRETS_FILE", file.to_str().expect("a path"));
    let shown = program.run(&["config", "show", "--set", shop]);
    assert_eq!(shown.exit, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("shop=***") && !shown.stdout.contains(SECRET), "{}", shown.stdout);
}
