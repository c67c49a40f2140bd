//! The words for events, and what a reader of one key sees in order.

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// Units were set aside for an order.
    StockReserved,
    /// Units set aside left the house.
    StockConfirmed,
    /// Units set aside came back.
    StockReleased,
    /// Units set aside came back, for their time was over.
    StockReservationExpired,
    /// Any other change of stock.
    StockAdjusted,
    /// Available units fell to the reorder level or below.
    LowStock,
    /// Nothing is available any more.
    OutOfStock,
    /// Something is available again.
    BackInStock,
    /// An order was not served: a line that is short, or the rule that said no.
    StockReservationFailed,
    /// An order's lines are held.
    OrderReserved,
    /// An order's units left the house.
    OrderConfirmed,
    /// An order's units went back.
    OrderReleased,
    /// An order's time was over.
    OrderExpired,
    /// Something can never be applied. It is told as it came, not as an event of ours.
    DeadLetter,
}

/// What is kept in order together: per product, or per order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Events of a product, by its sequence.
    Stock,
    /// Outcomes of an order, by its own count.
    Orders,
    /// Dead letters of a partition, by their place in it: there are holes between them.
    DeadLetters,
}

impl Stream {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Stock, Self::Orders, Self::DeadLetters];
    /// Those that tell what happens.
    pub const OF_EVENTS: [Self; 2] = [Self::Stock, Self::Orders];

    /// The number stores keep it as; it never changes.
    pub const fn code(self) -> u8 {
        match self {
            Self::Stock => 0,
            Self::Orders => 1,
            Self::DeadLetters => 2,
        }
    }

    /// The one that [`Self::code`] numbers so.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.code() == code)
    }

    /// What the key of its events is.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Orders => "orders",
            Self::DeadLetters => "dead-letters",
        }
    }
}

impl EventKind {
    /// Every one that tells what happens.
    pub const ALL: [Self; 13] = [
        Self::StockReserved,
        Self::StockConfirmed,
        Self::StockReleased,
        Self::StockReservationExpired,
        Self::StockAdjusted,
        Self::LowStock,
        Self::OutOfStock,
        Self::BackInStock,
        Self::StockReservationFailed,
        Self::OrderReserved,
        Self::OrderConfirmed,
        Self::OrderReleased,
        Self::OrderExpired,
    ];

    /// The number stores keep it as; it never changes.
    pub const fn code(self) -> u8 {
        match self {
            Self::StockReserved => 1,
            Self::StockConfirmed => 2,
            Self::StockReleased => 3,
            Self::StockReservationExpired => 4,
            Self::StockAdjusted => 5,
            Self::LowStock => 6,
            Self::OutOfStock => 7,
            Self::BackInStock => 8,
            Self::StockReservationFailed => 9,
            Self::OrderReserved => 10,
            Self::OrderConfirmed => 11,
            Self::OrderReleased => 12,
            Self::OrderExpired => 13,
            Self::DeadLetter => 14,
        }
    }

    /// The one that [`Self::code`] numbers so.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::DeadLetter]).find(|kind| kind.code() == code)
    }

    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StockReserved => "StockReserved",
            Self::StockConfirmed => "StockConfirmed",
            Self::StockReleased => "StockReleased",
            Self::StockReservationExpired => "StockReservationExpired",
            Self::StockAdjusted => "StockAdjusted",
            Self::LowStock => "LowStock",
            Self::OutOfStock => "OutOfStock",
            Self::BackInStock => "BackInStock",
            Self::StockReservationFailed => "StockReservationFailed",
            Self::OrderReserved => "OrderReserved",
            Self::OrderConfirmed => "OrderConfirmed",
            Self::OrderReleased => "OrderReleased",
            Self::OrderExpired => "OrderExpired",
            Self::DeadLetter => "DeadLetter",
        }
    }

    /// The one that is called so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Its type as a `CloudEvent`.
    pub const fn cloud_event_type(self) -> &'static str {
        match self {
            Self::StockReserved => "com.holdfast.stock.reserved.v1",
            Self::StockConfirmed => "com.holdfast.stock.confirmed.v1",
            Self::StockReleased => "com.holdfast.stock.released.v1",
            Self::StockReservationExpired => "com.holdfast.stock.reservation-expired.v1",
            Self::StockAdjusted => "com.holdfast.stock.adjusted.v1",
            Self::LowStock => "com.holdfast.stock.low.v1",
            Self::OutOfStock => "com.holdfast.stock.out.v1",
            Self::BackInStock => "com.holdfast.stock.back.v1",
            Self::StockReservationFailed => "com.holdfast.stock.reservation-failed.v1",
            Self::OrderReserved => "com.holdfast.order.reserved.v1",
            Self::OrderConfirmed => "com.holdfast.order.confirmed.v1",
            Self::OrderReleased => "com.holdfast.order.released.v1",
            Self::OrderExpired => "com.holdfast.order.expired.v1",
            Self::DeadLetter => "com.holdfast.dead-letter.v1",
        }
    }

    /// What it is kept in order with.
    pub const fn stream(self) -> Stream {
        match self {
            Self::StockReserved
            | Self::StockConfirmed
            | Self::StockReleased
            | Self::StockReservationExpired
            | Self::StockAdjusted
            | Self::LowStock
            | Self::OutOfStock
            | Self::BackInStock => Stream::Stock,
            Self::StockReservationFailed
            | Self::OrderReserved
            | Self::OrderConfirmed
            | Self::OrderReleased
            | Self::OrderExpired => Stream::Orders,
            Self::DeadLetter => Stream::DeadLetters,
        }
    }
}
