//! The application's answers to what the client asked.
//!
//! ```text
//! Need::Decide   accept, refuse     Need::Prepare  prepared     ClientAction::Store     stored
//! Need::Verify   verified           Need::Apply    applied      Need::Credentials  credentials_obtained
//! ```

use crate::time::Instant;
use crate::zcl::Status;

use super::Client;
use super::output::{
    ApplyResult, ClientEvent, CredentialResult, Outcome, PrepareResult, StaleTicket, StoreResult, Ticket,
    VerifyResult,
};
use super::pending::PendingRequest;
use super::state::{State, Then, is_specific};
use super::transfer::Download;

impl<const RANGES: usize> Client<RANGES> {
    /// Answers [`Need::Decide`](super::Need::Decide): download it.
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn accept(&mut self, ticket: Ticket) -> Result<(), StaleTicket> {
        match self.state {
            State::Deciding { offer } if self.is_current(ticket) => {
                self.enter(State::Erasing { offer });
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Decide`](super::Need::Decide): not now. The server is not told. The application is asked about this
    /// version again when the next query is due, or after its own [`query`](Self::query); not because of a notify.
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn refuse(&mut self, now: Instant, ticket: Ticket) -> Result<(), StaleTicket> {
        match self.state {
            State::Deciding { offer } if self.is_current(ticket) => {
                self.refused = offer.id.version;
                let ended = self.closed(now, Outcome::Refused);
                self.enter(ended);
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Prepare`](super::Need::Prepare).
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn prepared(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: PrepareResult,
    ) -> Result<(), StaleTicket> {
        match self.state {
            State::Erasing { offer } if self.is_current(ticket) => {
                let next = match result {
                    PrepareResult::Ready => {
                        self.events.push(ClientEvent::Started(offer));
                        self.started = now;
                        State::Downloading(Download::new(offer, now, &self.config))
                    }
                    PrepareResult::Fault => self.closed(now, Outcome::StorageFault),
                };
                self.enter(next);
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`ClientAction::Store`](super::ClientAction::Store).
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn stored(&mut self, now: Instant, ticket: Ticket, result: StoreResult) -> Result<(), StaleTicket> {
        self.finish_store(now, ticket, result)
    }

    /// Answers [`Need::Verify`](super::Need::Verify).
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn verified(
        &mut self,
        now: Instant,
        ticket: Ticket,
        verdict: VerifyResult,
    ) -> Result<(), StaleTicket> {
        match self.state {
            State::Verifying { image } if self.is_current(ticket) => {
                let id = image.id();
                self.enter(match verdict {
                    VerifyResult::Valid => self.complete(now, image),
                    VerifyResult::Invalid => {
                        Self::reporting(now, id, Status::INVALID_IMAGE, Outcome::InvalidImage)
                    }
                    // Files for the device itself are no part of a set.
                    VerifyResult::NeedsMore(_) if is_specific(id) => self.complete(now, image),
                    VerifyResult::NeedsMore(next) => State::Reporting {
                        id,
                        status: Status::REQUIRE_MORE_IMAGE,
                        then: Then::More(next, image.header),
                        exchange: PendingRequest::due(now),
                    },
                    VerifyResult::Abandon => Self::reporting(now, id, Status::ABORT, Outcome::Cancelled),
                });
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Apply`](super::Need::Apply). After [`ApplyResult::Done`] the client is one of the new version.
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn applied(&mut self, now: Instant, ticket: Ticket, result: ApplyResult) -> Result<(), StaleTicket> {
        match self.state {
            State::Applying { image } if self.is_current(ticket) => {
                let next = match result {
                    ApplyResult::Done => self.upgraded(now, image),
                    ApplyResult::Failed => self.closed(now, Outcome::ApplyFailed),
                };
                self.enter(next);
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Credentials`](super::Need::Credentials).
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn credentials_obtained(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: CredentialResult,
    ) -> Result<(), StaleTicket> {
        match self.state {
            State::AwaitingCredentials { image, needed } if self.is_current(ticket) => {
                let next = match result {
                    CredentialResult::Ready => {
                        self.config.credential = Some(needed);
                        State::Ending { image, exchange: PendingRequest::due(now) }
                    }
                    CredentialResult::Missing => {
                        Self::reporting(now, image.id(), Status::ABORT, Outcome::NoCredentials)
                    }
                };
                self.enter(next);
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    fn is_current(&self, ticket: Ticket) -> bool {
        ticket == Ticket(self.generation)
    }
}
