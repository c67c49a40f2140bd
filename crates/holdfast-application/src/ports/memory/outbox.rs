//! The outbox within a transaction.

use holdfast_domain::Timestamp;

use super::transaction::{MemoryTransaction, contention};
use crate::events::{OutgoingEvent, Parcel, SentParcel};
use crate::ports::{Collision, Outbox, StoreError};

impl Outbox for MemoryTransaction<'_> {
    fn append_events(
        &mut self,
        destination: &str,
        events: &[&OutgoingEvent],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for event in events {
            let key = (destination.to_owned(), event.place.stream, event.written_at(now), event.place);
            if self.books.outbox.contains_key(&key) {
                return Err(contention(Collision::Key, "the event waits already"));
            }
            self.books.outbox.insert(key.clone(), (*event).clone());
            self.undo.push(Box::new(move |books| {
                books.outbox.remove(&key);
            }));
        }
        Ok(())
    }

    fn remove_events(&mut self, destination: &str, sent: &[SentParcel]) -> Result<(), StoreError> {
        // Each event is a parcel here.
        for Parcel { written_at, first, .. } in sent.iter().map(|sent| sent.parcel) {
            let key = (destination.to_owned(), first.stream, written_at, first);
            if let Some(event) = self.books.outbox.remove(&key) {
                self.undo.push(Box::new(move |books| {
                    books.outbox.insert(key, event);
                }));
            }
        }
        Ok(())
    }
}
