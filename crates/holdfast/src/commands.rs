//! One file per command.

use holdfast_application::ports::{CommitError, StoreError};

use crate::cli::{Command, CommandLine, CommonArgs, ConfigCommand, ServeArgs, VerifyArgs};
use crate::config::{Configuration, Origin, Settings};
use crate::exit::{Exit, Failure};
use crate::interrupt::{Interrupt, Work};
use crate::output::Output;
use crate::telemetry;
use crate::wiring::signals;

mod asyncapi;
mod bench;
mod completions;
mod config_show;
mod copy;
mod demo;
mod export;
mod import;
mod migrate;
mod openapi;
mod replay;
mod republish;
mod serve;
mod verify;

/// What an interrupted proof says.
const PROVING: Work = Work { counted: None, go_on: "nothing was changed; run it again for a proof", looks: false };
/// What an interrupted bench says.
const MEASURING: Work = Work {
    counted: None,
    go_on: "nothing was measured; remove the folder .holdfast-bench-… or the tables it may have left, and run it again",
    looks: false,
};

/// Carries out what the command line asks for.
pub(crate) fn run(line: CommandLine) -> Result<Exit, Failure> {
    let common = line.common;
    signals::outlive_file_limits()?;
    match line.command.unwrap_or_else(|| Command::Serve(ServeArgs::default())) {
        Command::Serve(args) => serve::run(&common, &args),
        Command::Migrate(args) => migrate::run(&common, &args),
        Command::Import(args) => import::run(&common, &args),
        Command::Export(args) => export::run(&common, &args),
        Command::Copy(args) => copy::run(&common, &args),
        Command::Replay(args) => replay::run(&common, &args),
        Command::Verify(VerifyArgs { server: Some(_), .. }) => Err(Failure::usage(
            "verify takes no --server: a proof needs one moment of the whole store, which a service does not hand out. \
             Run it on the store itself (--data FOLDER); that works beside the running service",
        )),
        Command::Verify(args) => {
            let _heard = Interrupt::hear(PROVING)?;
            verify::run(&common, &args)
        }
        Command::Bench(args) => {
            let _heard = Interrupt::hear(MEASURING)?;
            bench::run(&common, &args)
        }
        Command::Demo(args) => demo::run(&common, &args),
        Command::Config(ConfigCommand::Show) => config_show::run(&common),
        Command::Republish(args) => republish::run(&common, &args),
        Command::Asyncapi { event } => asyncapi::run(event),
        Command::Openapi => openapi::run(),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// The settings of all layers, with those that a command's own flags give.
fn configuration(
    common: &CommonArgs,
    flags: impl Iterator<Item = (&'static str, &'static str, String)>,
) -> Result<Configuration, Failure> {
    let mut line = common.settings();
    line.flags.extend(flags);
    // Names and values that are no text cannot be settings of ours.
    let variables =
        std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    Configuration::load(&line, variables)
}

/// The checked settings of a service that a command starts for itself.
fn own_settings(
    common: &CommonArgs,
    flags: impl Iterator<Item = (&'static str, &'static str, String)>,
) -> Result<Settings, Failure> {
    warned(&configuration(common, flags)?.kept_to_itself())
}

/// The checked settings of a command without setting flags of its own, which works on a store and is told what there is
/// to be warned of.
fn settings(common: &CommonArgs) -> Result<Settings, Failure> {
    let configuration = configuration(common, std::iter::empty())?;
    refuse_two_stores(common, &configuration)?;
    warned(&configuration)
}

/// The checked settings; of what happens under them only warnings are told, unless a level was asked for.
fn warned(configuration: &Configuration) -> Result<Settings, Failure> {
    let mut settings = configuration.typed()?;
    if configuration.get("log.level").0 == Origin::Default {
        "warn".clone_into(&mut settings.log_level);
    }
    telemetry::start_logging(&settings);
    Ok(settings)
}

/// Why the store did not take what it was given. One that does not answer, or in which others were faster again and
/// again, may later.
fn not_taken(what: &str, error: &CommitError) -> Failure {
    match error {
        CommitError::NotApplied(fault) => {
            let failure = Failure::failed(&format!("the store did not take the {what}"), error);
            match fault {
                StoreError::Unavailable(_) | StoreError::Contention(..) => Failure { exit: Exit::Later, ..failure },
                StoreError::Broken(_) => failure,
            }
        }
        CommitError::Unknown(_) => Failure::failed(&format!("whether the store took the {what} is not known"), error),
    }
}

/// Refuses a folder on the command line beside a database that a file or variable names: whoever named the one did not
/// think of the other.
fn refuse_two_stores(common: &CommonArgs, configuration: &Configuration) -> Result<(), Failure> {
    let (origin, url) = configuration.get("store.database_url");
    if common.data.is_none() || url.to_string().trim().is_empty() || matches!(origin, Origin::CommandLine(_)) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--data names a folder, and store.database_url ({origin}) a database: name the database with --database-url, or \
         add --set store.database_url= for the folder"
    )))
}

/// The results of a command on their way out.
fn output(common: &CommonArgs) -> Output {
    Output::new(common.json)
}
