//! Calls of the application: answers to needs, and commands of its own.
//!
//! ```text
//! answers   Need::Decide       accept, refuse          Need::Prepare   prepared      ClientAction::Store   stored
//!           Need::Verify       verified                Need::Apply     applied       every Need            decline
//!           Need::Credentials  credentials_obtained    the other needs: see `discovery`
//! commands  start: query, query_specific_file, resume    cancel: abort    apply: activate
//!           settings: set_query_interval, stop_queries, set_utc           persist: checkpoint
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::time::{Instant, Millis, UtcTime};
use crate::types::{FileVersion, ImageId, StackVersion};
use crate::zcl::Status;

use super::Client;
use super::checkpoint::{Checkpoint, CheckpointStage};
use super::output::{
    ApplyResult, Busy, ClientEvent, CredentialResult, Need, NothingToActivate, Outcome, PrepareResult,
    SpecificFileError, StaleTicket, StoreResult, Ticket, VerifyResult,
};
use super::request_retry::PendingRequest;
use super::state::{AfterReport, QueryTarget, State, StoredImage, is_specific};
use super::transfer::{Download, DownloadPhase};

impl<const RANGES: usize> Client<RANGES> {
    /// Answers [`Need::Decide`]: download the image.
    ///
    /// # Errors
    /// The ticket is stale.
    pub fn accept(&mut self, ticket: Ticket) -> Result<(), StaleTicket> {
        match self.state {
            State::Deciding { offer } if self.is_current(ticket) => {
                self.enter(State::Erasing { offer });
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Decide`]: do not download the image now. The server gets no message. The application is asked
    /// about the same version again after the next periodic query or [`query`](Self::query), but not after an Image
    /// Notify.
    ///
    /// # Errors
    /// The ticket is stale.
    pub fn refuse(&mut self, now: Instant, ticket: Ticket) -> Result<(), StaleTicket> {
        match self.state {
            State::Deciding { offer } if self.is_current(ticket) => {
                self.refused_version = offer.id.version;
                let ended = self.end_upgrade(now, Outcome::Refused);
                self.enter(ended);
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Prepare`].
    ///
    /// # Errors
    /// The ticket is stale.
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
                        self.download_start = now;
                        State::Downloading(Download::new(offer, now, &self.config))
                    }
                    PrepareResult::Fault => self.end_upgrade(now, Outcome::StorageFault),
                };
                self.enter(next);
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`ClientAction::Store`](super::ClientAction::Store). The next block is requested only after this answer
    /// (or, with a window or by pages, a limited number of blocks ahead of it).
    ///
    /// # Errors
    /// The ticket is stale.
    pub fn stored(&mut self, now: Instant, ticket: Ticket, result: StoreResult) -> Result<(), StaleTicket> {
        self.finish_store(now, ticket, result)
    }

    /// Answers [`Need::Verify`].
    ///
    /// # Errors
    /// The ticket is stale.
    pub fn verified(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: VerifyResult,
    ) -> Result<(), StaleTicket> {
        match self.state {
            State::Verifying { image } if self.is_current(ticket) => {
                let id = image.id();
                self.enter(match result {
                    VerifyResult::Valid => self.begin_upgrade_end(now, image),
                    VerifyResult::Invalid => {
                        Self::report_failure(now, id, Status::INVALID_IMAGE, Outcome::InvalidImage)
                    }
                    // A device specific file is never one of several images: it is complete by itself.
                    VerifyResult::NeedsMore(_) if is_specific(id) => self.begin_upgrade_end(now, image),
                    VerifyResult::NeedsMore(next) => State::Reporting {
                        id,
                        status: Status::REQUIRE_MORE_IMAGE,
                        after: AfterReport::More(next, image.header),
                        pending: PendingRequest::due_at(now),
                    },
                    VerifyResult::Abandon => Self::report_failure(now, id, Status::ABORT, Outcome::Cancelled),
                });
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Apply`]. After [`ApplyResult::Done`] the client's [`identity`](Self::identity) has the new version.
    ///
    /// # Errors
    /// The ticket is stale.
    pub fn applied(&mut self, now: Instant, ticket: Ticket, result: ApplyResult) -> Result<(), StaleTicket> {
        match self.state {
            State::Applying { image } if self.is_current(ticket) => {
                let next = match result {
                    ApplyResult::Done => self.finish_upgrade(now, image),
                    ApplyResult::Failed => self.end_upgrade(now, Outcome::ApplyFailed),
                };
                self.enter(next);
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Credentials`].
    ///
    /// # Errors
    /// The ticket is stale.
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
                        State::Ending { image, pending: PendingRequest::due_at(now) }
                    }
                    CredentialResult::Missing => {
                        Self::report_failure(now, image.id(), Status::ABORT, Outcome::NoCredentials)
                    }
                };
                self.enter(next);
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers any need with a refusal, also a need that this version of the crate added and the application does not
    /// know. The client continues:
    ///
    /// | need | consequence |
    /// |---|---|
    /// | `Decide` | as [`refuse`](Self::refuse) |
    /// | `Prepare` | as [`PrepareResult::Fault`]: the upgrade ends |
    /// | `Verify` | as [`VerifyResult::Abandon`]: the upgrade ends |
    /// | `Apply` | as [`ApplyResult::Failed`]: the upgrade ends, the old image runs |
    /// | `FindServer`, `NetworkAddress`, `LinkKey` | the search failed; the next one starts after `discovery_interval` |
    /// | `IeeeAddress` | the client continues without the IEEE address |
    /// | `Credentials` | as [`CredentialResult::Missing`]: the upgrade ends |
    ///
    /// # Errors
    /// The ticket is stale.
    pub fn decline(&mut self, now: Instant, need: Need) -> Result<(), StaleTicket> {
        match need {
            Need::Decide(ticket, _) => self.refuse(now, ticket),
            Need::Prepare(ticket, _) => self.prepared(now, ticket, PrepareResult::Fault),
            Need::Verify(ticket, _) => self.verified(now, ticket, VerifyResult::Abandon),
            Need::Apply(ticket, _) => self.applied(now, ticket, ApplyResult::Failed),
            Need::FindServer(ticket, _) => self.server_found(now, ticket, None),
            Need::NetworkAddress(ticket, _) => self.network_address_resolved(now, ticket, None),
            Need::IeeeAddress(ticket, _) => self.ieee_address_resolved(ticket, None),
            Need::LinkKey(ticket, ..) => self.link_key_established(now, ticket, false),
            Need::Credentials(ticket, _) => self.credentials_obtained(now, ticket, CredentialResult::Missing),
        }
    }

    /// Queries the server for an image now. The next periodic query follows after the query interval.
    ///
    /// # Errors
    /// A query or an upgrade is in progress.
    #[doc(alias = "esp_zb_ota_upgrade_client_query_image_req")]
    pub fn query(&mut self, now: Instant) -> Result<(), Busy> {
        match self.state {
            State::Idle { .. } => {
                self.search_now();
                self.refused_version = FileVersion::ANY;
                let asking = self.begin_query(now);
                self.enter(asking);
                Ok(())
            }
            _ => Err(Busy),
        }
    }

    /// Queries a device specific file: security credentials, configuration or a log (section 6.10.11).
    ///
    /// The version in `id` is the requested one, or [`FileVersion::ANY`] for any version. `stack` is the stack version of
    /// the image that the file is for, the running or the downloaded one. The query is possible while the client is idle,
    /// and while an image waits for its security credentials.
    ///
    /// # Errors
    /// A query or an upgrade is in progress, the image type is not one of a device specific file, or the IEEE address of
    /// the device is not configured.
    pub fn query_specific_file(
        &mut self,
        now: Instant,
        id: ImageId,
        stack: StackVersion,
    ) -> Result<(), SpecificFileError> {
        if !is_specific(id) {
            return Err(SpecificFileError::NotASpecificType);
        }
        if self.config.identity.node.is_none() {
            return Err(SpecificFileError::NoAddress);
        }
        let next = match self.state {
            State::Idle { query_at } => query_at,
            State::AwaitingCredentials { image, .. } => {
                self.suspended = Some(image);
                self.next_query_at(now)
            }
            _ => return Err(SpecificFileError::Busy),
        };
        self.search_now();
        let asking = self.begin_query_for(now, QueryTarget { id, stack }, next);
        self.enter(asking);
        Ok(())
    }

    /// Continues the upgrade of a [`Checkpoint`] after a restart, without a new query.
    ///
    /// The application has the bytes below `checkpoint.received` in storage, and erased storage for the rest. It gets no
    /// [`Need::Decide`] and no [`Need::Prepare`] and, for a file that was verified, no [`Need::Verify`]. If the server no
    /// longer has the file, a query follows at once.
    ///
    /// # Errors
    /// A query or an upgrade is in progress.
    pub fn resume(&mut self, now: Instant, checkpoint: Checkpoint) -> Result<(), Busy> {
        let State::Idle { .. } = self.state else { return Err(Busy) };
        let Checkpoint { offer, received, header, stage, pending_images } = checkpoint;
        (self.download_start, self.pending_images) = (now, pending_images);
        let next = match (stage, header) {
            (CheckpointStage::Verified, Some(header)) => {
                self.begin_upgrade_end(now, StoredImage { offer, header })
            }
            (_, Some(header)) if received >= offer.size => {
                State::Verifying { image: StoredImage { offer, header } }
            }
            // Without header facts the download starts at offset 0: the header is read only as it passes through.
            _ => {
                let download = Download::new(offer, now, &self.config);
                State::Downloading(download.resume_from(header, received, &self.config, &mut self.rtt))
            }
        };
        if let State::Downloading(_) = next {
            self.events.push(ClientEvent::Started(offer));
        }
        self.enter(next);
        Ok(())
    }

    /// Cancels the upgrade at any stage. If the download has started, the server gets an Upgrade End Request ABORT.
    ///
    /// # Errors
    /// The image is being applied.
    #[doc(alias = "cancel")]
    pub fn abort(&mut self, now: Instant) -> Result<(), Busy> {
        let report = |id| Self::report_failure(now, id, Status::ABORT, Outcome::Cancelled);
        let next = match self.state {
            State::Reporting { .. } => return Ok(()),
            State::Idle { .. } if self.pending_images.count == 0 => return Ok(()),
            State::Idle { .. } | State::Querying { .. } | State::Deciding { .. } | State::Erasing { .. } => {
                self.end_upgrade(now, Outcome::Cancelled)
            }
            State::Downloading(Download { offer, .. }) => report(offer.id),
            State::Verifying { image }
            | State::AwaitingCredentials { image, .. }
            | State::Ending { image, .. }
            | State::Waiting { image, .. }
            | State::AwaitingActivation { image }
            | State::CountingDown { image, .. } => report(image.id()),
            State::Applying { .. } => return Err(Busy),
        };
        self.enter(next);
        Ok(())
    }

    /// Applies the verified image now, without or against an Upgrade End Response.
    ///
    /// # Errors
    /// There is no verified image, or it waits for its security credentials.
    pub fn activate(&mut self) -> Result<(), NothingToActivate> {
        match self.state {
            State::Ending { image, .. }
            | State::Waiting { image, .. }
            | State::AwaitingActivation { image }
            | State::CountingDown { image, .. } => {
                self.enter(State::Applying { image });
                Ok(())
            }
            _ => Err(NothingToActivate),
        }
    }

    /// Sets the time between two periodic queries, counted from now; `None` stops them. A download in progress
    /// continues, and Image Notify and [`query`](Self::query) still cause a query.
    pub fn set_query_interval(&mut self, now: Instant, interval: Option<Millis>) {
        self.config.query_interval = interval;
        let due = self.next_query_at(now);
        if let State::Idle { query_at: next } | State::Querying { next, .. } = &mut self.state {
            *next = due;
        }
    }

    /// Stops periodic queries.
    pub fn stop_queries(&mut self, now: Instant) {
        self.set_query_interval(now, None);
    }

    /// Sets the device's UTC clock; `None` if the device has none. Without a clock, the difference between the two times
    /// of a server is used as a delay (table 18).
    pub fn set_utc(&mut self, now: Instant, utc: Option<UtcTime>) {
        (self.utc_set_at, self.utc) = (now, utc.unwrap_or(super::NO_CLOCK));
    }

    /// Returns the state of the upgrade to persist for a restart; `None` if there is no upgrade to resume.
    ///
    /// Bytes count as received once [`stored`](Self::stored) confirmed them.
    #[doc(alias = "persist")]
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let complete =
            |StoredImage { offer, header }| (offer, offer.size, Some(header), CheckpointStage::Verified);
        let (offer, received, header, stage) = match &self.state {
            // The suspended image, not the file with its credentials: the image is what took long to download.
            _ if self.suspended.is_some() => self.suspended.map(complete)?,
            State::Downloading(Download { offer, phase, .. }) => match phase {
                DownloadPhase::Header(_) => (*offer, 0, None, CheckpointStage::Downloading),
                DownloadPhase::Rest(header, received) => {
                    (*offer, received.watermark(), Some(*header), CheckpointStage::Downloading)
                }
            },
            State::Verifying { image: StoredImage { offer, header } } => {
                (*offer, offer.size, Some(*header), CheckpointStage::Downloading)
            }
            state => state.verified_image().map(complete)?,
        };
        Some(Checkpoint { offer, received, header, stage, pending_images: self.pending_images })
    }

    /// Returns whether the ticket is the one of the current state.
    fn is_current(&self, ticket: Ticket) -> bool {
        ticket == Ticket(self.generation)
    }
}
