//! What a frame means, as a value.
//!
//! ```text
//! Observation { client, server, sequence, means, answers }     answers: the request, where that was heard
//! ```

use crate::aps::Address;
use crate::types::ImageId;
use crate::zcl::{
    BlockData, DefaultResponse, ImageBlockRequest, ImageBlockResponse, ImageNotify, ImageOffer,
    ImagePageRequest, Message, QueryNextImageRequest, QueryNextImageResponse, QuerySpecificFileRequest,
    QuerySpecificFileResponse, Refusal, Status, ToClient, ToServer, UpgradeEndRequest, UpgradeEndResponse,
    WaitForData,
};

/// One frame, and what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Observation<'a> {
    /// Whose download it is about. Of a frame to many, the address they share.
    pub client: Address,
    /// The other side.
    pub server: Address,
    /// Sequence number of the frame.
    pub sequence: u8,
    /// What it says.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub means: Meaning<'a>,
    /// The request that it answers, where that was heard. `None` of requests, and of what came unasked.
    pub answers: Option<ToServer>,
}

/// What a frame means for a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Meaning<'a> {
    /// The server tells that there may be an image (section 6.10.3).
    Notify(ImageNotify),
    /// The client tells what it runs and asks for another image (section 6.10.4).
    Query(QueryNextImageRequest),
    /// The client asks for a file made for it alone (section 6.10.11).
    FileQuery(QuerySpecificFileRequest),
    /// The server offers a file, and tells its size.
    Offer(ImageOffer),
    /// The server has none to offer.
    NoOffer(Refusal),
    /// The client asks for a piece of a file (section 6.10.6).
    BlockRequest(ImageBlockRequest),
    /// The client asks for a page of a file (section 6.10.7).
    PageRequest(ImagePageRequest),
    /// A piece of a file, asked for or not (section 6.10.8).
    Block(#[cfg_attr(feature = "serde", serde(borrow))] BlockData<'a>),
    /// The server has the client wait.
    Wait(WaitForData),
    /// The server ends the download.
    Abort,
    /// The server answers a request for data by a status that is none of the command's.
    Failed(Status),
    /// The client ends the download, and says how (section 6.10.9).
    End(UpgradeEndRequest),
    /// The server tells when to upgrade, as an answer or of its own (section 6.10.10).
    Order(UpgradeEndResponse),
    /// One side tells what became of a frame of the other. A server answers by it what it does not support, and the end
    /// of a download that failed.
    DefaultResponse(DefaultResponse),
    /// Nothing about a download: attributes, and what is no command of the cluster.
    Other,
}

impl<'a> Meaning<'a> {
    pub(super) const fn of(message: &Message<'a>) -> Self {
        match *message {
            Message::ToServer(ToServer::QueryNextImage(query)) => Self::Query(query),
            Message::ToServer(ToServer::QuerySpecificFile(query)) => Self::FileQuery(query),
            Message::ToServer(ToServer::ImageBlock(request)) => Self::BlockRequest(request),
            Message::ToServer(ToServer::ImagePage(request)) => Self::PageRequest(request),
            Message::ToServer(ToServer::UpgradeEnd(end)) => Self::End(end),
            Message::ToClient(ToClient::ImageNotify(notify)) => Self::Notify(notify),
            Message::ToClient(
                ToClient::QueryNextImage(QueryNextImageResponse::Offer(offer))
                | ToClient::QuerySpecificFile(QuerySpecificFileResponse::Offer(offer)),
            ) => Self::Offer(offer),
            Message::ToClient(
                ToClient::QueryNextImage(QueryNextImageResponse::Refused(refusal))
                | ToClient::QuerySpecificFile(QuerySpecificFileResponse::Refused(refusal)),
            ) => Self::NoOffer(refusal),
            Message::ToClient(ToClient::ImageBlock(block)) => match block {
                ImageBlockResponse::Data(data) => Self::Block(data),
                ImageBlockResponse::Wait(wait) => Self::Wait(wait),
                ImageBlockResponse::Abort => Self::Abort,
                ImageBlockResponse::Refused(refusal) => Self::Failed(refusal.status()),
            },
            Message::ToClient(ToClient::UpgradeEnd(order)) => Self::Order(order),
            Message::DefaultResponse(_, response) => Self::DefaultResponse(response),
            Message::Attributes(..) | Message::Other(_) => Self::Other,
        }
    }

    /// The request that it is, if it is one.
    pub(super) const fn request(&self) -> Option<ToServer> {
        match *self {
            Self::Query(query) => Some(ToServer::QueryNextImage(query)),
            Self::FileQuery(query) => Some(ToServer::QuerySpecificFile(query)),
            Self::BlockRequest(request) => Some(ToServer::ImageBlock(request)),
            Self::PageRequest(request) => Some(ToServer::ImagePage(request)),
            Self::End(end) => Some(ToServer::UpgradeEnd(end)),
            _ => None,
        }
    }
}

impl Observation<'_> {
    /// The file it is about: as the frame itself says, else as the request says that it answers. Of a query, and of
    /// its refusal, that is the image which the client runs. `None` where neither says, and for orders, which may
    /// be about many.
    #[must_use]
    pub const fn image(&self) -> Option<ImageId> {
        match (&self.means, &self.answers) {
            (Meaning::Offer(offer), _) => Some(offer.id),
            (Meaning::Block(block), _) => Some(block.id),
            (Meaning::Query(query), _) | (_, Some(ToServer::QueryNextImage(query))) => Some(query.current),
            (Meaning::FileQuery(query), _) | (_, Some(ToServer::QuerySpecificFile(query))) => Some(query.id),
            (Meaning::BlockRequest(request), _) | (_, Some(ToServer::ImageBlock(request))) => {
                Some(request.id)
            }
            (Meaning::PageRequest(request), _) | (_, Some(ToServer::ImagePage(request))) => Some(request.id),
            (Meaning::End(end), _) | (_, Some(ToServer::UpgradeEnd(end))) => Some(end.id),
            _ => None,
        }
    }
}
