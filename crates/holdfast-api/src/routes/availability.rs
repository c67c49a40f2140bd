//! Whether many lines could be served at once.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_application::queries::{AvailabilityLine, DueHold};
use holdfast_domain::allocation::Part;
use holdfast_domain::book::ProductRef;
use holdfast_domain::location::Locations;
use holdfast_domain::{Count, InventoryItem, LocationCode, LocationNumber, Order, ProductId, Quantity};

use crate::body::{self, Presence};
use crate::decode;
use crate::problem::Problem;
use crate::query::Query;
use crate::render::shown;
use crate::state::Service;
use crate::wire::Shown;
use crate::wire::availability::{AvailabilityLineView, AvailabilityView};
use crate::wire::bodies::AvailabilityBody;

/// Says whether many lines could be served at once.
///
/// Lines of one product and location are summed. An unknown product is a *no*. Units of orders whose time is over count
/// where a line would be short without them. Nothing is set aside.
#[utoipa::path(
    post, path = "/api/inventory/availability", tag = "items", request_body = AvailabilityBody,
    responses((status = 200, description = "The answer.", body = AvailabilityView))
)]
pub(crate) async fn check_availability(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = body::bytes(&parts.headers, body, service.settings.body_max).await?;
    let body = body::read(&parts.headers, bytes, Presence::Required).await?;
    Query::none(&parts.uri)?;
    let (lines, exclude) = decode::availability(&body)?;
    let mut products: Vec<ProductRef> = lines.iter().map(|line| line.product.clone()).collect();
    products.sort_unstable();
    products.dedup();
    let (items, order, locations) = service
        .read(move |queries| {
            let order = exclude.map(|order| queries.order(order)).transpose()?.flatten();
            Ok((queries.items(&products)?, order, queries.locations()?))
        })
        .await?;
    let mut stock = Stock::of(&items, order.as_ref(), &locations);
    let sums = stock.sums(lines)?;
    let answer = stock.answer(&sums);
    let short = stock.short(&sums, &answer);
    if short.is_empty() {
        return Ok(shown(&answer));
    }
    // An attempt that is short first ends the due orders in its way: a quote counts on their units too.
    stock.gain(service.due_holds(short, exclude).await?);
    Ok(shown(&stock.answer(&sums)))
}

/// A product at one place, or wherever there is some: what lines are summed by.
type Place = (ProductRef, Option<LocationCode>);

/// What there is.
struct Stock<'a> {
    items: HashMap<ProductRef, &'a InventoryItem>,
    /// Units that are reserved and yet the caller's: of the caller's own order, and of due orders once they are counted on.
    own: HashMap<ProductId, Vec<Part>>,
    locations: &'a Locations,
}

impl<'a> Stock<'a> {
    /// The items, and what the caller's own order holds of them.
    fn of(items: &'a [InventoryItem], order: Option<&Order>, locations: &'a Locations) -> Self {
        let names =
            |item: &'a InventoryItem| [(ProductRef::Id(item.product), item), (ProductRef::Sku(item.sku.clone()), item)];
        let mut own: HashMap<ProductId, Vec<Part>> = HashMap::new();
        for held in order.into_iter().flat_map(Order::live) {
            own.entry(held.product).or_default().push(Part { location: held.location, quantity: held.quantity });
        }
        Self { items: items.iter().flat_map(names).collect(), own, locations }
    }

    /// The lines with those of one product and location summed, in order of first appearance.
    fn sums(&self, lines: Vec<AvailabilityLine>) -> Result<Vec<(Place, Quantity)>, Problem> {
        let mut sums: Vec<(Place, Quantity)> = Vec::with_capacity(lines.len());
        let mut places: HashMap<Place, usize> = HashMap::new();
        for line in lines {
            let product = self.items.get(&line.product).map_or(line.product, |item| ProductRef::Id(item.product));
            let place = (product, line.location);
            match places.get(&place).and_then(|at| sums.get_mut(*at)) {
                Some((_, sum)) => *sum = sum.plus(line.quantity).ok_or_else(too_many)?,
                None => {
                    places.insert(place.clone(), sums.len());
                    sums.push((place, line.quantity));
                }
            }
        }
        Ok(sums)
    }

    /// The levels of which lines are short.
    fn short(&self, sums: &[(Place, Quantity)], answer: &AvailabilityView) -> Vec<(ProductId, Option<LocationNumber>)> {
        let level = |(product, code): &Place| -> Option<(ProductId, Option<LocationNumber>)> {
            let location = match code {
                Some(code) => Some(self.locations.by_code(code)?.number),
                None => None,
            };
            Some((self.items.get(product)?.product, location))
        };
        let short = sums.iter().zip(&answer.lines).filter(|(_, line)| !line.can_fulfill);
        short.filter_map(|((place, _), _)| level(place)).collect()
    }

    /// Counts on units that due orders hold.
    fn gain(&mut self, holds: Vec<DueHold>) {
        for hold in holds {
            self.own.entry(hold.product).or_default().push(hold.part);
        }
    }

    fn answer(&self, sums: &[(Place, Quantity)]) -> AvailabilityView {
        // Named lines are served first; the others share what those leave, as a reservation would.
        let mut named: HashMap<&ProductRef, Count> = HashMap::new();
        for ((product, location), asked) in sums {
            if let (Some(item), Some(code)) = (self.items.get(product), location) {
                let taken = self.free_at(item, code).min(Count::from(*asked));
                let sum = named.entry(product).or_default();
                *sum = [*sum, taken].into_iter().sum();
            }
        }
        let lines: Vec<AvailabilityLineView> = sums
            .iter()
            .map(|((product, location), quantity)| {
                let item = self.items.get(product).copied();
                let available = match (item, location) {
                    (None, _) => Count::ZERO,
                    (Some(item), Some(code)) => self.free_at(item, code),
                    (Some(item), None) => {
                        let taken = named.get(product).copied().unwrap_or(Count::ZERO);
                        self.free(item).without(taken).unwrap_or(Count::ZERO)
                    }
                };
                line(product, item, *quantity, available)
            })
            .collect();
        AvailabilityView { can_fulfill: lines.iter().all(|line| line.can_fulfill), lines }
    }

    /// Units of `item` that the caller could have, over all locations.
    fn free(&self, item: &InventoryItem) -> Count {
        self.own(item).map(|part| Count::from(part.quantity)).chain([item.available()]).sum()
    }

    /// Units of `item` at a location that the caller could have.
    fn free_at(&self, item: &InventoryItem, code: &LocationCode) -> Count {
        let Some(location) = self.locations.by_code(code) else { return Count::ZERO };
        let own = self.own(item).filter(|part| part.location == location.number);
        own.map(|part| Count::from(part.quantity)).chain([item.balance(location.number).available]).sum()
    }

    fn own(&self, item: &InventoryItem) -> impl Iterator<Item = &Part> {
        self.own.get(&item.product).into_iter().flatten()
    }
}

fn line(
    product: &ProductRef,
    item: Option<&InventoryItem>,
    quantity: Quantity,
    available: Count,
) -> AvailabilityLineView {
    let requested = Count::from(quantity);
    let (id, sku) = match product {
        ProductRef::Id(id) => (Some(*id), item.map(|item| item.sku.clone())),
        ProductRef::Sku(sku) => (None, Some(sku.clone())),
    };
    AvailabilityLineView {
        product_id: id.map(Shown),
        sku: sku.map(Shown),
        requested: requested.get(),
        available: available.get(),
        short_by: requested.without(available).unwrap_or(Count::ZERO).get(),
        can_fulfill: available.covers(quantity),
    }
}

fn too_many() -> Problem {
    Problem::fault("/lines", "the lines of one product ask for more than 1000000000 units")
}
