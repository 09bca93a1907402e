//! What a client tells its caller, and what it asks for.
//!
//! ```text
//! handle_frame -> ClientAction     poll_need -> Need     poll_event -> ClientEvent     waiting_for -> WaitingFor
//!                 Store: stored           answers, by the ticket
//! ```

use core::fmt;

use crate::error::DecodeError;
use crate::time::{Instant, Millis};
use crate::types::{Eui64, ImageId, SecurityCredentialVersion};
use crate::zcl::{Frame, ImageOffer, Status, Violation};

/// What became of a frame that [`Client::handle_frame`](super::Client::handle_frame) took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a block must be stored and its ticket answered"]
pub enum ClientAction<'f> {
    /// It was taken.
    Done,
    /// It holds data: store it, then call [`Client::stored`](super::Client::stored).
    Store(Block<'f>),
    /// Somebody reads the client's attributes, asks which there are, or tries to write one: let
    /// [`AttributeSnapshot::answer`](crate::zcl::AttributeSnapshot::answer) of [`Client::attributes`](super::Client::attributes) write
    /// the answer, and send it to where the frame came from. It can be longer than any other frame of a client.
    AnswerAttributes(Frame<'f>),
    /// It changed nothing.
    Ignored(ClientIgnored),
}

/// Why a frame changed nothing. An invalid one that came by unicast is answered by a Default Response all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ClientIgnored {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(DecodeError),
    /// It can be read, but breaks a rule.
    #[error(transparent)]
    Invalid(Violation),
    /// It does not fit what was asked: another image, offset or length, or a time that is past (sections 6.10.5.5.1,
    /// 6.10.8.5.1 and 6.10.10.5.1).
    #[error("not what was asked for")]
    NotAsked,
    /// It does not come from the server in use.
    #[error("not from the server in use")]
    NotTheServer,
    /// It came without the APS security that is required.
    #[error("without the APS security that is required")]
    Insecure,
    /// It is for a server, or no command of this cluster.
    #[error("for a server, or no command of the cluster")]
    NotForClients,
    /// A command this client does not have.
    #[error("a command that this client does not have")]
    Unsupported,
    /// A response that came by broadcast or multicast, or anything that did where unicast is required.
    #[error("not sent to this node alone")]
    NotUnicast,
    /// An Image Notify that is for others, or whose jitter spared this device.
    #[error("for others")]
    NotConcerned,
    /// Nobody waits for it: data that is here already, an answer given twice, an order without an image.
    #[error("nobody waits for it")]
    NotExpected,
    /// A good order that only the application may give; the server was told so.
    #[error("only the application may give this order")]
    NotAuthorized,
}

/// Data of the file, to be stored at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Block<'f> {
    /// Proof of the question; give it back with the answer.
    pub ticket: Ticket,
    /// Place of the first byte, from the start of the file.
    pub offset: u32,
    /// The bytes.
    pub data: &'f [u8],
}

/// Proof that a question was asked. It is good for one answer and only while the client waits for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ticket(pub(super) u32);

/// The answer comes too late: the client does not wait for it any more. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("the client does not wait for this answer any more")]
pub struct StaleTicket;

/// The client is in the middle of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("the client is busy with another image")]
pub struct Busy;

/// A query for a file that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SpecificFileError {
    /// Something else is under way.
    #[error("the client is busy with another image")]
    Busy,
    /// The image type is none of those that files for one device have.
    #[error("the image type is not one of a file for one device")]
    NotASpecificType,
    /// The device's own address is not known.
    #[error("the device's own address is not known")]
    NoAddress,
}

/// There is no image that could be switched to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("there is no image that could be switched to")]
pub struct NothingToActivate;

/// What the client asks its caller to do.
///
/// The last five come only where the configuration calls for them: a server that is not known or may be searched, a
/// link key, a file for other security credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Need {
    /// Accept or refuse an image: [`Client::accept`](super::Client::accept), [`refuse`](super::Client::refuse).
    Decide(Ticket, ImageOffer),
    /// Make room for the whole file (erase, unlock), then [`Client::prepared`](super::Client::prepared).
    Prepare(Ticket, ImageOffer),
    /// Check the stored file (ESP: CHECK), its signature (`signature::Verifier`) before anything else in it is used, then
    /// [`Client::verified`](super::Client::verified).
    Verify(Ticket, ImageOffer),
    /// Switch to the image now (ESP: APPLY), and to those that were [kept](super::Client::pending_images) before it, then
    /// [`Client::applied`](super::Client::applied).
    Apply(Ticket, ImageId),
    /// Ask for a match descriptor with [`CLUSTER_ID`](crate::zcl::CLUSTER_ID) as the one input cluster, of this
    /// node or, without one, of all, then [`Client::server_found`](super::Client::server_found).
    FindServer(Ticket, Option<u16>),
    /// Ask for the network address of this node, then [`Client::network_address_resolved`](super::Client::network_address_resolved).
    NetworkAddress(Ticket, Eui64),
    /// Ask for the IEEE address of this node, then [`Client::ieee_address_resolved`](super::Client::ieee_address_resolved).
    IeeeAddress(Ticket, u16),
    /// See to a link key with the node of this network address, then [`Client::link_key_established`](super::Client::link_key_established).
    LinkKey(Ticket, u16, LinkKeyKind),
    /// Get these security credentials, such as by
    /// [`Client::query_specific_file`](super::Client::query_specific_file), then
    /// [`Client::credentials_obtained`](super::Client::credentials_obtained).
    Credentials(Ticket, SecurityCredentialVersion),
}

/// Which link key (section 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LinkKeyKind {
    /// The one with the trust center, which the server's node is.
    TrustCenter,
    /// One of the two nodes, to be asked for at the trust center.
    Partner,
    /// The one that all share.
    Global,
}

/// Answer to [`Need::Prepare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PrepareResult {
    /// There is room.
    Ready,
    /// There is none.
    Fault,
}

/// Answer to [`ClientAction::Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StoreResult {
    /// The data is safe.
    Ok,
    /// Not now: the data was not taken and is to be asked for again.
    Busy,
    /// Storage does not work; the download ends.
    Fault,
}

/// Answer to [`Need::Verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum VerifyResult {
    /// The file is good.
    Valid,
    /// It is not.
    Invalid,
    /// It is, and is to be kept until another of the device's images is here, too: this one, as it runs now.
    NeedsMore(ImageId),
    /// Never mind: the upgrade ends.
    Abandon,
}

/// Answer to [`Need::Credentials`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CredentialResult {
    /// The device has them, or does without.
    Ready,
    /// They cannot be had; the upgrade ends.
    Missing,
}

/// Answer to [`Need::Apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ApplyResult {
    /// The device runs the image.
    Done,
    /// It still runs the old one.
    Failed,
}

/// What happened.
///
/// espressif's sequence of callbacks is START [`ClientEvent::Started`], RECEIVE [`ClientAction::Store`], CHECK [`Need::Verify`],
/// APPLY [`Need::Apply`], FINISH [`ClientEvent::Finished`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ClientEvent {
    /// No server was found (ESP: SERVER_NOT_FOUND); the next search starts then.
    NoServer(Instant),
    /// The server told that there may be an image.
    Notified,
    /// The server has no image, or gave a status that means so; `None` when it did not answer at all.
    NoImage(Option<Status>),
    /// An offer was passed over.
    OfferSkipped(ImageOffer, SkipReason),
    /// The download starts (ESP: START).
    Started(ImageOffer),
    /// The server asked to wait until then; `None` is until it says more.
    Paused(Option<Instant>),
    /// The upgrade is ordered for then.
    CountingDown(Instant),
    /// The upgrade waits for an order.
    WaitingForUpgradeEnd,
    /// The upgrade waits for [`Client::activate`](super::Client::activate): the server may not order it.
    WaitingForActivation,
    /// The image is kept until another one is here, too.
    ImageRetained(ImageId),
    /// The device runs the image (ESP: FINISH): [`Ended`](Self::Ended) follows.
    Finished {
        /// Manufacturer code, image type and version.
        id: ImageId,
        /// Bytes of the file.
        size: u32,
        /// Time since the download started.
        duration: Millis,
    },
    /// The upgrade is over (ESP: ABORT, ERROR).
    Ended(Outcome),
}

/// Why an offer was not put to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SkipReason {
    /// It is what runs, or was downloaded, already.
    SameVersion,
    /// It is older than what runs.
    Older,
    /// The application refused it since the last query that was due.
    Refused,
    /// It is smaller than a file header or larger than the storage.
    Size,
}

/// How an upgrade ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Outcome {
    /// The device runs the new image.
    Upgraded(ImageId),
    /// A file for this device alone is here and checked.
    Received(ImageId),
    /// The application refused the offer.
    Refused,
    /// The application ended it.
    Cancelled,
    /// Storage could not be prepared, or failed.
    StorageFault,
    /// The server sent ABORT.
    ServerAborted,
    /// The server took the image away: NO_IMAGE_AVAILABLE three times in a row.
    ImageGone,
    /// The server answered with errors again and again; the last one.
    ServerErrors(Status),
    /// The server sent data blocks without data again and again.
    EmptyBlocks,
    /// The server sent blocks too short for storage's alignment again and again.
    ShortBlocks,
    /// The server does not have files for one device.
    SpecificFilesUnsupported,
    /// The server does not answer any more.
    ServerSilent,
    /// The file's header cannot be read.
    HeaderUnreadable(DecodeError),
    /// The file's header is not that of the image offered.
    HeaderMismatch,
    /// The file is for other hardware, or for another device.
    NotForThisDevice,
    /// The application found the file to be wrong.
    InvalidImage,
    /// The security credentials for it are not to be had.
    NoCredentials,
    /// The server refused the upgrade after the download.
    UpgradeRefused(Status),
    /// The device could not switch to the image.
    ApplyFailed,
}

/// A line for a log.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Upgraded(id) => return write!(f, "the device runs {id}"),
            Self::Received(id) => return write!(f, "{id} is received and checked"),
            Self::ServerErrors(last) => {
                return write!(f, "the server answers with errors, the last one {last}");
            }
            Self::HeaderUnreadable(error) => return write!(f, "the file's header cannot be read: {error}"),
            Self::UpgradeRefused(status) => return write!(f, "the server refuses the upgrade with {status}"),
            Self::Refused => "the application refuses the offer",
            Self::Cancelled => "the application ends it",
            Self::StorageFault => "storage fails",
            Self::ServerAborted => "the server ends it",
            Self::ImageGone => "the server has the image no more",
            Self::EmptyBlocks => "the server sends blocks without data",
            Self::ShortBlocks => "the server sends blocks shorter than a word of storage",
            Self::SpecificFilesUnsupported => "the server has no files for one device",
            Self::ServerSilent => "the server does not answer",
            Self::HeaderMismatch => "the file's header is not that of the image offered",
            Self::NotForThisDevice => "the file is for other hardware or another device",
            Self::InvalidImage => "the application finds the file to be wrong",
            Self::NoCredentials => "the security credentials for the file are not to be had",
            Self::ApplyFailed => "the device cannot switch to the image",
        };
        f.write_str(text)
    }
}

/// What the client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WaitingFor {
    /// An answer of the application's.
    Application,
    /// An answer of the server's; a device that sleeps should poll its parent often (section 6.5.1).
    Server,
    /// Time to pass, or somebody to start something.
    Time,
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::error::DecodeErrorKind;

    #[test]
    fn an_end_and_a_frame_passed_over_are_lines_for_a_log() {
        let id = ImageId::new(0x115f, 0x0101, 0x1a2c);
        let short = DecodeErrorKind::Truncated { needed: 4, present: 1 };
        let error = DecodeError { item: "OTA header", offset: 10, kind: short };
        for (outcome, text) in [
            (Outcome::Upgraded(id), std::format!("the device runs {id}")),
            (Outcome::Received(id), std::format!("{id} is received and checked")),
            (
                Outcome::ServerErrors(Status::INVALID_FIELD),
                std::format!("the server answers with errors, the last one {}", Status::INVALID_FIELD),
            ),
            (Outcome::HeaderUnreadable(error), std::format!("the file's header cannot be read: {error}")),
            (Outcome::ServerSilent, "the server does not answer".into()),
        ] {
            assert_eq!(outcome.to_string(), text);
        }
        assert_eq!(ClientIgnored::Unreadable(error).to_string(), error.to_string());
        assert_eq!(ClientIgnored::NotExpected.to_string(), "nobody waits for it");
    }
}
