//! Events of a server. Those of one upgrade come in this order:
//!
//! ```text
//!   Queried --> Started --> Progress, at most 100 times --> AllServed --> Ended --> UpgradeScheduled
//!                  |            |                              |           (SleepyClientHeld)
//!                  +-- Waiting, Undelivered, NotServed, Stalled     +-- NeverEnded
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

/// Event of a server. `Display` writes one line for a log; `Serialize` (feature `serde`) writes the name of the event in
/// the field `event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "event", rename_all = "snake_case"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ServerEvent {
    /// A Query Next Image Request was answered.
    Queried {
        /// Client that sent the request.
        client: Address,
        /// Request, with the image that the client runs.
        request: QueryNextImageRequest,
        /// Offer or refusal. An offer is the permission to upgrade (section 6.10.5.3).
        answer: Result<ImageOffer, Refusal>,
    },
    /// A Query Specific File Request was answered.
    #[cfg_attr(feature = "serde", serde(rename = "queried_device_file"))]
    QueriedSpecificFile {
        /// Client that sent the request.
        client: Address,
        /// Request, with the file that the client asked for.
        request: QuerySpecificFileRequest,
        /// Offer or refusal.
        answer: Result<ImageOffer, Refusal>,
    },
    /// A client has downloaded the same image
    /// [`ServerConfig::repeated_download_limit`](super::ServerConfig::repeated_download_limit) times and queries as if it
    /// had not.
    #[cfg_attr(feature = "serde", serde(rename = "repeats"))]
    RepeatedDownload {
        /// Client that sent the query.
        client: Address,
        /// Image that the client downloaded.
        id: ImageId,
        /// Number of downloads.
        times: u8,
    },
    /// The first block of a download was sent, or the first one since the client got its session.
    ///
    /// For a client without a session the event comes with each block at offset 0.
    Started {
        /// Client that downloads.
        client: Address,
        /// Image that the client downloads.
        id: ImageId,
    },
    /// Another hundredth of a file was sent.
    Progress {
        /// Client that downloads.
        client: Address,
        /// Image that the client downloads.
        id: ImageId,
        /// Bytes sent, speed and remaining time.
        progress: SessionProgress,
    },
    /// The last byte of a file was sent. The client verifies the image now, which can take half an hour.
    AllServed {
        /// Client that downloaded.
        client: Address,
        /// Image that the client downloaded.
        id: ImageId,
    },
    /// WAIT_FOR_DATA was sent: because of the policy, a limit, or a store without data.
    Waiting {
        /// Client that waits.
        client: Address,
        /// Image that the client downloads.
        id: ImageId,
        /// Seconds until the client repeats its request; 0 if the client was told another MinimumBlockPeriod.
        seconds: u32,
    },
    /// A client was silent for [`ServerConfig::stall_timeout`](super::ServerConfig::stall_timeout) after an offer or between
    /// two blocks. The download continues with its next request.
    Stalled {
        /// Client that is silent.
        client: Address,
        /// Image that was offered, or that the client downloads.
        id: ImageId,
        /// End of the furthest block sent, in bytes from the start of the file; 0 if no block was requested.
        reached: u32,
    },
    /// A client that was sent the last byte of a file was silent for
    /// [`ServerConfig::verify_timeout`](super::ServerConfig::verify_timeout): it sent no Upgrade End Request. It may have
    /// upgraded nevertheless.
    NeverEnded {
        /// Client that is silent.
        client: Address,
        /// Image that the client downloaded.
        id: ImageId,
    },
    /// A frame to a client was not delivered.
    Undelivered {
        /// Client that the frame was sent to.
        client: Address,
        /// New maximum bytes of data in a block for this client, if the server reduced it; else `None`.
        #[cfg_attr(feature = "serde", serde(rename = "carries"))]
        max_block_size: Option<NonZeroU8>,
    },
    /// A request for a block was answered with ABORT, or with NO_IMAGE_AVAILABLE because the store does not have the image
    /// (any more).
    NotServed {
        /// Client that sent the request.
        client: Address,
        /// Requested image.
        id: ImageId,
        /// Status in the answer.
        status: Status,
    },
    /// An Upgrade End Request came in: the download ended (section 6.10.9). With SUCCESS the client asks when to upgrade,
    /// and asks again each hour while it is held.
    Ended {
        /// Client that sent the request.
        client: Address,
        /// Image that the client downloaded.
        id: ImageId,
        /// SUCCESS, INVALID_IMAGE, REQUIRE_MORE_IMAGE, ABORT, or any other status that the client sent.
        status: Status,
    },
    /// An Upgrade End Response was sent (section 6.10.10).
    #[cfg_attr(feature = "serde", serde(rename = "ordered"))]
    UpgradeScheduled {
        /// Client that upgrades.
        client: Address,
        /// Image that the client upgrades to.
        id: ImageId,
        /// Current time and upgrade time of the response.
        time: ServerTime,
    },
    /// A sleepy client was told to wait for an Upgrade End Response, which it may miss (section 6.8.4).
    #[cfg_attr(feature = "serde", serde(rename = "held_asleep"))]
    SleepyClientHeld {
        /// Client that waits.
        client: Address,
        /// Image that the client downloaded.
        id: ImageId,
    },
    /// A client answered [`Server::read_status`](super::Server::read_status).
    #[cfg_attr(feature = "serde", serde(rename = "report"))]
    StatusReport {
        /// Client that answered.
        client: Address,
        /// Attributes of the client.
        report: ClientStatus,
    },
    /// A client answered a frame of the server with a Default Response.
    DefaultResponse {
        /// Client that answered.
        client: Address,
        /// Command that the client answers.
        command: CommandId,
        /// Status of the Default Response.
        status: Status,
    },
    /// A request was answered with MALFORMED_COMMAND.
    Malformed {
        /// Client that sent the request.
        client: Address,
        /// Reason of the answer.
        fault: RequestFault,
    },
}

impl ServerEvent {
    /// Network address and endpoint of the client that the event is about.
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
            | Self::Ended { client, .. }
            | Self::UpgradeScheduled { client, .. }
            | Self::SleepyClientHeld { client, .. }
            | Self::StatusReport { client, .. }
            | Self::DefaultResponse { client, .. }
            | Self::Malformed { client, .. } => client,
        }
    }

    /// Image that the event is about: for a query the offered image; `None` for a refused query and for events about no
    /// image.
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
        let answered = |f: &mut Formatter<'_>, answer: &Result<ImageOffer, Refusal>| match answer {
            Ok(offer) => write!(f, ", offered {offer}"),
            Err(refusal) => write!(f, ", refused with {refusal}"),
        };
        match self {
            Self::Queried { client: _, request, answer } => {
                write!(f, "{request}")?;
                answered(f, answer)
            }
            Self::QueriedSpecificFile { client: _, request, answer } => {
                write!(f, "{request}")?;
                answered(f, answer)
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
            Self::NotServed { client: _, id, status } => write!(f, "{id} not served: {status}"),
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

/// Reason why a request was answered with MALFORMED_COMMAND.
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
        /// Requested image.
        id: ImageId,
        /// Requested offset in bytes.
        offset: u32,
        /// Total image size in bytes.
        size: u32,
    },
}
