//! The application's side: its answers to what the client asked, and its wishes.

use crate::time::{Instant, UtcTime};
use crate::zcl::Status;

use super::output::{Applied, Busy, Event, Outcome, Prepared, StaleTicket, Stored, Ticket, Verdict};
use super::retransmit::Exchange;
use super::state::{Download, Fetch, State};
use super::{Client, reporting};

impl Client {
    /// Answers [`Need::Decide`](super::Need::Decide): download it.
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn accept(&mut self, ticket: Ticket) -> Result<(), StaleTicket> {
        match self.state {
            State::Deciding { offer } if self.is_current(ticket) => {
                self.enter(State::Preparing { offer });
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Decide`](super::Need::Decide): not now. The server is not told; it is asked again with the next query.
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn refuse(&mut self, now: Instant, ticket: Ticket) -> Result<(), StaleTicket> {
        match self.state {
            State::Deciding { .. } if self.is_current(ticket) => {
                self.end(now, Outcome::Refused);
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Prepare`](super::Need::Prepare).
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn prepared(&mut self, now: Instant, ticket: Ticket, result: Prepared) -> Result<(), StaleTicket> {
        match self.state {
            State::Preparing { offer } if self.is_current(ticket) => {
                match result {
                    Prepared::Ready => {
                        self.events.push(Event::Started(offer));
                        self.enter(State::Downloading(Download::new(offer, now)));
                    }
                    Prepared::Fault => self.end(now, Outcome::StorageFault),
                }
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Handled::Store`](super::Handled::Store).
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn stored(&mut self, now: Instant, ticket: Ticket, result: Stored) -> Result<(), StaleTicket> {
        match self.state {
            State::Downloading(download)
                if self.is_current(ticket) && matches!(download.fetch, Fetch::Storing { .. }) =>
            {
                let next = match result {
                    Stored::Ok => self.after_stored(now, download),
                    Stored::Busy => self.after_busy(now, download),
                    Stored::Fault => reporting(now, download.offer.id, Status::ABORT, Outcome::StorageFault),
                };
                self.enter(next);
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Verify`](super::Need::Verify).
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn verified(&mut self, now: Instant, ticket: Ticket, verdict: Verdict) -> Result<(), StaleTicket> {
        match self.state {
            State::Verifying { offer } if self.is_current(ticket) => {
                self.enter(match verdict {
                    Verdict::Valid => State::Ending { id: offer.id, exchange: Exchange::due(now) },
                    Verdict::Invalid => {
                        reporting(now, offer.id, Status::INVALID_IMAGE, Outcome::InvalidImage)
                    }
                });
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Apply`](super::Need::Apply). After [`Applied::Done`] the client is one of the new version.
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn applied(&mut self, now: Instant, ticket: Ticket, result: Applied) -> Result<(), StaleTicket> {
        match self.state {
            State::Applying { id } if self.is_current(ticket) => {
                match result {
                    Applied::Done => {
                        self.config.identity.current = id;
                        self.end(now, Outcome::Upgraded(id));
                    }
                    Applied::Failed => self.end(now, Outcome::ApplyFailed),
                }
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Asks the server now, and again after the interval.
    ///
    /// # Errors
    /// An upgrade, or a query, is under way.
    pub fn query(&mut self, now: Instant) -> Result<(), Busy> {
        match self.state {
            State::Idle { .. } => {
                self.enter(self.asking(now));
                Ok(())
            }
            _ => Err(Busy),
        }
    }

    /// Ends the upgrade, whatever its stage; once data was asked for, the server is told.
    ///
    /// # Errors
    /// The device switches to the image already.
    pub fn abort(&mut self, now: Instant) -> Result<(), Busy> {
        let told = |id| reporting(now, id, Status::ABORT, Outcome::Cancelled);
        match self.state {
            State::Idle { .. } | State::Reporting { .. } => {}
            State::Querying { .. } | State::Deciding { .. } | State::Preparing { .. } => {
                self.end(now, Outcome::Cancelled);
            }
            State::Downloading(Download { offer, .. }) | State::Verifying { offer } => {
                self.enter(told(offer.id));
            }
            State::Ending { id, .. } | State::Waiting { id, .. } | State::CountingDown { id, .. } => {
                self.enter(told(id));
            }
            State::Applying { .. } => return Err(Busy),
        }
        Ok(())
    }

    /// Tells the own clock, or that there is none (any more). Without one, times of the server's are taken as
    /// distances (table 18).
    pub fn set_utc(&mut self, now: Instant, utc: Option<UtcTime>) {
        self.utc = utc.map(|utc| (now, utc));
    }

    fn is_current(&self, ticket: Ticket) -> bool {
        ticket == Ticket(self.generation)
    }
}
