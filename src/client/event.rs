//! Events of a client, with the reasons for which a download pauses and an offer is skipped. The outcome of an upgrade
//! is in the module `outcome`.
//!
//! ```text
//! ClientEvent --OfferSkipped--> SkipReason      Ended --> Outcome --HeaderMismatch--> HeaderField
//!             --DownloadPaused--> PauseReason --> UnusableAnswer   --NotForThisDevice--> DeviceMismatch
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

mod header_fault;
mod outcome;

use core::fmt;

use crate::time::{Instant, Millis, UtcTime};
use crate::types::ImageId;
use crate::zcl::{ImageOffer, Status};

use super::DownloadProgress;

pub use header_fault::{DeviceMismatch, HeaderFault, HeaderField, HeaderMismatch};
pub use outcome::Outcome;

/// Event of an upgrade that the application may log or display. The application need not answer an event.
///
/// The callbacks of espressif's client correspond to outputs of this client: START to [`Started`](Self::Started),
/// RECEIVE to [`ClientAction::Store`](super::ClientAction::Store), CHECK to [`Need::Verify`](super::Need::Verify),
/// APPLY to [`Need::Apply`](super::Need::Apply), and FINISH to [`Finished`](Self::Finished).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ClientEvent {
    /// A search found no server, and the next search starts at the given time. espressif calls this event
    /// SERVER_NOT_FOUND.
    ServerNotFound(Instant),
    /// An Image Notify for this device arrived.
    Notified,
    /// A query ended without an offer. The variant holds the status that the server answered, or `None` if the server
    /// did not answer.
    NoImage(Option<Status>),
    /// The client skipped an offer without asking the application.
    OfferSkipped(ImageOffer, SkipReason),
    /// The download of a file starts or resumes. espressif calls this event START.
    Started(ImageOffer),
    /// The server asked the client to wait (WAIT_FOR_DATA) until the given time; `None` means a wait without an end.
    Paused(Option<Instant>),
    /// The server scheduled the upgrade for the given time.
    CountingDown(Instant),
    /// The server answered the Upgrade End Request without an upgrade time, so that the client waits for another
    /// Upgrade End Response. While the client waits for another Upgrade End Response, it repeats the Upgrade End
    /// Request every hour.
    WaitingForUpgradeEnd,
    /// The image is ready, and only a call of [`Client::activate`](super::Client::activate) starts the upgrade, because
    /// the configuration does not let the server start the upgrade.
    WaitingForActivation,
    /// The download is paused for the given reason, and all stored bytes are kept. The client sends its next query at
    /// the given time. If the server answers a query during the pause by an offer of the image of the download, the
    /// download continues.
    DownloadPaused(PauseReason, Instant),
    /// During a pause of the download, the server has offered the image of the download again, or has sent blocks of
    /// the image again. The client has checked that the header and the last stored block on the server equal the stored
    /// bytes. The download continues at the file offset `received`.
    DownloadContinued(DownloadProgress),
    /// The server sends the bytes of another file under the identity of the given image. The client returns
    /// [`Need::Prepare`](super::Need::Prepare), and the download starts again from offset 0.
    FileReplaced(ImageOffer),
    /// The server answered the Upgrade End Request with the given error. The client keeps the image and repeats the
    /// Upgrade End Request. If the server answered ABORT or NO_IMAGE_AVAILABLE, the client sends a query before it
    /// repeats the Upgrade End Request.
    UpgradeEndRefused(Status),
    /// The server did not answer the Upgrade End Request, and the client repeats the request at the given time.
    UpgradeEndUnanswered(Instant),
    /// The clock of the server differs from the clock of the device by more than
    /// [`utc_tolerance`](super::ClientConfig::utc_tolerance). The client therefore waits for the difference between the
    /// current time and the upgrade time or request time in the response, whatever the clock of the device shows.
    ClocksDisagree {
        /// UTC time of the server, from its Upgrade End Response or its WAIT_FOR_DATA.
        server: UtcTime,
        /// UTC time of the device.
        own: UtcTime,
    },
    /// Storage could not be prepared, and the client asks for [`Need::Prepare`](super::Need::Prepare) again at the
    /// given time.
    PrepareFailed(Instant),
    /// The client cannot query, because no valid query can carry the given image as the running image: the version is
    /// 0xFFFFFFFF, or the image type is reserved. The application must correct the image in the configured
    /// [`Identity`](super::Identity) of the client.
    CannotQuery(ImageId),
    /// The given image is verified, and the device keeps it while the client downloads the next image that the device
    /// needs.
    ImageRetained(ImageId),
    /// The device runs the new image, and the event [`Ended`](Self::Ended) follows. espressif calls this event FINISH.
    Finished {
        /// New image, which the device runs now.
        id: ImageId,
        /// Size of the downloaded file in bytes.
        size: u32,
        /// Time from the start of the download to the event `Finished`.
        duration: Millis,
    },
    /// The upgrade ended, successfully or not. espressif calls an end without success ABORT or ERROR.
    Ended(Outcome),
}

impl ClientEvent {
    /// Returns the image that the event names; `None` if the event names no image.
    #[must_use]
    pub const fn id(&self) -> Option<ImageId> {
        match self {
            Self::OfferSkipped(offer, _) | Self::Started(offer) => Some(offer.id),
            Self::FileReplaced(offer) | Self::DownloadContinued(DownloadProgress { offer, .. }) => {
                Some(offer.id)
            }
            Self::ImageRetained(id) | Self::CannotQuery(id) | Self::Finished { id, .. } => Some(*id),
            Self::Ended(outcome) => outcome.id(),
            Self::ServerNotFound(_)
            | Self::Notified
            | Self::NoImage(_)
            | Self::Paused(_)
            | Self::CountingDown(_)
            | Self::WaitingForUpgradeEnd
            | Self::WaitingForActivation
            | Self::DownloadPaused(..)
            | Self::UpgradeEndRefused(_)
            | Self::UpgradeEndUnanswered(_)
            | Self::ClocksDisagree { .. }
            | Self::PrepareFailed(_) => None,
        }
    }
}

/// Writes the event as one line for a log. The times that a line shows are milliseconds of the caller's clock.
impl fmt::Display for ClientEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerNotFound(next) => {
                write!(f, "no server found, next search at {} ms", next.as_millis())
            }
            Self::Notified => f.write_str("image notify received"),
            Self::NoImage(Some(status)) => write!(f, "no image: the server answers {status}"),
            Self::NoImage(None) => f.write_str("no image: the server does not answer"),
            Self::OfferSkipped(offer, reason) => write!(f, "offer of {} skipped: {reason}", offer.id),
            Self::Started(offer) => write!(f, "download of {} started, {} bytes", offer.id, offer.size),
            Self::Paused(Some(until)) => {
                write!(f, "paused by the server until {} ms", until.as_millis())
            }
            Self::Paused(None) => f.write_str("paused by the server without an end"),
            Self::CountingDown(at) => write!(f, "upgrade scheduled for {} ms", at.as_millis()),
            Self::WaitingForUpgradeEnd => f.write_str("waiting for the server to schedule the upgrade"),
            Self::WaitingForActivation => f.write_str("waiting for the application to start the upgrade"),
            Self::DownloadPaused(reason, next) => {
                write!(f, "download paused: {reason}; next query at {} ms", next.as_millis())
            }
            Self::DownloadContinued(DownloadProgress { offer, received }) => {
                write!(f, "download of {} continues after {received} of {} bytes", offer.id, offer.size)
            }
            Self::FileReplaced(offer) => {
                write!(f, "the server has replaced the file of {}, the download starts again", offer.id)
            }
            Self::UpgradeEndRefused(status) => {
                write!(f, "the server answers the upgrade end request with {status}, the image is kept")
            }
            Self::UpgradeEndUnanswered(next) => write!(
                f,
                "the server does not answer the upgrade end request, next request at {} ms",
                next.as_millis()
            ),
            Self::ClocksDisagree { server: UtcTime(server), own: UtcTime(own) } => {
                write!(
                    f,
                    "the server's clock says {server} s and the own clock {own} s, the delay is relative"
                )
            }
            Self::PrepareFailed(next) => {
                write!(f, "storage cannot be prepared, next attempt at {} ms", next.as_millis())
            }
            Self::CannotQuery(id) => write!(f, "no query can carry the identity {id}"),
            Self::ImageRetained(id) => write!(f, "{id} kept until another image is downloaded"),
            Self::Finished { id, size, duration: Millis(millis) } => {
                write!(f, "the device runs {id}: {size} bytes in {millis} ms")
            }
            Self::Ended(outcome) => write!(f, "upgrade ended: {outcome}"),
        }
    }
}

/// Reason for which the client skipped an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SkipReason {
    /// The offered version is the running version, or has been downloaded already.
    SameVersion,
    /// The offered version is older than the running version.
    Older,
    /// The application has refused the offered version already, and no periodic query has followed the refusal.
    Refused,
    /// The offered size is below the size of a file header, or above
    /// [`max_file_size`](super::ClientConfig::max_file_size).
    Size,
    /// The offered file has failed its verification or its boot twice, see [`FailedImage`](super::FailedImage).
    FailedBefore,
}

/// Writes the reason for skipping an offer as one phrase for a log.
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameVersion => "the version runs or is downloaded already",
            Self::Older => "the version is older than the running one",
            Self::Refused => "the application refused the version",
            Self::Size => "the size is below that of a header or above that of storage",
            Self::FailedBefore => "the file has failed its verification or its boot twice",
        })
    }
}

/// Reason for which a download is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PauseReason {
    /// The server did not answer the block or page requests of the client.
    ServerSilent,
    /// The server answered block or page requests with answers that the client cannot use. The variant holds the fault
    /// of the last unusable answer.
    UnusableAnswers(UnusableAnswer),
    /// The server answered too many consecutive requests with an error. The variant holds the status of the last error
    /// response.
    ServerErrors(Status),
    /// The server answered NO_IMAGE_AVAILABLE to three consecutive requests.
    ImageGone,
    /// The server offers another image, which the application has refused.
    OtherOffer,
}

/// Writes the reason of a pause as one phrase for a log.
impl fmt::Display for PauseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outcome().fmt(f)
    }
}

impl PauseReason {
    /// Returns the outcome of an upgrade that ends because its download was paused for this reason and did not
    /// continue.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::ServerSilent => Outcome::ServerSilent,
            Self::UnusableAnswers(UnusableAnswer::Empty) => Outcome::EmptyBlocks,
            Self::UnusableAnswers(UnusableAnswer::TooShort) => Outcome::ShortBlocks,
            Self::UnusableAnswers(answer) => Outcome::UnusableAnswers(answer),
            Self::ServerErrors(status) => Outcome::ServerErrors(status),
            Self::ImageGone => Outcome::ImageGone,
            Self::OtherOffer => Outcome::Replaced,
        }
    }
}

/// Fault of an answer to a block or page request that the client cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UnusableAnswer {
    /// The received block is longer than [`max_block_size`](super::ClientConfig::max_block_size).
    TooLong,
    /// The received block is shorter than [`write_size`](super::ClientConfig::write_size).
    TooShort,
    /// The received block holds no data.
    Empty,
    /// The client has requested no block at the offset of the received block, or the received block reaches past the
    /// end of the file.
    OtherOffset,
    /// The manufacturer code, image type or file version of the received block differs from the request, because the
    /// server has another file.
    OtherImage,
    /// The client cannot decode the answer, such as a WAIT_FOR_DATA without times.
    Unreadable,
    /// The request time of WAIT_FOR_DATA lies before the current time of the server.
    TimeInPast,
}

/// Writes the fault of an unusable answer as one phrase for a log.
impl fmt::Display for UnusableAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "blocks longer than requested",
            Self::TooShort => "blocks shorter than storage can write",
            Self::Empty => "blocks without data",
            Self::OtherOffset => "blocks with an offset that was not requested",
            Self::OtherImage => "blocks of another image",
            Self::Unreadable => "responses that cannot be decoded",
            Self::TimeInPast => "WAIT_FOR_DATA with a time in the past",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::types::{Eui64, HardwareRange, HardwareVersion};

    const ID: ImageId = ImageId::new(0x115f, 0x0101, 0x1a2c);

    #[test]
    fn events_print_as_lines_of_a_log_and_name_their_image() {
        let offer = ImageOffer { id: ID, size: 100 };
        let later = Instant::from_millis(1500);
        let finished = ClientEvent::Finished { id: ID, size: 100, duration: Millis(7) };
        for (event, id, text) in [
            (ClientEvent::ServerNotFound(later), None, "no server found, next search at 1500 ms".into()),
            (ClientEvent::Notified, None, "image notify received".into()),
            (ClientEvent::NoImage(None), None, "no image: the server does not answer".into()),
            (
                ClientEvent::NoImage(Some(Status::NOT_AUTHORIZED)),
                None,
                std::format!("no image: the server answers {}", Status::NOT_AUTHORIZED),
            ),
            (
                ClientEvent::OfferSkipped(offer, SkipReason::Older),
                Some(ID),
                std::format!("offer of {ID} skipped: the version is older than the running one"),
            ),
            (ClientEvent::Started(offer), Some(ID), std::format!("download of {ID} started, 100 bytes")),
            (ClientEvent::Paused(Some(later)), None, "paused by the server until 1500 ms".into()),
            (ClientEvent::Paused(None), None, "paused by the server without an end".into()),
            (ClientEvent::CountingDown(later), None, "upgrade scheduled for 1500 ms".into()),
            (finished, Some(ID), std::format!("the device runs {ID}: 100 bytes in 7 ms")),
            (
                ClientEvent::ImageRetained(ID),
                Some(ID),
                std::format!("{ID} kept until another image is downloaded"),
            ),
            (
                ClientEvent::WaitingForUpgradeEnd,
                None,
                "waiting for the server to schedule the upgrade".into(),
            ),
            (
                ClientEvent::WaitingForActivation,
                None,
                "waiting for the application to start the upgrade".into(),
            ),
            (
                ClientEvent::DownloadPaused(PauseReason::ServerErrors(Status::FAILURE), later),
                None,
                std::format!(
                    "download paused: the server answers with errors, the last one {}; next query at 1500 ms",
                    Status::FAILURE
                ),
            ),
            (
                ClientEvent::DownloadContinued(DownloadProgress { offer, received: 64 }),
                Some(ID),
                std::format!("download of {ID} continues after 64 of 100 bytes"),
            ),
            (
                ClientEvent::FileReplaced(offer),
                Some(ID),
                std::format!("the server has replaced the file of {ID}, the download starts again"),
            ),
            (
                ClientEvent::UpgradeEndRefused(Status::ABORT),
                None,
                std::format!(
                    "the server answers the upgrade end request with {}, the image is kept",
                    Status::ABORT
                ),
            ),
            (
                ClientEvent::UpgradeEndUnanswered(later),
                None,
                "the server does not answer the upgrade end request, next request at 1500 ms".into(),
            ),
            (
                ClientEvent::ClocksDisagree { server: UtcTime(7), own: UtcTime(9) },
                None,
                "the server's clock says 7 s and the own clock 9 s, the delay is relative".into(),
            ),
            (
                ClientEvent::PrepareFailed(later),
                None,
                "storage cannot be prepared, next attempt at 1500 ms".into(),
            ),
            (ClientEvent::CannotQuery(ID), Some(ID), std::format!("no query can carry the identity {ID}")),
            (
                ClientEvent::Ended(Outcome::Received(ID)),
                Some(ID),
                std::format!("upgrade ended: {ID} is received and verified"),
            ),
            (
                ClientEvent::Ended(Outcome::Refused),
                None,
                "upgrade ended: the application refuses the offer".into(),
            ),
        ] {
            assert_eq!((event.to_string(), event.id()), (text, id));
        }
    }
    #[test]
    fn each_reason_has_a_text_of_its_own() {
        let mut texts = std::vec::Vec::new();
        for answer in [
            UnusableAnswer::TooLong,
            UnusableAnswer::TooShort,
            UnusableAnswer::Empty,
            UnusableAnswer::OtherOffset,
            UnusableAnswer::OtherImage,
            UnusableAnswer::Unreadable,
            UnusableAnswer::TimeInPast,
        ] {
            texts.push(answer.to_string());
            texts.push(PauseReason::UnusableAnswers(answer).to_string());
        }
        for reason in [PauseReason::ServerSilent, PauseReason::ImageGone, PauseReason::OtherOffer] {
            texts.push(reason.to_string());
        }
        for fault in [
            HeaderFault::NotAnOtaFile,
            HeaderFault::UnsupportedVersion,
            HeaderFault::HeaderTooShort,
            HeaderFault::TotalTooSmall,
            HeaderFault::Truncated,
        ] {
            texts.push(fault.to_string());
        }
        for mismatch in [
            DeviceMismatch::Hardware(HardwareRange { min: HardwareVersion(1), max: HardwareVersion(2) }),
            DeviceMismatch::Destination(Eui64(1)),
            DeviceMismatch::ReversedDestination,
            DeviceMismatch::NoDestination,
        ] {
            texts.push(mismatch.to_string());
        }
        for field in
            [HeaderField::Manufacturer, HeaderField::ImageType, HeaderField::Version, HeaderField::Size]
        {
            texts.push(HeaderMismatch { field, offered: 1, found: 2 }.to_string());
        }
        for reason in [
            SkipReason::SameVersion,
            SkipReason::Older,
            SkipReason::Refused,
            SkipReason::Size,
            SkipReason::FailedBefore,
        ] {
            texts.push(reason.to_string());
        }
        assert!(texts.iter().all(|text| text.len() > 10), "{texts:?}");
        let count = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), count, "{texts:?}");
    }
}
