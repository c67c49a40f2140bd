//! Products go to a running service, or are only compared with it; several at a time.

use std::fmt::Write;
use std::ops::ControlFlow;

use holdfast_application::ImportedItem;
use holdfast_domain::book::stocking::NewItem;
use holdfast_domain::{LocationCode, Quantity};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Imported, NotTaken, Target};
use crate::exit::Failure;
use crate::percent::encoded;
use crate::remote::Remote;

/// Products that are under way at a time: enough for the service to write them together.
const AT_A_TIME: usize = 16;
/// How often the same rows may have found their SKU taken and be tried anew.
const ATTEMPTS_MAX: u32 = 100;

/// A service that takes products, or is only looked at.
pub(super) struct IntoService {
    /// The service.
    pub(super) remote: Remote,
    /// Whether nothing is to change.
    pub(super) only_looks: bool,
}

impl Target for IntoService {
    fn locations(&mut self) -> Result<Vec<LocationCode>, Failure> {
        let mut codes = Vec::new();
        self.remote.each("/api/inventory/locations?limit=500", &mut |location| {
            codes.extend(location.get("id").and_then(Value::as_str).and_then(|code| LocationCode::new(code).ok()));
            ControlFlow::Continue(())
        })?;
        Ok(codes)
    }

    fn take(&mut self, products: &[ImportedItem]) -> Result<Vec<Result<Imported, NotTaken>>, Failure> {
        let share = products.len().div_ceil(AT_A_TIME).max(1);
        let this = &*self;
        let shares: Result<Vec<Vec<_>>, Failure> = std::thread::scope(|scope| {
            let threads: Vec<_> = products
                .chunks(share)
                .map(|some| scope.spawn(move || some.iter().map(|item| this.import(item)).collect()))
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread of an import panics")).collect()
        });
        Ok(shares?.into_iter().flatten().collect())
    }
}

impl IntoService {
    fn import(&self, item: &ImportedItem) -> Result<Result<Imported, NotTaken>, Failure> {
        let path = format!("/api/inventory/product/{}", item.new.product);
        let known = self.remote.get(&path)?;
        match known.status {
            200 if self.only_looks || !has_stock_elsewhere(&item.new) => self.update(&path, item, &known.body),
            200 => match self.create(&path, &item.new)? {
                // This very import made it, and did not come to its end.
                Ok(Imported::Created) => Ok(Ok(Imported::Created)),
                Ok(Imported::Updated | Imported::Unchanged) | Err(_) => self.update(&path, item, &known.body),
            },
            404 if self.only_looks => self.look_at_sku(&item.new),
            404 => self.create(&path, &item.new),
            _ => Err(known.into_failure()),
        }
    }

    /// Makes the product and adds its first stock at other locations, each once however often the same rows are
    /// imported: a repeat goes on where an import broke off. `Unchanged` when all of it was done already.
    fn create(&self, path: &str, item: &NewItem) -> Result<Result<Imported, NotTaken>, Failure> {
        let at_main = item.initial.iter().find(|(location, _)| location.is_main());
        let body = json!({
            "productId": item.product.to_string(),
            "productName": item.name.as_str(),
            "sku": item.sku.as_str(),
            "initialQuantity": at_main.map_or(0, |(_, quantity)| quantity.get()),
            "reorderLevel": item.reorder_level.get(),
            "maxStockLevel": item.max_stock_level.get(),
        });
        let key = key_of(&body, item);
        let mut answered = self.remote.post("/api/inventory", Some(&key), &body)?;
        for attempt in 2..=ATTEMPTS_MAX {
            // The kept answer of an earlier import; the SKU may be free by now.
            if !(answered.is_replayed && answered.code() == "sku_taken") {
                break;
            }
            answered = self.remote.post("/api/inventory", Some(&format!("{key} {attempt}")), &body)?;
        }
        if answered.status != 201 {
            return refused(answered);
        }
        let mut did_something = !answered.is_replayed;
        for (location, quantity) in item.initial.iter().filter(|(location, _)| !location.is_main()) {
            match self.add(path, location, *quantity)? {
                Ok(added) => did_something |= added,
                Err(bad) => return Ok(Err(bad)),
            }
        }
        Ok(Ok(if did_something { Imported::Created } else { Imported::Unchanged }))
    }

    /// Adds the first stock at another location, once however often it is tried. Says whether it was this time.
    fn add(&self, path: &str, location: &LocationCode, quantity: Quantity) -> Result<Result<bool, NotTaken>, Failure> {
        let body = json!({"quantity": quantity.get(), "locationId": location.as_str(), "reference": "INITIAL"});
        let key = format!("import {path} {location}");
        let answered = self.remote.post(&format!("{path}/add-stock"), Some(&key), &body)?;
        if answered.status == 200 { Ok(Ok(!answered.is_replayed)) } else { Ok(refused(answered)?.map(|_| true)) }
    }

    fn update(&self, path: &str, item: &ImportedItem, known: &Value) -> Result<Result<Imported, NotTaken>, Failure> {
        let mut wanted = json!({"productName": item.new.name.as_str(), "sku": item.new.sku.as_str()});
        let limits = [("reorderLevel", item.follows.reorder_level), ("maxStockLevel", item.follows.max_stock_level)];
        for (name, level) in limits {
            if let Some(level) = level {
                wanted[name] = json!(level.get());
            }
        }
        let same = wanted.as_object().into_iter().flatten().all(|(name, value)| known.get(name) == Some(value));
        if same {
            return Ok(Ok(Imported::Unchanged));
        }
        if self.only_looks {
            return Ok(self.look_at_sku(&item.new)?.map(|_| Imported::Updated));
        }
        let answered = self.remote.patch(path, &wanted)?;
        if answered.status == 200 { Ok(Ok(Imported::Updated)) } else { refused(answered) }
    }

    /// Whether another product has the SKU.
    fn look_at_sku(&self, item: &NewItem) -> Result<Result<Imported, NotTaken>, Failure> {
        let answered = self.remote.get(&format!("/api/inventory/sku/{}", encoded(item.sku.as_str())))?;
        let owner = answered.body.get("productId").and_then(Value::as_str);
        match answered.status {
            200 if owner != Some(&item.product.to_string()) => Ok(Err(sku_taken())),
            200 | 404 => Ok(Ok(Imported::Created)),
            _ => Err(answered.into_failure()),
        }
    }
}

fn has_stock_elsewhere(item: &NewItem) -> bool {
    item.initial.iter().any(|(location, _)| !location.is_main())
}

/// The key under which a product is made: what all its rows say. Other rows for the same product are another import,
/// and find it there.
fn key_of(body: &Value, item: &NewItem) -> String {
    let mut elsewhere: Vec<String> =
        item.initial.iter().map(|(location, quantity)| format!("\n{location} {quantity}")).collect();
    elsewhere.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(body.to_string());
    hash.update(elsewhere.concat());
    let mut key = format!("import {} ", item.product);
    for byte in hash.finalize() {
        let _ = write!(key, "{byte:02x}"); // writing to a string does not fail
    }
    key
}

fn sku_taken() -> NotTaken {
    (Some("sku"), "another product of the service has it".to_owned())
}

/// A no is the row's; anything else ends the import.
fn refused(answered: crate::remote::Answered) -> Result<Result<Imported, NotTaken>, Failure> {
    if answered.code() == "sku_taken" {
        return Ok(Err(sku_taken()));
    }
    match answered.status {
        400 | 404 | 409 => Ok(Err((None, answered.into_failure().message))),
        _ => Err(answered.into_failure()),
    }
}
