//! `serve`: the service.

use serde_json::json;

use crate::cli::{CommonArgs, ServeArgs};
use crate::exit::{Exit, Failure, unless_unread};
use crate::output::Output;
use crate::wiring::{self, Running, signals};
use crate::{config, telemetry};

/// Runs the service until it is told to stop.
pub(super) fn run(common: &CommonArgs, args: &ServeArgs) -> Result<Exit, Failure> {
    let settings = super::configuration(common, args.settings())?.typed()?;
    telemetry::start_logging(&settings);
    if let (Some(data), Some(_)) = (&common.data, &settings.store.database_url) {
        tracing::warn!(data, "the books are in the shared database: the folder that --data names is not used");
    }
    let told = signals::listen()?;
    if args.migrate {
        match wiring::migrate(&settings, false)?.len() {
            0 => tracing::info!("the schema is the present one"),
            statements => tracing::info!(statements, "the schema was brought up to date"),
        }
    }
    let running = start(&settings)?;
    say_ready(common, &settings, &running)?;
    let ended = running.wait(&told);
    tracing::info!("stopping: requests under way finish, what waits in line is decided");
    let stopped = running.stop();
    ended.and(stopped).map(|()| Exit::Done)
}

/// Starts the service that the settings describe.
pub(super) fn start(settings: &config::Settings) -> Result<Running, Failure> {
    let books = wiring::open_books(settings)?;
    let running = Running::start(settings, books)?;
    tracing::info!(address = %running.address, store = wiring::kind_of_store(settings), "ready");
    Ok(running)
}

/// Says where the service is: its URLs on a terminal, else a line of JSON.
fn say_ready(common: &CommonArgs, settings: &config::Settings, running: &Running) -> Result<(), Failure> {
    let mut output = Output::new(common.json);
    let url = running.url();
    let version = env!("CARGO_PKG_VERSION");
    let said = if output.is_for_people() {
        output.text(&format!(
            "holdfast {version} is ready\n\n  interface  {url}/swagger\n  health     {url}/health\n  metrics    \
             {url}/metrics\n\nCtrl-C stops it."
        ))
    } else {
        output.json(&json!({"ready": true, "url": url, "store": wiring::kind_of_store(settings), "version": version}))
    };
    // A reader that has gone does not stop the service.
    unless_unread(said)
}
