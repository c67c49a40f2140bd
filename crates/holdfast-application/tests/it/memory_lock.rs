//! The reference lock shows what every lock must show.

use holdfast_application::ports::DistributedLock;
use holdfast_application::ports::contract::always;
use holdfast_application::ports::memory_lock::MemoryLock;

use std::sync::LazyLock;

static SHARED: LazyLock<MemoryLock> = LazyLock::new(MemoryLock::default);

holdfast_application::lock_contract!(owner, always);

fn owner() -> Box<dyn DistributedLock> {
    Box::new(SHARED.clone())
}
