//! `demo`: the service with a believable catalogue and light traffic, in a folder that goes away with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_application::lane::decide_at_once;
use holdfast_application::{Command, Submission};
use holdfast_domain::Actor;
use serde_json::json;

use crate::cli::{CommonArgs, DemoArgs};
use crate::exit::{Exit, Failure, unless_unread};
use crate::output::Output;
use crate::wiring::{self, Running, signals};

mod catalogue;
mod traffic;

/// Runs the demonstration until it is told to stop.
pub(super) fn run(common: &CommonArgs, args: &DemoArgs) -> Result<Exit, Failure> {
    if common.data.is_some() || common.database_url.is_some() {
        return Err(Failure::usage(
            "demo makes a store of its own, in a temporary folder: it takes no --data and no --database-url",
        ));
    }
    let folder = tempfile::Builder::new().prefix("holdfast-demo-").tempdir();
    let mut folder = folder.map_err(|error| Failure::failed("no temporary folder can be made", &error))?;
    folder.disable_cleanup(args.keep);
    let own = [
        ("store.data", "demo", Some(folder.path().display().to_string())),
        ("store.database_url", "demo", Some(String::new())),
        ("server.listen", "--listen", args.listen.clone()),
        // More would push the addresses out of sight.
        ("log.level", "demo", Some("warn".to_owned())),
    ];
    let flags = own.into_iter().filter_map(|(key, flag, value)| Some((key, flag, value?)));
    let settings = super::own_settings(common, flags)?;
    let told = signals::listen()?;

    let mut books = wiring::open_books(&settings)?;
    let actor = Actor::new("demo").expect("a plain word is an actor");
    let products = catalogue::products();
    let imports: Vec<Submission> = products
        .iter()
        .map(|product| Submission {
            command: Command::ImportItem(Box::new(product.clone().into())),
            actor: actor.clone(),
            key: None,
            decided_at: None,
        })
        .collect();
    decide_at_once(&mut *books.store, &imports, &settings.policy)
        .map_err(|error| super::not_taken("products", &error))?;

    let running = Running::start(&settings, books)?;
    say_ready(common, &running, folder.path(), args.keep)?;
    let stop = Arc::new(AtomicBool::new(false));
    let traffic = {
        let (queue, stop) = (running.queue.clone(), stop.clone());
        std::thread::spawn(move || traffic::run(&queue, &products, &actor, &stop))
    };
    let ended = running.wait(&told);
    stop.store(true, Ordering::Relaxed);
    if traffic.join().is_err() {
        tracing::error!("the thread of the traffic has died");
    }
    let stopped = running.stop();
    ended.and(stopped).map(|()| Exit::Done)
}

fn say_ready(common: &CommonArgs, running: &Running, folder: &std::path::Path, keep: bool) -> Result<(), Failure> {
    let mut output = Output::new(common.json);
    let url = running.url();
    let folder = folder.display();
    let said = if output.is_for_people() {
        let fate = if keep { "stays" } else { "goes away when it ends" };
        let product = catalogue::first_product();
        output.text(&format!(
            "A shop with 200 products and a few orders a second.\n\n  interface  {url}/swagger\n  health     {url}/health\n  \
             metrics    {url}/metrics\n  folder     {folder} ({fate})\n\nTry:\n\n  curl {url}/api/inventory/low-stock\n  \
             curl -X POST {url}/api/inventory/reservations -H 'Content-Type: application/json' \\\n    -d \
             '{{\"orderId\":\"3fa85f64-5717-4562-b3fc-2c963f66afa6\",\"lines\":[{{\"productId\":\"{product}\",\"quantity\":3}}]}}'\n\n\
             Ctrl-C stops it."
        ))
    } else {
        let version = env!("CARGO_PKG_VERSION");
        let folder = folder.to_string();
        output.json(&json!({"ready": true, "url": url, "store": "sqlite", "version": version, "folder": folder}))
    };
    // A reader that has gone does not stop the service.
    unless_unread(said)
}
