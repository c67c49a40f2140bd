//! A ledger as a store hands it over, kept so that a story can falsify it before it is proved.

use std::sync::Arc;
use std::time::Duration;

use holdfast_application::audit::promises::PromiseProof;
use holdfast_application::audit::stock::StockProof;
use holdfast_application::audit::{AuditReport, conclude};
use holdfast_application::command::{Command, Remarks};
use holdfast_application::dead_letters::{LetterEnd, LetterHead, NewLetter};
use holdfast_application::events::UnsentEvent;
use holdfast_application::intake::EventNames;
use holdfast_application::order_event::EventOutcome;
use holdfast_application::ports::Record;
use holdfast_application::ports::contract::warehouse::{change, confirm, expire, new_item, release};
use holdfast_application::ports::contract::{Warehouse, everybody};
use holdfast_application::queries::{
    LedgerAsk, LedgerItem, LedgerLevel, LedgerLine, LedgerOrder, LedgerReservation, LedgerStock, LetterFilter,
    OutboxReader, PromiseReader, StockReader, UnfitReader, UnfitRow,
};
use holdfast_domain::book::stocking::StockVerb::Add;
use holdfast_domain::{DiscardNote, LocationCode, LocationNumber, OrderId, OrderStatus};

/// What a store hands over, as it comes.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) stock: Stock,
    pub(crate) promises: Vec<Promise>,
    pub(crate) beside: BesideOrders,
}

/// An event that waits, and for whom.
pub(crate) type Waiting = (String, UnsentEvent);

/// The side of the stock.
#[derive(Default)]
pub(crate) struct Stock {
    pub(crate) locations: Vec<(LocationNumber, LocationCode)>,
    pub(crate) items: Vec<LedgerItem>,
    pub(crate) rows: Vec<LedgerStock>,
    pub(crate) levels: Vec<LedgerLevel>,
    pub(crate) movements: Vec<LedgerLine>,
    pub(crate) unsent: Vec<Waiting>,
}

/// The side of the promises.
#[derive(Default)]
struct Promises(Vec<Promise>, BesideOrders);

/// What is told before orders.
#[derive(Default)]
pub(crate) struct BesideOrders {
    pub(crate) letters: Vec<LetterHead>,
    pub(crate) unsent: Vec<Waiting>,
}

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
    /// The ledger of orders that are held, confirmed, released and expired, over two locations, and of three dead
    /// letters: one is open, one was tried again, one was discarded. Nobody was told anything yet.
    pub(crate) fn of_some_history() -> Self {
        let mut warehouse = Warehouse::in_memory();
        warehouse.policy.publishing = everybody();
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
        let retried = LetterEnd::Retried((EventOutcome::Applied, None));
        let discarded = LetterEnd::Discarded(DiscardNote::new("it was a test").expect("a note"));
        for (offset, end) in [(0, None), (1, Some(retried)), (2, Some(discarded))] {
            put_away(&mut warehouse, offset, end);
        }
        let (mut stock, mut promises) = (Stock::default(), Promises::default());
        warehouse.queries.read_ledger(None, &mut stock, &mut promises).expect("reads");
        Self { stock, promises: promises.0, beside: promises.1 }
    }

    /// What the proof says of it.
    pub(crate) fn audited(&self) -> AuditReport {
        let (mut stock, mut promises) = (StockProof::default(), PromiseProof::default());
        let (told, beside) = (&self.stock, &self.beside);
        told.unsent.iter().for_each(|(destination, unsent)| stock.unsent(destination, unsent));
        beside.unsent.iter().for_each(|(destination, unsent)| promises.unsent(destination, unsent));
        beside.letters.iter().for_each(|letter| promises.letter(letter));
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

/// Puts a record away, and deals with it.
fn put_away(warehouse: &mut Warehouse, offset: i64, end: Option<LetterEnd>) {
    let record = Record { topic: "orders".to_owned(), offset, value: Some(b"{".to_vec()), ..Record::default() };
    let letter = NewLetter::of_record(&record, &EventNames::default(), "malformed_json", "it is no JSON");
    warehouse.decide(Command::PutAway(Arc::new(letter))).expect("room");
    let newest = warehouse.queries.find_letters(&LetterFilter { limit: 1, ..LetterFilter::default() }).expect("reads");
    if let Some(end) = end {
        warehouse.decide(Command::SettleLetter { letter: newest[0].id, end }).expect("it is open");
    }
    warehouse.wait(Duration::from_secs(1));
}

impl OutboxReader for Stock {
    fn unsent(&mut self, destination: &str, unsent: &UnsentEvent) {
        self.unsent.push((destination.to_owned(), unsent.clone()));
    }
}

impl OutboxReader for Promises {
    fn unsent(&mut self, destination: &str, unsent: &UnsentEvent) {
        self.1.unsent.push((destination.to_owned(), unsent.clone()));
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
        let LedgerOrder { id, status, asked, .. } = *order;
        let asked = asked.to_vec();
        let members = without_lines(order);
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

    fn letter(&mut self, letter: &LetterHead) {
        self.1.letters.push(letter.clone());
    }
}

/// The order without what it asked for.
fn without_lines(order: &LedgerOrder<'_>) -> LedgerOrder<'static> {
    let LedgerOrder {
        id,
        status,
        asked: _,
        number,
        reserved_at,
        expires_at,
        first_ttl,
        ended_at,
        has_reason,
        event_seq,
    } = *order;
    LedgerOrder { id, status, asked: &[], number, reserved_at, expires_at, first_ttl, ended_at, has_reason, event_seq }
}
