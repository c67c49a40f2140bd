//! What is counted, and in which words: `/metrics` shows it from the start. What has not happened yet is 0, not absent,
//! so a rate and an alarm work from the first scrape on.

use holdfast_application::lane::Dropped;
use holdfast_application::order_event::EventOutcome;
use holdfast_application::ports::{Collision, LockFault};
use holdfast_domain::event::Crossing;
use holdfast_domain::order::OrderEventKind;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// The commands about whole orders; those of others are counted from their first time on.
const ORDER_COMMANDS: [&str; 5] = ["reserve_order", "replace_lines", "confirm_order", "release_order", "extend_order"];
/// What can become of them.
const COMMAND_OUTCOMES: [&str; 4] = ["applied", "replayed", "refused", "not_applied"];

/// Says what each metric means and begins to count.
pub(crate) fn announce() {
    announce_commands();
    announce_events();
    announce_writing();
    announce_connections();
    describe_gauge!("holdfast_build_info", "The version that runs");
    gauge!("holdfast_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

fn announce_commands() {
    describe_counter!("holdfast_commands_total", "Commands decided, by kind and outcome");
    describe_histogram!(
        "holdfast_command_duration_seconds",
        Unit::Seconds,
        "Time from waiting in line to the answer, of the oldest command of each batch"
    );
    for command in ORDER_COMMANDS {
        for outcome in COMMAND_OUTCOMES {
            counter!("holdfast_commands_total", "command" => command, "outcome" => outcome).increment(0);
        }
        let _ = histogram!("holdfast_command_duration_seconds", "command" => command);
    }
    describe_counter!("holdfast_commands_dropped_total", "Commands dropped undecided, by reason");
    by_reason("holdfast_commands_dropped_total", Dropped::ALL.map(Dropped::as_str));
    describe_gauge!("holdfast_queue_depth", "Commands that wait");
    gauge!("holdfast_queue_depth").set(0.0);
    describe_counter!("holdfast_expired_orders_total", "Orders that ended because their time was over");
    counter!("holdfast_expired_orders_total").increment(0);
}

fn announce_events() {
    describe_counter!("holdfast_events_in_total", "Upstream events, by type and outcome");
    for kind in OrderEventKind::ALL {
        for outcome in EventOutcome::ALL {
            let (kind, outcome) = (kind.as_str(), outcome.as_str());
            counter!("holdfast_events_in_total", "type" => kind, "outcome" => outcome).increment(0);
        }
    }
    describe_counter!("holdfast_stock_crossings_total", "Products that became low, ran out or came back");
    for crossing in Crossing::ALL {
        counter!("holdfast_stock_crossings_total", "crossing" => crossing.as_str()).increment(0);
    }
    describe_gauge!("holdfast_outbox_pending", "Events that wait to be told");
    gauge!("holdfast_outbox_pending").set(0.0);
    describe_gauge!("holdfast_frozen_products", "Products whose ledger is older than what was published about them");
    gauge!("holdfast_frozen_products").set(0.0);
    describe_gauge!("holdfast_outbox_oldest_age_seconds", Unit::Seconds, "How long the oldest of them has waited");
    gauge!("holdfast_outbox_oldest_age_seconds").set(0.0);
    describe_counter!("holdfast_outbox_holes_total", "Places where events were missing between others of their key");
    counter!("holdfast_outbox_holes_total").increment(0);
    describe_counter!("holdfast_relay_events_total", "Events that were taken where they went");
    describe_counter!("holdfast_relay_failures_total", "Tries in which an event was not taken");
    describe_counter!("holdfast_dead_letters_total", "Records and payments put away, by code");
    describe_gauge!("holdfast_dead_letters_open", "Dead letters that nobody has dealt with");
    gauge!("holdfast_dead_letters_open").set(0.0);
    describe_gauge!("holdfast_consumer_lag", "Records that wait in the partitions of this service, by topic");
    describe_gauge!("holdfast_event_streams", "Event streams that are open");
    gauge!("holdfast_event_streams").set(0.0);
    describe_counter!("holdfast_event_streams_dropped_total", "Event streams that were ended, by reason");
    by_reason("holdfast_event_streams_dropped_total", ["too_slow"]);
}

fn announce_writing() {
    describe_histogram!("holdfast_batch_commands", "Commands in one transaction");
    let _ = histogram!("holdfast_batch_commands");
    describe_histogram!("holdfast_commit_duration_seconds", Unit::Seconds, "Time of one transaction");
    let _ = histogram!("holdfast_commit_duration_seconds");
    describe_counter!("holdfast_store_retries_total", "Transactions tried again, by reason");
    by_reason("holdfast_store_retries_total", Collision::ALL.iter().map(|met| met.as_str()).chain(["unknown"]));
    describe_counter!("holdfast_log_starved_total", "Times a long read kept a large log from being carried over");
    counter!("holdfast_log_starved_total").increment(0);
    describe_histogram!(
        "holdfast_lock_wait_seconds",
        Unit::Seconds,
        "Time from asking for locks to holding them, of the command in a batch that waited longest"
    );
    let _ = histogram!("holdfast_lock_wait_seconds");
    describe_counter!("holdfast_lock_bypassed_total", "Times a lane went on without the lock, by reason");
    by_reason("holdfast_lock_bypassed_total", LockFault::ALL.iter().map(|fault| fault.as_str()).chain(["waited"]));
}

fn announce_connections() {
    describe_counter!("holdfast_http_requests_total", "Answers, by class of their status");
    for status in ["2xx", "3xx", "4xx", "5xx"] {
        counter!("holdfast_http_requests_total", "status" => status).increment(0);
    }
    describe_counter!("holdfast_connections_refused_total", "Connections beyond the most that are allowed");
    counter!("holdfast_connections_refused_total").increment(0);
}

fn by_reason(name: &'static str, reasons: impl IntoIterator<Item = &'static str>) {
    for reason in reasons {
        counter!(name, "reason" => reason).increment(0);
    }
}
