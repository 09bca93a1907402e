//! Observation of one overheard frame: the meaning of the frame for a download, and the request that the frame answers.
//!
//! ```text
//! Observation { client, server, sequence, meaning, answers }     answers: the request, if it was overheard
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::aps::Address;
use crate::types::ImageId;
use crate::zcl::{
    BlockData, DefaultResponse, ImageBlockRequest, ImageBlockResponse, ImageNotify, ImageOffer,
    ImagePageRequest, Message, QueryNextImageRequest, QueryResponse, QuerySpecificFileRequest, Refusal,
    Status, ToClient, ToServer, UpgradeEndRequest, UpgradeEndResponse, WaitForData,
};

/// Meaning of one overheard frame, with the client, the server and the answered request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Observation<'a> {
    /// Client whose download the frame concerns. For a frame to several clients, the field `client` holds the group or
    /// broadcast address.
    pub client: Address,
    /// Server of the download.
    pub server: Address,
    /// Sequence number of the frame.
    pub sequence: u8,
    /// Meaning of the frame for a download.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub meaning: Meaning<'a>,
    /// Request that the frame answers. `None` for a request, for an unsolicited frame, and for a response whose request
    /// was not overheard.
    pub answers: Option<ToServer>,
}

/// Meaning of a frame for a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Meaning<'a> {
    /// The server sends an Image Notify, which announces an image (section 6.10.3).
    ImageNotify(ImageNotify),
    /// The client names its running image and queries the next image (section 6.10.4).
    Query(QueryNextImageRequest),
    /// The client queries a device-specific file (section 6.10.11).
    SpecificFileQuery(QuerySpecificFileRequest),
    /// The server offers an image and names the size of the image, in response to a Query Next Image or a Query
    /// Specific File Request.
    Offer(ImageOffer),
    /// The server offers no image, in response to a Query Next Image or a Query Specific File Request.
    NoOffer(Refusal),
    /// The client requests a block of a file (section 6.10.6).
    BlockRequest(ImageBlockRequest),
    /// The client requests a page of a file (section 6.10.7).
    PageRequest(ImagePageRequest),
    /// The server sends a block of a file, in answer to a request or unsolicited (section 6.10.8).
    Block(#[cfg_attr(feature = "serde", serde(borrow))] BlockData<'a>),
    /// The server answers a request for blocks with WAIT_FOR_DATA: the client must wait before it requests the block
    /// again.
    Wait(WaitForData),
    /// The server answers a request for blocks with ABORT, which ends the download.
    Abort,
    /// The server answers a block request with another status than SUCCESS, WAIT_FOR_DATA and ABORT.
    BlockRefused(Status),
    /// The client reports the end of a download (section 6.10.9).
    UpgradeEndRequest(UpgradeEndRequest),
    /// The server sets the upgrade time by an Upgrade End Response, in answer to a request or unsolicited (section
    /// 6.10.10).
    UpgradeEndResponse(UpgradeEndResponse),
    /// The client or the server reports the status of a received frame by a Default Response. A server sends a Default
    /// Response for an unsupported command, and for an Upgrade End Request that reports a failed download.
    DefaultResponse(DefaultResponse),
    /// The frame does not concern a download. The frame carries a command for attributes, or no command of the OTA
    /// Upgrade cluster.
    Other,
}

impl<'a> Meaning<'a> {
    pub(super) const fn of(message: &Message<'a>) -> Self {
        match *message {
            Message::ToServer(ToServer::QueryNextImage(query)) => Self::Query(query),
            Message::ToServer(ToServer::QuerySpecificFile(query)) => Self::SpecificFileQuery(query),
            Message::ToServer(ToServer::ImageBlock(request)) => Self::BlockRequest(request),
            Message::ToServer(ToServer::ImagePage(request)) => Self::PageRequest(request),
            Message::ToServer(ToServer::UpgradeEnd(end)) => Self::UpgradeEndRequest(end),
            Message::ToClient(ToClient::ImageNotify(notify)) => Self::ImageNotify(notify),
            Message::ToClient(
                ToClient::QueryNextImage(QueryResponse::Offer(offer))
                | ToClient::QuerySpecificFile(QueryResponse::Offer(offer)),
            ) => Self::Offer(offer),
            Message::ToClient(
                ToClient::QueryNextImage(QueryResponse::Refused(refusal))
                | ToClient::QuerySpecificFile(QueryResponse::Refused(refusal)),
            ) => Self::NoOffer(refusal),
            Message::ToClient(ToClient::ImageBlock(block)) => match block {
                ImageBlockResponse::Data(data) => Self::Block(data),
                ImageBlockResponse::Wait(wait) => Self::Wait(wait),
                ImageBlockResponse::Abort => Self::Abort,
                ImageBlockResponse::Refused(refusal) => Self::BlockRefused(refusal.status()),
            },
            Message::ToClient(ToClient::UpgradeEnd(response)) => Self::UpgradeEndResponse(response),
            Message::DefaultResponse(_, response) => Self::DefaultResponse(response),
            Message::Attributes(..) | Message::Other(_) => Self::Other,
        }
    }

    /// Returns the request in the frame, or `None` if the frame is no request.
    pub(super) const fn request(&self) -> Option<ToServer> {
        match *self {
            Self::Query(query) => Some(ToServer::QueryNextImage(query)),
            Self::SpecificFileQuery(query) => Some(ToServer::QuerySpecificFile(query)),
            Self::BlockRequest(request) => Some(ToServer::ImageBlock(request)),
            Self::PageRequest(request) => Some(ToServer::ImagePage(request)),
            Self::UpgradeEndRequest(end) => Some(ToServer::UpgradeEnd(end)),
            Self::ImageNotify(_)
            | Self::Offer(_)
            | Self::NoOffer(_)
            | Self::Block(_)
            | Self::Wait(_)
            | Self::Abort
            | Self::BlockRefused(_)
            | Self::UpgradeEndResponse(_)
            | Self::DefaultResponse(_)
            | Self::Other => None,
        }
    }
}

impl Observation<'_> {
    /// Returns the image that the frame concerns. If the frame names no image, returns the image named by the request
    /// that the frame answers. A query, and a response that offers no image, concern the running image of the client.
    ///
    /// Returns `None` if neither the frame nor the answered request names an image. Returns `None` also for an
    /// unsolicited Upgrade End Response, which may concern several images.
    #[must_use]
    pub const fn image(&self) -> Option<ImageId> {
        match (&self.meaning, &self.answers) {
            (Meaning::Offer(offer), _) => Some(offer.id),
            (Meaning::Block(block), _) => Some(block.id),
            (Meaning::Query(query), _) | (_, Some(ToServer::QueryNextImage(query))) => Some(query.current),
            (Meaning::SpecificFileQuery(query), _) | (_, Some(ToServer::QuerySpecificFile(query))) => {
                Some(query.id)
            }
            (Meaning::BlockRequest(request), _) | (_, Some(ToServer::ImageBlock(request))) => {
                Some(request.id)
            }
            (Meaning::PageRequest(request), _) | (_, Some(ToServer::ImagePage(request))) => Some(request.id),
            (Meaning::UpgradeEndRequest(end), _) | (_, Some(ToServer::UpgradeEnd(end))) => Some(end.id),
            _ => None,
        }
    }
}
