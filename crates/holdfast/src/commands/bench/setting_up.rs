//! A store of the bench's own, on disk, with products that have plenty or little.

use std::path::Path;

use holdfast_application::audit;
use holdfast_application::lane::decide_at_once;
use holdfast_application::queries::StockQueries;
use holdfast_application::{Command, Policy, Submission};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::stocking::NewItem;
use holdfast_domain::{Actor, Count, LocationCode, Name, ProductId, Quantity, Sku};
use tempfile::TempDir;

use crate::cli::CommonArgs;
use crate::config::Settings;
use crate::exit::Failure;
use crate::numbers::count;
use crate::random::Random;
use crate::wiring::Books;

/// Products that are made in one transaction.
const BATCH: usize = 1_024;

/// A folder that goes away with the bench: in `within`, or where the bench was started (which is on a disk more often
/// than the system's folder for temporary files).
pub(super) fn folder(within: Option<&Path>) -> Result<TempDir, Failure> {
    let within = within.unwrap_or_else(|| Path::new("."));
    let folder = tempfile::Builder::new().prefix(".holdfast-bench-").tempdir_in(within);
    folder.map_err(|error| Failure::failed(&format!("no folder can be made in {}", within.display()), &error))
}

/// The settings of a service of the bench's own in `folder`.
pub(super) fn settings(common: &CommonArgs, folder: &TempDir) -> Result<Settings, Failure> {
    settings_with(common, folder, &[])
}

/// The same with further settings.
pub(super) fn settings_with(
    common: &CommonArgs,
    folder: &TempDir,
    more: &[(&'static str, String)],
) -> Result<Settings, Failure> {
    let flags = [
        ("server.listen", "bench", "127.0.0.1:0".to_owned()),
        ("store.data", "bench", folder.path().display().to_string()),
        ("store.database_url", "bench", String::new()),
    ];
    let more = more.iter().map(|(key, value)| (*key, "bench", value.clone()));
    super::super::own_settings(common, flags.into_iter().chain(more))
}

/// Ids of products that are nobody else's.
pub(super) fn new_products(number: u32) -> Vec<ProductId> {
    let mut random = Random::new();
    (0..number).map(|_| random.product()).collect()
}

/// Makes products with `stock` units each.
pub(super) fn stock_up(books: &mut Books, products: &[ProductId], stock: Quantity) -> Result<(), Failure> {
    let actor = Actor::new("bench").expect("a plain word is an actor");
    let submissions: Vec<Submission> = products
        .iter()
        .map(|product| Submission {
            command: Command::ImportItem(Box::new(
                NewItem {
                    product: *product,
                    name: Name::new("Bench product").expect("plain words are a name"),
                    sku: Sku::new(&product.to_string()).expect("an id is a sku"),
                    initial: vec![(LocationCode::main(), stock)],
                    reorder_level: Count::ZERO,
                    max_stock_level: Count::from(stock),
                }
                .into(),
            )),
            actor: actor.clone(),
            key: None,
            decided_at: None,
        })
        .collect();
    for batch in submissions.chunks(BATCH) {
        decide_at_once(&mut *books.store, batch, &Policy::default())
            .map_err(|error| super::super::not_taken("products", &error))?;
    }
    Ok(())
}

/// What the books say after a bench.
pub(super) struct Proved {
    /// Whether every number follows from its movements.
    pub(super) is_clean: bool,
    /// Units reserved of the bench's products.
    pub(super) reserved: u64,
    /// Units promised that were not there.
    pub(super) oversold: u64,
}

/// Proves the books and sums up what they promise of `products`, which had `stock` each.
pub(super) fn prove(queries: &dyn StockQueries, products: &[ProductId], stock: Quantity) -> Result<Proved, Failure> {
    let unreadable = |error| Failure::failed("the store cannot be read", &error);
    let report = audit::prove(queries, None).map_err(unreadable)?;
    let (mut reserved, mut oversold) = (0_u64, 0_u64);
    for some in products.chunks(BATCH) {
        let wanted: Vec<ProductRef> = some.iter().map(|product| ProductRef::Id(*product)).collect();
        let items = queries.items(&wanted).map_err(unreadable)?;
        for item in &items {
            reserved = reserved.saturating_add(item.reserved().get());
            oversold = oversold.saturating_add(item.reserved().get().saturating_sub(u64::from(stock.get())));
        }
        if count(items.len()) != count(some.len()) {
            return Err(Failure::new(crate::exit::Exit::Failed, "products of the bench are gone"));
        }
    }
    Ok(Proved { is_clean: report.is_clean(), reserved, oversold })
}
