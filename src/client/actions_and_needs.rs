//! Actions and needs: the questions and tasks of a client for its application, and the results with which the
//! application answers the client.
//!
//! ```text
//! handle_frame -> ClientAction     poll_need -> Need          waiting_for -> WaitingFor
//!                 Store: stored           answer by ticket
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::types::{Eui64, ImageId, SecurityCredentialVersion};
use crate::zcl::{Frame, ImageOffer, Violation};

/// Result of [`Client::handle_frame`](super::Client::handle_frame): the task that a received frame gives to the
/// application.
///
/// A later version of this crate may add actions. An upgrade works even if the application ignores the actions that a
/// later version of this crate adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a block must be stored and its ticket answered"]
#[non_exhaustive]
pub enum ClientAction<'f> {
    /// The client handled the frame, and the application has nothing to do.
    Done,
    /// The frame holds a block of the file. The application stores the block of the file, then calls
    /// [`Client::stored`](super::Client::stored).
    #[doc(alias = "block response")]
    Store(Block<'f>),
    /// The frame reads, discovers or writes attributes of the client. The application calls
    /// [`Client::attributes`](super::Client::attributes), encodes the answer with
    /// [`AttributeSnapshot::answer`](crate::zcl::AttributeSnapshot::answer), and sends the answer to the sender of the
    /// frame. A response with the attributes of a client can be longer than any frame that
    /// [`Client::poll_transmit`](super::Client::poll_transmit) writes.
    AnswerAttributes(Frame<'f>),
    /// The client ignored the frame, and the application has nothing to do. Some ignored responses count as unusable
    /// answers to block requests. Too many unusable answers pause the download.
    Ignored(ClientIgnored),
}

/// Reason for which the client ignored a frame. The client answers an invalid unicast frame with a Default Response,
/// although the client ignores the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ClientIgnored {
    /// The frame cannot be decoded. [`Frame::decode`] says which byte of the frame is wrong.
    #[error("the frame cannot be decoded")]
    Unreadable,
    /// The frame can be decoded, but a field of the frame has a forbidden value.
    #[error(transparent)]
    Invalid(Violation),
    /// The response does not match the request. The image, the offset or the length in the response is wrong, or a time
    /// in the response lies before the current time of the server (sections 6.10.5.5.1, 6.10.8.5.1 and 6.10.10.5.1).
    #[error("the response does not match the request")]
    Mismatch,
    /// The sender of the frame is not the server that the client uses.
    #[error("the sender is not the server in use")]
    NotFromServer,
    /// The frame has no APS security, which the configuration requires.
    #[error("the frame has no APS security, which is required")]
    NoApsSecurity,
    /// The direction of the frame is client to server, or the frame holds a command that is neither a command of the
    /// OTA Upgrade cluster nor a request for attributes nor a Default Response.
    #[error("the frame is for a server or no command of the cluster")]
    NotForClients,
    /// The client does not support the command of the frame.
    #[error("the client does not support the command")]
    Unsupported,
    /// The frame was sent by broadcast or multicast. The client accepts the command of the frame only by unicast, or
    /// the configuration requires unicast for every frame.
    #[error("the frame was not sent by unicast")]
    NotUnicast,
    /// The frame is meant for other devices. The manufacturer code, image type or version in the frame excludes this
    /// device, or the query jitter of an Image Notify excludes this device.
    #[error("the frame is for other devices")]
    NotForThisDevice,
    /// The client has no open request that the frame could answer. Examples of unexpected frames are a duplicate
    /// response, data that is stored already, and an Upgrade End Response to a client without an image.
    #[error("no request waits for the frame")]
    Unexpected,
    /// The frame is an Upgrade End Response with an upgrade time, but only the application may start the upgrade. If
    /// the ignored Upgrade End Response was unicast, the client answers it with the Default Response NOT_AUTHORIZED.
    #[error("only the application may start the upgrade")]
    NotAuthorized,
}

/// Block of the file that the application has to store at the offset `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Block<'f> {
    /// Ticket with which the application calls [`Client::stored`](super::Client::stored) for this block.
    pub ticket: Ticket,
    /// Offset of the first byte of the block from the start of the file.
    pub offset: u32,
    /// Data of the block, borrowed from the frame.
    pub data: &'f [u8],
}

/// Identifier that ties an answer to one need or one block. A ticket is valid for one answer, and only while the client
/// waits for that answer.
// A ticket has no serde implementation because it means nothing to another client, nor to the same client after a
// restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ticket(pub(super) u32);

/// Error of an answer with a ticket for which the client no longer waits. An answer with a stale ticket has no effect
/// on the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("the client does not wait for this answer any more")]
pub struct StaleTicket;

/// Error of a call that the client refuses, because a query or an upgrade is in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("a query or an upgrade is in progress")]
pub struct Busy;

/// Error of [`Client::query_specific_file`](super::Client::query_specific_file): the query for a device-specific file
/// cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SpecificFileError {
    /// The settings leave out the ability to fetch device-specific files, see [`Abilities`](super::Abilities).
    #[error("the settings leave device-specific files out")]
    Disabled,
    /// A query or an upgrade is in progress.
    #[error("a query or an upgrade is in progress")]
    Busy,
    /// The image type is not an image type of device-specific files (0xFFC0 to 0xFFFE).
    #[error("the image type is not one of a device specific file")]
    NotASpecificType,
    /// The IEEE address of the device is not configured.
    #[error("the IEEE address of the device is not configured")]
    NoAddress,
}

/// Error of [`Client::activate`](super::Client::activate): no image is ready to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("no image is ready to be applied")]
pub struct NothingToActivate;

/// Question or task of the client for the application, which the application answers with the ticket of the need.
///
/// A client with any configuration returns the needs `Decide`, `Prepare`, `Verify` and `Apply`. A client returns
/// `FindServer`, `NetworkAddress` and `IeeeAddress` if the server is unknown, or if the configuration allows a search
/// for a server. A client returns `LinkKey` if the configuration requires a link key, and `Credentials` if a file
/// requires other security credentials than the device has.
///
/// # Unknown needs
///
/// A later version of this crate may add a need. [`Client::decline`](super::Client::decline) refuses every need, also a
/// need that the application does not know, so that the client continues without the need. The last arm of each `match`
/// over needs should be `need => client.decline(now, need)?`. With the settings of this version of the crate, an
/// application may refuse every need that a later version adds: at worst, the upgrade in progress ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Need {
    /// The application decides whether to download an image, and calls [`Client::accept`](super::Client::accept) or
    /// [`Client::refuse`](super::Client::refuse).
    Decide(Ticket, ImageOffer),
    /// The application prepares storage for the whole file (erases, unlocks), then calls
    /// [`Client::prepared`](super::Client::prepared).
    Prepare(Ticket, ImageOffer),
    /// The application verifies the stored file, then calls [`Client::verified`](super::Client::verified). The
    /// application verifies the signature of the file (`signature::Verifier`) before it uses any other part of the
    /// file. The OTA client of espressif calls the verification of a stored file CHECK.
    Verify(Ticket, ImageOffer),
    /// The application switches the device to the image now, together with all [pending
    /// images](super::Client::pending_images): verified images that were kept until the last image was complete. After
    /// the switch to the image, the application calls [`Client::applied`](super::Client::applied). The OTA client of
    /// espressif calls the switch to a new image APPLY.
    #[doc(alias = "upgrade")]
    Apply(Ticket, ImageId),
    /// The application sends a match descriptor request with [`CLUSTER_ID`](crate::zcl::CLUSTER_ID) as the only input
    /// cluster, then calls [`Client::server_found`](super::Client::server_found). The match descriptor request goes to
    /// the node with the network address in the need, or by broadcast if this address is `None`.
    FindServer(Ticket, Option<u16>),
    /// The application sends a network address request for the IEEE address in the need, then calls
    /// [`Client::network_address_resolved`](super::Client::network_address_resolved).
    NetworkAddress(Ticket, Eui64),
    /// The application sends an IEEE address request for the network address in the need, then calls
    /// [`Client::ieee_address_resolved`](super::Client::ieee_address_resolved).
    IeeeAddress(Ticket, u16),
    /// The application establishes a link key with the node whose network address is in the need, then calls
    /// [`Client::link_key_established`](super::Client::link_key_established).
    LinkKey(Ticket, u16, LinkKeyKind),
    /// The application obtains security credentials of the version in the need, then calls
    /// [`Client::credentials_obtained`](super::Client::credentials_obtained). The application can obtain the security
    /// credentials as a device-specific file, for example, by a call of
    /// [`Client::query_specific_file`](super::Client::query_specific_file).
    Credentials(Ticket, SecurityCredentialVersion),
}

/// Kind of a link key (section 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LinkKeyKind {
    /// Trust center link key, used if the server is the trust center.
    TrustCenter,
    /// Application link key between the device and the server, requested from the trust center.
    Partner,
    /// Global link key, shared by all nodes of the network.
    Global,
}

/// Answer of the application to [`Need::Prepare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PrepareResult {
    /// Storage is ready for the whole file.
    Ready,
    /// Storage could not be prepared. Some time after the answer `Fault`, the client returns [`Need::Prepare`] again.
    /// After [`max_prepare_attempts`](super::ClientConfig::max_prepare_attempts) consecutive answers `Fault`, the
    /// upgrade ends.
    Fault,
}

/// Answer of the application to [`ClientAction::Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StoreResult {
    /// The application has stored the block.
    Ok,
    /// Storage is busy and the block was not stored; the client requests the block again.
    #[doc(alias = "back-pressure")]
    Busy,
    /// Storage is defective, and the download ends.
    Fault,
}

/// Answer of the application to [`Need::Verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum VerifyResult {
    /// The file is valid.
    Valid,
    /// The file is invalid, and the upgrade ends.
    Invalid,
    /// The file is valid, and the application keeps it until another image of the device is downloaded. The [`ImageId`]
    /// names the image to download next: its manufacturer code and image type, and the version of this image that the
    /// device runs now.
    NeedsMore(ImageId),
    /// The application cancels the upgrade.
    Abandon,
}

/// Answer of the application to [`Need::Credentials`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CredentialResult {
    /// The device has the security credentials, or needs no security credentials.
    Ready,
    /// The security credentials cannot be obtained, and the upgrade ends.
    Missing,
}

/// Answer of the application to [`Need::Apply`].
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

/// Party or timer for which a client waits: the application, the server, or a timer of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WaitingFor {
    /// The client waits for the application to answer a need, or to store a block.
    Application,
    /// The client waits for an answer of the server. A device that sleeps should poll its parent often while the client
    /// waits for the server (section 6.5.1).
    Server,
    /// The client waits for a timer, an Image Notify or a call of the application.
    Time,
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn ignored_frames_print_as_lines_of_a_log() {
        assert_eq!(ClientIgnored::Unreadable.to_string(), "the frame cannot be decoded");
        assert_eq!(ClientIgnored::Unexpected.to_string(), "no request waits for the frame");
    }
}
