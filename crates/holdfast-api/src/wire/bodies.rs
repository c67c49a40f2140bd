//! The bodies of requests as the OpenAPI document shows them; [`crate::decode`] reads them and tells every fault.

use utoipa::ToSchema;

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, ToSchema)]
            #[schema(rename_all = "camelCase")]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)*
            }
        )+
    };
}

bodies! {
    /// A new item.
    CreateItemBody {
        /// The product's id; yours.
        #[schema(format = "uuid")]
        product_id: String,
        /// What people call it.
        #[schema(min_length = 1, max_length = 200)]
        product_name: String,
        /// Its stock keeping unit, unique: printable characters without a space at either end.
        #[schema(min_length = 1, max_length = 64)]
        sku: String,
        /// Its first stock, at `main`.
        #[schema(minimum = 0, maximum = 1_000_000_000, default = 0)]
        initial_quantity: Option<u64>,
        /// At this many available units or fewer it is low.
        #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64, default = 10)]
        reorder_level: Option<u64>,
        /// More on hand than this is answered with a warning.
        #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64, default = 1000)]
        max_stock_level: Option<u64>,
    }

    /// What is to change of an item; what is left out stays.
    PatchItemBody {
        /// The new name.
        #[schema(min_length = 1, max_length = 200)]
        product_name: Option<String>,
        /// The new SKU.
        #[schema(min_length = 1, max_length = 64)]
        sku: Option<String>,
        /// The new reorder level.
        #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
        reorder_level: Option<u64>,
        /// The new maximum.
        #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
        max_stock_level: Option<u64>,
    }

    /// Units that come or go.
    ChangeStockBody {
        /// How many units.
        #[schema(minimum = 1, maximum = 1_000_000_000)]
        quantity: u32,
        /// Where.
        #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$", default = "main")]
        location_id: Option<String>,
        /// Why, in words: at most 500 bytes.
        #[schema(max_length = 500)]
        notes: Option<String>,
        /// A document number.
        #[schema(min_length = 1, max_length = 64)]
        reference: Option<String>,
        /// Why, as a code.
        #[schema(min_length = 1, max_length = 64)]
        reason_code: Option<String>,
    }

    /// A count of the shelf. It needs `expectedQuantity` or the header `If-Match`.
    AdjustStockBody {
        /// Units counted, those promised to orders included.
        #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
        new_quantity: u64,
        /// Units on hand there that the books are expected to show.
        #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
        expected_quantity: Option<u64>,
        /// Where.
        #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$", default = "main")]
        location_id: Option<String>,
        /// Why, in words: at most 500 bytes.
        #[schema(max_length = 500)]
        notes: Option<String>,
        /// A document number.
        #[schema(min_length = 1, max_length = 64)]
        reference: Option<String>,
        /// Why, as a code.
        #[schema(min_length = 1, max_length = 64)]
        reason_code: Option<String>,
    }

    /// Units that move to another location.
    TransferBody {
        /// How many units.
        #[schema(minimum = 1, maximum = 1_000_000_000)]
        quantity: u32,
        /// From where.
        #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
        from_location_id: String,
        /// To where.
        #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
        to_location_id: String,
        /// Why, in words: at most 500 bytes.
        #[schema(max_length = 500)]
        notes: Option<String>,
        /// A document number.
        #[schema(min_length = 1, max_length = 64)]
        reference: Option<String>,
        /// Why, as a code.
        #[schema(min_length = 1, max_length = 64)]
        reason_code: Option<String>,
    }

    /// One line of an order, or of a question: a product by exactly one of `productId` and `sku`.
    LineBody {
        /// The product, by id.
        #[schema(format = "uuid")]
        product_id: Option<String>,
        /// The product, by SKU.
        #[schema(min_length = 1, max_length = 64)]
        sku: Option<String>,
        /// How many units.
        #[schema(minimum = 1, maximum = 1_000_000_000)]
        quantity: u32,
        /// From where; wherever there is some when left out.
        #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
        location_id: Option<String>,
    }

    /// Stock to set aside for an order.
    ReserveOrderBody {
        /// The order's id; yours.
        #[schema(format = "uuid")]
        order_id: String,
        /// What it asks for.
        #[schema(min_items = 1, max_items = 5000)]
        lines: Vec<LineBody>,
        /// For how many seconds it is held; the setting `reservation.ttl_default` when left out.
        #[schema(minimum = 5, maximum = 1_209_600)]
        ttl_seconds: Option<u32>,
        /// Which locations serve lines that name none: `priority`, `mostAvailable` or `fewestSplits`.
        #[schema(pattern = "^(priority|mostAvailable|fewestSplits)$", default = "priority")]
        strategy: Option<String>,
    }

    /// The lines that replace those of a reserved order.
    ReplaceLinesBody {
        /// What it asks for now.
        #[schema(min_items = 1, max_items = 5000)]
        lines: Vec<LineBody>,
        /// For how many seconds from now it is held; as before when left out.
        #[schema(minimum = 5, maximum = 1_209_600)]
        ttl_seconds: Option<u32>,
        /// Which locations serve lines that name none: `priority`, `mostAvailable` or `fewestSplits`.
        #[schema(pattern = "^(priority|mostAvailable|fewestSplits)$", default = "priority")]
        strategy: Option<String>,
    }

    /// How to confirm.
    ConfirmBody {
        /// Whether an expired order is reserved anew and confirmed in one decision.
        #[schema(default = false)]
        reacquire: Option<bool>,
    }

    /// How to release.
    ReleaseBody {
        /// Why.
        #[schema(min_length = 1, max_length = 64)]
        reason: Option<String>,
    }

    /// Why a dead letter need not be applied.
    DiscardBody {
        /// A few words.
        #[schema(min_length = 1, max_length = 500)]
        note: String,
    }

    /// How much longer to hold.
    ExtendBody {
        /// For how many seconds from now; it is never shortened.
        #[schema(minimum = 5, maximum = 1_209_600)]
        ttl_seconds: u32,
    }

    /// Orders to reserve, each judged by itself.
    BatchBody {
        /// The orders.
        #[schema(min_items = 1, max_items = 1000)]
        orders: Vec<ReserveOrderBody>,
    }

    /// A question whether lines could be served.
    AvailabilityBody {
        /// What is asked for.
        #[schema(min_items = 1, max_items = 5000)]
        lines: Vec<LineBody>,
        /// An order whose own units count as available.
        #[schema(format = "uuid")]
        exclude_order_id: Option<String>,
    }

    /// A new location.
    CreateLocationBody {
        /// Its stable code.
        #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
        id: String,
        /// What people call it.
        #[schema(min_length = 1, max_length = 200)]
        name: String,
        /// Lower is served first; ties go by code.
        #[schema(minimum = 0, maximum = 1_000_000_000)]
        priority: u32,
    }
}

/// What became of every order of a batch.
#[derive(Clone, Debug, ToSchema)]
#[schema(as = BatchResults)]
pub struct BatchResultsView {
    /// One per order, in the order asked.
    pub results: Vec<BatchResultView>,
}

/// What became of one order of a batch.
#[derive(Clone, Debug, ToSchema)]
#[schema(as = BatchResult)]
pub struct BatchResultView {
    /// The status that the order would have got by itself.
    #[schema(minimum = 200, maximum = 599)]
    pub status: u16,
    /// The order, or the problem.
    #[schema(value_type = Object)]
    pub body: (),
}
