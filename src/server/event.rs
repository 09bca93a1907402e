//! What a server tells its caller besides frames.

use crate::error::DecodeError;
use crate::link::Address;
use crate::types::ImageId;
use crate::zcl::{CommandId, ImageOffer, QueryNextImageRequest, Refusal, Status, Violation};

/// Something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A client asked for an image.
    Queried {
        /// Who.
        client: Address,
        /// What it runs.
        request: QueryNextImageRequest,
        /// What it was answered; an offer is the permission to upgrade (section 6.10.5.3).
        answer: Result<ImageOffer, Refusal>,
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
        fault: Fault,
    },
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Its bytes.
    #[error(transparent)]
    Bytes(#[from] DecodeError),
    /// A value that the command may not have.
    #[error(transparent)]
    Rule(#[from] Violation),
    /// It asks for bytes at or beyond the end of the image.
    #[error("offset {offset} of image {id}, which has {size} bytes")]
    Offset {
        /// Which image.
        id: ImageId,
        /// First byte asked for.
        offset: u32,
        /// Bytes of the image.
        size: u32,
    },
}
