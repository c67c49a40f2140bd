//! The service under load: one of the bench's own, or one that runs elsewhere.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use holdfast_domain::{ProductId, Quantity};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Tally;
use super::client::{self, Script};
use super::setting_up::{self, Proved};
use crate::cli::{BenchServiceArgs, CommonArgs};
use crate::exit::{Exit, Failure};
use crate::random::Random;
use crate::wiring::{self, Running};

/// The service under load, with products that are the bench's own.
pub(super) struct Service {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The products.
    pub(super) products: Arc<[ProductId]>,
    stock: Quantity,
    own: Option<(Running, TempDir)>,
}

impl Service {
    /// Starts one, or finds the one that was named, and makes `products` with `stock` units each.
    pub(super) fn start(
        common: &CommonArgs,
        args: &BenchServiceArgs,
        products: u32,
        stock: Quantity,
    ) -> Result<Self, Failure> {
        let products: Arc<[ProductId]> = setting_up::new_products(products).into();
        if let Some(url) = &args.server.server {
            let address = address_of(url)?;
            make_products(address, &products, stock)?;
            return Ok(Self { address, products, stock, own: None });
        }
        let folder = setting_up::folder(args.folder.as_deref())?;
        let settings = setting_up::settings(common, &folder)?;
        let mut books = wiring::open_books(&settings)?;
        setting_up::stock_up(&mut books, &products, stock)?;
        let running = Running::start(&settings, books)?;
        Ok(Self { address: running.address, products, stock, own: Some((running, folder)) })
    }

    /// Ends it, and says what the books tell.
    pub(super) fn finish(self) -> Result<Proved, Failure> {
        match self.own {
            Some((running, _folder)) => {
                let queries = running.queries.clone();
                running.stop()?;
                setting_up::prove(&*queries, &self.products, self.stock)
            }
            None => ask_levels(self.address, &self.products, self.stock),
        }
    }
}

/// A request for one order of one unit, of which only the ids change.
#[derive(Clone)]
pub(super) struct OrderRequest {
    bytes: Vec<u8>,
    order_at: usize,
    product_at: usize,
    products: Arc<[ProductId]>,
    random: Random,
}

/// Characters of a UUID.
const ID_LENGTH: usize = 36;

impl OrderRequest {
    /// Requests for these products.
    pub(super) fn new(products: Arc<[ProductId]>) -> Self {
        let place = "0".repeat(ID_LENGTH);
        let body = format!(r#"{{"orderId":"{place}","lines":[{{"productId":"{place}","quantity":1}}]}}"#);
        let bytes = client::post("/api/inventory/reservations", &body);
        let mut places = bytes.windows(ID_LENGTH).enumerate().filter(|(_, piece)| *piece == place.as_bytes());
        let order_at = places.next().map_or(0, |(at, _)| at);
        let product_at = places.next().map_or(0, |(at, _)| at);
        Self { bytes, order_at, product_at, products, random: Random::new() }
    }

    /// The products it asks for.
    pub(super) fn products(&self) -> Arc<[ProductId]> {
        self.products.clone()
    }

    /// Writes the next one.
    pub(super) fn write(&mut self, request: &mut Vec<u8>) {
        let order = self.random.order().to_string();
        put(&mut self.bytes, self.order_at, &order);
        if let Some(product) = self.random.pick(&self.products) {
            put(&mut self.bytes, self.product_at, &product.to_string());
        }
        request.clear();
        request.extend_from_slice(&self.bytes);
    }
}

fn put(bytes: &mut [u8], at: usize, id: &str) {
    if let Some(place) = bytes.get_mut(at..at.saturating_add(ID_LENGTH)) {
        place.copy_from_slice(id.as_bytes());
    }
}

/// Orders one after the other, until it is time.
pub(super) struct UntilTime {
    /// What to ask.
    pub(super) request: OrderRequest,
    /// Until when.
    pub(super) until: Instant,
}

impl Script for UntilTime {
    fn next(&mut self, request: &mut Vec<u8>) -> Option<Instant> {
        let now = Instant::now();
        self.request.write(request);
        (now < self.until).then_some(now)
    }

    fn heard(&mut self, status: u16, _body: &[u8], tally: &mut Tally) {
        tally.answered(status);
    }
}

/// The address a URL names.
pub(super) fn address_of(url: &str) -> Result<SocketAddr, Failure> {
    let place = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let place = place.ok_or_else(|| Failure::usage(format!("{url} is no URL such as http://127.0.0.1:8080")))?;
    let addresses = place.to_socket_addrs().or_else(|_| (place, 80).to_socket_addrs());
    let address = addresses.ok().and_then(|mut addresses| addresses.next());
    address.ok_or_else(|| Failure::usage(format!("{url} names no address")))
}

/// Makes the bench's products over HTTP.
fn make_products(address: SocketAddr, products: &[ProductId], stock: Quantity) -> Result<(), Failure> {
    let requests: Vec<Vec<u8>> = products
        .iter()
        .map(|product| {
            let body = json!({
                "productId": product.to_string(),
                "productName": "Bench product",
                "sku": product.to_string(),
                "initialQuantity": stock.get(),
                "reorderLevel": 0,
                "maxStockLevel": stock.get(),
            });
            client::post("/api/inventory", &body.to_string())
        })
        .collect();
    let answers = client::ask_once(address, &requests)?;
    match answers.iter().find(|(status, _)| *status != 201) {
        None => Ok(()),
        Some((status, body)) => {
            let words = String::from_utf8_lossy(body);
            Err(Failure::new(Exit::of_problem(*status, ""), format!("no product could be made: {status} {words}")))
        }
    }
}

/// Asks a service that runs elsewhere what it promises of the bench's products.
fn ask_levels(address: SocketAddr, products: &[ProductId], stock: Quantity) -> Result<Proved, Failure> {
    let requests: Vec<Vec<u8>> =
        products.iter().map(|product| client::get(&format!("/api/inventory/product/{product}"))).collect();
    let mut proved = Proved { is_clean: true, reserved: 0, oversold: 0 };
    for (_, body) in client::ask_once(address, &requests)? {
        let item: Value = serde_json::from_slice(&body).unwrap_or_default();
        let units = |name: &str| item.get(name).and_then(Value::as_u64);
        let (Some(available), Some(reserved)) = (units("quantityAvailable"), units("quantityReserved")) else {
            return Err(Failure::new(Exit::Failed, "products of the bench are gone"));
        };
        proved.reserved = proved.reserved.saturating_add(reserved);
        proved.oversold =
            proved.oversold.saturating_add(reserved.saturating_sub(u64::from(stock.get()).saturating_sub(available)));
        proved.is_clean &= available.saturating_add(reserved) == u64::from(stock.get());
    }
    Ok(proved)
}
