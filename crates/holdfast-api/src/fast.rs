//! The short way for the bodies that come most often: orders, one or many, without a key and without a fault. Whatever
//! is unusual about a body sends it the long way, through [`crate::decode`], which knows how to complain.

use std::borrow::Cow;
use std::time::Duration;

use holdfast_application::Command;
use holdfast_application::policy::{TTL_MAX, TTL_MIN};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::order::LINES_MAX;
use holdfast_domain::{LocationCode, OrderId, ProductId, Quantity, Sku};
use serde::Deserialize;

use crate::read;
use crate::strict_json::Object;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct Order<'b> {
    #[serde(borrow)]
    order_id: Cow<'b, str>,
    #[serde(borrow)]
    lines: Vec<Object<Line<'b>>>,
    ttl_seconds: Option<u64>,
    #[serde(borrow)]
    strategy: Option<Cow<'b, str>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line<'b> {
    #[serde(borrow)]
    product_id: Option<Cow<'b, str>>,
    #[serde(borrow)]
    sku: Option<Cow<'b, str>>,
    quantity: u64,
    #[serde(borrow)]
    location_id: Option<Cow<'b, str>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<'b> {
    #[serde(borrow)]
    orders: Vec<Object<Order<'b>>>,
}

/// The command of a body of `POST …/reservations` that is right in every way; `None` for any other.
pub(crate) fn reserve_order(body: &[u8]) -> Option<Command> {
    let Object(order) = serde_json::from_slice(body).ok()?;
    command(order)
}

/// The commands of a body of `POST …/reservations/batch` that is right in every way; `None` for any other.
pub(crate) fn reserve_orders(body: &[u8], orders_max: usize) -> Option<Vec<Command>> {
    let Object(Batch { orders }) = serde_json::from_slice(body).ok()?;
    (1..=orders_max).contains(&orders.len()).then_some(())?;
    orders.into_iter().map(|Object(order)| command(order)).collect()
}

fn command(order: Order<'_>) -> Option<Command> {
    if !(1..=LINES_MAX).contains(&order.lines.len()) {
        return None;
    }
    let mut lines = Vec::with_capacity(order.lines.len());
    for Object(line) in order.lines {
        lines.push(OrderLine {
            product: match (line.product_id, line.sku) {
                (Some(id), None) => ProductRef::Id(ProductId::parse(&id)?),
                (None, Some(sku)) => ProductRef::Sku(Sku::new(&sku).ok()?),
                _ => return None,
            },
            quantity: Quantity::from_u64(line.quantity)?,
            location: line.location_id.map(|code| LocationCode::new(&code)).transpose().ok()?,
        });
    }
    let ttl = order.ttl_seconds.map(Duration::from_secs);
    if ttl.is_some_and(|ttl| !(TTL_MIN..=TTL_MAX).contains(&ttl)) {
        return None;
    }
    let strategy = order.strategy.map(|word| read::strategy(&word)).transpose().ok()?;
    Some(Command::ReserveOrder { order: OrderId::parse(&order.order_id)?, lines, ttl, strategy })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode, strict_json};

    const ID: &str = "\"3fa85f64-5717-4562-b3fc-2c963f66afa6\"";

    #[test]
    fn the_short_way_leads_where_the_long_one_does() {
        for body in [
            format!(r#"{{"orderId":{ID},"lines":[{{"productId":{ID},"quantity":2}}]}}"#),
            format!(r#" {{"lines":[{{"quantity":2,"sku":"A\u0042","locationId":"main"}}],"orderId":{ID}}} "#),
            format!(
                r#"{{"orderId":{ID},"lines":[{{"sku":"A","quantity":1,"productId":null}}],"ttlSeconds":5,"strategy":"fewestSplits"}}"#
            ),
        ] {
            let long = decode::reserve_order(&strict_json::parse(body.as_bytes()).expect("JSON")).expect("a command");
            let batch = format!(r#"{{"orders":[{body},{body}]}}"#);
            assert_eq!(reserve_orders(batch.as_bytes(), 2), Some(vec![long.clone(), long.clone()]), "{batch}");
            assert_eq!(reserve_orders(batch.as_bytes(), 1), None, "one too many");
            assert_eq!(reserve_order(body.as_bytes()), Some(long), "{body}");
        }
    }

    #[test]
    fn whatever_the_long_way_refuses_the_short_one_refuses() {
        let line = format!(r#"{{"productId":{ID},"quantity":1}}"#);
        for body in [
            String::new(),
            format!(r#"{{"orderId":{ID},"lines":[{line}]}}x"#),
            format!(r#"{{"orderId":{ID},"orderId":{ID},"lines":[{line}]}}"#),
            format!(r#"{{"orderId":{ID},"lines":[]}}"#),
            format!(r#"{{"orderId":{ID},"lines":[{line}],"color":1}}"#),
            format!("[{ID},[{line}],null,null]"),
            format!(r#"{{"orderId":{ID},"lines":[[{ID},null,1,null]]}}"#),
            format!(r#"{{"orderId":{ID},"lines":[{{"productId":{ID},"quantity":1.0}}]}}"#),
            format!(r#"{{"orderId":{ID},"lines":[{{"productId":{ID},"quantity":1e3}}]}}"#),
            format!(r#"{{"orderId":{ID},"lines":[{{"productId":{ID},"quantity":"5"}}]}}"#),
            format!(r#"{{"orderId":{ID},"lines":[{{"productId":{ID},"quantity":0}}]}}"#),
            format!(r#"{{"orderId":{ID},"lines":[{{"productId":{ID},"sku":"A","quantity":1}}]}}"#),
            format!(r#"{{"orderId":{ID},"lines":[{line}],"ttlSeconds":4}}"#),
            format!(r#"{{"orderId":{ID},"lines":[{line}],"strategy":"Priority"}}"#),
            format!("\u{feff}{{\"orderId\":{ID},\"lines\":[{line}]}}"),
        ] {
            let long = strict_json::parse(body.as_bytes()).ok().and_then(|body| decode::reserve_order(&body).ok());
            assert_eq!(long, None, "{body}");
            assert_eq!(reserve_order(body.as_bytes()), None, "{body}");
            let batch = format!(r#"{{"orders":[{body}]}}"#);
            assert_eq!(reserve_orders(batch.as_bytes(), 1), None, "{batch}");
        }
        for batch in [r#"{"orders":[]}"#, r#"{"orders":[],"orders":[]}"#, r#"{"orders":[],"color":1}"#, "[[]]", "{}"] {
            assert_eq!(reserve_orders(batch.as_bytes(), 1), None, "{batch}");
        }
    }
}
