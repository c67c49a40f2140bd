//! Lists: pages, filters, sorting, cursors.

use serde_json::{Value, json};

use crate::house::{Heard, House, LAMP, NOBODYS, item, order, order_id};

/// Follows a list from page to page and gathers the member `name` of every row.
fn walk(house: &House, start: &str, name: &str) -> Vec<String> {
    let (mut rows, mut next) = (Vec::new(), Some(start.to_owned()));
    while let Some(address) = next {
        let page = house.get(&address);
        assert_eq!(page.status, 200, "{page:?}");
        rows.extend(column(&page, name));
        next = page.next();
        assert!(rows.len() < 1_000, "the list ends");
    }
    rows
}

fn column(page: &Heard, name: &str) -> Vec<String> {
    let text = |row: &Value| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
    page.body.as_array().expect("rows").iter().map(text).collect()
}

/// A house with seven products P0 … P6, P0 with none, P1 with 10 units, P2 with 20 …
fn shop() -> House {
    let house = House::new();
    for number in 0..7_u64 {
        let product = format!("0195b000-0000-7000-8000-{number:012x}");
        assert_eq!(house.post("/api/inventory", &item(&product, &format!("P{number}"), number * 10)).status, 201);
    }
    house
}

#[test]
fn products_come_page_by_page() {
    let house = shop();
    let all = ["P0", "P1", "P2", "P3", "P4", "P5", "P6"];
    for limit in [1, 3, 6, 7, 500] {
        assert_eq!(walk(&house, &format!("/api/inventory/products?limit={limit}"), "sku"), all, "{limit}");
    }
    assert_eq!(house.get("/api/inventory/products?limit=7").next(), None, "only when there is more");
    for sort in ["-sku", "-quantityAvailable", "-name"] {
        let mut turned = all;
        turned.reverse();
        assert_eq!(walk(&house, &format!("/api/inventory/products?sort={sort}&limit=2"), "sku"), turned, "{sort}");
    }
    assert_eq!(walk(&house, "/api/inventory/products?sort=updatedAt&limit=2", "sku"), all);
    assert_eq!(walk(&house, "/api/inventory/products?low=true&limit=1", "sku"), ["P0", "P1"]);
    assert_eq!(walk(&house, "/api/inventory/products?out=false&low=true", "sku"), ["P1"]);
    assert_eq!(walk(&house, "/api/inventory/products?q=p3", "sku"), ["P3"]);
    assert_eq!(walk(&house, "/api/inventory/low-stock?limit=1", "sku"), ["P0", "P1"]);
}

#[test]
fn a_cursor_belongs_to_its_list_and_order() {
    let house = shop();
    let next = house.get("/api/inventory/products?limit=2").next().expect("a next page");
    let cursor = next.split_once("cursor=").map(|(_, cursor)| cursor.to_owned()).expect("a cursor");
    for address in [
        "low-stock?",
        "orders?",
        "reservations?",
        "movements?",
        "locations?",
        "products?sort=name&",
        "products?sort=-sku&",
    ] {
        let heard = house.get(&format!("/api/inventory/{address}cursor={cursor}"));
        assert_eq!(heard.no(), (400, "invalid_cursor"), "{address}");
    }
    for bad in ["", "x", "AAAA", "%00", "..", "99999999999999999999"] {
        assert_eq!(house.get(&format!("/api/inventory/products?cursor={bad}")).no(), (400, "invalid_cursor"), "{bad}");
    }
}

#[test]
fn movements_are_listed_newest_first_and_filtered() {
    let house = House::furnished();
    for quantity in [1, 2, 3] {
        house.wait(60);
        let body = json!({"quantity": quantity, "reference": "PO-1", "reasonCode": "restock"});
        house.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &body);
    }
    house.post("/api/inventory/reservations", &order(1, &[(LAMP, 1)]));
    let path = format!("/api/inventory/product/{LAMP}/movements");
    assert_eq!(walk(&house, &format!("{path}?limit=2"), "sequence"), ["5", "4", "3", "2", "1"]);
    assert_eq!(walk(&house, &format!("{path}?limit=2&sort=asc"), "sequence"), ["1", "2", "3", "4", "5"]);
    let filtered = |query: &str| walk(&house, &format!("{path}?{query}&sort=asc&limit=1"), "sequence");
    assert_eq!(filtered("type=Reserved"), ["5"]);
    assert_eq!(filtered("type=Reserved,StockIn&reference=PO-1"), ["2", "3", "4"]);
    assert_eq!(filtered(&format!("reference={}", order_id(1).to_uppercase())), ["5"]);
    assert_eq!(filtered("from=2026-11-22T10:02:00Z&to=2026-11-22T11:03:00%2B01:00"), ["3"]);
    assert_eq!(filtered("reasonCode=restock&actor=http&locationId=main"), ["2", "3", "4"]);
    assert_eq!(filtered("actor=nobody"), [""; 0]);
    assert_eq!(house.get(&format!("/api/inventory/product/{NOBODYS}/movements")).no(), (404, "product_not_found"));
    let over_all = walk(&house, "/api/inventory/movements?limit=2", "createdAt");
    assert_eq!(over_all.len(), 6);
    assert!(over_all.is_sorted_by(|a, b| a >= b), "newest first: {over_all:?}");
    assert_eq!(walk(&house, &format!("/api/inventory/movements?productId={LAMP}&limit=2"), "sequence").len(), 5);
}

#[test]
fn orders_and_reservations_are_listed_by_id() {
    let house = House::furnished();
    for number in [3, 1, 2] {
        assert_eq!(house.post("/api/inventory/reservations", &order(number, &[(LAMP, 1)])).status, 201);
    }
    house.post("/api/inventory/reservations", &order(4, &[(LAMP, 100)]));
    house.post_empty(&format!("/api/inventory/orders/{}/confirm", order_id(2)));
    let ids: Vec<String> = (1..=4).map(order_id).collect();
    assert_eq!(walk(&house, "/api/inventory/orders?limit=1", "orderId"), ids);
    assert_eq!(
        walk(&house, "/api/inventory/orders?status=Reserved,Refused&limit=2", "orderId"),
        [&*ids[0], &*ids[2], &*ids[3]]
    );
    let reservations = walk(&house, "/api/inventory/reservations?limit=1", "id");
    assert!(reservations.len() == 3 && reservations.is_sorted(), "{reservations:?}");
    let of = |query: &str| walk(&house, &format!("/api/inventory/reservations?{query}"), "orderId");
    assert_eq!(of("status=Confirmed"), [&*ids[1]]);
    assert_eq!(of(&format!("orderId={}&productId={LAMP}&locationId=main", ids[2])), [&*ids[2]]);
    assert_eq!(of("expiresBefore=2026-11-22T10:00:00Z"), [""; 0]);
    assert_eq!(of("expiresBefore=2036-11-22T10:00:00Z&status=Reserved"), [&*ids[2], &*ids[0]]);
    assert_eq!(of("locationId=moon"), [""; 0]);
}

#[test]
fn a_query_is_read_as_strictly_as_a_body() {
    let house = House::furnished();
    let lists = ["products", "low-stock", "movements", "orders", "reservations", "locations"];
    for list in lists {
        for (query, pointer) in
            [("limit=0", "limit"), ("limit=501", "limit"), ("limit=abc", "limit"), ("limit=5&limit=5", "limit")]
        {
            let heard = house.get(&format!("/api/inventory/{list}?{query}"));
            assert_eq!(
                (heard.no(), heard.pointers()),
                ((400, "validation_failed"), vec![&*format!("/query/{pointer}")]),
                "{list} {query}"
            );
        }
    }
    let all = house.get("/api/inventory/products?limit=0&low=maybe&sort=color&x=1");
    assert_eq!(all.pointers(), ["/query/limit", "/query/low", "/query/sort", "/query/x"]);
    for (address, pointer) in [
        ("orders?status=reserved", "/query/status"),
        ("orders?status=", "/query/status"),
        ("movements?type=StockIn,,StockOut", "/query/type"),
        ("movements?from=yesterday", "/query/from"),
        ("reservations?productId=1", "/query/productId"),
    ] {
        assert_eq!(house.get(&format!("/api/inventory/{address}")).pointers(), [pointer], "{address}");
    }
    assert_eq!(all.no(), (400, "validation_failed"), "the parameter that is not known is one fault among others");
}

#[test]
fn a_parameter_that_no_route_knows_is_named() {
    let house = House::furnished();
    let item = format!("product/{LAMP}");
    for path in ["products", "low-stock", "movements", "orders", "reservations", "locations", &item, "sku/LAMP"] {
        let heard = house.get(&format!("/api/inventory/{path}?limt=5&a/b=1"));
        assert_eq!(
            (heard.no(), heard.pointers()),
            ((400, "unknown_field"), vec!["/query/limt", "/query/a~1b"]),
            "{path}"
        );
        assert!(heard.body["detail"].as_str().is_some_and(|words| words.contains("/query/limt")), "{path}");
    }
    for path in
        ["reservations", "events", "availability", "reservations/batch", "locations", &format!("{item}/add-stock")]
    {
        let heard = house.post(&format!("/api/inventory/{path}?dryRun=true"), &json!({"orderId": 1}));
        assert_eq!((heard.no(), heard.pointers()), ((400, "unknown_field"), vec!["/query/dryRun"]), "{path}");
    }
}
