//! Events of a server. The events of one upgrade come in this order:
//!
//! ```text
//!   Queried --> Started --> Progress, at most 100 times --> AllServed --> Ended --> UpgradeScheduled
//!                  |            |                              |           (SleepyClientHeld)
//!                  +-- Waiting, Undelivered, NotServed, Stalled     +-- NeverEnded
//!                  +-- Cancelled, PageDropped
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use core::fmt::{self, Display, Formatter};
use core::num::NonZeroU8;

use super::SessionProgress;
use crate::aps::Address;
use crate::error::DecodeError;
use crate::time::ServerTime;
use crate::types::ImageId;
use crate::zcl::{
    ClientStatus, CommandId, ImageOffer, QueryNextImageRequest, QuerySpecificFileRequest, Refusal, Status,
    Violation,
};

/// Event of a server. `Display` writes a `ServerEvent` as one line for a log. `Serialize` (feature `serde`) writes the
/// name of a `ServerEvent` in the field `event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "event", rename_all = "snake_case"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ServerEvent {
    /// The server answered a Query Next Image Request.
    Queried {
        /// Client that sent the Query Next Image Request.
        client: Address,
        /// Query Next Image Request, with the image that the client runs.
        request: QueryNextImageRequest,
        /// Answer of the server to the Query Next Image Request: an offer or a refusal. An offer permits the client to
        /// upgrade (section 6.10.5.3).
        answer: Result<ImageOffer, Refusal>,
        /// Reason why the server refused the query; `None` if the answer is an offer.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        reason: Option<RefusalReason>,
    },
    /// The server answered a Query Specific File Request.
    #[cfg_attr(feature = "serde", serde(rename = "queried_device_file"))]
    QueriedSpecificFile {
        /// Client that sent the Query Specific File Request.
        client: Address,
        /// Query Specific File Request, with the file that the client asked for.
        request: QuerySpecificFileRequest,
        /// Answer of the server to the Query Specific File Request: an offer or a refusal.
        answer: Result<ImageOffer, Refusal>,
        /// Reason why the server refused the query; `None` if the answer is an offer.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        reason: Option<RefusalReason>,
    },
    /// A client queries again although it has already downloaded the offered image several times. The server counts
    /// only downloads that ended with the order to upgrade, or with the report of the client that the image is invalid.
    /// The number of downloads of the offered image by the client has reached
    /// [`ServerConfig::repeated_download_limit`](super::ServerConfig::repeated_download_limit).
    #[cfg_attr(feature = "serde", serde(rename = "repeats"))]
    RepeatedDownload {
        /// Client that sent the query.
        client: Address,
        /// Image that the client downloaded several times.
        id: ImageId,
        /// Number of downloads of the image by the client.
        times: u8,
    },
    /// The server sent the first block of a download, or the first block after it created a session for the client.
    ///
    /// If the client has no session, the server reports the event `Started` for each block at offset 0.
    Started {
        /// Client to which the server sent the first block.
        client: Address,
        /// Image that the client downloads.
        id: ImageId,
    },
    /// The server sent another hundredth of a file to a client.
    Progress {
        /// Client that downloads the file.
        client: Address,
        /// Image that the client downloads.
        id: ImageId,
        /// Progress of the download: number of bytes sent to the client, speed and remaining time.
        progress: SessionProgress,
    },
    /// The server sent the last byte of a file to a client. After the last byte of the file, the client verifies the
    /// image, which can take half an hour.
    AllServed {
        /// Client that has downloaded the file.
        client: Address,
        /// Image that the client downloaded.
        id: ImageId,
    },
    /// The server sent WAIT_FOR_DATA because of the policy, because of a limit, or because the store does not have the
    /// data yet.
    Waiting {
        /// Client that has to wait before it repeats its request.
        client: Address,
        /// Image that the client downloads.
        id: ImageId,
        /// Seconds until the client repeats its request; 0 if the WAIT_FOR_DATA only changes the MinimumBlockPeriod of
        /// the client.
        seconds: u32,
    },
    /// A client was silent for [`ServerConfig::stall_timeout`](super::ServerConfig::stall_timeout) after an offer or
    /// between two blocks. The stalled download continues with the next request of the client.
    Stalled {
        /// Client that was silent for longer than the stall timeout.
        client: Address,
        /// Image that the server offered, or that the client downloads.
        id: ImageId,
        /// Offset in bytes, from the start of the file, at which the furthest sent block ends; 0 if the client
        /// requested no block.
        reached: u32,
    },
    /// The server sent the last byte of a file to a client, but the client sent no Upgrade End Request within
    /// [`ServerConfig::verify_timeout`](super::ServerConfig::verify_timeout). The client may have installed the image
    /// without an Upgrade End Request.
    NeverEnded {
        /// Client that was silent for longer than the verify timeout.
        client: Address,
        /// Image that the client downloaded.
        id: ImageId,
    },
    /// The stack could not deliver a frame to a client.
    Undelivered {
        /// Client to which the stack could not deliver the frame.
        client: Address,
        /// New maximum number of bytes of data in a block for the client, because longer blocks do not arrive; `None`
        /// if the failed delivery does not change the maximum.
        #[cfg_attr(feature = "serde", serde(rename = "carries"))]
        max_block_size: Option<NonZeroU8>,
    },
    /// The server answered a request for data or for an upgrade time with ABORT, NOT_AUTHORIZED or NO_IMAGE_AVAILABLE.
    NotServed {
        /// Client whose request the server refused.
        client: Address,
        /// Image that the client requested.
        id: ImageId,
        /// Status that the server answered: ABORT, NOT_AUTHORIZED or NO_IMAGE_AVAILABLE.
        status: Status,
        /// Reason why the server refused the request.
        reason: RefusalReason,
    },
    /// The caller cancelled a download with [`Server::cancel`](super::Server::cancel).
    Cancelled {
        /// Client whose download the caller cancelled.
        client: Address,
        /// Image that the server offered, or that the client downloads.
        id: ImageId,
    },
    /// A page ended before its last block, because another download needed a session slot, and all sessions had pages.
    /// The client requests the missing blocks of the page again.
    PageDropped {
        /// Client that requested the page.
        client: Address,
        /// Image that the client downloads.
        id: ImageId,
    },
    /// The server received an Upgrade End Request, which ends a download (section 6.10.9). With the status SUCCESS the
    /// client asks when to upgrade. A client on hold repeats the Upgrade End Request each hour.
    Ended {
        /// Client that sent the Upgrade End Request.
        client: Address,
        /// Image that the client downloaded.
        id: ImageId,
        /// Status in the Upgrade End Request: SUCCESS, INVALID_IMAGE, REQUIRE_MORE_IMAGE, ABORT, or any other status
        /// that the client sent.
        status: Status,
    },
    /// The server sent an Upgrade End Response to a client (section 6.10.10).
    #[cfg_attr(feature = "serde", serde(rename = "ordered"))]
    UpgradeScheduled {
        /// Client that receives the Upgrade End Response.
        client: Address,
        /// Image that the client upgrades to.
        id: ImageId,
        /// Current time and upgrade time in the Upgrade End Response.
        time: ServerTime,
    },
    /// The server answered a sleepy client with "hold": an Upgrade End Response without an upgrade time. A sleepy
    /// client may miss the later Upgrade End Response that ends the hold (section 6.8.4).
    #[cfg_attr(feature = "serde", serde(rename = "held_asleep"))]
    SleepyClientHeld {
        /// Sleepy client that the server ordered to hold.
        client: Address,
        /// Image that the client downloaded.
        id: ImageId,
    },
    /// A client answered the attribute request of [`Server::read_status`](super::Server::read_status).
    #[cfg_attr(feature = "serde", serde(rename = "report"))]
    StatusReport {
        /// Client that sent the attributes.
        client: Address,
        /// Attributes that the client reported: its upgrade status and versions.
        report: ClientStatus,
    },
    /// A client answered a frame of the server with a Default Response.
    DefaultResponse {
        /// Client that sent the Default Response.
        client: Address,
        /// Command that the client answers with the Default Response.
        command: CommandId,
        /// Status of the Default Response.
        status: Status,
    },
    /// The server answered a request with MALFORMED_COMMAND.
    Malformed {
        /// Client that sent the malformed request.
        client: Address,
        /// Reason why the request is malformed.
        fault: RequestFault,
    },
}

impl ServerEvent {
    /// Network address and endpoint of the client that this event is about.
    #[must_use]
    pub const fn client(&self) -> Address {
        match *self {
            Self::Queried { client, .. }
            | Self::QueriedSpecificFile { client, .. }
            | Self::RepeatedDownload { client, .. }
            | Self::Started { client, .. }
            | Self::Progress { client, .. }
            | Self::AllServed { client, .. }
            | Self::Waiting { client, .. }
            | Self::Stalled { client, .. }
            | Self::NeverEnded { client, .. }
            | Self::Undelivered { client, .. }
            | Self::NotServed { client, .. }
            | Self::Cancelled { client, .. }
            | Self::PageDropped { client, .. }
            | Self::Ended { client, .. }
            | Self::UpgradeScheduled { client, .. }
            | Self::SleepyClientHeld { client, .. }
            | Self::StatusReport { client, .. }
            | Self::DefaultResponse { client, .. }
            | Self::Malformed { client, .. } => client,
        }
    }

    /// Returns the image that the event is about; for a query that the server answered with an offer, the offered
    /// image. Returns `None` for a refused query and for an event that is about no image.
    #[must_use]
    pub const fn id(&self) -> Option<ImageId> {
        match *self {
            Self::Queried { answer: Ok(ImageOffer { id, .. }), .. }
            | Self::QueriedSpecificFile { answer: Ok(ImageOffer { id, .. }), .. }
            | Self::RepeatedDownload { id, .. }
            | Self::Started { id, .. }
            | Self::Progress { id, .. }
            | Self::AllServed { id, .. }
            | Self::Waiting { id, .. }
            | Self::Stalled { id, .. }
            | Self::NeverEnded { id, .. }
            | Self::NotServed { id, .. }
            | Self::Cancelled { id, .. }
            | Self::PageDropped { id, .. }
            | Self::Ended { id, .. }
            | Self::UpgradeScheduled { id, .. }
            | Self::SleepyClientHeld { id, .. } => Some(id),
            Self::Queried { answer: Err(_), .. }
            | Self::QueriedSpecificFile { answer: Err(_), .. }
            | Self::Undelivered { .. }
            | Self::StatusReport { .. }
            | Self::DefaultResponse { .. }
            | Self::Malformed { .. } => None,
        }
    }
}

impl Display for ServerEvent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.client())?;
        let answered =
            |f: &mut Formatter<'_>, answer: &Result<ImageOffer, Refusal>, reason: &Option<RefusalReason>| {
                match answer {
                    Ok(offer) => write!(f, ", offered {offer}"),
                    Err(refusal) => write!(f, ", refused with {refusal}"),
                }?;
                reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
            };
        match self {
            Self::Queried { client: _, request, answer, reason } => {
                write!(f, "{request}")?;
                answered(f, answer, reason)
            }
            Self::QueriedSpecificFile { client: _, request, answer, reason } => {
                write!(f, "{request}")?;
                answered(f, answer, reason)
            }
            Self::RepeatedDownload { client: _, id, times } => write!(f, "downloaded {id} {times} times"),
            Self::Started { client: _, id } => write!(f, "download of {id} started"),
            Self::Progress { client: _, id, progress } => write!(f, "download of {id}, {progress}"),
            Self::AllServed { client: _, id } => write!(f, "last byte of {id} sent"),
            Self::Waiting { client: _, id, seconds } => write!(f, "waits {seconds} s for {id}"),
            Self::Stalled { client: _, id, reached } => write!(f, "stalled at byte {reached} of {id}"),
            Self::NeverEnded { client: _, id } => write!(f, "no Upgrade End Request for {id}"),
            Self::Undelivered { client: _, max_block_size } => {
                f.write_str("frame not delivered")?;
                max_block_size.map_or(Ok(()), |size| write!(f, ", blocks reduced to {size} bytes"))
            }
            Self::NotServed { client: _, id, status, reason } => {
                write!(f, "{id} not served: {status}: {reason}")
            }
            Self::Cancelled { client: _, id } => write!(f, "download of {id} cancelled"),
            Self::PageDropped { client: _, id } => write!(f, "page of {id} ended for lack of a session"),
            Self::Ended { client: _, id, status } => write!(f, "download of {id} ended: {status}"),
            Self::UpgradeScheduled { client: _, id, time: ServerTime { current, then } } => {
                match (current, then) {
                    (_, &u32::MAX) => write!(f, "held with {id}"),
                    (current, then) => write!(f, "upgrades to {id} in {} s", then.saturating_sub(*current)),
                }
            }
            Self::SleepyClientHeld { client: _, id } => write!(f, "sleepy client held with {id}"),
            Self::StatusReport { client: _, report } => {
                f.write_str("status report")?;
                report.status.map_or(Ok(()), |status| write!(f, ": {status}"))
            }
            Self::DefaultResponse { client: _, command, status } => {
                write!(f, "Default Response to {command}: {status}")
            }
            Self::Malformed { client: _, fault } => write!(f, "malformed request: {fault}"),
        }
    }
}

/// Reason why a client does not get an image. `Display` writes a `RefusalReason` in a few words. `Serialize` (feature
/// `serde`) writes the name of a `RefusalReason` in small letters with underscores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RefusalReason {
    /// The store has no image with the manufacturer code and image type in the request.
    #[error("no image of this manufacturer code and image type")]
    UnknownType,
    /// The store does not have the version of the image that the client requested, or no longer has it.
    #[error("the store does not have this image")]
    UnknownImage,
    /// All files of the image are device-specific files for other devices.
    #[error("the file is for another device")]
    Destination,
    /// The image is a file for one device, and the IEEE address of the client is not known. The caller passes the IEEE
    /// address of a client with [`FrameMeta::ieee`](crate::aps::FrameMeta::ieee) or
    /// [`ServerPolicy::ieee`](super::ServerPolicy::ieee).
    #[error("the file is for one device, and the IEEE address of the client is not known")]
    UnknownIeee,
    /// No image has a version that may be offered to the client, for instance because the client runs the newest
    /// version.
    #[error("no version for the client")]
    Version,
    /// The client does not know its version: its request contains the version 0xFFFFFFFF.
    #[error("the client does not know its version")]
    UnknownVersion,
    /// All images of the requested type are for other hardware versions than that of the client.
    #[error("the image is for other hardware")]
    Hardware,
    /// The images of the requested type are for certain hardware versions, and the hardware version of the client is
    /// not known. If the store has several files of one image, the server learns the hardware version from the next
    /// query of the client.
    #[error("the image is for certain hardware, and the hardware version of the client is not known")]
    UnknownHardware,
    /// The policy of the caller refused the request.
    #[error("refused by the policy")]
    Policy,
    /// The client has downloaded the image several times, but its queries still report the running version that they
    /// reported before the downloads.
    #[error("taken too often")]
    RepeatedDownload,
    /// The caller cancelled the download or ended the page.
    #[error("cancelled")]
    Cancelled,
}

impl RefusalReason {
    /// Returns the more informative of two refusal reasons: the reason of the image that passed more of the checks
    /// before an offer.
    pub(super) const fn closer(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    /// Returns the rank of a refusal reason: the more checks an image has passed before a refusal for the reason, the
    /// higher the rank.
    const fn rank(self) -> u8 {
        match self {
            Self::UnknownType | Self::UnknownImage => 0,
            Self::Destination => 1,
            Self::UnknownIeee => 2,
            Self::Version => 3,
            Self::UnknownVersion => 4,
            Self::Hardware => 5,
            Self::UnknownHardware => 6,
            Self::Policy | Self::RepeatedDownload | Self::Cancelled => 7,
        }
    }
}

/// Reason why the server answered a request with MALFORMED_COMMAND.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RequestFault {
    /// The bytes of the request cannot be decoded.
    #[error(transparent)]
    #[cfg_attr(feature = "serde", serde(rename = "bytes"))]
    Undecodable(#[from] DecodeError),
    /// A field of the request has a value that the specification forbids.
    #[error(transparent)]
    #[cfg_attr(feature = "serde", serde(rename = "rule"))]
    Violation(#[from] Violation),
    /// The requested offset is at or beyond the end of the image.
    #[error("offset {offset} of image {id}, which has {size} bytes")]
    #[cfg_attr(feature = "serde", serde(rename = "offset"))]
    OffsetBeyondEnd {
        /// Image that the client requested.
        id: ImageId,
        /// Offset that the client requested, in bytes.
        offset: u32,
        /// Total image size of the requested image in bytes.
        size: u32,
    },
}
