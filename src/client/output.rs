//! Outputs of a client and the results with which the application answers: actions, needs, events, outcomes.
//!
//! ```text
//! handle_frame -> ClientAction     poll_need -> Need          poll_event -> ClientEvent     waiting_for -> WaitingFor
//!                 Store: stored           answer by ticket
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use core::fmt;

use crate::error::DecodeError;
use crate::time::{Instant, Millis};
use crate::types::{Eui64, ImageId, SecurityCredentialVersion};
use crate::zcl::{Frame, ImageOffer, Status, Violation};

/// Result of [`Client::handle_frame`](super::Client::handle_frame).
///
/// Actions that a later version of this crate adds can be ignored without harm to the upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a block must be stored and its ticket answered"]
#[non_exhaustive]
pub enum ClientAction<'f> {
    /// The frame was handled; nothing is left to do.
    Done,
    /// The frame holds a block of the file: store it, then call [`Client::stored`](super::Client::stored).
    #[doc(alias = "block response")]
    Store(Block<'f>),
    /// The frame reads, discovers or writes attributes of the client: encode the answer with
    /// [`AttributeSnapshot::answer`](crate::zcl::AttributeSnapshot::answer) of
    /// [`Client::attributes`](super::Client::attributes), and send it to the sender of the frame. The answer can be
    /// longer than any other frame of a client.
    AnswerAttributes(Frame<'f>),
    /// The frame was ignored and changed nothing.
    Ignored(ClientIgnored),
}

/// Reason for which a frame was ignored. An invalid unicast frame is answered with a Default Response nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ClientIgnored {
    /// The frame cannot be decoded.
    #[error(transparent)]
    Unreadable(DecodeError),
    /// The frame can be decoded, but a field has a forbidden value.
    #[error(transparent)]
    Invalid(Violation),
    /// The response does not match the request: another image, offset or length, or a time in the past (sections
    /// 6.10.5.5.1, 6.10.8.5.1 and 6.10.10.5.1).
    #[error("the response does not match the request")]
    Mismatch,
    /// The sender is not the server in use.
    #[error("the sender is not the server in use")]
    NotFromServer,
    /// The frame has no APS security, which the configuration requires.
    #[error("the frame has no APS security, which is required")]
    NoApsSecurity,
    /// The frame is addressed to a server, or its command does not belong to the cluster.
    #[error("the frame is for a server or no command of the cluster")]
    NotForClients,
    /// The client does not support the command.
    #[error("the client does not support the command")]
    Unsupported,
    /// A response was sent by broadcast or multicast, or any frame was if the configuration requires unicast.
    #[error("the frame was not sent by unicast")]
    NotUnicast,
    /// The frame is addressed to other devices: by its image type or version, or because the query jitter of an Image
    /// Notify excluded this device.
    #[error("the frame is for other devices")]
    NotForThisDevice,
    /// No request waits for the frame: a duplicate, data that is stored already, an Upgrade End Response without an
    /// image.
    #[error("no request waits for the frame")]
    Unexpected,
    /// An Upgrade End Response gives an upgrade time, but only the application may start the upgrade. The server got
    /// NOT_AUTHORIZED.
    #[error("only the application may start the upgrade")]
    NotAuthorized,
}

/// Block of the file that the application stores at its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Block<'f> {
    /// Ticket for [`Client::stored`](super::Client::stored).
    pub ticket: Ticket,
    /// Offset of the first byte from the start of the file.
    pub offset: u32,
    /// Data, borrowed from the frame.
    pub data: &'f [u8],
}

/// Identifier of one need or block. A ticket is valid for one answer, while the client waits for that answer.
// No serde: a ticket means nothing to another client, nor to this one after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ticket(pub(super) u32);

/// Error of an answer whose ticket the client no longer waits for. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("the client does not wait for this answer any more")]
pub struct StaleTicket;

/// Error of a call that needs an idle client while a query or an upgrade is in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("a query or an upgrade is in progress")]
pub struct Busy;

/// Error of [`Client::query_specific_file`](super::Client::query_specific_file).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SpecificFileError {
    /// A query or an upgrade is in progress.
    #[error("a query or an upgrade is in progress")]
    Busy,
    /// The image type is not one of those for device specific files (0xFFC0 to 0xFFFE).
    #[error("the image type is not one of a device specific file")]
    NotASpecificType,
    /// The IEEE address of the device is not configured.
    #[error("the IEEE address of the device is not configured")]
    NoAddress,
}

/// Error of [`Client::activate`](super::Client::activate): no image is ready to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("no image is ready to be applied")]
pub struct NothingToActivate;

/// Request of the client to the application.
///
/// The last five needs depend on the configuration: a server that is unknown or may be searched for, a link key, a file
/// that requires other security credentials.
///
/// # Unknown needs
///
/// A later version of this crate may add a need. [`Client::decline`](super::Client::decline) answers every need,
/// also an unknown one, so that the client continues: end each `match` with `need => client.decline(now, need)?`. A new need
/// never occurs with the settings of today, or is one whose refusal costs no more than the upgrade that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Need {
    /// Accept or refuse an image: [`Client::accept`](super::Client::accept), [`refuse`](super::Client::refuse).
    Decide(Ticket, ImageOffer),
    /// Prepare storage for the whole file (erase, unlock): [`Client::prepared`](super::Client::prepared).
    Prepare(Ticket, ImageOffer),
    /// Verify the stored file, its signature (`signature::Verifier`) before any other part of it is used:
    /// [`Client::verified`](super::Client::verified). espressif's CHECK.
    Verify(Ticket, ImageOffer),
    /// Switch to the image now, and to the [pending images](super::Client::pending_images) before it:
    /// [`Client::applied`](super::Client::applied). espressif's APPLY.
    #[doc(alias = "upgrade")]
    Apply(Ticket, ImageId),
    /// Send a match descriptor request with [`CLUSTER_ID`](crate::zcl::CLUSTER_ID) as the only input cluster, to the node
    /// with this network address or, if `None`, by broadcast: [`Client::server_found`](super::Client::server_found).
    FindServer(Ticket, Option<u16>),
    /// Send a network address request for this IEEE address:
    /// [`Client::network_address_resolved`](super::Client::network_address_resolved).
    NetworkAddress(Ticket, Eui64),
    /// Send an IEEE address request for this network address:
    /// [`Client::ieee_address_resolved`](super::Client::ieee_address_resolved).
    IeeeAddress(Ticket, u16),
    /// Establish a link key with the node of this network address:
    /// [`Client::link_key_established`](super::Client::link_key_established).
    LinkKey(Ticket, u16, LinkKeyKind),
    /// Obtain security credentials of this version, for example by
    /// [`Client::query_specific_file`](super::Client::query_specific_file):
    /// [`Client::credentials_obtained`](super::Client::credentials_obtained).
    Credentials(Ticket, SecurityCredentialVersion),
}

/// Kind of a link key (section 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LinkKeyKind {
    /// Trust center link key; the server is the trust center.
    TrustCenter,
    /// Application link key between the two nodes, requested from the trust center.
    Partner,
    /// Global link key, shared by all nodes.
    Global,
}

/// Answer to [`Need::Prepare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PrepareResult {
    /// Storage is ready for the whole file.
    Ready,
    /// Storage cannot hold the file; the upgrade ends.
    Fault,
}

/// Answer to [`ClientAction::Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StoreResult {
    /// The block is stored.
    Ok,
    /// Storage is busy and the block was not stored; the client requests it again.
    #[doc(alias = "back-pressure")]
    Busy,
    /// Storage is defective; the download ends.
    Fault,
}

/// Answer to [`Need::Verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum VerifyResult {
    /// The file is valid.
    Valid,
    /// The file is invalid; the upgrade ends.
    Invalid,
    /// The file is valid and is kept until another image of the device is downloaded: this one, in the version that runs
    /// now.
    NeedsMore(ImageId),
    /// The application cancels the upgrade.
    Abandon,
}

/// Answer to [`Need::Credentials`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CredentialResult {
    /// The device has the credentials, or does not need them.
    Ready,
    /// The credentials cannot be obtained; the upgrade ends.
    Missing,
}

/// Answer to [`Need::Apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ApplyResult {
    /// The device runs the new image.
    Done,
    /// The device still runs the old image.
    #[doc(alias = "rollback")]
    Failed,
}

/// Event of an upgrade, for a log or a user interface. No event needs an answer.
///
/// espressif's callbacks in their order: START is [`Started`](Self::Started), RECEIVE is [`ClientAction::Store`], CHECK
/// is [`Need::Verify`], APPLY is [`Need::Apply`], FINISH is [`Finished`](Self::Finished).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ClientEvent {
    /// A search found no server; the next search starts at this time. espressif's SERVER_NOT_FOUND.
    ServerNotFound(Instant),
    /// An Image Notify for this device arrived.
    Notified,
    /// A query ended without an offer: the status of the server, or `None` if the server did not answer.
    NoImage(Option<Status>),
    /// An offer was skipped without a question to the application.
    OfferSkipped(ImageOffer, SkipReason),
    /// The download starts or resumes. espressif's START.
    Started(ImageOffer),
    /// The server asked the client to wait (WAIT_FOR_DATA) until this time, or without an end for `None`.
    Paused(Option<Instant>),
    /// The server set the time of the upgrade.
    CountingDown(Instant),
    /// The server asked the client to wait for another Upgrade End Response.
    WaitingForUpgradeEnd,
    /// The image is ready, and only [`Client::activate`](super::Client::activate) starts the upgrade: the configuration
    /// does not let the server start it.
    WaitingForActivation,
    /// The image is verified and kept until another image of the device is downloaded.
    ImageRetained(ImageId),
    /// The device runs the image; [`Ended`](Self::Ended) follows. espressif's FINISH.
    Finished {
        /// New image.
        id: ImageId,
        /// Size of the file in bytes.
        size: u32,
        /// Time since the download started.
        duration: Millis,
    },
    /// The upgrade ended, with success or without. espressif's ABORT and ERROR.
    Ended(Outcome),
}

impl ClientEvent {
    /// Returns the image that the event is about, if it names one.
    #[must_use]
    pub const fn id(&self) -> Option<ImageId> {
        match self {
            Self::OfferSkipped(offer, _) | Self::Started(offer) => Some(offer.id),
            Self::ImageRetained(id) | Self::Finished { id, .. } => Some(*id),
            Self::Ended(outcome) => outcome.id(),
            Self::ServerNotFound(_)
            | Self::Notified
            | Self::NoImage(_)
            | Self::Paused(_)
            | Self::CountingDown(_)
            | Self::WaitingForUpgradeEnd
            | Self::WaitingForActivation => None,
        }
    }
}

/// One line for a log. Times are milliseconds of the caller's clock.
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
            Self::ImageRetained(id) => write!(f, "{id} kept until another image is downloaded"),
            Self::Finished { id, size, duration: Millis(millis) } => {
                write!(f, "the device runs {id}: {size} bytes in {millis} ms")
            }
            Self::Ended(outcome) => write!(f, "upgrade ended: {outcome}"),
        }
    }
}

/// Reason for which an offer was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SkipReason {
    /// The version runs, or is downloaded, already.
    SameVersion,
    /// The version is older than the running one.
    Older,
    /// The application refused the version since the last periodic query.
    Refused,
    /// The size is below that of a file header or above
    /// [`max_file_size`](super::ClientConfig::max_file_size).
    Size,
}

/// One phrase for a log.
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameVersion => "the version runs or is downloaded already",
            Self::Older => "the version is older than the running one",
            Self::Refused => "the application refused the version",
            Self::Size => "the size is below that of a header or above that of storage",
        })
    }
}

/// Outcome of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Outcome {
    /// The device runs the new image.
    Upgraded(ImageId),
    /// A device specific file is downloaded and verified.
    Received(ImageId),
    /// The application refused the offer.
    Refused,
    /// The application cancelled the upgrade.
    Cancelled,
    /// Storage could not be prepared or is defective.
    StorageFault,
    /// The server sent ABORT.
    ServerAborted,
    /// The server withdrew the image: three NO_IMAGE_AVAILABLE in a row.
    ImageGone,
    /// The server answered with too many errors in a row; this is the last one.
    ServerErrors(Status),
    /// The server sent too many block responses without data in a row.
    EmptyBlocks,
    /// The server sent too many blocks shorter than [`write_size`](super::ClientConfig::write_size) in a row.
    ShortBlocks,
    /// The server does not support device specific files.
    SpecificFilesUnsupported,
    /// The server does not answer any more.
    ServerSilent,
    /// The file's header cannot be decoded.
    HeaderUnreadable(DecodeError),
    /// The file's header contradicts the offer.
    HeaderMismatch,
    /// The file is for other hardware or for another device.
    NotForThisDevice,
    /// The application found the file invalid.
    InvalidImage,
    /// The security credentials that the file requires cannot be obtained.
    NoCredentials,
    /// The server refused the upgrade after the download.
    UpgradeRefused(Status),
    /// The device could not switch to the image.
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
            | Self::HeaderUnreadable(_)
            | Self::HeaderMismatch
            | Self::NotForThisDevice
            | Self::InvalidImage
            | Self::NoCredentials
            | Self::UpgradeRefused(_)
            | Self::ApplyFailed => None,
        }
    }
}

/// One line for a log.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Upgraded(id) => return write!(f, "the device runs {id}"),
            Self::Received(id) => return write!(f, "{id} is received and verified"),
            Self::ServerErrors(last) => {
                return write!(f, "the server answers with errors, the last one {last}");
            }
            Self::HeaderUnreadable(error) => {
                return write!(f, "the file's header cannot be decoded: {error}");
            }
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
            Self::HeaderMismatch => "the file's header contradicts the offer",
            Self::NotForThisDevice => "the file is for other hardware or another device",
            Self::InvalidImage => "the application finds the file invalid",
            Self::NoCredentials => "the security credentials for the file cannot be obtained",
            Self::ApplyFailed => "the device cannot switch to the image",
        };
        f.write_str(text)
    }
}

/// Cause of the next progress of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WaitingFor {
    /// An answer of the application to a need or a block.
    Application,
    /// An answer of the server. A device that sleeps should poll its parent often (section 6.5.1).
    Server,
    /// A timer, an Image Notify or a call of the application.
    Time,
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::error::DecodeErrorKind;

    const ID: ImageId = ImageId::new(0x115f, 0x0101, 0x1a2c);

    fn decode_error() -> DecodeError {
        let kind = DecodeErrorKind::Truncated { needed: 4, present: 1 };
        DecodeError { item: "OTA header", offset: 10, kind }
    }

    #[test]
    fn outcomes_and_ignored_frames_print_as_lines_of_a_log() {
        let error = decode_error();
        for (outcome, text) in [
            (Outcome::Upgraded(ID), std::format!("the device runs {ID}")),
            (Outcome::Received(ID), std::format!("{ID} is received and verified")),
            (
                Outcome::ServerErrors(Status::INVALID_FIELD),
                std::format!("the server answers with errors, the last one {}", Status::INVALID_FIELD),
            ),
            (Outcome::HeaderUnreadable(error), std::format!("the file's header cannot be decoded: {error}")),
            (Outcome::ServerSilent, "the server does not answer".into()),
        ] {
            assert_eq!(outcome.to_string(), text);
        }
        assert_eq!(ClientIgnored::Unreadable(error).to_string(), error.to_string());
        assert_eq!(ClientIgnored::Unexpected.to_string(), "no request waits for the frame");
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
