//! `copy`: a whole store into an empty one, whatever databases the two are, with a proof at the end.

use std::ops::ControlFlow;
use std::time::Instant;

use holdfast_application::audit;
use holdfast_infrastructure::copying::{self, CopyError, Source, Target};
use serde_json::{Map, Value, json};

use crate::cli::{CommonArgs, CopyArgs};
use crate::exit::{Exit, Failure, unless_unread, with_sources};
use crate::interrupt::{Interrupt, Work};
use crate::numbers::seconds;
use crate::progress::Progress;
use crate::wiring;

/// What an interrupted copy says.
const COPYING: Work = Work {
    counted: None,
    go_on: "run it again; should the new store hold something by then, it is whole, and `holdfast verify` proves it",
    looks: true,
};

/// Copies, and proves the copy.
pub(super) fn run(common: &CommonArgs, args: &CopyArgs) -> Result<Exit, Failure> {
    let settings = super::settings(common)?;
    let (from, to) = (wiring::address(&settings, &args.from), wiring::address(&settings, &args.to));
    if is_one_place(&args.from, &args.to) {
        return Err(Failure::usage("--from and --to name the same store"));
    }
    let interrupt = Interrupt::hear(COPYING)?;
    let started = Instant::now();
    let source = Source::open(&from).map_err(|error| wiring::not_opened(&error))?;
    let mut target = Target::open(&to, wiring::clock()).map_err(|error| wiring::not_opened(&error))?;
    let mut progress = Progress::new(common, "copying", "rows", None);
    let copied = copying::copy(&source, &mut target, &mut |rows| {
        progress.advance(rows);
        if interrupt.came() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let Some(copied) = copied.map_err(|error| not_copied(&error))? else {
        interrupt.look()?;
        return Ok(Exit::Interrupted);
    };
    progress.finish();
    drop((source, target));

    let queries = wiring::open_at(&to)?;
    let report =
        audit::prove(&*queries, None).map_err(|error| Failure::failed("the new store cannot be read", &error))?;
    let rows: Map<String, Value> = copied.into_iter().map(|(table, rows)| (table.to_owned(), rows.into())).collect();
    unless_unread(super::output(common).object(&json!({
        "ok": report.is_clean(),
        "rows": rows,
        "faults": report.faults.len(),
        "seconds": seconds(started.elapsed()),
    })))?;
    Ok(if report.is_clean() { Exit::Done } else { Exit::Failed })
}

/// Whether two folders or URLs name one store, as far as that can be seen from them.
fn is_one_place(from: &str, to: &str) -> bool {
    let folder = |place: &str| std::fs::canonicalize(place).ok();
    from == to || folder(from).is_some_and(|from| folder(to) == Some(from))
}

fn not_copied(error: &CopyError) -> Failure {
    match error {
        CopyError::NotEmpty => Failure::new(Exit::Conflict, error.to_string()),
        CopyError::Unknown(_) => Failure::new(Exit::Failed, with_sources(error)),
        _ => Failure::failed("the store was not copied", error),
    }
}
