//! What a server tells its caller besides frames. Of one upgrade, in this order:
//!
//! ```text
//!   Queried --> Started --> SessionProgress, 100 times at the most --> AllServed --> Ended --> Ordered
//!                  |            |                                   |           (HeldAsleep)
//!                  +-- Waiting, Undelivered, NotServed, Stalled     +-- NeverEnded
//! ```

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

/// Something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "event", rename_all = "snake_case"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ServerEvent {
    /// A client asked for an image.
    Queried {
        /// Who.
        client: Address,
        /// What it runs.
        request: QueryNextImageRequest,
        /// What it was answered; an offer is the permission to upgrade (section 6.10.5.3).
        answer: Result<ImageOffer, Refusal>,
    },
    /// A client asked for a file made for it alone.
    #[cfg_attr(feature = "serde", serde(rename = "queried_device_file"))]
    QueriedSpecificFile {
        /// Who.
        client: Address,
        /// For which file.
        request: QuerySpecificFileRequest,
        /// What it was answered.
        answer: Result<ImageOffer, Refusal>,
    },
    /// A client has taken the same image again and again and still asks for it
    /// ([`ServerConfig::repeated_download_limit`](super::ServerConfig::repeated_download_limit)).
    #[cfg_attr(feature = "serde", serde(rename = "repeats"))]
    RepeatedDownload {
        /// Who.
        client: Address,
        /// Which image.
        id: ImageId,
        /// How often.
        times: u8,
    },
    /// A client was served the first block of a download, or the first one known of.
    ///
    /// Without a slot for the client it is told of each block at offset 0.
    Started {
        /// Who.
        client: Address,
        /// Which image.
        id: ImageId,
    },
    /// Another hundredth of a file was served.
    Progress {
        /// To whom.
        client: Address,
        /// Which image.
        id: ImageId,
        /// How far it has come, and how fast.
        progress: SessionProgress,
    },
    /// The last byte of a file was served. The client checks what it has now, which can take half an hour.
    AllServed {
        /// To whom.
        client: Address,
        /// Which image.
        id: ImageId,
    },
    /// A client was told to wait: by the policy, a limit, or for want of data.
    Waiting {
        /// Who.
        client: Address,
        /// For which image.
        id: ImageId,
        /// So many seconds; 0 where it was told another MinimumBlockPeriod.
        seconds: u32,
    },
    /// A client has been silent for too long since it was offered an image, or in the midst of it. It is served on as
    /// soon as it asks.
    Stalled {
        /// Who.
        client: Address,
        /// Which image.
        id: ImageId,
        /// Bytes from the start of the file up to the end of the furthest block served; 0 when it never asked for any.
        reached: u32,
    },
    /// A client that got the last byte has not told how its download ended. It may have upgraded all the same.
    NeverEnded {
        /// Who.
        client: Address,
        /// Which image.
        id: ImageId,
    },
    /// A frame to a client did not arrive.
    Undelivered {
        /// To whom.
        client: Address,
        /// From now on blocks have so many bytes at the most, where that is new.
        #[cfg_attr(feature = "serde", serde(rename = "carries"))]
        max_block_size: Option<NonZeroU8>,
    },
    /// A block request was answered by ABORT, or by NO_IMAGE_AVAILABLE as there is no such image (any more).
    NotServed {
        /// Who asked.
        client: Address,
        /// For which image.
        id: ImageId,
        /// The answer.
        status: Status,
    },
    /// A client told how its download ended (section 6.10.9). With SUCCESS it asks when to upgrade, and does so
    /// again each hour while it is held.
    Ended {
        /// Who.
        client: Address,
        /// Which image.
        id: ImageId,
        /// SUCCESS, INVALID_IMAGE, REQUIRE_MORE_IMAGE, ABORT, or what else the client sent.
        status: Status,
    },
    /// A client was told when to upgrade (section 6.10.10).
    #[cfg_attr(feature = "serde", serde(rename = "ordered"))]
    UpgradeScheduled {
        /// Who.
        client: Address,
        /// To which image.
        id: ImageId,
        /// When.
        time: ServerTime,
    },
    /// A client that sleeps was told to wait for an order, which it may miss (section 6.8.4).
    #[cfg_attr(feature = "serde", serde(rename = "held_asleep"))]
    SleepyClientHeld {
        /// Who.
        client: Address,
        /// With which image.
        id: ImageId,
    },
    /// A client answered [`Server::read_status`](super::Server::read_status).
    #[cfg_attr(feature = "serde", serde(rename = "report"))]
    StatusReport {
        /// Who.
        client: Address,
        /// What it told.
        report: ClientStatus,
    },
    /// A client answered a frame of the server by a Default Response.
    DefaultResponse {
        /// Who.
        client: Address,
        /// The command it answers.
        command: CommandId,
        /// What became of it.
        status: Status,
    },
    /// A request was answered by MALFORMED_COMMAND.
    Malformed {
        /// Who sent it.
        client: Address,
        /// What is wrong with it.
        fault: RequestFault,
    },
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RequestFault {
    /// Its bytes.
    #[error(transparent)]
    #[cfg_attr(feature = "serde", serde(rename = "bytes"))]
    Undecodable(#[from] DecodeError),
    /// A value that the command may not have.
    #[error(transparent)]
    #[cfg_attr(feature = "serde", serde(rename = "rule"))]
    Violation(#[from] Violation),
    /// It asks for bytes at or beyond the end of the image.
    #[error("offset {offset} of image {id}, which has {size} bytes")]
    #[cfg_attr(feature = "serde", serde(rename = "offset"))]
    OffsetBeyondEnd {
        /// Which image.
        id: ImageId,
        /// First byte asked for.
        offset: u32,
        /// Bytes of the image.
        size: u32,
    },
}
