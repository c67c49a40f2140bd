//! The reference store shows what every store must show.

use holdfast_application::ports::contract::warehouse::memory;

holdfast_application::store_contract!(memory);
