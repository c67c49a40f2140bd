//! Products go into a store of one's own, or are only compared with it.

use std::sync::Arc;

use holdfast_application::lane::decide_at_once;
use holdfast_application::queries::{ReadError, StockQueries};
use holdfast_application::{Answer, Command, ImportedItem, Policy, Reply, Submission};
use holdfast_domain::book::{Effect, ProductRef};
use holdfast_domain::{Actor, InventoryItem, LocationCode, Refusal};

use super::super::not_taken as not_taken_by_store;
use super::{Imported, NotTaken, Target};
use crate::config::Settings;
use crate::exit::{Exit, Failure};
use crate::wiring::{self, Books};

/// A store that takes products.
pub(super) struct IntoStore {
    books: Books,
    policy: Policy,
}

impl IntoStore {
    /// Opens the store that the settings name.
    pub(super) fn open(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self { books: wiring::open_books(settings)?, policy: settings.policy.clone() })
    }
}

impl Target for IntoStore {
    fn locations(&mut self) -> Result<Vec<LocationCode>, Failure> {
        codes(&*self.books.queries)
    }

    fn take(&mut self, products: &[ImportedItem]) -> Result<Vec<Result<Imported, NotTaken>>, Failure> {
        let actor = Actor::new("import").expect("a plain word is an actor");
        let submissions: Vec<Submission> = products
            .iter()
            .map(|item| Submission {
                command: Command::ImportItem(Box::new(item.clone())),
                actor: actor.clone(),
                key: None,
                decided_at: None,
            })
            .collect();
        let replies = decide_at_once(&mut *self.books.store, &submissions, &self.policy)
            .map_err(|error| not_taken_by_store("products", &error))?;
        self.books.store.rest().map_err(|error| Failure::failed("housekeeping of the store failed", &error))?;
        Ok(replies.into_iter().map(outcome).collect())
    }
}

/// What a reply says about a product.
fn outcome(reply: Reply) -> Result<Imported, NotTaken> {
    match reply {
        Reply::Decided(Ok(Answer::Item(answer))) => Ok(match answer.effect {
            // Decisions of two batches never share a microsecond, and a file names a product in one batch only.
            Effect::Applied if answer.item.created_at == answer.item.updated_at => Imported::Created,
            Effect::Applied => Imported::Updated,
            Effect::Replayed => Imported::Unchanged,
        }),
        Reply::Decided(Err(refusal)) => Err(not_taken(&refusal)),
        other => Err((None, format!("an unexpected answer: {other:?}"))),
    }
}

fn not_taken(refusal: &Refusal) -> NotTaken {
    match refusal {
        Refusal::SkuTaken => (Some("sku"), "another product of the store has it".to_owned()),
        other => (None, other.to_string()),
    }
}

/// A store that products are compared with.
pub(super) struct LookAtStore {
    queries: Option<Arc<dyn StockQueries>>,
}

impl LookAtStore {
    /// Opens the store that the settings name; one that is not there yet is empty.
    pub(super) fn open(settings: &Settings) -> Result<Self, Failure> {
        match wiring::open_reader(settings) {
            Ok(queries) => Ok(Self { queries: Some(queries) }),
            Err(failure) if failure.exit == Exit::NotFound => Ok(Self { queries: None }),
            Err(failure) => Err(failure),
        }
    }
}

impl Target for LookAtStore {
    fn locations(&mut self) -> Result<Vec<LocationCode>, Failure> {
        self.queries.as_ref().map_or_else(|| Ok(vec![LocationCode::main()]), |queries| codes(&**queries))
    }

    fn take(&mut self, products: &[ImportedItem]) -> Result<Vec<Result<Imported, NotTaken>>, Failure> {
        let Some(queries) = &self.queries else { return Ok(products.iter().map(|_| Ok(Imported::Created)).collect()) };
        let ids = products.iter().map(|item| ProductRef::Id(item.new.product));
        let skus = products.iter().map(|item| ProductRef::Sku(item.new.sku.clone()));
        let wanted: Vec<ProductRef> = ids.chain(skus).collect();
        let known = queries.items(&wanted).map_err(|error| unreadable(&error))?;
        Ok(products.iter().map(|item| compare(item, &known)).collect())
    }
}

/// What an import would do with a product.
fn compare(ImportedItem { new, follows }: &ImportedItem, known: &[InventoryItem]) -> Result<Imported, NotTaken> {
    if known.iter().any(|known| known.sku == new.sku && known.product != new.product) {
        return Err(not_taken(&Refusal::SkuTaken));
    }
    Ok(match known.iter().find(|known| known.product == new.product) {
        None => Imported::Created,
        Some(known) => {
            let same = known.name == new.name
                && known.sku == new.sku
                && follows.reorder_level.is_none_or(|level| known.reorder_level == level)
                && follows.max_stock_level.is_none_or(|level| known.max_stock_level == level);
            if same { Imported::Unchanged } else { Imported::Updated }
        }
    })
}

fn codes(queries: &dyn StockQueries) -> Result<Vec<LocationCode>, Failure> {
    let locations = queries.locations().map_err(|error| unreadable(&error))?;
    Ok(locations.iter().map(|location| location.code.clone()).collect())
}

fn unreadable(error: &ReadError) -> Failure {
    Failure::failed("the store cannot be read", error)
}
