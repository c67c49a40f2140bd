//! Light traffic: a few orders a second; most are paid, some are not, and what runs low comes in again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast_application::command::{Remarks, StockChange};
use holdfast_application::{Answer, Class, Command, CommandQueue, Reply, Submission};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::stocking::{NewItem, StockVerb};
use holdfast_domain::{Actor, LocationCode, OrderId, Quantity, Reason, Reference, Refusal};

use crate::random::Random;

/// Time between two orders.
const PAUSE: Duration = Duration::from_millis(300);
/// Orders that are not decided yet by their customers.
const OPEN_MAX: usize = 12;

/// Sends orders until `stop` is set.
pub(super) fn run(queue: &CommandQueue, products: &[NewItem], actor: &Actor, stop: &AtomicBool) {
    let mut random = Random::new();
    let mut open: VecDeque<OrderId> = VecDeque::new();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(PAUSE);
        let order = random.order();
        let lines: Vec<OrderLine> = (0..random.below(3).saturating_add(1))
            .filter_map(|_| {
                let product = ProductRef::Id(random.pick(products)?.product);
                let quantity = Quantity::from_u64(random.below(4).saturating_add(1))?;
                Some(OrderLine { product, quantity, location: None })
            })
            .collect();
        let asked = Command::ReserveOrder { order, lines, ttl: None, strategy: None };
        match ask(queue, actor, asked) {
            Some(Reply::Decided(Ok(Answer::Order { .. }))) => open.push_back(order),
            Some(Reply::Decided(Err(Refusal::InsufficientStock(short)))) => {
                for product in short.iter().filter_map(|line| line.product) {
                    ask(queue, actor, restock(ProductRef::Id(product)));
                }
            }
            _ => {}
        }
        if open.len() > OPEN_MAX
            && let Some(order) = open.pop_front()
        {
            let end = match random.below(10) {
                0 => Command::ReleaseOrder { order, reason: Reason::new("customer_cancelled").ok() },
                // Never paid: the sweep ends it.
                1 => continue,
                _ => Command::ConfirmOrder { order, reacquire: false },
            };
            ask(queue, actor, end);
        }
    }
}

fn restock(product: ProductRef) -> Command {
    Command::ChangeStock(StockChange {
        product,
        location: LocationCode::main(),
        verb: StockVerb::Add,
        quantity: Quantity::new(60).expect("a quantity"),
        version: None,
        remarks: Remarks {
            reference: Reference::new("PO-DEMO").ok(),
            reason: Reason::new("received").ok(),
            notes: None,
        },
    })
}

/// Asks and waits. `None` when the service is busy or leaving: a demonstration can do without.
fn ask(queue: &CommandQueue, actor: &Actor, command: Command) -> Option<Reply> {
    let submission = Submission { command, actor: actor.clone(), key: None, decided_at: None };
    queue.submit(submission, Class::Events, None).ok()?.wait().ok()
}
