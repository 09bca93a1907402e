//! What the application wants of its own accord.
//!
//! ```text
//! start   query, query_specific_file, resume     end   abort     switch   activate
//! set     set_query_interval, stop_queries, set_utc              keep     checkpoint
//! ```

use crate::time::{Instant, Millis, UtcTime};
use crate::types::{FileVersion, ImageId, StackVersion};
use crate::zcl::Status;

use super::Client;
use super::checkpoint::{Checkpoint, CheckpointStage};
use super::output::{Busy, ClientEvent, NothingToActivate, Outcome, SpecificFileError};
use super::state::{Image, State, Wanted, is_specific};
use super::transfer::{Download, DownloadPhase};

impl<const RANGES: usize> Client<RANGES> {
    /// Asks the server now, and again after the interval.
    ///
    /// # Errors
    /// An upgrade, or a query, is under way.
    pub fn query(&mut self, now: Instant) -> Result<(), Busy> {
        match self.state {
            State::Idle { .. } => {
                self.hurry_search();
                self.refused = FileVersion::ANY;
                let asking = self.asking(now);
                self.enter(asking);
                Ok(())
            }
            _ => Err(Busy),
        }
    }

    /// Asks for a file made for this device: credentials, configuration, a log (section 6.10.11).
    ///
    /// `id` is the file with the version wanted, [`FileVersion::ANY`](crate::FileVersion::ANY) for whichever there is;
    /// `stack` is of the running image or of the one downloaded, whichever the file is for. It can be asked for when
    /// nothing goes on, and while an image waits for its security credentials.
    ///
    /// # Errors
    /// Something else is under way, the type is none of such a file, or the device's address is not known.
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
                self.held = Some(image);
                self.next_query(now)
            }
            _ => return Err(SpecificFileError::Busy),
        };
        self.hurry_search();
        let asking = self.asking_for(now, Wanted { id, stack }, next);
        self.enter(asking);
        Ok(())
    }

    /// Goes on where a device stood before it was restarted, without a new query.
    ///
    /// The application has the bytes below `checkpoint.received` in storage, and room for the rest: it is not asked to
    /// prepare any, decide or, for a file that was checked, verify again. If the server has the file no more, a query
    /// follows at once.
    ///
    /// # Errors
    /// An upgrade, or a query, is under way.
    pub fn resume(&mut self, now: Instant, checkpoint: Checkpoint) -> Result<(), Busy> {
        let State::Idle { .. } = self.state else { return Err(Busy) };
        let Checkpoint { offer, received, header, stage, kept } = checkpoint;
        (self.started, self.kept) = (now, kept);
        let next = match (stage, header) {
            (CheckpointStage::Verified, Some(header)) => self.complete(now, Image { offer, header }),
            (_, Some(header)) if received >= offer.size => {
                State::Verifying { image: Image { offer, header } }
            }
            // Without its header the file is begun anew, as that passes through only once.
            _ => {
                let download = Download::new(offer, now, &self.config);
                State::Downloading(download.resume_from(header, received, &self.config, &mut self.round_trip))
            }
        };
        if let State::Downloading(_) = next {
            self.events.push(ClientEvent::Started(offer));
        }
        self.enter(next);
        Ok(())
    }

    /// Ends the upgrade, whatever its stage; once data was asked for, the server is told.
    ///
    /// # Errors
    /// The device switches to the image already.
    pub fn abort(&mut self, now: Instant) -> Result<(), Busy> {
        let told = |id| Self::reporting(now, id, Status::ABORT, Outcome::Cancelled);
        let next = match self.state {
            State::Reporting { .. } => return Ok(()),
            State::Idle { .. } if self.kept.count == 0 => return Ok(()),
            State::Idle { .. } | State::Querying { .. } | State::Deciding { .. } | State::Erasing { .. } => {
                self.closed(now, Outcome::Cancelled)
            }
            State::Downloading(Download { offer, .. }) => told(offer.id),
            State::Verifying { image }
            | State::AwaitingCredentials { image, .. }
            | State::Ending { image, .. }
            | State::Waiting { image, .. }
            | State::AwaitingActivation { image }
            | State::CountingDown { image, .. } => told(image.id()),
            State::Applying { .. } => return Err(Busy),
        };
        self.enter(next);
        Ok(())
    }

    /// Switches to the image that is downloaded and checked, whatever the server says or said.
    ///
    /// # Errors
    /// There is none, or it waits for its security credentials.
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

    /// Sets the time between two queries, counted from now; `None` stops them. A download under way is not affected, and
    /// a notify or [`query`](Self::query) still leads to a query.
    pub fn set_query_interval(&mut self, now: Instant, interval: Option<Millis>) {
        self.config.query_interval = interval;
        let due = self.next_query(now);
        if let State::Idle { query_at: next } | State::Querying { next, .. } = &mut self.state {
            *next = due;
        }
    }

    /// Asks no more of its own accord.
    pub fn stop_queries(&mut self, now: Instant) {
        self.set_query_interval(now, None);
    }

    /// Tells the own clock, or that there is none (any more). Without one, times of the server's are taken as
    /// distances (table 18).
    pub fn set_utc(&mut self, now: Instant, utc: Option<UtcTime>) {
        (self.utc_told, self.utc) = (now, utc.unwrap_or(super::NO_CLOCK));
    }

    /// What is worth keeping over a restart: `None` while nothing is.
    ///
    /// Bytes that are being stored are not in it before [`stored`](Self::stored) said so.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let whole = |Image { offer, header }| (offer, offer.size, Some(header), CheckpointStage::Verified);
        let (offer, received, header, stage) = match &self.state {
            // An image is worth more than the credentials that it waits for.
            _ if self.held.is_some() => self.held.map(whole)?,
            State::Downloading(Download { offer, phase, .. }) => match phase {
                DownloadPhase::Header(_) => (*offer, 0, None, CheckpointStage::Downloading),
                DownloadPhase::Rest(header, received) => {
                    (*offer, received.watermark(), Some(*header), CheckpointStage::Downloading)
                }
            },
            State::Verifying { image: Image { offer, header } } => {
                (*offer, offer.size, Some(*header), CheckpointStage::Downloading)
            }
            state => state.downloaded().map(whole)?,
        };
        Some(Checkpoint { offer, received, header, stage, kept: self.kept })
    }
}
