//! Dead letters: records that can never be applied, and payments that waited for their order in vain. Each is kept for
//! people to look at, once however often the record comes, until somebody has it tried again or discards it.
//!
//! Reading order: [`content`] (what came, within bounds), [`new_letter`] (why it is put away), [`room`] (when the
//! bounds are narrow), [`letter`] (what became of it), [`shelf`] (what a batch does to letters), [`told`] (how brokers
//! hear of one) and [`retrying`] (how one is read anew).

pub mod content;
mod content_bytes;
pub mod letter;
pub mod new_letter;
pub mod retrying;
pub mod room;
pub(crate) mod shelf;
pub mod told;

pub use content::{LeftOut, LetterContent, LetterHeader};
pub use content_bytes::UnfitContent;
pub use letter::{DeadLetter, LetterEnd, LetterHead, LetterStatus, Provenance, RecordPlace};
pub use new_letter::NewLetter;
pub use retrying::{Retry, retry_of};
pub use room::LetterRoom;
pub use told::ToldLetter;
