//! `import`: products with their first stock from a CSV file, into a store or a running service. Safe to repeat: a
//! product that is there keeps its stock, its name and limits follow what the file says.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use holdfast_application::ImportedItem;
use holdfast_domain::LocationCode;
use serde_json::json;

use crate::cli::{CommonArgs, ImportArgs};
use crate::csv_table::CsvTable;
use crate::exit::{Exit, Failure, unless_unread};
use crate::interrupt::{Interrupt, Work};
use crate::numbers::count;
use crate::progress::Progress;
use crate::remote::Remote;

mod gathering;
mod into_service;
mod into_store;
mod rows;

use gathering::{Gathered, Gathering};
use rows::{Columns, RowFault};

/// Products that are handed over together.
const BATCH: usize = 1_024;
/// The most faults that are listed; all are counted.
const FAULTS_LISTED_MAX: usize = 1_000;

/// What became of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Imported {
    /// It was made.
    Created,
    /// Its name or limits followed the file.
    Updated,
    /// It was so already.
    Unchanged,
}

/// Why a product was not taken: the column that is wrong, and a sentence.
type NotTaken = (Option<&'static str>, String);

/// Where products go.
trait Target {
    /// The codes of its locations.
    fn locations(&mut self) -> Result<Vec<LocationCode>, Failure>;
    /// Takes products and says what became of each.
    fn take(&mut self, products: &[ImportedItem]) -> Result<Vec<Result<Imported, NotTaken>>, Failure>;
}

/// What an import has done so far.
#[derive(Debug, Default)]
struct Summary {
    created: u64,
    updated: u64,
    unchanged: u64,
    bad: u64,
    faults: Vec<RowFault>,
    /// Faults that are not listed.
    unlisted: usize,
}

impl Summary {
    /// Notes a bad row.
    fn bad_row(&mut self, faults: impl IntoIterator<Item = RowFault>) {
        self.bad = self.bad.saturating_add(1);
        for fault in faults {
            if self.faults.len() < FAULTS_LISTED_MAX {
                self.faults.push(fault);
            } else {
                self.unlisted = self.unlisted.saturating_add(1);
            }
        }
    }

    fn note(&mut self, product: &Gathered, outcome: Result<Imported, NotTaken>) {
        let counter = match outcome {
            Ok(Imported::Created) => &mut self.created,
            Ok(Imported::Updated) => &mut self.updated,
            Ok(Imported::Unchanged) => &mut self.unchanged,
            Err((column, detail)) => {
                for line in &product.lines {
                    self.bad_row([RowFault { line: *line, column: column.map(Into::into), detail: detail.clone() }]);
                }
                return;
            }
        };
        *counter = counter.saturating_add(1);
    }
}

/// What an interrupted import says.
const IMPORTING: Work = Work {
    counted: Some("products were taken"),
    go_on: "run the same command again: products that are there stay as they are",
    looks: true,
};

/// Imports the file.
pub(super) fn run(common: &CommonArgs, args: &ImportArgs) -> Result<Exit, Failure> {
    let settings = super::settings(common)?;
    let interrupt = Interrupt::hear(IMPORTING)?;
    let input = open(&args.file)?;
    let mut target: Box<dyn Target> = match Remote::named(common, &args.server)? {
        Some(remote) => Box::new(into_service::IntoService { remote, only_looks: args.dry_run }),
        None if args.dry_run => Box::new(into_store::LookAtStore::open(&settings)?),
        None => Box::new(into_store::IntoStore::open(&settings)?),
    };
    let mut progress = Progress::new(common, "import", "rows", None);
    let summary =
        import(input, args, &mut *target, &mut progress, &interrupt).map_err(|failure| named(failure, &args.file))?;
    progress.finish();
    report(common, &summary)?;
    Ok(if summary.bad > 0 { Exit::Partly } else { Exit::Done })
}

fn import(
    input: impl BufRead,
    args: &ImportArgs,
    target: &mut dyn Target,
    progress: &mut Progress,
    interrupt: &Interrupt,
) -> Result<Summary, Failure> {
    let invalid = |words: String| Failure::new(Exit::Invalid, words);
    let mut table = CsvTable::open(input).map_err(invalid)?;
    let columns = Columns::find(&table, args).map_err(invalid)?;
    let locations = target.locations()?;
    let mut gathering = Gathering::new(locations, columns.location.is_some());
    let mut summary = Summary::default();
    loop {
        interrupt.look()?;
        let record = table.next_record().map_err(|error| invalid(error.to_string()))?;
        let Some(record) = record else { break };
        progress.advance(1);
        match record {
            Err(bad) => summary.bad_row([RowFault { line: bad.line, column: None, detail: bad.detail }]),
            Ok(record) => match columns.read(&record).and_then(|row| gathering.add(row)) {
                Ok(()) => {}
                Err(bad) => {
                    gathering.spoil(&bad);
                    summary.bad_row(bad.faults);
                }
            },
        }
        while let Some(products) = gathering.next_batch(BATCH) {
            hand_over(target, &products, &mut summary, interrupt)?;
        }
    }
    for batch in gathering.finish(&mut summary).chunks(BATCH) {
        hand_over(target, batch, &mut summary, interrupt)?;
    }
    Ok(summary)
}

fn hand_over(
    target: &mut dyn Target,
    products: &[Gathered],
    summary: &mut Summary,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    interrupt.look()?;
    let items: Vec<ImportedItem> = products.iter().map(|product| product.item.clone()).collect();
    for (product, outcome) in products.iter().zip(target.take(&items)?) {
        summary.note(product, outcome);
    }
    interrupt.note(count(products.len()));
    Ok(())
}

/// Opens a file, or standard input for `-`.
fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let unreadable = |error: io::Error| cannot(Exit::of_input(&error), path, &error.to_string());
    Ok(Box::new(BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?)))
}

/// Says which file a failure is about.
fn named(failure: Failure, path: &Path) -> Failure {
    if failure.exit == Exit::Invalid { cannot(failure.exit, path, &failure.message) } else { failure }
}

fn cannot(exit: Exit, path: &Path, words: &str) -> Failure {
    Failure::new(exit, format!("{} cannot be imported: {words}", path.display()))
}

fn report(common: &CommonArgs, summary: &Summary) -> Result<(), Failure> {
    let mut faults = summary.faults.clone();
    faults.sort_by_key(|fault| fault.line);
    let mut stderr = io::stderr().lock();
    for fault in &faults {
        // Standard output tells them too; a closed standard error is no failure.
        let _ = writeln!(stderr, "{fault}");
    }
    if summary.unlisted > 0 {
        let _ = writeln!(stderr, "… and {} faults more; {} bad rows in all", summary.unlisted, summary.bad);
    }
    let mut output = super::output(common);
    let errors: Vec<_> = faults.iter().map(RowFault::to_json).collect();
    let mut result = json!({
        "created": summary.created,
        "updated": summary.updated,
        "unchanged": summary.unchanged,
        "bad": summary.bad,
    });
    if !output.is_for_people() {
        result["errors"] = errors.into();
    }
    unless_unread(output.object(&result))
}
