//! Whether many lines could be served at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_application::queries::{AvailabilityLine, DueHold};
use holdfast_domain::allocation::{Ask, Part, available_to};
use holdfast_domain::book::ProductRef;
use holdfast_domain::location::Locations;
use holdfast_domain::{Count, InventoryItem, LocationCode, LocationNumber, Order, ProductId, Quantity};

use crate::body::{self, Presence};
use crate::decode;
use crate::problem::Problem;
use crate::query::Query;
use crate::received::Received;
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
    let bytes = Received::take(&parts.headers, body, service.settings.body_max).await?;
    let body = body::read(&parts.headers, bytes, Presence::Required, service.deadline()).await?;
    Query::none(&parts.uri)?;
    let (lines, exclude) = decode::availability(&body)?;
    drop(body);
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
    let mut levels = BTreeSet::new();
    loop {
        let answer = stock.answer(&sums);
        let known = levels.len();
        levels.extend(stock.short(&sums, &answer));
        if levels.len() == known {
            return Ok(shown(&answer));
        }
        // An attempt that is short first ends the due orders in its way, and is then perhaps short elsewhere: a quote
        // counts on their units too.
        let due = service.due_holds(levels.iter().copied().collect(), exclude).await?;
        stock = Stock::of(&items, order.as_ref(), &locations);
        stock.gain(due);
    }
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
        // Parts of one product at one level are one.
        let mut open: HashMap<&ProductRef, Quantity> =
            sums.iter().filter(|((_, code), _)| code.is_none()).map(|((of, _), units)| (of, *units)).collect();
        for ((product, _), units) in sums.iter().filter(|((_, code), _)| code.is_some()) {
            if let Some(sum) = open.get_mut(product) {
                *sum = sum.plus(*units).ok_or_else(too_many)?;
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
        let mut lines_of: BTreeMap<&ProductRef, Vec<(usize, Ask)>> = BTreeMap::new();
        for (at, ((product, code), quantity)) in sums.iter().enumerate() {
            let location = code.as_ref().map(|code| self.locations.by_code(code).map(|location| location.number));
            // What is asked for at a location that nobody knows takes nothing from the others.
            if let None | Some(Some(_)) = location {
                lines_of.entry(product).or_default().push((at, (location.flatten(), *quantity)));
            }
        }
        let mut available = vec![Count::ZERO; sums.len()];
        for (product, lines) in lines_of {
            let Some(item) = self.items.get(product) else { continue };
            let (places, asks): (Vec<usize>, Vec<Ask>) = lines.into_iter().unzip();
            let own = self.own.get(&item.product).map_or(&[][..], Vec::as_slice);
            for (at, units) in places.into_iter().zip(available_to(item, own, self.locations, &asks)) {
                if let Some(place) = available.get_mut(at) {
                    *place = units;
                }
            }
        }
        let shown = |(((product, _), quantity), available): (&(Place, Quantity), Count)| {
            line(product, self.items.get(product).copied(), *quantity, available)
        };
        let lines: Vec<AvailabilityLineView> = sums.iter().zip(available).map(shown).collect();
        AvailabilityView { can_fulfill: lines.iter().all(|line| line.can_fulfill), lines }
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
