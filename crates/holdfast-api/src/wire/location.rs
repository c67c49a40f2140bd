//! Locations on the wire.

use holdfast_domain::{Location, LocationCode, Name};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::Shown;

/// A place that keeps stock.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Location)]
#[serde(rename_all = "camelCase")]
pub struct LocationView {
    /// Its stable code.
    #[schema(value_type = String)]
    pub id: Shown<LocationCode>,
    /// What people call it.
    #[schema(value_type = String)]
    pub name: Shown<Name>,
    /// Lower is served first; ties go by code.
    pub priority: u32,
    /// Of a write: `applied`, or `replayed` of a repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, pattern = "^(applied|replayed)$")]
    pub outcome: Option<&'static str>,
}

impl From<&Location> for LocationView {
    fn from(location: &Location) -> Self {
        Self {
            id: Shown(location.code.clone()),
            name: Shown(location.name.clone()),
            priority: location.priority,
            outcome: None,
        }
    }
}
