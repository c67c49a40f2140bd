//! Pages of lists: one row more than asked tells whether there is a next page, whose address goes into `Link`.

use axum::response::Response;
use bytes::Bytes;
use http::header::LINK;
use http::{HeaderValue, Uri};
use serde::Serialize;

use crate::render::shown;

/// How many rows to ask the store for.
pub(crate) const fn one_more(limit: usize) -> usize {
    limit.saturating_add(1)
}

/// The answer of a list: up to `limit` of `rows` as `view` shows them, and the link to the next page, whose cursor
/// `cursor` makes of the last row shown.
pub(crate) fn page<R, V: Serialize>(
    uri: &Uri,
    limit: usize,
    mut rows: Vec<R>,
    view: impl Fn(&R) -> V,
    cursor: impl Fn(&R) -> String,
) -> Response {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let mut response = shown(&rows.iter().map(view).collect::<Vec<V>>());
    if let Some(last) = rows.last().filter(|_| more) {
        let link = format!("<{}>; rel=\"next\"", next(uri, &cursor(last)));
        if let Ok(link) = HeaderValue::from_maybe_shared(Bytes::from(link)) {
            response.headers_mut().insert(LINK, link);
        }
    }
    response
}

/// The same list with another cursor.
fn next(uri: &Uri, cursor: &str) -> String {
    let others = uri.query().unwrap_or_default().split('&');
    let others = others.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: Vec<String> = others.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_keeps_the_other_parameters() {
        let uri: Uri = "/api/inventory/products?q=a%26b&cursor=old&limit=2".parse().expect("a URI");
        assert_eq!(next(&uri, "new"), "/api/inventory/products?q=a%26b&limit=2&cursor=new");
        let plain: Uri = "/api/inventory/low-stock".parse().expect("a URI");
        assert_eq!(next(&plain, "new"), "/api/inventory/low-stock?cursor=new");
    }
}
