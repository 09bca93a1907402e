//! Events of a client and the outcome of an upgrade, with the reasons for which an upgrade pauses, ends or is skipped.
//!
//! ```text
//! ClientEvent --OfferSkipped--> SkipReason      Ended --> Outcome --HeaderMismatch--> HeaderField
//!             --DownloadPaused--> PauseReason --> UnusableAnswer   --NotForThisDevice--> DeviceMismatch
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use core::fmt;

use crate::time::{Instant, Millis, UtcTime};
use crate::types::{Eui64, HardwareRange, ImageId};
use crate::zcl::{ImageOffer, Status};

use super::DownloadProgress;

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
    /// the given time. If the server answers a query during the pause by an offer of the downloaded image, the download
    /// continues.
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

/// Outcome of an upgrade, given by [`ClientEvent::Ended`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Outcome {
    /// The device runs the new image.
    Upgraded(ImageId),
    /// The device-specific file is downloaded and verified.
    Received(ImageId),
    /// The application refused the offer of the image.
    Refused,
    /// The application cancelled the upgrade.
    Cancelled,
    /// The storage of the device could not be prepared or is defective.
    StorageFault,
    /// The server answered a block request with ABORT.
    ServerAborted,
    /// The server withdrew the image: the server answered NO_IMAGE_AVAILABLE to three consecutive requests. The client
    /// then paused the download for [`max_pause`](super::ClientConfig::max_pause), and the server did not offer the
    /// image again during the pause.
    ImageGone,
    /// The server answered too many consecutive requests with an error. The variant holds the status of the last error
    /// response.
    ServerErrors(Status),
    /// The server sent too many consecutive block responses without data.
    EmptyBlocks,
    /// The server sent too many consecutive blocks shorter than [`write_size`](super::ClientConfig::write_size).
    ShortBlocks,
    /// The server does not support device-specific files.
    SpecificFilesUnsupported,
    /// The server stopped answering the requests of the client during the upgrade.
    ServerSilent,
    /// The server answered block requests only with answers that the client cannot use. The variant holds the fault of
    /// the last unusable answer.
    UnusableAnswers(UnusableAnswer),
    /// The application accepted another image before the device switched to the image of the upgrade, or the server
    /// offered another image while the download was paused and still did so when the pause had lasted for
    /// [`max_pause`](super::ClientConfig::max_pause).
    Replaced,
    /// The header of the file cannot be decoded. The variant holds the fault of the header. To find the offset of the
    /// wrong byte, an application can call [`FileHeader::parse_known`](crate::file::FileHeader::parse_known) on the
    /// first bytes of the file.
    HeaderUnreadable(HeaderFault),
    /// The header of the file contradicts the offer. The variant holds a field whose value in the header differs from
    /// the value in the offer, and both values.
    HeaderMismatch(HeaderMismatch),
    /// The file is for other hardware or for another device; the variant holds the hardware range or device for which
    /// the file is.
    NotForThisDevice(DeviceMismatch),
    /// The application answered that the file is invalid.
    InvalidImage,
    /// The security credentials that the file requires cannot be obtained.
    NoCredentials,
    /// The server refused the upgrade after the download. The variant holds the status with which the server answered
    /// the Upgrade End Request.
    UpgradeRefused(Status),
    /// The device could not switch to the new image.
    ApplyFailed,
}

impl Outcome {
    /// Returns the image that was applied or the file that was received; `None` for a failure.
    #[must_use]
    pub const fn id(&self) -> Option<ImageId> {
        match self {
            Self::Upgraded(id) | Self::Received(id) => Some(*id),
            Self::Refused
            | Self::Cancelled
            | Self::StorageFault
            | Self::ServerAborted
            | Self::ImageGone
            | Self::ServerErrors(_)
            | Self::EmptyBlocks
            | Self::ShortBlocks
            | Self::SpecificFilesUnsupported
            | Self::ServerSilent
            | Self::UnusableAnswers(_)
            | Self::Replaced
            | Self::HeaderUnreadable(_)
            | Self::HeaderMismatch(_)
            | Self::NotForThisDevice(_)
            | Self::InvalidImage
            | Self::NoCredentials
            | Self::UpgradeRefused(_)
            | Self::ApplyFailed => None,
        }
    }
}

/// Writes the outcome of an upgrade as one line for a log.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Upgraded(id) => return write!(f, "the device runs {id}"),
            Self::Received(id) => return write!(f, "{id} is received and verified"),
            Self::ServerErrors(last) => {
                return write!(f, "the server answers with errors, the last one {last}");
            }
            Self::UnusableAnswers(answer) => return write!(f, "the server sends {answer}"),
            Self::Replaced => "another image replaces the image",
            Self::HeaderUnreadable(fault) => {
                return write!(f, "the file's header cannot be decoded: {fault}");
            }
            Self::HeaderMismatch(mismatch) => return mismatch.fmt(f),
            Self::NotForThisDevice(mismatch) => return mismatch.fmt(f),
            Self::UpgradeRefused(status) => return write!(f, "the server refuses the upgrade with {status}"),
            Self::Refused => "the application refuses the offer",
            Self::Cancelled => "the application cancels the upgrade",
            Self::StorageFault => "storage fails",
            Self::ServerAborted => "the server aborts the upgrade",
            Self::ImageGone => "the server no longer has the image",
            Self::EmptyBlocks => "the server sends blocks without data",
            Self::ShortBlocks => "the server sends blocks shorter than storage can write",
            Self::SpecificFilesUnsupported => "the server does not support device specific files",
            Self::ServerSilent => "the server does not answer",
            Self::InvalidImage => "the application finds the file invalid",
            Self::NoCredentials => "the security credentials for the file cannot be obtained",
            Self::ApplyFailed => "the device cannot switch to the image",
        };
        f.write_str(text)
    }
}

/// Reason for which the header of a file cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HeaderFault {
    /// The file does not begin with the identifier of OTA files, 0x0BEEF11E (section 6.3.2.1).
    NotAnOtaFile,
    /// The major part of the header version is not 1 (section 6.3.2.2).
    UnsupportedVersion,
    /// The header length is too small for the fields that the field control announces (section 6.3.2.3).
    HeaderTooShort,
    /// The total image size is less than the header length (section 6.3.2.10).
    TotalTooSmall,
    /// The file ends within its header.
    Truncated,
}

/// Writes the fault of a file header as part of one line for a log.
impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnOtaFile => "no OTA file, the identifier 0x0beef11e is missing",
            Self::UnsupportedVersion => "the header version is not 0x01XX",
            Self::HeaderTooShort => "the header length is less than the fields of the header take",
            Self::TotalTooSmall => "the total image size is less than the header length",
            Self::Truncated => "the file ends within the header",
        })
    }
}

/// Difference between the header of a file and the offer of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct HeaderMismatch {
    /// Field whose value in the header differs from the value in the offer.
    pub field: HeaderField,
    /// Value in the offer of the field that differs between offer and header.
    pub offered: u32,
    /// Value in the header of the field that differs between offer and header.
    pub found: u32,
}

/// Writes the difference between header and offer in the form `the file's header has file version 0x00000007, but the
/// offer 0x00000006`. The line shows sizes in decimal, and the values of all other fields in hexadecimal.
impl fmt::Display for HeaderMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, offered, found } = *self;
        match field {
            HeaderField::Manufacturer => {
                write!(
                    f,
                    "the file's header has manufacturer code {found:#06x}, but the offer {offered:#06x}"
                )
            }
            HeaderField::ImageType => {
                write!(f, "the file's header has image type {found:#06x}, but the offer {offered:#06x}")
            }
            HeaderField::Version => {
                write!(f, "the file's header has file version {found:#010x}, but the offer {offered:#010x}")
            }
            HeaderField::Size => {
                write!(
                    f,
                    "the file's header has a total image size of {found} bytes, but the offer {offered}"
                )
            }
        }
    }
}

/// Field that both the offer of a file and the header of the file have.
// Exhaustive: the response to a query has no other field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum HeaderField {
    /// Manufacturer code of the file (section 6.3.2.5).
    Manufacturer,
    /// Image type of the file (section 6.3.2.6).
    ImageType,
    /// Version of the file (section 6.3.2.7).
    Version,
    /// Total image size of the file in bytes (section 6.3.2.10).
    Size,
}

/// Reason for which a file is not meant for the device that downloads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DeviceMismatch {
    /// The hardware range of the file does not contain the hardware version of the device (section 6.3.2.13). The
    /// variant holds the hardware range of the file.
    Hardware(HardwareRange),
    /// The upgrade file destination of the file is the given device, which is not this device (section 6.3.2.12).
    Destination(Eui64),
    /// The upgrade file destination has the bytes of this device's IEEE address in reverse order. The image builder of
    /// espressif can write files with a reversed destination.
    /// [`accept_reversed_destination`](super::ClientConfig::accept_reversed_destination) lets the client accept files
    /// with a reversed destination.
    ReversedDestination,
    /// The file was fetched as a device-specific file but names no device (section 6.10.11.4).
    NoDestination,
}

/// Writes the reason for which a file is not for this device as part of one line for a log.
impl fmt::Display for DeviceMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hardware(HardwareRange { min, max }) => {
                write!(f, "the file is for hardware versions {min} to {max}")
            }
            Self::Destination(device) => write!(f, "the file is for the device {device}"),
            Self::ReversedDestination => {
                f.write_str("the destination of the file is this device's IEEE address in reverse byte order")
            }
            Self::NoDestination => f.write_str("the device-specific file names no device"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    const ID: ImageId = ImageId::new(0x115f, 0x0101, 0x1a2c);

    #[test]
    fn outcomes_print_as_lines_of_a_log() {
        let fault = HeaderFault::Truncated;
        for (outcome, text) in [
            (Outcome::Upgraded(ID), std::format!("the device runs {ID}")),
            (Outcome::Received(ID), std::format!("{ID} is received and verified")),
            (
                Outcome::ServerErrors(Status::INVALID_FIELD),
                std::format!("the server answers with errors, the last one {}", Status::INVALID_FIELD),
            ),
            (Outcome::HeaderUnreadable(fault), std::format!("the file's header cannot be decoded: {fault}")),
            (Outcome::ServerSilent, "the server does not answer".into()),
        ] {
            assert_eq!(outcome.to_string(), text);
        }
    }

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
}
