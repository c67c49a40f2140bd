//! What two databases spell differently, as data.

/// What one database spells in its own way.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// Picks an order by its run and id: two values.
    pub(crate) order_by_id: &'static str,
    /// Picks an item's movements of one stage by stage, item, first and last sequence: four values.
    pub(crate) movements_of_item: &'static str,
    /// The stage of a sequence within the fence is the sequence shifted right by this.
    pub(crate) stage_bits: u32,
    /// Picks the orders of one run whose ids lie in a range: run, first and last id.
    pub(crate) orders_of_run: &'static str,
    /// An order's run is its number shifted right by this.
    pub(crate) run_bits: u32,
    /// Puts movements in an order in which each item's sequences rise, the cheapest there is.
    pub(crate) commit_order: &'static str,
}

/// `SQLite`: order ids are indexed run by run, movements stage by stage, as its first migration says.
pub(crate) static SQLITE: Dialect = Dialect {
    order_by_id: "(o.number >> 10) = ? AND o.id = ?",
    movements_of_item: "(m.sequence >> 4) = ? AND m.item = ? AND m.sequence BETWEEN ? AND ?",
    stage_bits: 4,
    orders_of_run: "(o.number >> 10) = ? AND o.id BETWEEN ? AND ?",
    run_bits: 10,
    commit_order: "rowid",
};
