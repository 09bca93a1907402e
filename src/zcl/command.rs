//! Which command a frame holds: the two directions as two types, so that a client cannot be handed a request.

use crate::codec::{Emit, Parsed, Sink, locate};
use crate::error::{DecodeError, Item};
use crate::types::{ManufacturerCode, open_enum};

use super::frame::{HEADER_LEN, Kind};
use super::quirks::Leniency;
use super::{
    DefaultResponse, FrameControl, Header, ImageBlockRequest, ImageBlockResponse, ImageNotify,
    QueryNextImageRequest, QueryNextImageResponse, UpgradeEndRequest, UpgradeEndResponse,
};

open_enum! {
    /// Command id within the cluster (table 19).
    CommandId(u8) {
        /// To client, optional.
        IMAGE_NOTIFY = 0x00 => "Image Notify",
        /// To server, mandatory.
        QUERY_NEXT_IMAGE_REQUEST = 0x01 => "Query Next Image Request",
        /// To client, mandatory.
        QUERY_NEXT_IMAGE_RESPONSE = 0x02 => "Query Next Image Response",
        /// To server, mandatory.
        IMAGE_BLOCK_REQUEST = 0x03 => "Image Block Request",
        /// To server, optional.
        IMAGE_PAGE_REQUEST = 0x04 => "Image Page Request",
        /// To client, mandatory.
        IMAGE_BLOCK_RESPONSE = 0x05 => "Image Block Response",
        /// To server, mandatory.
        UPGRADE_END_REQUEST = 0x06 => "Upgrade End Request",
        /// To client, mandatory.
        UPGRADE_END_RESPONSE = 0x07 => "Upgrade End Response",
        /// To server, optional.
        QUERY_SPECIFIC_FILE_REQUEST = 0x08 => "Query Specific File Request",
        /// To client, optional.
        QUERY_SPECIFIC_FILE_RESPONSE = 0x09 => "Query Specific File Response",
    }
}

/// Who a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum Direction {
    /// Bit 3 of the frame control clear.
    ToServer,
    /// Bit 3 of the frame control set.
    ToClient,
}

/// What clients send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum ToServer {
    /// 0x01
    QueryNextImage(QueryNextImageRequest),
    /// 0x03
    ImageBlock(ImageBlockRequest),
    /// 0x06
    UpgradeEnd(UpgradeEndRequest),
}

/// What servers send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum ToClient<'a> {
    /// 0x00
    ImageNotify(ImageNotify),
    /// 0x02
    QueryNextImage(QueryNextImageResponse),
    /// 0x05
    ImageBlock(ImageBlockResponse<'a>),
    /// 0x07
    UpgradeEnd(UpgradeEndResponse),
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message<'a> {
    /// A command of the cluster from a client.
    ToServer(ToServer),
    /// A command of the cluster from a server.
    ToClient(ToClient<'a>),
    /// A ZCL Default Response.
    DefaultResponse(Direction, DefaultResponse),
    /// Anything else.
    Other(Other<'a>),
}

/// A frame that is no command of this cluster which this crate reads: a command id nobody has assigned (or for the
/// other direction), a manufacturer specific command, another global command. Only decoding makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Other<'a> {
    header: Header,
    payload: &'a [u8],
}

impl<'a> Other<'a> {
    /// The frame's header, with the command id.
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// What the header says in its frame control, but for the manufacturer code: that is there or not.
    const fn control(&self) -> FrameControl {
        let kept = self.header.control.intersection(FrameControl::OF_MESSAGE);
        match self.header.manufacturer {
            Some(_) => kept.union(FrameControl::MANUFACTURER_SPECIFIC),
            None => kept.difference(FrameControl::MANUFACTURER_SPECIFIC),
        }
    }

    /// The bytes after the ZCL header.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

impl ToServer {
    /// The command this is.
    #[must_use]
    pub const fn command(&self) -> CommandId {
        match self {
            Self::QueryNextImage(_) => CommandId::QUERY_NEXT_IMAGE_REQUEST,
            Self::ImageBlock(_) => CommandId::IMAGE_BLOCK_REQUEST,
            Self::UpgradeEnd(_) => CommandId::UPGRADE_END_REQUEST,
        }
    }
}

impl ToClient<'_> {
    /// The command this is.
    #[must_use]
    pub const fn command(&self) -> CommandId {
        match self {
            Self::ImageNotify(_) => CommandId::IMAGE_NOTIFY,
            Self::QueryNextImage(_) => CommandId::QUERY_NEXT_IMAGE_RESPONSE,
            Self::ImageBlock(_) => CommandId::IMAGE_BLOCK_RESPONSE,
            Self::UpgradeEnd(_) => CommandId::UPGRADE_END_RESPONSE,
        }
    }
}

impl<'a> Message<'a> {
    /// Reads the payload that `header` announces.
    pub(super) fn read(
        header: &Header,
        payload: &'a [u8],
        leniency: &mut Leniency<'a>,
    ) -> Result<Self, DecodeError> {
        use {CommandId as Id, Direction as To, ToClient as Down, ToServer as Up};

        let at = Place(payload);
        let direction = header.direction();
        match (header.kind(), direction, CommandId(header.command)) {
            (Kind::Cluster, To::ToServer, Id::QUERY_NEXT_IMAGE_REQUEST) => at
                .read(Item::QueryNextImageRequest, QueryNextImageRequest::parse(payload, leniency))
                .map(|message| Self::ToServer(Up::QueryNextImage(message))),
            (Kind::Cluster, To::ToServer, Id::IMAGE_BLOCK_REQUEST) => at
                .read(Item::ImageBlockRequest, ImageBlockRequest::parse(payload, leniency))
                .map(|message| Self::ToServer(Up::ImageBlock(message))),
            (Kind::Cluster, To::ToServer, Id::UPGRADE_END_REQUEST) => at
                .read(Item::UpgradeEndRequest, UpgradeEndRequest::parse(payload, leniency))
                .map(|message| Self::ToServer(Up::UpgradeEnd(message))),
            (Kind::Cluster, To::ToClient, Id::IMAGE_NOTIFY) => at
                .read(Item::ImageNotify, ImageNotify::parse(payload))
                .map(|message| Self::ToClient(Down::ImageNotify(message))),
            (Kind::Cluster, To::ToClient, Id::QUERY_NEXT_IMAGE_RESPONSE) => at
                .read(Item::QueryNextImageResponse, QueryNextImageResponse::parse(payload, leniency))
                .map(|message| Self::ToClient(Down::QueryNextImage(message))),
            (Kind::Cluster, To::ToClient, Id::IMAGE_BLOCK_RESPONSE) => at
                .read(Item::ImageBlockResponse, ImageBlockResponse::parse(payload, leniency))
                .map(|message| Self::ToClient(Down::ImageBlock(message))),
            (Kind::Cluster, To::ToClient, Id::UPGRADE_END_RESPONSE) => at
                .read(Item::UpgradeEndResponse, UpgradeEndResponse::parse(payload, leniency))
                .map(|message| Self::ToClient(Down::UpgradeEnd(message))),
            (Kind::DefaultResponse, ..) => at
                .read(Item::DefaultResponse, DefaultResponse::parse(payload, leniency))
                .map(|message| Self::DefaultResponse(direction, message)),
            _ => Ok(Self::Other(Other { header: *header, payload })),
        }
    }

    /// Bits of the frame control that the message decides: type, manufacturer, direction.
    pub(super) const fn control(&self) -> FrameControl {
        let (frame_type, direction) = match self {
            Self::ToServer(_) => (FrameControl::CLUSTER, Direction::ToServer),
            Self::ToClient(_) => (FrameControl::CLUSTER, Direction::ToClient),
            Self::DefaultResponse(direction, _) => (FrameControl::empty(), *direction),
            Self::Other(other) => return other.control(),
        };
        match direction {
            Direction::ToServer => frame_type,
            Direction::ToClient => frame_type.union(FrameControl::TO_CLIENT),
        }
    }

    pub(super) fn command(&self) -> u8 {
        match self {
            Self::ToServer(message) => message.command().0,
            Self::ToClient(message) => message.command().0,
            Self::DefaultResponse(..) => DefaultResponse::COMMAND,
            Self::Other(other) => other.header.command,
        }
    }

    pub(super) const fn manufacturer(&self) -> Option<ManufacturerCode> {
        match self {
            Self::Other(other) => other.header.manufacturer,
            _ => None,
        }
    }
}

/// The payload of a frame without a manufacturer code, for errors: others are not read.
struct Place<'a>(&'a [u8]);

impl<'a> Place<'a> {
    fn read<T>(&self, item: Item, parsed: Parsed<'a, T>) -> Result<T, DecodeError> {
        locate(item, HEADER_LEN, self.0, parsed).map(|(message, _)| message)
    }
}

impl Emit for Message<'_> {
    fn len(&self) -> usize {
        match self {
            Self::ToServer(ToServer::QueryNextImage(message)) => message.len(),
            Self::ToServer(ToServer::ImageBlock(message)) => message.len(),
            Self::ToServer(ToServer::UpgradeEnd(message)) => message.len(),
            Self::ToClient(ToClient::ImageNotify(message)) => message.len(),
            Self::ToClient(ToClient::QueryNextImage(message)) => message.len(),
            Self::ToClient(ToClient::ImageBlock(message)) => message.len(),
            Self::ToClient(ToClient::UpgradeEnd(message)) => message.len(),
            Self::DefaultResponse(_, message) => message.len(),
            Self::Other(other) => other.payload.len(),
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match self {
            Self::ToServer(ToServer::QueryNextImage(message)) => message.emit(out),
            Self::ToServer(ToServer::ImageBlock(message)) => message.emit(out),
            Self::ToServer(ToServer::UpgradeEnd(message)) => message.emit(out),
            Self::ToClient(ToClient::ImageNotify(message)) => message.emit(out),
            Self::ToClient(ToClient::QueryNextImage(message)) => message.emit(out),
            Self::ToClient(ToClient::ImageBlock(message)) => message.emit(out),
            Self::ToClient(ToClient::UpgradeEnd(message)) => message.emit(out),
            Self::DefaultResponse(_, message) => message.emit(out),
            Self::Other(other) => out.bytes(other.payload),
        }
    }
}
