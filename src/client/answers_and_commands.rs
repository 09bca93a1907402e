//! Calls of the application to the client: answers to needs, and commands such as a query or an abort.
//!
//! ```text
//! answers   Need::Decide       accept, refuse          Need::Prepare   prepared      ClientAction::Store   stored
//!           Need::Verify       verified                Need::Apply     applied       every Need            decline
//!           Need::Credentials  credentials_obtained    the other needs: see `discovery`
//! commands  start: query, query_specific_file, resume    cancel: abort    apply: activate
//!           settings: set_query_interval, stop_queries, set_utc, set_server
//!           persist: checkpoint, failed_image
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::time::{Instant, Millis, UtcTime};
use crate::types::{FileVersion, ImageId, StackVersion};
use crate::zcl::{ImageOffer, Status};

use super::Client;
use super::actions_and_needs::{
    ApplyResult, Busy, CredentialResult, Need, NothingToActivate, PrepareResult, SpecificFileError,
    StaleTicket, StoreResult, Ticket, VerifyResult,
};
use super::checkpoint::{Checkpoint, CheckpointStage};
use super::clock_ticks::Ticks;
use super::config::{FailedImage, Settings};
use super::download_responses_and_pauses::RESUME_SPREAD;
use super::event::{ClientEvent, Outcome};
use super::request_retry::{PendingRequest, exponential_backoff};
use super::state::{
    AfterReport, DownloadStage, ImageStage, NoFile, QueryCause, QueryTarget, State, StoredImage,
};

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    /// Answers [`Need::Decide`]: the client shall download the image. If the client has a download or a complete image
    /// already, the upgrade to that image ends with the event [`Ended`](ClientEvent::Ended) and [`Outcome::Replaced`].
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[inline(never)]
    pub fn accept(&mut self, ticket: Ticket) -> Result<(), StaleTicket> {
        let offer = self.state.open_offer().filter(|_| self.is_current(ticket)).ok_or(StaleTicket)?;
        if !matches!(self.state, State::NoFile(_)) {
            self.push_event(ClientEvent::Ended(Outcome::Replaced));
        }
        self.enter(NoFile::Erasing { offer, faults: 0, retry_at: Ticks::NEVER });
        Ok(())
    }

    /// Answers [`Need::Decide`]: the client shall not download the image now. The client sends no message about the
    /// refusal to the server. A refusal holds until the next periodic query or the next call of [`query`](Self::query):
    /// if the server offers the refused version later, the client asks the application again with [`Need::Decide`]. An
    /// Image Notify does not end a refusal: the client skips an offer of the refused version after the Image Notify. A
    /// client with a download or a complete image makes no periodic queries, but its refusal also holds for at most one
    /// query interval.
    ///
    /// If the client has a download or a complete image already, the client keeps the download or the image after the
    /// refusal of the new offer. After a refusal, a download in progress pauses until the server offers the image of
    /// the download again; the upgrade to a complete image continues at once.
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[inline(never)]
    pub fn refuse(&mut self, now: Instant, ticket: Ticket) -> Result<(), StaleTicket> {
        let now = self.ticks(now);
        let offer = self.state.open_offer().filter(|_| self.is_current(ticket)).ok_or(StaleTicket)?;
        (self.refused_version, self.refused_at) = (offer.id.version, self.clock.instant(now));
        match self.state {
            State::NoFile(_) => self.end_upgrade(now, Outcome::Refused),
            State::Download(..) => self.pause_for_other_offer(now),
            State::Image(_, ImageStage::Deciding { is_verified: false, .. }) => {
                self.enter_image_stage(ImageStage::Verifying);
            }
            State::Image(..) => self.begin_upgrade_end(now),
        }
        Ok(())
    }

    /// Answers [`Need::Prepare`] with the result of preparing storage. After [`PrepareResult::Fault`] the client
    /// returns [`Need::Prepare`] again after a delay. After
    /// [`max_prepare_attempts`](super::ClientConfig::max_prepare_attempts) consecutive results `Fault`, the upgrade
    /// ends.
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[inline(never)]
    pub fn prepared(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: PrepareResult,
    ) -> Result<(), StaleTicket> {
        let now = self.ticks(now);
        match self.state {
            State::NoFile(NoFile::Erasing { offer, faults, .. }) if self.is_current(ticket) => {
                let next_faults = faults.saturating_add(1);
                match result {
                    PrepareResult::Ready => {
                        self.push_event(ClientEvent::Started(offer));
                        self.download_start = self.clock.instant(now);
                        self.enter_download(offer, now);
                    }
                    PrepareResult::Fault if next_faults < self.settings.config().max_prepare_attempts => {
                        let at = now.plus(exponential_backoff(self.settings.config().error_backoff, faults));
                        self.push_event(ClientEvent::PrepareFailed(self.clock.instant(at)));
                        self.enter(NoFile::Erasing { offer, faults: next_faults, retry_at: at });
                    }
                    PrepareResult::Fault => self.end_upgrade(now, Outcome::StorageFault),
                }
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`ClientAction::Store`](super::ClientAction::Store) with the result of storing the block. With
    /// stop-and-wait, the client requests the next block of the file only after the application has called `stored` for
    /// the previous block. With a window or with pages, the client requests a limited number of other blocks before the
    /// application has called `stored` for this block.
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[inline(never)]
    pub fn stored(&mut self, now: Instant, ticket: Ticket, result: StoreResult) -> Result<(), StaleTicket> {
        let now = self.ticks(now);
        self.finish_store(now, ticket, result)
    }

    /// Answers [`Need::Verify`] with the result of verifying the file.
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[inline(never)]
    pub fn verified(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: VerifyResult,
    ) -> Result<(), StaleTicket> {
        let now = self.ticks(now);
        match self.state {
            State::Image(image, ImageStage::Verifying) if self.is_current(ticket) => {
                let id = image.id();
                match result {
                    VerifyResult::Valid => self.begin_upgrade_end(now),
                    VerifyResult::Invalid => {
                        self.record_failed_image(now, image);
                        self.report_failure(now, id, Status::INVALID_IMAGE, Outcome::InvalidImage);
                    }
                    // A device-specific file is never one of several images, because such a file is complete by itself.
                    VerifyResult::NeedsMore(_) if Self::is_specific(id) => self.begin_upgrade_end(now),
                    VerifyResult::NeedsMore(next) if S::ABILITIES.several_images => {
                        self.enter(NoFile::Reporting {
                            id,
                            status: Status::REQUIRE_MORE_IMAGE,
                            after: AfterReport::More(next, image.header),
                            pending: PendingRequest::due_at(now),
                        })
                    }
                    VerifyResult::NeedsMore(_) | VerifyResult::Abandon => {
                        self.report_failure(now, id, Status::ABORT, Outcome::Cancelled)
                    }
                }
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Apply`] with the result of switching the device to the image. After [`ApplyResult::Done`] the
    /// [`identity`](Self::identity) of the client has the new version.
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[inline(never)]
    pub fn applied(&mut self, now: Instant, ticket: Ticket, result: ApplyResult) -> Result<(), StaleTicket> {
        let now = self.ticks(now);
        match self.state {
            State::Image(image, ImageStage::Applying) if self.is_current(ticket) => {
                match result {
                    ApplyResult::Done => self.finish_upgrade(now, image),
                    ApplyResult::Failed => {
                        self.record_failed_image(now, image);
                        self.end_upgrade(now, Outcome::ApplyFailed);
                    }
                }
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Answers [`Need::Credentials`] with the result of obtaining security credentials.
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[inline(never)]
    pub fn credentials_obtained(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: CredentialResult,
    ) -> Result<(), StaleTicket> {
        let now = self.ticks(now);
        match self.state {
            State::Image(image, ImageStage::AwaitingCredentials { needed }) if self.is_current(ticket) => {
                match result {
                    CredentialResult::Ready => {
                        self.credential = Some(needed);
                        self.ask_for_upgrade_end(now);
                    }
                    CredentialResult::Missing => {
                        self.report_failure(now, image.id(), Status::ABORT, Outcome::NoCredentials);
                    }
                }
                Ok(())
            }
            _ => Err(StaleTicket),
        }
    }

    /// Refuses any need, also a need that the application does not know because a later version of this crate added the
    /// need. The following table shows how the client continues after the refusal of each need:
    ///
    /// | need | consequence |
    /// |---|---|
    /// | `Decide` | as [`refuse`](Self::refuse) |
    /// | `Prepare` | the upgrade ends with [`Outcome::StorageFault`], without another attempt |
    /// | `Verify` | as [`VerifyResult::Abandon`]: the upgrade ends |
    /// | `Apply` | as [`ApplyResult::Failed`]: the upgrade ends, the old image runs |
    /// | `FindServer`, `NetworkAddress`, `LinkKey` | the search has failed; the next search starts after `discovery_interval` |
    /// | `IeeeAddress` | the client continues without the IEEE address |
    /// | `Credentials` | as [`CredentialResult::Missing`]: the upgrade ends |
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with the ticket of `need`. A failed call changes
    /// nothing in the client.
    pub fn decline(&mut self, now: Instant, need: Need) -> Result<(), StaleTicket> {
        match need {
            Need::Decide(ticket, _) => self.refuse(now, ticket),
            Need::Prepare(ticket, _) => match self.state {
                State::NoFile(NoFile::Erasing { .. }) if self.is_current(ticket) => {
                    let now = self.ticks(now);
                    self.end_upgrade(now, Outcome::StorageFault);
                    Ok(())
                }
                _ => Err(StaleTicket),
            },
            Need::Verify(ticket, _) => self.verified(now, ticket, VerifyResult::Abandon),
            Need::Apply(ticket, _) => self.applied(now, ticket, ApplyResult::Failed),
            Need::FindServer(ticket, _) => self.server_found(now, ticket, None),
            Need::NetworkAddress(ticket, _) => self.network_address_resolved(now, ticket, None),
            Need::IeeeAddress(ticket, _) => self.ieee_address_resolved(ticket, None),
            Need::LinkKey(ticket, ..) => self.link_key_established(now, ticket, false),
            Need::Credentials(ticket, _) => self.credentials_obtained(now, ticket, CredentialResult::Missing),
        }
    }

    /// Starts a query for an image now. The next periodic query follows one query interval after this query.
    ///
    /// The client also sends the query during an upgrade that waits: during a pause of the download, after
    /// WAIT_FOR_DATA, and before the upgrade time. If the server answers the query with an offer of the image that the
    /// client is downloading or has downloaded, the upgrade to the image continues at once.
    ///
    /// # Errors
    /// The call fails if a query is in progress, or if an upgrade is in progress that neither is paused nor waits for
    /// the server.
    #[doc(alias = "esp_zb_ota_upgrade_client_query_image_req")]
    #[inline(never)]
    pub fn query(&mut self, now: Instant) -> Result<(), Busy> {
        let now = self.ticks(now);
        match &self.state {
            State::NoFile(NoFile::Idle { .. }) => {
                self.search_now();
                self.refused_version = FileVersion::ANY;
                self.begin_query(now, QueryCause::Application);
                return Ok(());
            }
            State::Download(_, DownloadStage::Paused { .. })
            | State::Image(_, ImageStage::Waiting { .. } | ImageStage::CountingDown { .. }) => {}
            State::Download(download, DownloadStage::Downloading) if download.is_told_to_wait(now) => {}
            State::Image(_, ImageStage::Ending { pending, .. }) if !pending.is_in_flight() => {}
            _ => return Err(Busy),
        }
        self.search_now();
        self.refused_version = FileVersion::ANY;
        self.begin_second_query(now, QueryCause::Application, self.settings.config().max_query_attempts);
        Ok(())
    }

    /// Starts a query for a device-specific file: security credentials, configuration or a log (section 6.10.11).
    ///
    /// The version in `id` is the requested file version, or [`FileVersion::ANY`] for any version. `stack` is the stack
    /// version of the running or downloaded image for which the file is meant. The client can query a device-specific
    /// file while the client is idle, and while an image waits for security credentials.
    ///
    /// # Errors
    /// The call fails if a query or an upgrade is in progress, if the image type is not a type of device-specific
    /// files, if the IEEE address of the device is not configured, or if the settings leave device-specific files out.
    #[inline(never)]
    pub fn query_specific_file(
        &mut self,
        now: Instant,
        id: ImageId,
        stack: StackVersion,
    ) -> Result<(), SpecificFileError> {
        let now = self.ticks(now);
        if !S::ABILITIES.specific_files {
            return Err(SpecificFileError::Disabled);
        }
        if !Self::is_specific(id) {
            return Err(SpecificFileError::NotASpecificType);
        }
        if self.settings.config().identity.node.is_none() {
            return Err(SpecificFileError::NoAddress);
        }
        let next = match self.state {
            State::NoFile(NoFile::Idle { query_at }) => query_at,
            State::Image(image, ImageStage::AwaitingCredentials { .. }) => {
                self.suspended = Some(image);
                self.next_query_at(now)
            }
            _ => return Err(SpecificFileError::Busy),
        };
        self.search_now();
        self.specific_stack = stack;
        self.begin_query_for(now, QueryTarget { id, stack }, next, QueryCause::Application);
        Ok(())
    }

    /// After a restart, continues the upgrade that `checkpoint` describes, without a new query.
    ///
    /// The storage of the application must hold the bytes below `checkpoint.received`, and must be erased for all other
    /// bytes of the file. A client that resumes an upgrade returns neither [`Need::Decide`] nor [`Need::Prepare`] for
    /// the file, and [`Need::Verify`] only if the file was not verified before the restart.
    ///
    /// A client that resumes a download first requests the header and the last stored block again, and compares their
    /// checksums with the checksums in the checkpoint. The client sends the first block request after a random delay,
    /// which is at most ten seconds and at most [`query_spread`](super::ClientConfig::query_spread). If three attempts
    /// of the first block request stay unanswered, or if the server no longer has the file, the client sends a query
    /// and keeps all stored bytes.
    ///
    /// # Errors
    /// The call fails if a query or an upgrade is in progress.
    #[inline(never)]
    pub fn resume(&mut self, now: Instant, checkpoint: Checkpoint) -> Result<(), Busy> {
        let State::NoFile(NoFile::Idle { query_at }) = self.state else { return Err(Busy) };
        let Checkpoint { offer, received, header, stage, pending_images, .. } = checkpoint;
        (self.download_start, self.pending_images) = (now, pending_images);
        let now = self.ticks(now);
        let is_clean = false;
        match (stage, header) {
            (CheckpointStage::ImagesRetained, _) => self.enter(NoFile::Idle { query_at }),
            (CheckpointStage::Verified, Some(header)) => {
                self.begin_stored_upgrade_end(now, StoredImage { offer, header, is_clean });
            }
            (_, Some(header)) if received >= offer.size => {
                self.enter_image(StoredImage { offer, header, is_clean }, ImageStage::Verifying);
            }
            // Without header facts the download starts at offset 0, because the client reads the header only from
            // arriving blocks and not from storage.
            _ => {
                let at = now.plus(self.random_delay(RESUME_SPREAD));
                self.push_event(ClientEvent::Started(offer));
                self.enter_download(offer, at);
                if let State::Download(download, _) = &mut self.state {
                    download.restore(&checkpoint, self.settings.config(), &mut self.rtt);
                }
            }
        }
        Ok(())
    }

    /// Cancels the upgrade at any stage before the image is applied. If the download has started, the client sends an
    /// Upgrade End Request with the status ABORT to the server.
    ///
    /// # Errors
    /// The call fails while the application applies the image.
    #[doc(alias = "cancel")]
    #[inline(never)]
    pub fn abort(&mut self, now: Instant) -> Result<(), Busy> {
        let now = self.ticks(now);
        let id = match &self.state {
            State::NoFile(NoFile::Reporting { .. }) => return Ok(()),
            State::NoFile(NoFile::Idle { .. }) if !self.has_pending_images() => return Ok(()),
            State::NoFile(_) => {
                self.end_upgrade(now, Outcome::Cancelled);
                return Ok(());
            }
            State::Image(_, ImageStage::Applying) => return Err(Busy),
            State::Download(download, _) => download.offer.id,
            State::Image(image, _) => image.id(),
        };
        self.report_failure(now, id, Status::ABORT, Outcome::Cancelled);
        Ok(())
    }

    /// Starts to apply the verified image now: the client returns [`Need::Apply`], and waits neither for an Upgrade End
    /// Response nor for the upgrade time in an Upgrade End Response.
    ///
    /// # Errors
    /// The call fails if the client has no verified image, if the verified image waits for security credentials or is
    /// being applied, or while the application decides on an offer.
    #[inline(never)]
    pub fn activate(&mut self) -> Result<(), NothingToActivate> {
        match self.state {
            State::Image(
                _,
                ImageStage::Ending { .. }
                | ImageStage::Waiting { .. }
                | ImageStage::AwaitingActivation
                | ImageStage::CountingDown { .. },
            ) => {
                self.enter_image_stage(ImageStage::Applying);
                Ok(())
            }
            _ => Err(NothingToActivate),
        }
    }

    /// Sets the time between two periodic queries, counted from `now`; `None` stops periodic queries. A change of the
    /// query interval has no effect on a download in progress. Even without periodic queries, the client sends a query
    /// after an Image Notify or a call of [`query`](Self::query).
    #[inline(never)]
    pub fn set_query_interval(&mut self, now: Instant, interval: Option<Millis>) {
        let now = self.ticks(now);
        self.query_interval = interval;
        let due = self.next_query_at(now);
        if let State::NoFile(NoFile::Idle { query_at: next } | NoFile::Querying { next, .. }) =
            &mut self.state
        {
            *next = due;
        }
    }

    /// Stops periodic queries, as [`set_query_interval`](Self::set_query_interval) with `None` does.
    pub fn stop_queries(&mut self, now: Instant) {
        self.set_query_interval(now, None);
    }

    /// Sets the UTC time of the device at `now`; `None` means that the device has no UTC clock. Without a UTC clock,
    /// the client computes its waiting time from the two times in a response: the upgrade time or request time, minus
    /// the current time of the server (table 18).
    ///
    /// If the clocks of server and device agreed when the Upgrade End Response arrived, a countdown to an upgrade ends
    /// at the upgrade time in UTC, even if a later call of `set_utc` changes the time of the device.
    #[inline(never)]
    pub fn set_utc(&mut self, now: Instant, utc: Option<UtcTime>) {
        (self.utc_set_at, self.utc) = (now, utc.unwrap_or(super::NO_CLOCK));
        let now = self.ticks(now);
        self.adjust_countdown(now);
    }

    /// Returns the file whose verification or boot failed most recently; `None` if no file failed since the last
    /// upgrade. The application persists the returned [`FailedImage`], and passes it to the client after a restart as
    /// [`ClientConfig::failed_image`](super::ClientConfig::failed_image).
    #[must_use]
    pub const fn failed_image(&self) -> Option<FailedImage> {
        self.failed_image
    }

    /// Sets the image that failed before a restart, unless the settings name a failed image.
    #[cfg(feature = "device")]
    pub(crate) fn restore_failed_image(&mut self, failed_image: Option<FailedImage>) {
        self.failed_image = self.failed_image.or(failed_image);
    }

    /// Returns the state of the upgrade that the application persists for a restart; `None` if there is no upgrade to
    /// resume.
    ///
    /// The bytes of a block count as received only after the application has called [`stored`](Self::stored) for the
    /// block.
    #[doc(alias = "persist")]
    #[must_use]
    #[inline(never)]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let (image, stage) = match &self.state {
            // The checkpoint describes the suspended image and not the file with credentials, because the download of
            // the image took longer.
            _ if self.suspended_image().is_some() => (self.suspended_image(), CheckpointStage::Verified),
            State::Download(download, _) => return Some(download.checkpoint(self.pending_images)),
            State::Image(image, _) if self.state.verified_image().is_some() => {
                (Some(image), CheckpointStage::Verified)
            }
            State::Image(image, _) => (Some(image), CheckpointStage::Downloading),
            State::NoFile(_) if self.has_pending_images() => (None, CheckpointStage::ImagesRetained),
            State::NoFile(_) => return None,
        };
        let offer = image.map_or(ImageOffer { id: self.next_image(), size: 0 }, |image| image.offer);
        Some(Checkpoint {
            offer,
            received: offer.size,
            header: image.map(|image| image.header),
            sums: None,
            stage,
            pending_images: self.pending_images,
        })
    }

    /// Returns whether `ticket` is the ticket of the current state of the client.
    fn is_current(&self, ticket: Ticket) -> bool {
        ticket == Ticket(self.generation)
    }
}
