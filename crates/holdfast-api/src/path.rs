//! Reads the parts of a path that name something.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::faults::{Complaint, below};
use crate::problem::Problem;

/// The part of the path called `name`, as `read` reads it.
///
/// # Errors
///
/// It is not what it should be.
pub(crate) async fn part<T>(
    parts: &mut Parts,
    name: &str,
    read: impl Fn(&str) -> Result<T, Complaint>,
) -> Result<T, Problem> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let read = match &params {
        Ok(params) => match params.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => read(text),
            None => Err("is missing".into()),
        },
        Err(_) => Err("must be UTF-8".into()),
    };
    read.map_err(|complaint| Problem::fault(below("/path", name), complaint))
}
