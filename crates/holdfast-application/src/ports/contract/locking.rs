//! What every lock must show.

use std::time::Duration;

use holdfast_domain::ProductId;

use crate::ports::{DistributedLock, Lease};

/// Longer than a story takes.
const LONG: Duration = Duration::from_mins(1);
/// So short that a story can wait for its end.
const SHORT: Duration = Duration::from_millis(80);

/// Makes one more owner of the same lock.
pub type MakeLock<'a> = &'a mut dyn FnMut() -> Box<dyn DistributedLock>;

/// Products that no other story and no earlier run asks for, sorted.
fn products<const N: usize>() -> [ProductId; N] {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let story = u128::from(RandomState::new().build_hasher().finish()) << 64;
    std::array::from_fn(|at| {
        let at = u128::try_from(at).expect("a small number");
        ProductId::from_bytes((story | at).to_be_bytes())
    })
}

fn take(lock: &mut dyn DistributedLock, products: &[ProductId], ttl: Duration) -> Lease {
    lock.acquire(products, ttl).expect("the lock answers")
}

/// Whether somebody could have these locks now.
fn are_free(make: MakeLock<'_>, products: &[ProductId]) -> bool {
    let mut stranger = make();
    let lease = take(&mut *stranger, products, LONG);
    let all = lease.products == products;
    stranger.release(lease).expect("the lock answers");
    all
}

/// Two never hold the same lock; what the first one gives back the second one gets.
pub fn one_holds_a_lock_at_a_time(make: MakeLock<'_>) {
    let asked = products::<3>();
    let (mut first, mut second) = (make(), make());
    let held = take(&mut *first, &asked, LONG);
    assert_eq!(held.products, asked);
    assert_eq!(take(&mut *second, &asked, LONG).products, []);
    first.release(held).expect("the lock answers");
    let held = take(&mut *second, &asked, LONG);
    assert_eq!(held.products, asked);
    second.release(held).expect("the lock answers");
}

/// Of several locks those that are free are given, and the lease says which.
pub fn the_free_ones_of_several_are_given(make: MakeLock<'_>) {
    let asked = products::<3>();
    let (mut first, mut second) = (make(), make());
    let middle = take(&mut *first, &asked[1..2], LONG);
    let others = take(&mut *second, &asked, LONG);
    assert_eq!(others.products, [asked[0], asked[2]]);
    second.release(others).expect("the lock answers");
    assert!(!are_free(make, &asked), "the middle one is still held");
    first.release(middle).expect("the lock answers");
    assert!(are_free(make, &asked));
}

/// One that forgot to give it back does not keep it.
pub fn a_lock_ends_when_its_time_is_over(make: MakeLock<'_>) {
    let asked = products::<2>();
    let forgotten = take(&mut *make(), &asked, SHORT);
    assert_eq!(forgotten.products, asked);
    assert!(!are_free(make, &asked));
    std::thread::sleep(SHORT.saturating_mul(2));
    assert!(are_free(make, &asked));
}

/// One whose time was over cannot take it away from the next one.
pub fn only_its_owner_releases_a_lock(make: MakeLock<'_>) {
    let asked = products::<2>();
    let (mut first, mut second) = (make(), make());
    let late = take(&mut *first, &asked, SHORT);
    std::thread::sleep(SHORT.saturating_mul(2));
    let held = take(&mut *second, &asked, LONG);
    assert_eq!(held.products, asked);
    first.release(late).expect("the lock answers");
    assert!(!are_free(make, &asked), "the late one has taken nothing away");
    second.release(held).expect("the lock answers");
    assert!(are_free(make, &asked));
}

/// A lock that is extended lives longer; one that was lost is not taken back that way.
pub fn only_its_owner_extends_a_lock(make: MakeLock<'_>) {
    let asked = products::<2>();
    let (mut first, mut second) = (make(), make());
    let mut held = take(&mut *first, &asked, SHORT);
    first.extend(&mut held, LONG).expect("the lock answers");
    assert_eq!(held.products, asked);
    std::thread::sleep(SHORT.saturating_mul(2));
    assert!(!are_free(make, &asked), "it was extended");
    first.release(held).expect("the lock answers");

    let mut late = take(&mut *first, &asked, SHORT);
    std::thread::sleep(SHORT.saturating_mul(2));
    let held = take(&mut *second, &asked[..1], LONG);
    first.extend(&mut late, LONG).expect("the lock answers");
    assert_eq!(late.products, [], "one has passed to somebody else, and both had ended");
    second.release(held).expect("the lock answers");
    assert!(are_free(make, &asked));
}

/// As many as the largest batch may name are asked for at once.
pub fn thousands_of_locks_are_taken_at_once(make: MakeLock<'_>) {
    let asked = products::<4_096>();
    let mut lock = make();
    let held = take(&mut *lock, &asked, LONG);
    assert_eq!(held.products.len(), asked.len());
    lock.release(held).expect("the lock answers");
    assert!(are_free(make, &asked));
}
