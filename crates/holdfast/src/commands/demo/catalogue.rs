//! Two hundred products of a shop for the home: some plentiful, some low, one sold out.

use holdfast_domain::book::stocking::NewItem;
use holdfast_domain::{Count, LocationCode, Name, ProductId, Quantity, Sku};

/// What the shop sells, with the letters of its SKUs.
const THINGS: [(&str, &str); 20] = [
    ("Reading lamp", "LAMP"),
    ("Armchair", "CHAIR"),
    ("Side table", "TABLE"),
    ("Wall clock", "CLOCK"),
    ("Flower vase", "VASE"),
    ("Picture frame", "FRAME"),
    ("Cushion", "CUSH"),
    ("Throw blanket", "BLANK"),
    ("Coffee mug", "MUG"),
    ("Serving bowl", "BOWL"),
    ("Candle holder", "CANDLE"),
    ("Bookend", "BOOK"),
    ("Storage basket", "BASK"),
    ("Tea towel", "TOWEL"),
    ("Cutting board", "BOARD"),
    ("Door mat", "MAT"),
    ("Plant pot", "POT"),
    ("Mirror", "MIRROR"),
    ("Coat hook", "HOOK"),
    ("Tray", "TRAY"),
];
/// In which kinds.
const KINDS: [(&str, &str); 10] = [
    ("oak", "OAK"),
    ("walnut", "WAL"),
    ("brass", "BRA"),
    ("black", "BLK"),
    ("white", "WHT"),
    ("sage green", "SGE"),
    ("terracotta", "TER"),
    ("midnight blue", "BLU"),
    ("sand", "SND"),
    ("copper", "COP"),
];

/// All products. The same every time, so that examples on a page work.
pub(super) fn products() -> Vec<NewItem> {
    let pairs = THINGS.iter().flat_map(|thing| KINDS.iter().map(move |kind| (thing, kind)));
    (0_u32..)
        .zip(pairs)
        .map(|(number, ((thing, letters), (kind, ending)))| {
            let units = stock(number);
            NewItem {
                product: product_id(number),
                name: Name::new(&format!("{thing}, {kind}")).expect("a product's name"),
                sku: Sku::new(&format!("{letters}-{ending}")).expect("letters and a dash are a sku"),
                initial: Quantity::new(units).map(|quantity| (LocationCode::main(), quantity)).into_iter().collect(),
                reorder_level: Count::new(10).unwrap_or_default(),
                max_stock_level: Count::new(1_000).unwrap_or_default(),
            }
        })
        .collect()
}

/// The first of them, for examples.
pub(super) fn first_product() -> ProductId {
    product_id(0)
}

fn product_id(number: u32) -> ProductId {
    let fixed = 0x00de_0000_0000_4000_8000_0000_0000_0000_u128;
    ProductId::from_bytes((fixed | u128::from(number)).to_be_bytes())
}

/// Plenty of most, little of every seventeenth, none of one.
fn stock(number: u32) -> u32 {
    match number {
        42 => 0,
        number if number % 17 == 16 => 6,
        number => 40_u32.saturating_add(number.wrapping_mul(37) % 400),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_two_hundred_different_products() {
        let products = products();
        let skus: HashSet<&Sku> = products.iter().map(|product| &product.sku).collect();
        let ids: HashSet<ProductId> = products.iter().map(|product| product.product).collect();
        assert_eq!((products.len(), skus.len(), ids.len()), (200, 200, 200));
        assert_eq!(products.iter().filter(|product| product.initial.is_empty()).count(), 1);
    }
}
