//! What every store must show, whatever it is made of: stories and random histories that each store runs.
//!
//! A store's tests name a function that makes one on a given clock and hand it to
//! [`store_contract!`](crate::store_contract).

use std::sync::Arc;

use crate::clock::ManualClock;
use crate::ports::Store;
use crate::queries::StockQueries;

mod due;
pub mod history;
pub mod ledger;
mod listing;
mod locking;
mod pages;
mod putting_away;
pub mod random;
mod retelling;
mod saving_answers;
mod saving_items;
mod saving_orders;
mod telling;
mod together;
pub mod warehouse;

pub use due::*;
pub use history::{Step, plays_the_same, random_history, random_policy};
pub use ledger::same_ledger;
pub use listing::*;
pub use locking::*;
pub use putting_away::*;
pub use retelling::*;
pub use saving_answers::*;
pub use saving_items::*;
pub use saving_orders::*;
pub use telling::*;
pub use together::*;
pub use warehouse::Warehouse;

/// A store that needs nothing to be there.
pub const fn always() -> bool {
    true
}

/// Makes a new empty store that decides by the clock it is given, and its reads.
pub type MakeStore<'a> = &'a mut dyn FnMut(Arc<ManualClock>) -> (Box<dyn Store>, Arc<dyn StockQueries>);

/// One test for each story of the contract, on the stores that `$make` makes; where `$is_there` says that there are
/// none, the stories say that they are left out.
#[macro_export]
macro_rules! store_contract {
    ($make:path) => {
        $crate::store_contract! { $make, $crate::ports::contract::always }
    };
    ($make:path, $is_there:path) => {
        $crate::store_contract! { $make, $is_there:
            main_is_there_from_the_start, a_new_location_comes_back, a_location_code_is_taken_once,
            a_saved_item_comes_back, a_changed_item_comes_back, a_sku_is_taken_once_and_a_product_too,
            two_items_swap_their_skus, a_stale_rename_is_contention, a_sequence_is_given_once,
            an_order_comes_back_with_its_reservations, an_order_that_changed_meanwhile_is_contention,
            an_order_id_is_taken_once, a_dropped_transaction_leaves_nothing_behind, numbers_go_on, time_passes,
            due_orders_come_oldest_first, due_orders_are_found_by_what_they_hold,
            a_step_of_due_orders_is_bounded_by_their_reservations, payments_wait_for_their_order,
            a_payment_that_missed_its_order_is_found_and_confirms_it,
            kept_answers_are_found_under_their_key, old_answers_are_forgotten,
            products_are_listed_in_every_order, products_are_found_by_what_they_are, low_stock_is_listed_by_sku,
            movements_are_listed_by_sequence_and_by_time, movements_are_found_by_what_they_say,
            reservations_are_listed_by_id, orders_are_listed_by_id, exports_are_in_a_stable_order,
            an_export_ends_when_its_reader_has_enough, one_product_is_audited_by_itself,
            everything_that_happens_is_told, what_was_told_is_removed, what_a_batch_tells_is_told_event_by_event, with_nobody_to_tell_nothing_is_written,
            a_record_is_put_away_once, letters_are_listed_newest_first, a_letter_is_dealt_with_once,
            letters_that_were_dealt_with_are_forgotten, a_payment_that_waited_in_vain_is_put_away,
            letters_are_told_to_who_wants_them, a_letter_without_room_is_kept_in_short, a_letter_that_was_not_committed_is_not_there,
            a_payment_for_nothing_is_told, nothing_is_told_of_what_did_not_happen,
            a_clock_that_was_ahead_puts_no_event_before_an_earlier_one,
            the_ledger_tells_again_what_was_told, places_in_the_ledger_come_page_by_page, the_ledger_has_a_horizon,
            a_repeat_hears_the_first_answer, another_request_under_the_same_key_is_told_so,
            a_key_that_stands_twice_in_one_batch_is_carried_out_once, a_refusal_is_kept_too,
            a_dead_hold_never_costs_a_sale, the_events_clock_ends_what_is_due_first,
            a_random_history_is_the_same_as_in_memory,
        }
    };
    ($make:path, $is_there:path: $($story:ident,)+) => {
        $(
            #[test]
            fn $story() {
                if $is_there() {
                    $crate::ports::contract::$story(&mut $make);
                } else {
                    eprintln!("{} is left out: there is nothing to show it on", stringify!($story));
                }
            }
        )+
    };
}

/// One test for each story of the lock, on the owners that `$make` makes; where `$is_there` says that there is no lock,
/// the stories say that they are left out.
#[macro_export]
macro_rules! lock_contract {
    ($make:path, $is_there:path) => {
        $crate::store_contract! { $make, $is_there:
            one_holds_a_lock_at_a_time, the_free_ones_of_several_are_given, a_lock_ends_when_its_time_is_over,
            only_its_owner_releases_a_lock, only_its_owner_extends_a_lock, thousands_of_locks_are_taken_at_once,
        }
    };
}
