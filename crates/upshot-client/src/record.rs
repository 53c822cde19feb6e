//! Recording many events: in order, batch after batch, each tried until it is acknowledged.

use api::ingestion::v1::{Event, EventResult, RecordRequest};

use crate::{Client, Error, batch};

impl Client {
    /// Records events in order, in batches of [`crate::BATCH_EVENTS`], one at a time. A batch is repeated while the
    /// service is away or overloaded; an event that had been recorded all the same then comes back as a duplicate.
    ///
    /// Returns one result per event, in the order given.
    ///
    /// # Errors
    /// [`Error::Call`] when the service refuses a batch as a whole, [`Error::GaveUp`] when it stays away. Batches
    /// before that one are recorded; sending everything again counts nothing twice.
    pub async fn record(&self, events: Vec<Event>) -> Result<Vec<EventResult>, Error> {
        let mut results = Vec::with_capacity(events.len());
        for events in batch::split(events) {
            let sent = events.len();
            let request = RecordRequest { events };
            let response = self
                .policy
                .run("Record", || {
                    let (mut ingestion, request) = (self.ingestion(), request.clone());
                    async move { ingestion.record(request).await }
                })
                .await?;
            let answered = response.results.len();
            if answered != sent {
                return Err(Error::ResultCount { sent, answered });
            }
            results.extend(response.results);
        }
        Ok(results)
    }
}
