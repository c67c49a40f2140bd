//! The routes: decode, ask, answer. One file per subject, and the list of all of them.

use std::sync::Arc;

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Service;

pub(crate) mod availability;
pub(crate) mod batch;
pub(crate) mod dead_letters;
pub(crate) mod event_stream;
pub(crate) mod events;
pub(crate) mod items;
pub(crate) mod locations;
pub(crate) mod movements;
pub(crate) mod orders;
pub(crate) mod problems;
pub(crate) mod reservations;
pub(crate) mod status;
pub(crate) mod stock;

/// The documented routes and their document.
pub(crate) fn documented() -> (Router<Arc<Service>>, OpenApi) {
    OpenApiRouter::with_openapi(OpenApi::default())
        .routes(routes!(items::create_item))
        .routes(routes!(items::get_item, items::patch_item))
        .routes(routes!(items::check_item))
        .routes(routes!(items::list_low_stock))
        .routes(routes!(stock::add_stock))
        .routes(routes!(stock::remove_stock))
        .routes(routes!(movements::list_item_movements))
        .routes(routes!(stock::adjust_stock))
        .routes(routes!(stock::damage_stock))
        .routes(routes!(stock::return_stock))
        .routes(routes!(stock::transfer_stock))
        .routes(routes!(items::list_items))
        .routes(routes!(items::get_item_by_sku))
        .routes(routes!(availability::check_availability))
        .routes(routes!(reservations::reserve_order, reservations::list_reservations))
        .routes(routes!(reservations::get_reservation))
        .routes(routes!(batch::reserve_batch))
        .routes(routes!(orders::list_orders))
        .routes(routes!(orders::get_order))
        .routes(routes!(orders::replace_lines))
        .routes(routes!(orders::confirm_order))
        .routes(routes!(orders::release_order))
        .routes(routes!(orders::extend_order))
        .routes(routes!(movements::list_movements))
        .routes(routes!(locations::list_locations, locations::create_location))
        .routes(routes!(events::take_events))
        .routes(routes!(dead_letters::list_dead_letters))
        .routes(routes!(dead_letters::get_dead_letter))
        .routes(routes!(dead_letters::retry_dead_letter))
        .routes(routes!(dead_letters::discard_dead_letter))
        .routes(routes!(event_stream::stream_events))
        .routes(routes!(status::get_health))
        .routes(routes!(status::get_ready))
        .routes(routes!(status::get_live))
        .routes(routes!(status::get_metrics))
        .routes(routes!(problems::explain_problem))
        .split_for_parts()
}
