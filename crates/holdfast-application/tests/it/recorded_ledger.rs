//! A ledger as a store hands it over, kept so that a story can falsify it before it is proved.

use std::time::Duration;

use holdfast_application::audit::promises::PromiseProof;
use holdfast_application::audit::stock::StockProof;
use holdfast_application::audit::{AuditReport, conclude};
use holdfast_application::command::{Command, Remarks};
use holdfast_application::ports::contract::Warehouse;
use holdfast_application::ports::contract::warehouse::{change, confirm, expire, new_item, release};
use holdfast_application::queries::{
    LedgerAsk, LedgerItem, LedgerLevel, LedgerLine, LedgerOrder, LedgerReservation, LedgerStock, PromiseReader,
    StockReader, UnfitReader, UnfitRow,
};
use holdfast_domain::book::stocking::StockVerb::Add;
use holdfast_domain::{LocationCode, LocationNumber, OrderId, OrderStatus};

/// What a store hands over, as it comes.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) stock: Stock,
    pub(crate) promises: Vec<Promise>,
}

/// The side of the stock.
#[derive(Default)]
pub(crate) struct Stock {
    pub(crate) locations: Vec<(LocationNumber, LocationCode)>,
    pub(crate) items: Vec<LedgerItem>,
    pub(crate) rows: Vec<LedgerStock>,
    pub(crate) levels: Vec<LedgerLevel>,
    pub(crate) movements: Vec<LedgerLine>,
}

/// The side of the promises.
#[derive(Default)]
struct Promises(Vec<Promise>);

/// An order with its reservations.
#[derive(Clone)]
pub(crate) struct Promise {
    pub(crate) id: OrderId,
    pub(crate) status: OrderStatus,
    pub(crate) asked: Vec<LedgerAsk>,
    pub(crate) reservations: Vec<LedgerReservation>,
    /// What else it tells; what it asked for stands above.
    pub(crate) members: LedgerOrder<'static>,
}

impl Recording {
    /// The ledger of orders that are held, confirmed, released and expired, over two locations.
    pub(crate) fn of_some_history() -> Self {
        let mut warehouse = Warehouse::in_memory();
        warehouse.open_location("berlin", 1);
        let new = new_item(1, &[("main", 5), ("berlin", 5)]);
        warehouse.decide(Command::CreateItem(new, Remarks::default())).expect("new");
        warehouse.stock(2, 9);
        warehouse.reserve(1, &[(1, 6)]).expect("enough");
        warehouse.decide(confirm(1)).expect("held");
        warehouse.reserve(2, &[(1, 1)]).expect("enough");
        warehouse.decide(release(2)).expect("held");
        warehouse.reserve(3, &[(2, 3)]).expect("enough");
        warehouse.wait(Duration::from_mins(31));
        warehouse.decide(expire(3)).expect("due");
        warehouse.decide(change(2, Add, 4)).expect("room");
        warehouse.reserve(4, &[(2, 2)]).expect("enough");
        let (mut stock, mut promises) = (Stock::default(), Promises::default());
        warehouse.queries.read_ledger(None, &mut stock, &mut promises).expect("reads");
        Self { stock, promises: promises.0 }
    }

    /// What the proof says of it.
    pub(crate) fn audited(&self) -> AuditReport {
        let (mut stock, mut promises) = (StockProof::default(), PromiseProof::default());
        let told = &self.stock;
        told.locations.iter().for_each(|(number, code)| stock.location(*number, code.clone()));
        told.items.iter().for_each(|item| stock.item(*item));
        told.rows.iter().for_each(|row| stock.stock(*row));
        told.levels.iter().for_each(|level| stock.level(*level));
        told.movements.iter().for_each(|line| stock.movement(line));
        for Promise { id, status, asked, reservations, members } in &self.promises {
            promises.order(&LedgerOrder { id: *id, status: *status, asked, ..*members });
            for held in reservations {
                promises.reservation(held);
            }
        }
        conclude(stock, promises)
    }
}

impl UnfitReader for Stock {
    fn unfit(&mut self, row: UnfitRow) {
        panic!("{row:?} can be read");
    }
}

impl UnfitReader for Promises {
    fn unfit(&mut self, row: UnfitRow) {
        panic!("{row:?} can be read");
    }
}

impl StockReader for Stock {
    fn location(&mut self, number: LocationNumber, code: LocationCode) {
        self.locations.push((number, code));
    }

    fn item(&mut self, item: LedgerItem) {
        self.items.push(item);
    }

    fn stock(&mut self, stock: LedgerStock) {
        self.rows.push(stock);
    }

    fn level(&mut self, level: LedgerLevel) {
        self.levels.push(level);
    }

    fn movement(&mut self, line: &LedgerLine) {
        self.movements.push(*line);
    }
}

impl PromiseReader for Promises {
    fn order(&mut self, order: &LedgerOrder<'_>) {
        let LedgerOrder { id, status, asked, number, reserved_at, expires_at, first_ttl, ended_at, has_reason } =
            *order;
        let asked = asked.to_vec();
        let members =
            LedgerOrder { id, status, asked: &[], number, reserved_at, expires_at, first_ttl, ended_at, has_reason };
        self.0.push(Promise { id, status, asked, reservations: Vec::new(), members });
    }

    fn reservation(&mut self, reservation: &LedgerReservation) {
        self.0.last_mut().expect("its order came first").reservations.push(*reservation);
    }

    fn orphan(&mut self, reservation: &LedgerReservation) {
        panic!("{reservation:?} has no order");
    }

    fn waiting_payment(&mut self, order: OrderId) {
        panic!("no payment waits for {order}");
    }
}
